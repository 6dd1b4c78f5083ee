"""The question of a report, and sentences below its tables, made from its numbers."""

import pandas as pd

from clip_har.core.wording import plural
from clip_har.metrics.intervals import FEWEST_GROUPS

FEW_GROUPS = 30


def question(rows: pd.DataFrame, scene: pd.DataFrame, *, domains: bool = False) -> str:
    """Return the question that these cells can answer.

    Args:
        rows: see `clip_har.sweeps.table.cell_rows`.
        scene: measures over several cells, columns ``measure, of, value, low, high``.
        domains: whether they compare data sets with the same classes.
    """
    if domains:
        return "Does the model recognise the human action in every domain?"
    if scene["measure"].isin(["scene/background_only", "scene/swap_error"]).any():
        return "Does the model recognise the human action, or the room?"
    if rows["top1_change"].notna().any():
        return "How much accuracy does the model lose when parts of the picture change?"
    return "How well does the model recognise the human action?"


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
        few = plural(groups, "group")
        hold = f"With {few} of clips there is no interval: it needs {FEWEST_GROUPS}."
    elif groups < FEW_GROUPS:
        hold += (
            f" There are only {groups} groups: below {FEW_GROUPS}, intervals and tests are rough."
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
