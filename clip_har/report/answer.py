"""The first screen of a report: what the numbers say in plain words, and what to distrust."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clip_har.core.wording import plural
from clip_har.metrics.intervals import FEWEST_GROUPS
from clip_har.report.left_out import left_out_text
from clip_har.report.numbers import UNKNOWN, count, interval, points, share
from clip_har.report.text import FEW_GROUPS

_SETTINGS = 3  # largest number of settings that get their own sentences
_LINES = 6  # largest number of masks whose cost is listed
_NAMED = 3  # largest number of cells that a warning names
_BOUND = 5e-4  # an interval that ends nearer than this to 0 or 1 is written as 0.0 or 100.0
_UNSURE = ("undecided", "no change")  # verdicts that are named


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Attributes:
        question: a few words.
        sentences: the answer, the most important first.
    """

    question: str
    sentences: list[str]


def answers(
    rows: pd.DataFrame, scene: pd.DataFrame, *, classes: int, cautions: Sequence[str] = ()
) -> list[Answer]:
    """Return the first screen: accuracy, cost of the masks, the scene, what to distrust.

    Cells that use the true label are left out.

    Args:
        rows: of the cells and of their clean twins, see `clip_har.sweeps.table.cell_rows`.
        scene: measures over several cells, columns ``measure, of, value, low, high``.
        classes: their number.
        cautions: warnings about model and data.
    """
    known = rows[~rows["leaks"].astype(bool)]
    if not len(known):
        nothing = "Every cell uses the true label: there is no result to report."
        return [Answer("How accurate?", [nothing])]
    masked = known[known["top1_change"].notna()]
    found = [
        Answer("How accurate?", [_accurate(known, classes)]),
        Answer("What does each mask cost?", _costs(masked)),
        Answer("Does it lean on the scene?", _scene(scene, chance=1 / classes)),
        Answer("What to distrust", [*cautions, *_doubts(rows, known)]),
    ]
    return [one for one in found if one.sentences]


def _accurate(known: pd.DataFrame, classes: int) -> str:
    clean = known[known["is_clean"].astype(bool)]
    shown = clean if len(clean) else known.sort_values("top1").tail(1)
    kind = "unchanged clips" if len(clean) else f"clips under {shown['cell'].iloc[0]}"
    first, chance = shown.iloc[0], f"Guessing would give {share(1 / classes)} %."
    if shown["top1"].max() - shown["top1"].min() > _BOUND:
        least, most = share(shown["top1"].min()), share(shown["top1"].max())
        return (
            f"The model gives the right class for {least} to {most} % of the {kind}, depending on"
            f" the setting. {chance}"
        )
    ends = interval(first["top1_low"], first["top1_high"])
    within = f" (95 % interval {ends})" * (ends != UNKNOWN)
    return (
        f"The model gives the right class for {share(first['top1'])} % of"
        f" {count(first['clips'])} {kind}{within}. {chance}"
    )


def _costs(masked: pd.DataFrame) -> list[str]:
    """Return a sentence per mask: its changes of top-1, by the hidden share."""
    if not len(masked):
        return []
    order = masked.groupby("line")["top1_change"].min().sort_values().index
    found = [_cost(str(line), masked[masked["line"] == line]) for line in order[:_LINES]]
    if (more := len(order) - _LINES) > 0:
        found.append(f"{more} more {'is' if more == 1 else 'are'} in the table: they cost less.")
    return found


def _cost(line: str, cells: pd.DataFrame) -> str:
    texts: list[str] = []
    for same in (found for _, found in cells.groupby("ratio", dropna=False, sort=True)):
        first, ratio = same.iloc[0], same["ratio"].iloc[0]
        text = points(same["top1_change"].mean()) + " points" * (not texts)
        if pd.notna(ratio):
            text += f" at {100 * ratio:g} %" + " hidden" * (not texts)
        ends = interval(first["top1_change_low"], first["top1_change_high"], points)
        notes = [f"95 % interval {ends}"] if len(cells) == 1 and ends != UNKNOWN else []
        notes += [first["verdict"]] if first["verdict"] in _UNSURE else []
        texts.append(text + f" ({'; '.join(notes)})" * bool(notes))
    what = cells["what"].iloc[0]
    named = f"{line}, {what}" if what and what.split()[0] not in line else line
    return f"{named}: {', '.join(texts)}."


def _doubts(rows: pd.DataFrame, known: pd.DataFrame) -> list[str]:
    """Return what weakens the numbers, in plain words."""
    groups = int(known["groups"].min())
    found = []
    if groups < FEWEST_GROUPS:
        found.append(
            f"The clips come from {plural(groups, 'group')}: too few for an"
            f" interval, which needs {FEWEST_GROUPS}."
        )
    elif groups < FEW_GROUPS:
        found.append(
            f"The clips come from only {groups} groups that count as independent: below"
            f" {FEW_GROUPS}, intervals and tests are rough."
        )
    estimated = known[known["maps"] == "estimated"]
    if len(estimated):
        sources = ", ".join(dict.fromkeys(estimated["region"]))
        found.append(
            f"The place of the target was estimated (region={sources}) in {len(estimated)} of"
            f" {len(known)} cells: a mask may miss a part of it, or hide more."
        )
    found += _left_out(known)
    bound = known[(known["top1_low"] <= _BOUND) | (known["top1_high"] >= 1 - _BOUND)]
    if len(bound):
        found.append(
            f"The interval of top-1 of {_names(bound['cell'])} ends at 0 or 100 %: a change beyond"
            " the bound cannot show."
        )
    tests = known.dropna(subset="verdict").drop_duplicates("condition")
    if undecided := int((tests["verdict"] == "undecided").sum()):
        found.append(
            f"Undecided: {undecided} of {len(tests)} changes. These clips are too few to tell a"
            " small change from none."
        )
    if leaking := len(rows) - len(known):
        found.append(
            f"Left out here: {plural(leaking, 'cell')} that use{'s' * (leaking == 1)} the"
            " true label."
        )
    return found


def _left_out(known: pd.DataFrame) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for row in known.to_dict("records"):
        if text := left_out_text(row):
            of = row["clips"] + row["clips_failed"] + row["clips_left_out"]
            by_reason.setdefault(f"of {count(of)} clips: {text}", []).append(str(row["cell"]))
    if not by_reason:
        return []
    parts = [f"{_names(cells)} ({reason})" for reason, cells in by_reason.items()]
    shown = "; ".join(parts[:_NAMED]) + (" and more, see the table" if parts[_NAMED:] else "")
    paired = "Each change is over the clips that both the cell and its clean twin show."
    return [f"Clips were left out: {shown}. {paired}"]


def _names(cells: Iterable[object]) -> str:
    names = list(map(str, cells))
    if (more := len(names) - _NAMED) > 0:
        return f"{', '.join(names[:_NAMED])} and {more} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


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
    return found or ["Not measured here: experiment=scene_bias measures it."]


def _scene_sentences(
    measures: dict[Any, dict[Any, float]], *, chance: float, silhouette: bool
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


def _interval(row: dict[Any, float]) -> str:
    if math.isnan(row["low"]):
        return f"{share(row['value'])} %"
    return f"{share(row['value'])} % ({share(row['low'])} to {share(row['high'])})"
