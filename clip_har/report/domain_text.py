"""What the comparison of domains says in plain words, made from its numbers."""

import math
from collections.abc import Sequence
from typing import Any

from clip_har.metrics.intervals import FEWEST_GROUPS
from clip_har.report.answer import Answer
from clip_har.report.model_text import names_of
from clip_har.report.numbers import UNKNOWN, count, interval, points, share
from clip_har.report.text import FEW_GROUPS
from clip_har.sweeps.domain_tables import POOLED, DomainTables
from clip_har.sweeps.model_tables import CHANGE, MEAN, Row
from clip_har.sweeps.models import UNCHANGED
from clip_har.sweeps.table import ALPHA

_PAIRS = 4  # largest number of pairs that are named
_SCENE = {
    "scene/background_ratio": "Accuracy with the subject hidden, relative to that of whole clips",
    "scene/swap_error": "Swapped subjects that get the class of the scene (SBErr)",
}

_UNPAIRED = (
    "Domains have different clips, so nothing is paired between them, and each class counts the"
    " same in all of them: another mix of classes explains no difference."
)
_WHERE = (
    "A domain differs in many ways at once: people, places, cameras, quality of the pictures, and"
    " what its authors call a class. So a difference says where the model is less accurate, not"
    " why. What a mask costs is paired by clip within each domain."
)


def domain_answers(tables: DomainTables, *, chance: float, cautions: Sequence[str]) -> list[Answer]:
    """Return the first screen of a comparison of domains.

    Args:
        tables: the numbers.
        chance: accuracy of random guessing, in (0, 1].
        cautions: warnings about model and data.
    """
    found = [
        Answer("How accurate in each domain?", _accurate(tables, chance)),
        Answer("Do the domains differ?", _differ(tables)),
        Answer("Does a mask cost more in one domain?", _costs(tables, chance)),
        Answer("Is it as well calibrated?", _calibrated(tables)),
        Answer("Does it lean on the scene?", _scene(tables)),
        Answer("What may be concluded", [_UNPAIRED, _WHERE]),
        Answer("What to distrust", [*cautions, *_doubts(tables)]),
    ]
    return [one for one in found if one.sentences]


def where_of(mask: str) -> str:
    """Return a mask as the place of a sentence."""
    if mask == UNCHANGED:
        return "on unchanged clips"
    return "under the masks (their mean)" if mask == MEAN else f"under {mask}"


def _value(row: Row, name: str = "", text: Any = share, unit: str = " %") -> str:
    """Return a number with its interval; without a name, that of a row of one measure."""
    low, high = (row[f"{name}_{end}" if name else end] for end in ("low", "high"))
    ends = interval(low, high, text)
    return f"{text(row[name or 'value'])}{unit}" + f" ({ends})" * (ends != UNKNOWN)


def _accurate(tables: DomainTables, chance: float) -> list[str]:
    mask = tables.headline
    rows = tables.of(mask)
    pooled = rows.pop(POOLED, None)
    texts = [f"{name} {_value(row, 'accuracy')}" for name, row in rows.items()]
    where = where_of(mask)
    found = [f"Class-balanced accuracy {where}: {'; '.join(texts)}. Guessing: {share(chance)} %."]
    if pooled is not None:
        found.append(
            f"Mean of the domains, each counts the same: {_value(pooled, 'accuracy')}. Over all"
            f" clips, each clip counts the same: {_value(pooled, 'top1')}."
        )
        worst, second = sorted(rows.values(), key=lambda row: float(row["accuracy"]))[:2]
        if worst["accuracy"] < second["accuracy"]:
            found.append(
                f"Worst domain: {worst['domain']}, {share(worst['accuracy'])} %; it is the worst in"
                f" {share(worst['worst_share'])} % of the bootstrap samples of groups."
            )
    return found


def _differ(tables: DomainTables) -> list[str]:
    found = []
    for family in (UNCHANGED, MEAN):
        if pairs := tables.family(family):
            found += _compared(pairs, where_of(family), "accuracy")
    return found


def _compared(pairs: Sequence[Row], where: str, what: str) -> list[str]:
    """Return which pairs the tests tell apart, and by how much."""
    sure = [row for row in pairs if row["p_holm"] < ALPHA]
    if not sure:
        first = max(pairs, key=lambda row: abs(float(row["difference"])))
        if math.isnan(first["p_holm"]):
            return [f"There is no test {where}: a domain has too few groups."]
        ends = interval(first["low"], first["high"], points)
        between = f"{first['domain']} minus {first['other']}"
        size = f"{points(first['difference'])} points ({ends})"
        largest = f"That is not “equal”: the largest, {between}, is {size}."
        return [f"The tests find no difference of {what} {where}. {largest}"]
    texts = []
    for row in sorted(sure, key=lambda row: -abs(float(row["difference"])))[:_PAIRS]:
        up = row["difference"] > 0
        above, below = (row["domain"], row["other"]) if up else (row["other"], row["domain"])
        low, high = (row["low"], row["high"]) if up else (-row["high"], -row["low"])
        size = share(abs(float(row["difference"])))
        texts.append(f"{above} above {below} by {size} points ({interval(low, high)})")
    more = len(sure) - len(texts)
    text = "; ".join(texts) + (f"; and {more} more" if more > 0 else "")
    unsure = len(pairs) - len(sure)
    rest = f" The tests do not tell the other {unsure} of {len(pairs)} pairs apart." * bool(unsure)
    return [f"{what.capitalize()} {where}: {text}.{rest}"]


def _costs(tables: DomainTables, chance: float) -> list[str]:
    if not tables.masked:
        return []
    rows = tables.of(tables.masked)
    rows.pop(POOLED, None)
    texts = [f"{name} {_value(row, 'change', points, ' points')}" for name, row in rows.items()]
    found = [f"Change {where_of(tables.masked)}, within each domain: {'; '.join(texts)}."]
    found += _compared(tables.family(CHANGE), where_of(tables.masked), "the change")
    clean = tables.of(UNCHANGED)
    unable = [
        name
        for name, row in clean.items()
        if name != POOLED
        and not (row["accuracy"] if math.isnan(row["accuracy_low"]) else row["accuracy_low"])
        > chance
    ]
    if unable:
        are = "are" if len(unable) > 1 else "is"
        found.append(
            f"{names_of(unable)} {are} not surely above chance on unchanged clips: what is not"
            " there cannot be lost, so a small change says nothing."
        )
    return found


def _calibrated(tables: DomainTables) -> list[str]:
    rows = tables.of(tables.headline)
    rows.pop(POOLED, None)
    known = {name: row for name, row in rows.items() if not math.isnan(row["ece"])}
    if not known:
        return []
    texts = [f"{name} {_value(row, 'ece')}" for name, row in known.items()]
    found = [f"Calibration error {where_of(tables.headline)}: {'; '.join(texts)}."]
    counts = [int(row["clips"]) for row in known.values()]
    if max(counts) > 2 * min(counts):
        found.append(
            "A calibration error is larger with fewer clips, also of a calibrated model, and the"
            f" domains have {count(min(counts))} to {count(max(counts))}: it is not tested."
        )
    return found


def _scene(tables: DomainTables) -> list[str]:
    bias = tables.bias[~tables.bias["of"].str.contains("true label")]
    found = []
    for measure, title in _SCENE.items():
        own = bias[bias["measure"] == measure].drop_duplicates("domain")
        if rows := own.to_dict("records"):
            texts = [f"{row['domain']} {_value(row)}" for row in rows]
            found.append(f"{title}: {'; '.join(texts)}.")
    return found


def _doubts(tables: DomainTables) -> list[str]:
    """Return what weakens the comparison."""
    domains, rows = tables.domains, tables.rows
    found = []
    of_domains = rows[rows["domain"] != POOLED].groupby("domain", sort=False)["groups"].min()
    none = [name for name, groups in of_domains.items() if groups < FEWEST_GROUPS]
    few = [name for name, groups in of_domains.items() if FEWEST_GROUPS <= groups < FEW_GROUPS]
    if none:
        found.append(
            f"Too few groups for an interval ({FEWEST_GROUPS}): {names_of(none)}. So all domains"
            " together have none either."
        )
    if few:
        found.append(f"Fewer than {FEW_GROUPS} groups, so rough intervals: {names_of(few)}.")
    lacking = int(rows["classes"].min())
    if lacking < len(domains.class_names):
        found.append(
            f"Some of the {len(domains.class_names)} classes have no clip in some domain: accuracy"
            f" is the mean over the others, at least {lacking}. The models choose among all."
        )
    missing = [one.name for one in domains.conditions if not one.is_common]
    if missing:
        found.append(
            f"Not all domains have {names_of(missing)}: these are shown, but count in no mean and"
            " no test."
        )
    leaks = [one.name for one in domains.conditions if one.leaks]
    if leaks:
        use = "use" if len(leaks) > 1 else "uses"
        found.append(f"{names_of(leaks)} {use} the true label: not compared, not tested.")
    if domains.left_out:
        found.append(
            "Another split or part of a domain is not another domain, and is left out here:"
            f" {names_of(domains.left_out)}."
        )
    shared = _same_clips(tables)
    if shared:
        found.append(
            f"{shared}: if these are the same people or places, the domains are not independent,"
            " and the interval of their mean is too narrow."
        )
    return found


def _same_clips(tables: DomainTables) -> str:
    """Return which two domains have ids of clips in common; empty if none have."""
    ids: dict[str, set[str]] = {}
    for name, one in zip(tables.domains.names, tables.domains.comparisons, strict=True):
        own = set(one.cells[0].table.clip_ids)
        for other, known in ids.items():
            if both := len(own & known):
                return f"{other} and {name} have {count(both)} names of clips in common"
        ids[name] = own
    return ""
