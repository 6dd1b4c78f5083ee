"""What the comparison of models says in plain words, made from its numbers."""

import math
from collections.abc import Mapping, Sequence
from itertools import permutations

from clip_har.core.wording import plural
from clip_har.metrics.intervals import FEWEST_GROUPS
from clip_har.report.answer import Answer
from clip_har.report.numbers import UNKNOWN, count, interval, milliseconds, points, rank_text, share
from clip_har.report.text import FEW_GROUPS
from clip_har.sweeps.model_tables import CHANGE, MEAN, ModelTables, Row
from clip_har.sweeps.models import UNCHANGED
from clip_har.sweeps.table import ALPHA

_NAMED = 4  # largest number of names in a sentence
_ROUNDING = 1e-9


def model_answers(
    tables: ModelTables, order: Sequence[str], *, cautions: Sequence[str]
) -> list[Answer]:
    """Return the first screen of a comparison of models.

    Args:
        tables: the numbers.
        order: the models, the best first.
        cautions: warnings about models and data.
    """
    found = [
        Answer("Which is most accurate?", _accurate(tables)),
        Answer("Which loses least?", _robust(tables)),
        Answer("How sure is the order?", _order(tables, order)),
        Answer("Is it worth its cost?", _cost(tables)),
        Answer("What to distrust", [*cautions, *_doubts(tables)]),
    ]
    return [one for one in found if one.sentences]


def names_of(names: Sequence[object]) -> str:
    """Return names as words of a sentence.

    Example:
        >>> names_of(["a"]), names_of(["a", "b", "c"]), names_of(list("abcdef"))
        ('a', 'a, b and c', 'a, b, c, d and 2 more')
    """
    texts = list(map(str, names))
    if (more := len(texts) - _NAMED) > 0:
        return f"{', '.join(texts[:_NAMED])} and {more} more"
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def _accurate(tables: ModelTables) -> list[str]:
    found = []
    masks = {UNCHANGED: "On unchanged clips", tables.masked: "Under the masks"}
    for mask, where in masks.items():
        if not tables.is_ranked_by(mask):
            continue
        if mask == tables.masked:
            many = sum(one.is_mask and one.is_ranked for one in tables.models.conditions)
            where = f"Under the masks (mean of {many} masks)" if mask == MEAN else f"Under {mask}"
        best = highest(tables.of(mask))
        row = tables.of(mask)[best[0]]
        ends = interval(row["top1_low"], row["top1_high"])
        within = f" (95 % interval {ends})" * (ends != UNKNOWN and len(best) == 1)
        equal = " are equal" * (len(best) > 1)
        found.append(
            f"{where}: {names_of(best)}{equal}, with {share(row['top1'])} %{within}."
            f" {_told_apart(tables, best, mask)}".rstrip()
        )
    if found:
        found.append(f"Guessing would give {share(tables.chance)} %.")
    return found


def highest(rows: Mapping[str, Row]) -> list[str]:
    """Return the models with the highest top-1."""
    top = max(float(row["top1"]) for row in rows.values())
    return [name for name, row in rows.items() if float(row["top1"]) > top - _ROUNDING]


def _told_apart(tables: ModelTables, best: Sequence[str], mask: str) -> str:
    """Return which models the tests tell from the best ones; empty if there are no others."""
    others: dict[str, bool] = {}
    for row in tables.pairs[tables.pairs["mask"] == mask].to_dict("records"):
        for one, other in permutations((str(row["model"]), str(row["other"]))):
            if one in best and other not in best:
                others[other] = others.get(other, True) and row["p_holm"] < ALPHA
    them = "them" if len(best) > 1 else "it"
    if not others:
        return ""
    if unsure := [name for name, sure in others.items() if not sure]:
        return f"The tests do not tell {them} from {names_of(unsure)}."
    many = len(others)
    which = {1: "the other model", 2: "both others"}.get(many, f"all {many} others")
    return f"The tests tell {them} from {which}."


def _robust(tables: ModelTables) -> list[str]:
    """Return which model loses least, of those that have something to lose."""
    if not tables.masked:
        return []
    changes, clean = tables.of(tables.masked), tables.of(UNCHANGED)
    able = [name for name in changes if _surely(clean[name]) > tables.chance]
    found = []
    if able:
        rows = sorted((changes[name] for name in able), key=lambda row: -float(row["change"]))
        texts = [
            f"{row['model']} {points(row['change'])}"
            f"{' points' * (not place)} ({interval(row['change_low'], row['change_high'], points)})"
            for place, row in enumerate(rows[:_NAMED])
        ]
        found.append(f"Change of top-1 under the masks: {', '.join(texts)}.")
        first = str(rows[0]["model"])
        if len(able) > 1:
            pairs = tables.pairs[tables.pairs["family"] == CHANGE].to_dict("records")
            unsure = [
                row["other"] if row["model"] == first else row["model"]
                for row in pairs
                if first in (row["model"], row["other"])
                and {row["model"], row["other"]} <= set(able)
                and not row["p_holm"] < ALPHA
            ]
            found.append(
                f"The tests do not tell the loss of {first} from that of {names_of(unsure)}."
                if unsure
                else f"The tests tell the loss of {first} from that of the others."
            )
    if unable := [name for name in changes if name not in able]:
        are = "are" if len(unable) > 1 else "is"
        found.append(
            f"{names_of(unable)} {are} not surely above chance on unchanged clips: what is not"
            " there cannot be lost, so a small change says nothing."
        )
    return found


def _surely(row: Row) -> float:
    """Return the lower end of the interval of top-1; without one, top-1."""
    return float(row["top1"] if math.isnan(row["top1_low"]) else row["top1_low"])


def _order(tables: ModelTables, order: Sequence[str]) -> list[str]:
    rows = tables.of(tables.headline)
    if not tables.is_ranked_by(tables.headline):
        return []
    first = [rows[name] for name in highest(rows)]
    what = tables.headline if tables.headline != UNCHANGED else "unchanged clips"
    sampled = "groups and seeds" if first[0]["seeds"] > 1 else "groups"
    often = names_of([f"{row['model']} is first in {share(row['rank_1'])} %" for row in first])
    found = [f"Over bootstrap samples of the {sampled}, {often} ({what})."]
    if math.isnan(first[0]["rank_low"]):
        return found
    unsure = [name for name in order if rows[name]["rank_low"] < rows[name]["rank_high"]]
    if not unsure:
        return [*found, "Every rank is sure: no 95 % rank interval holds a second one."]
    texts = [f"{name} {rank_text(rows[name])}" for name in unsure]
    return [*found, f"95 % rank intervals that hold several ranks: {names_of(texts)}."]


def _cost(tables: ModelTables) -> list[str]:
    rows = list(tables.of(tables.headline).values())
    front = [row for row in rows if row["front"] == 1]
    if not front:
        return []
    texts = [
        f"{row['model']} ({milliseconds(row['seconds_per_clip'])} ms a clip,"
        f" {share(row['top1'])} %)"
        for row in sorted(front, key=lambda row: float(row["seconds_per_clip"]))
    ]
    found = [f"On the front of accuracy and time, from the fastest: {', '.join(texts)}."]
    fastest = min(front, key=lambda row: float(row["seconds_per_clip"]))
    if len(front) > 1 and _surely(fastest) <= tables.chance:
        found.append(f"{fastest['model']}, not surely above chance, is on it only as the fastest.")
    for row in (row for row in rows if row["front"] == 0):
        better = names_of(str(row["dominated_by"]).split("; "))
        found.append(f"{row['model']} is dominated by {better}.")
    found.append(
        f"Times are of this machine ({tables.machines[0]}); those whose ranges over the cells"
        " overlap count as equal."
    )
    return found


def _doubts(tables: ModelTables) -> list[str]:
    """Return what weakens the comparison."""
    models, rows = tables.models, tables.rows
    groups = int(rows["groups"].min())
    found = []
    if groups < FEWEST_GROUPS:
        found.append(
            f"The clips come from {plural(groups, 'group')}: too few for an interval"
            f" ({FEWEST_GROUPS})."
        )
    elif groups < FEW_GROUPS:
        found.append(f"The clips come from only {groups} groups: intervals and tests are rough.")
    missing = [one.name for one in models.conditions if not one.is_common]
    if missing:
        found.append(
            f"Not all models have {names_of(missing)}: these are shown, but count in no mean, rank"
            " or test."
        )
    if any(one.seeds_left_out for one in models.conditions):
        found.append("Seeds that not all models have are left out.")
    seeds = {one.seeds for one in models.conditions if one.is_mask and one.is_ranked} - {1}
    if len(seeds) > 1:
        found.append(
            f"Masks have different numbers of seeds ({names_of(sorted(seeds))}): the intervals and"
            " tests of their mean hold for these seeds only."
        )
    leaks = [one.name for one in models.conditions if one.leaks]
    if leaks:
        use = "use" if len(leaks) > 1 else "uses"
        found.append(f"{names_of(leaks)} {use} the true label: not ranked, not tested.")
    asks = [one.name for one in models.conditions if one.asks_model]
    if asks:
        found.append(
            f"{names_of(asks)}: each model hides its own attribution, so the masks differ."
        )
    other = [one.name for one in models.conditions if one.other_tokens and not one.asks_model]
    if other:
        found.append(
            f"{names_of(other)}: the same pixels are hidden, but other shares of the models'"
            " tokens, as their patches differ in size."
        )
    counts = rows.loc[rows["rank"].notna(), "clips"]
    if counts.nunique() > 1:
        found.append(
            f"Masks leave out different clips: the means are over the {count(counts.min())} clips"
            " that all of them show."
        )
    if len(tables.machines) > 1:
        found.append(
            f"The cells ran in {len(tables.machines)} ways (machine, runtime, precision or batch"
            " size): their times are not compared."
        )
    return found
