"""The question of a report and its answer in a few sentences, made from its numbers."""

import math

import pandas as pd

from clip_har.metrics.intervals import FEWEST_GROUPS
from clip_har.report.numbers import UNKNOWN, count, interval, points, share

_TEST = "sign-flip test over groups and interval, 5 %, Holm's correction"
_FEW_GROUPS = 30
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
        found.append(_verdicts(compared))
    elif len(label_free):
        best = label_free.sort_values("top1").iloc[-1]
        known = interval(best["top1_low"], best["top1_high"])
        found.append(
            f"{share(best['top1'])} % of {count(best['clips'])} clips are classified correctly"
            + f" ({known} %)" * (known != UNKNOWN)
            + f"; chance is {share(1 / classes)} %."
        )
    if not len(label_free):
        found.append("Every cell uses the true label: there is no result to report.")
    return [sentence for sentence in found if sentence]


def _worst(compared: pd.DataFrame) -> str:
    ordered = compared.sort_values("top1_change")
    worst, best = ordered.iloc[0], ordered.iloc[-1]
    if worst["top1_change"] >= 0:
        if best["top1_change"] <= 0:
            return "No cell has another accuracy on these clips."
        return (
            "No cell has a lower accuracy on these clips; the largest gain is that of"
            f" {best['cell']}: {_change(best)}."
        )
    left = worst["top1_clean"] + worst["top1_change"]  # over the clips of both cells
    text = f"The largest loss is that of {worst['cell']}: {_change(worst)}, to {share(left)} %"
    if len(compared) > 1:
        least = "the largest gain" if best["top1_change"] > 0 else "the smallest loss"
        text += f"; {least} is that of {best['cell']}: {_change(best)}"
    return text + "."


def _change(row: pd.Series) -> str:
    text = f"{points(row['top1_change'])} points"
    if pd.notna(row["top1_change_low"]):
        low, high = points(row["top1_change_low"]), points(row["top1_change_high"])
        text += f" (95 % interval {low} to {high})"
    return text


def _verdicts(compared: pd.DataFrame) -> str:
    """Return how many changes are found, are none, or are not decided; seeds count once."""
    tests = compared.dropna(subset="verdict").drop_duplicates("condition")
    if not len(tests):
        return ""
    total, verdicts = len(tests), tests["verdict"]
    changed, same = (int(verdicts.isin(of).sum()) for of in (("lower", "higher"), ("no change",)))
    if total == 1:
        word = {"lower": "lower", "higher": "higher"}.get(verdicts.iloc[0])
        if word:
            return f"The accuracy is {word} than that of the unchanged clips ({_TEST})."
        if same:
            return "The accuracy is the same within the margin (two one-sided tests)."
        return f"Whether the accuracy changes is undecided ({_TEST}); this does not mean no change."
    what = f"{'A' if changed else 'No'} change of accuracy was found in"
    which = f"{changed} of" if 0 < changed < total else "all" if changed else "any of"
    text = f"{what} {which} {total} comparisons with the unchanged clips ({_TEST})"
    if same:
        text += f"; in {same} the change is smaller than the margin (two one-sided tests)"
    if rest := total - changed - same:
        text += f"; {rest} {'is' if rest == 1 else 'are'} undecided, which does not mean no change"
    return text + "."


def may_lose_most(changes: pd.DataFrame) -> str:
    """Return how sure it is which class loses most, as a sentence.

    Args:
        changes: see `clip_har.metrics.tables.recall_changes`.
    """
    if changes["rank_low"].isna().all():
        return "There are too few groups for rank intervals: another class may lose most."
    first = changes.loc[changes["rank_low"] == 1, "class"]
    if len(first) == 1:
        return f"{first.iloc[0]} loses most."
    which = "Any" if len(first) == len(changes) else f"Any of {len(first)}"
    return f"{which} of the {len(changes)} classes may be the one that loses most."


def inference(rows: pd.DataFrame) -> str:
    """Return what the intervals and tests of some cells hold for, and where to be careful.

    Args:
        rows: see `clip_har.sweeps.table.cell_rows`.
    """
    groups = int(rows["groups"].min())
    kind = "the same classes, new groups" if rows["same_classes"].all() else "new groups"
    hold = f"Intervals hold for {kind}."
    if groups < FEWEST_GROUPS:
        hold = f"With {groups} groups of clips there is no interval: it needs {FEWEST_GROUPS}."
    elif groups < _FEW_GROUPS:
        hold += (
            f" There are only {groups} groups: below {_FEW_GROUPS}, intervals and tests are rough."
        )
    found = [hold]
    known = rows.dropna(subset="family")
    if len(known):
        count = int(known["tests"].iloc[0])
        found.append(
            f"Tests: sign flips over groups, corrected (Holm) as one family of {count},"
            f" changes of top-1 from the clean twin of {known['family'].iloc[0]}; seeds of one"
            " condition are one test, cells that use the true label are not tested."
        )
    return " ".join(found)


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
            verdict = f"not clearly more than by chance ({share(chance)} %)"
        elif silhouette:
            verdict = "more than by chance, from the background and the subject's outline"
        else:
            verdict = "more than by chance, from the background alone"
        found.append(
            f"With the subject hidden, {_interval(hidden)} of the clips are classified correctly:"
            f" {verdict}. Of the whole clips, it is {_interval(measures['scene/clean'])}."
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
