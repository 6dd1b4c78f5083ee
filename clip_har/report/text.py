"""The question of a report and its answer in a few sentences, from its numbers alone."""

import math

import pandas as pd

from clip_har.report.numbers import count, points, share

_ALPHA = 0.05
_SETTINGS = 3  # of which each gets its own sentences


def question(rows: pd.DataFrame, scene: pd.DataFrame) -> str:
    """Return the question that these cells can answer.

    Args:
        rows: see `clip_har.sweeps.table.cell_rows`.
        scene: measures over several cells, columns ``measure, of, value, low, high``.
    """
    if scene["measure"].isin(["scene/background_only", "scene/swap_error"]).any():
        return "Does the model recognise the human action, or the room?"
    if rows["top1_change"].notna().any():
        return "What does it cost the model when parts of the picture change?"
    return "How well does the model recognise the human action?"


def answer(rows: pd.DataFrame, scene: pd.DataFrame, *, classes: int) -> list[str]:
    """Return what the cells say, the most important first.

    Cells that use the true label are left out: they answer another question.

    Args:
        rows: see `clip_har.sweeps.table.cell_rows`.
        scene: measures over several cells, columns ``measure, of, value, low, high``.
        classes: their number.
    """
    honest = rows[~rows["leaks"]]
    found = _scene(
        scene, chance=1 / classes
    )  # the question itself, where cells were shown that answer it
    compared = honest[honest["top1_change"].notna()]
    if len(compared):
        clean = compared["top1_clean"]
        found.append(
            f"Of the unchanged clips {share(clean.iloc[0])} % are classified correctly"
            + f" ({share(clean.min())} to {share(clean.max())} % over settings)" * _several(clean)
            + f"; chance is {share(1 / classes)} %."
        )
        found.append(_worst(compared))
        found.append(_significance(compared))
    elif len(honest):
        best = honest.sort_values("top1").iloc[-1]
        found.append(
            f"{share(best['top1'])} % of {count(best['clips'])} clips are classified correctly"
            f" ({share(best['top1_low'])} to {share(best['top1_high'])} %); chance is"
            f" {share(1 / classes)} %."
        )
    if not len(honest):
        found.append("Every cell uses the true label: there is no result to report.")
    return [sentence for sentence in found if sentence]


def _worst(compared: pd.DataFrame) -> str:
    ordered = compared.sort_values("top1_change")
    worst, best = ordered.iloc[0], ordered.iloc[-1]
    if worst["top1_change"] >= 0:
        if best["top1_change"] <= 0:
            return "No cell changes accuracy."
        return f"No cell lowers accuracy; {best['cell']} raises it most: {_change(best)}."
    left = worst["top1_clean"] + worst["top1_change"]  # of the clips that both show
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
            f"By {test} {int(by_test.sum())} of the {total} changed cells differ from the same"
            " clips unchanged; an interval needs two groups or more."
        )
    by_interval = (compared["top1_change_low"] > 0) | (compared["top1_change_high"] < 0)
    certain, undecided = int((by_test & by_interval).sum()), int((by_test ^ by_interval).sum())
    if total == 1:
        verdict = "differs" if certain else "does not clearly differ"
        text = f"The changed cell {verdict} from the same clips unchanged"
        if undecided:
            text += f": only one of {test} and the interval over groups says so"
        return text + "."
    which = "All" if certain == total else f"{certain or 'None'} of the"
    text = (
        f"{which} {total} changed cells differ from the same clips unchanged by both {test} and the"
        " interval over groups"
    )
    if undecided:
        cells = "1 cell is" if undecided == 1 else f"{undecided} cells are"
        text += f"; {cells} significant by one of the two criteria only"
    if rest := total - certain - undecided:
        text += f"; {rest} {'does' if rest == 1 else 'do'} not, which does not prove no effect"
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
            verdict = f"that is not clearly more than chance, {share(chance)} %"
        elif silhouette:
            verdict = "the background and the subject's outline together are enough for that"
        else:
            verdict = "the background alone is enough for that"
        found.append(
            f"With the subject hidden {_interval(hidden)} of the clips are classified correctly, of"
            f" whole clips {_interval(measures['scene/clean'])}: {verdict}."
        )
    if {"scene/swap_accuracy", "scene/swap_error"} <= measures.keys():
        found.append(
            "When the subject is put before the background of another class, the model names the"
            f" subject's action in {_interval(measures['scene/swap_accuracy'])} of the clips and"
            f" the background's in {_interval(measures['scene/swap_error'])}."
        )
    return found


def _interval(row: dict[str, float]) -> str:
    if math.isnan(row["low"]):
        return f"{share(row['value'])} %"
    return f"{share(row['value'])} % ({share(row['low'])} to {share(row['high'])})"


def _several(values: pd.Series) -> bool:
    return bool(values.max() - values.min() > 5e-4)
