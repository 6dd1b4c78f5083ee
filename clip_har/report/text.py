"""The question of a report and its answer in a few sentences, made from its numbers."""

import math

import pandas as pd

from clip_har.report.numbers import count, points, share

_ALPHA = 0.05
_SETTINGS = 3  # largest number of settings that get their own sentences


def question(rows: pd.DataFrame, scene: pd.DataFrame) -> str:
    """Return the question that these cells can answer.

    Args:
        rows: see `clip_har.sweeps.table.cell_rows`.
        scene: measures over several cells, columns ``measure, of, value, low, high``.
    """
    if scene["measure"].isin(["scene/background_only", "scene/swap_error"]).any():
        return "Does the model recognise the human action, or the room?"
    if rows["top1_change"].notna().any():
        return "How much accuracy does the model lose when parts of the picture change?"
    return "How well does the model recognise the human action?"


def answer(rows: pd.DataFrame, scene: pd.DataFrame, *, classes: int) -> list[str]:
    """Return the conclusions from the cells, the most important first.

    Cells that use the true label are left out.

    Args:
        rows: see `clip_har.sweeps.table.cell_rows`.
        scene: measures over several cells, columns ``measure, of, value, low, high``.
        classes: their number.
    """
    label_free = rows[~rows["leaks"]]
    found = _scene(scene, chance=1 / classes)  # first: it answers the question of this package
    compared = label_free[label_free["top1_change"].notna()]
    if len(compared):
        clean = compared["top1_clean"]
        found.append(
            f"The model classifies {share(clean.iloc[0])} % of the unchanged clips correctly"
            + f" ({share(clean.min())} to {share(clean.max())} % over settings)" * _several(clean)
            + f"; chance is {share(1 / classes)} %."
        )
        found.append(_worst(compared))
        found.append(_significance(compared))
    elif len(label_free):
        best = label_free.sort_values("top1").iloc[-1]
        found.append(
            f"{share(best['top1'])} % of {count(best['clips'])} clips are classified correctly"
            f" ({share(best['top1_low'])} to {share(best['top1_high'])} %); chance is"
            f" {share(1 / classes)} %."
        )
    if not len(label_free):
        found.append("Every cell uses the true label: there is no result to report.")
    return [sentence for sentence in found if sentence]


def _worst(compared: pd.DataFrame) -> str:
    ordered = compared.sort_values("top1_change")
    worst, best = ordered.iloc[0], ordered.iloc[-1]
    if worst["top1_change"] >= 0:
        if best["top1_change"] <= 0:
            return "No cell changes accuracy."
        return f"No cell lowers accuracy; {best['cell']} raises it most: {_change(best)}."
    left = worst["top1_clean"] + worst["top1_change"]  # over the clips of both cells
    text = f"{worst['cell']} lowers accuracy most: {_change(worst)}, to {share(left)} %"
    if len(compared) > 1:
        least = "raises it" if best["top1_change"] > 0 else "lowers it least"
        text += f"; {best['cell']} {least}: {_change(best)}"
    return text + "."


def _change(row: pd.Series) -> str:
    text = f"{points(row['top1_change'])} points"
    if pd.notna(row["top1_change_low"]):
        low, high = points(row["top1_change_low"]), points(row["top1_change_high"])
        text += f" (95 % interval {low} to {high})"
    return text


def _significance(compared: pd.DataFrame) -> str:
    by_test = compared["mcnemar_p_holm"] < _ALPHA
    total = len(compared)
    test = "the exact McNemar test (5 %, Holm's correction)"
    if compared["top1_change_low"].isna().all():
        return (
            f"{int(by_test.sum())} of the {total} changed cells differ from the unchanged clips by"
            f" {test}; an interval needs at least two groups."
        )
    by_interval = (compared["top1_change_low"] > 0) | (compared["top1_change_high"] < 0)
    certain, undecided = int((by_test & by_interval).sum()), int((by_test ^ by_interval).sum())
    if total == 1:
        verdict = "differs" if certain else "does not clearly differ"
        text = f"The changed cell {verdict} from the unchanged clips"
        if undecided:
            text += f": {test} and the interval over groups disagree"
        return text + "."
    which = "All" if certain == total else f"{certain or 'None'} of the"
    text = (
        f"{which} {total} changed cells differ from the unchanged clips by both {test} and the"
        " interval over groups"
    )
    if undecided:
        cells = "1 cell is" if undecided == 1 else f"{undecided} cells are"
        text += f"; {cells} significant by one of the two criteria only"
    if rest := total - certain - undecided:
        verb = "does" if rest == 1 else "do"
        text += f"; {rest} {verb} not, which does not prove that there is no effect"
    return text + "."


def _scene(scene: pd.DataFrame, *, chance: float) -> list[str]:
    known = scene[scene["measure"].str.startswith("scene/")] if len(scene) else scene
    settings = [of for of in dict.fromkeys(known["of"]) if "uses the true label" not in of]
    found = []
    for of in settings[:_SETTINGS]:
        here = known[known["of"] == of]
        measures = {row["measure"]: row for row in here.to_dict("records")}
        before = f"{of}: " if of else ""
        silhouette = "silhouette" in of
        sentences = _scene_sentences(measures, chance=chance, silhouette=silhouette)
        found += [before + sentence for sentence in sentences]
    if found and len(settings) > _SETTINGS:
        found.append(f"{len(settings) - _SETTINGS} more settings are in the table below.")
    return found


def _scene_sentences(
    measures: dict[str, dict[str, float]], *, chance: float, silhouette: bool
) -> list[str]:
    found = []
    if {"scene/background_only", "scene/clean"} <= measures.keys():
        hidden = measures["scene/background_only"]
        if not hidden["low"] > chance:
            verdict = f"this is not clearly above chance ({share(chance)} %)"
        elif silhouette:
            verdict = "the background together with the subject's outline is enough"
        else:
            verdict = "the background alone is enough"
        found.append(
            f"With the subject hidden, {_interval(hidden)} of the clips are classified correctly;"
            f" of the whole clips, {_interval(measures['scene/clean'])}: {verdict}."
        )
    if {"scene/swap_accuracy", "scene/swap_error"} <= measures.keys():
        found.append(
            "When the subject is shown in front of the background of another class, the model"
            f" predicts the subject's action in {_interval(measures['scene/swap_accuracy'])} of the"
            f" clips and the background's in {_interval(measures['scene/swap_error'])}."
        )
    return found


def _interval(row: dict[str, float]) -> str:
    if math.isnan(row["low"]):
        return f"{share(row['value'])} %"
    return f"{share(row['value'])} % ({share(row['low'])} to {share(row['high'])})"


def _several(values: pd.Series) -> bool:
    return bool(values.max() - values.min() > 5e-4)
