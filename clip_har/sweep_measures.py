"""What only several cells of a sweep tell together: bias to the scene, spread over fills."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clip_har.masking.feature import FeatureMask
from clip_har.masking.isolation import IsolationMask
from clip_har.masking.none import NoMask
from clip_har.masking.swap import SwapMask
from clip_har.metrics.pairing import common_rows
from clip_har.metrics.robustness import area_over_ratio, resilience, seed_consistency
from clip_har.metrics.scene import SceneTables, reliance_per_class, scene_measures
from clip_har.regions.source import BACKGROUND, PERSON, SUBJECT
from clip_har.results import SCORES, clean_twin, read_metrics
from clip_har.scores import ScoreTable
from clip_har.sweep_cells import Finished, grouped, labels, plain
from clip_har.sweep_noise import effect_metrics, noise_effects

log = logging.getLogger(__name__)

_COLUMNS = ["measure", "of", "value", "low", "high", "clips", "groups"]


@dataclass(frozen=True)
class SweepMeasures:
    """Measures over the cells of a sweep.

    Attributes:
        rows: columns ``measure, of, value, low, high, clips, groups``; ``of`` says which cells
            where there are several groups of them; intervals are 95 %, NaN where there are none.
        per_class: how much each class relies on what a cell hid: ``cell``, and the columns of
            `clip_har.metrics.scene.reliance_per_class`.
        noise: what learned noise did, see `clip_har.sweep_noise.noise_effects`.
    """

    rows: pd.DataFrame
    per_class: pd.DataFrame
    noise: pd.DataFrame

    def metrics(self) -> dict[str, float]:
        """Return the values under their MLflow names, with ``of`` where there are several."""
        several = self.rows["measure"].duplicated(keep=False)
        names = [
            f"{measure}/{plain(of)}" if more else measure
            for measure, of, more in zip(
                self.rows["measure"], self.rows["of"], several, strict=True
            )
        ]
        values = dict(zip(names, map(float, self.rows["value"]), strict=True))
        return values | effect_metrics(self.noise)


def sweep_measures(finished: Sequence[Finished]) -> SweepMeasures:
    """Compute what the cells of a sweep tell together.

    Cells that differ in nothing but the mask show the same clips to the same model in different
    ways: they give the ``scene/*`` measures (see `scene_measures`), with ``none`` as clean,
    ``feature`` and ``isolation`` of the subject with ``ratio=null`` as background and person only,
    ``swap`` and ``swap_frozen``. Cells that differ in nothing but the fill give
    ``robustness/fill_spread``, the largest minus the smallest top-1 (ours, after Marcu 2022).
    Cells that differ in nothing but the ratio give ``robustness/area`` (`area_over_ratio`, with the
    clean twin at 0) and ``robustness/resilience``, those that differ in nothing but the root seed
    ``robustness/seed_consistency``, see `clip_har.metrics.robustness`.
    Cells that differ in nothing but the seed of their learned noise give its effect.
    """
    per_class: list[pd.DataFrame] = []
    parts = [_fill_spreads(finished), _over_ratios(finished), _over_seeds(finished)]
    groups = grouped(finished, without="masking")
    for of, members in zip(labels(groups), groups, strict=True):
        roles = _roles(members)
        tables = {role: ScoreTable.read(one.folder / SCORES) for role, one in roles.items()}
        if len(tables) < 2 and "swap" not in tables:
            continue
        notes = dict.fromkeys(note for one in roles.values() for note in one.cell.notes())
        of = " ".join([of, *(f"[{note}]" for note in notes)]).strip()
        parts.append(scene_measures(SceneTables(**tables)).assign(of=of))
        for role in ("background_only", "background_hidden"):
            if role in tables and "clean" in tables:
                by_class = reliance_per_class(tables["clean"], tables[role])
                by_class.insert(0, "cell", roles[role].name)
                per_class.append(by_class)
    rows = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=_COLUMNS)])
    classes = pd.concat(per_class) if per_class else pd.DataFrame()
    return SweepMeasures(rows[_COLUMNS].reset_index(drop=True), classes, noise_effects(finished))


def _fill_spreads(finished: Sequence[Finished]) -> pd.DataFrame:
    rows = []
    masked = [one for one in finished if not isinstance(one.cell.masking, NoMask | SwapMask)]
    for members in grouped(masked, without="fill"):
        by_fill = {one.cell.masking.fill: read_metrics(one.folder) for one in members}
        if len(by_fill) < 2:
            continue
        top1 = [metrics["top1"] for metrics in by_fill.values()]
        name = members[0].name.replace(f" fill={members[0].cell.masking.fill}", "")
        rows.append(
            {
                "measure": "robustness/fill_spread",
                "of": f"{name} ({', '.join(sorted(by_fill))})",
                "value": max(top1) - min(top1),
                "clips": int(min(metrics["data/clips"] for metrics in by_fill.values())),
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _over_ratios(finished: Sequence[Finished]) -> pd.DataFrame:
    rows = []
    masked = [
        one
        for one in finished
        if one.cell.masking.ratio is not None and not isinstance(one.cell.masking, NoMask)
    ]
    for members in grouped(masked, without="ratio"):
        found = {float(one.cell.masking.ratio): read_metrics(one.folder) for one in members}
        clean = clean_twin(members[0].folder)
        if len(found) < 2 or clean is None:
            continue
        accuracy = {ratio: metrics["top1"] for ratio, metrics in found.items()}
        first = read_metrics(clean)["top1"]
        shared = {
            "of": members[0].name.replace(f" r={members[0].cell.masking.ratio:g}", ""),
            "clips": int(min(metrics["data/clips"] for metrics in found.values())),
        }
        area = area_over_ratio({0.0: first, **accuracy})
        rows.append({"measure": "robustness/area", "value": area, **shared})
        if first > 0:
            left = resilience(list(accuracy.values()), first)
            rows.append({"measure": "robustness/resilience", "value": left, **shared})
    return pd.DataFrame(rows, columns=_COLUMNS)


def _over_seeds(finished: Sequence[Finished]) -> pd.DataFrame:
    rows = []
    for members in grouped(finished, without="seed"):
        drawn_alike = len({one.cell.dataset.model_dump_json() for one in members}) == 1
        if len({one.cell.seed for one in members}) < 2 or not drawn_alike:
            continue
        tables = [ScoreTable.read(one.folder / SCORES) for one in members]
        kept, ids = common_rows(tables)
        if not ids:
            continue
        answers = [table.predictions()[some] for table, some in zip(tables, kept, strict=True)]
        rows.append(
            {
                "measure": "robustness/seed_consistency",
                "of": members[0].name.replace(f" seed={members[0].cell.seed}", ""),
                "value": seed_consistency(answers),
                "clips": len(ids),
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _roles(members: Sequence[Finished]) -> dict[str, Finished]:
    """Return which cell shows the clips in which way; ambiguous ways are left out and told."""
    found: dict[str, list[Finished]] = {}
    for one in members:
        # The evidence of the judged model itself is no truth to hold it against.
        role = None if one.cell.region.asks_model else _role(one.cell.masking)
        if role is not None:
            found.setdefault(role, []).append(one)
    for role, several in found.items():
        if len(several) > 1:
            names = ", ".join(one.name for one in several)
            log.warning("scene measures need one cell as %s, left out: %s", role, names)
    roles = {role: several[0] for role, several in found.items() if len(several) == 1}
    if "swap" in roles and "frozen" in roles:
        moving, frozen = (roles[role].cell.masking for role in ("swap", "frozen"))
        if frozen != moving.model_copy(update={"frozen": True}):
            del roles["frozen"]  # not the same picture
    return roles


def _role(masking: Any) -> str | None:
    if isinstance(masking, NoMask):
        return "clean"
    if isinstance(masking, SwapMask):
        return "frozen" if masking.frozen else "swap"
    if getattr(masking, "ratio", 0) is not None:
        return None  # a part of a thing is neither it nor the rest
    if (masking.grow or 0) < 0:
        return None
    subject = masking.feature in (SUBJECT, PERSON)
    if isinstance(masking, IsolationMask):
        return "person_only" if subject else None
    if isinstance(masking, FeatureMask) and masking.place == "feature":
        if subject:
            return "background_only"
        return "background_hidden" if masking.feature == BACKGROUND else None
    return None
