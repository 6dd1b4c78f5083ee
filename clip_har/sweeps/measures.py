"""Measures that need several cells of a sweep: bias to the scene, spread over fills."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from clip_har.config.cell import Cell
from clip_har.core.settings import Role
from clip_har.metrics.scene import SceneTables, reliance_per_class, scene_measures
from clip_har.results.names import MASK, RATIO
from clip_har.results.result import Result
from clip_har.sweeps.cells import described, grouped, labels, metric_words
from clip_har.sweeps.noise import effect_metrics, noise_effects
from clip_har.sweeps.pooled import differences, mean_changes
from clip_har.sweeps.regression import regressions
from clip_har.sweeps.robustness import (
    COLUMNS,
    corruption_errors,
    fill_spreads,
    over_ratios,
    over_seeds,
)
from clip_har.sweeps.splits import split_means

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SweepMeasures:
    """Measures over the cells of a sweep.

    Attributes:
        rows: columns ``measure, of, value, low, high, clips, groups``; ``of`` names the
            group of cells if there are several; intervals are 95 %, NaN without an interval.
        per_class: how much each class relies on the hidden part: ``cell``, and the columns of
            `clip_har.metrics.scene.reliance_per_class`.
        noise: the effects of learned noise, see `clip_har.sweeps.noise.noise_effects`.
        regression: the effects of hidden shares, see `clip_har.sweeps.regression.regressions`.
    """

    rows: pd.DataFrame
    per_class: pd.DataFrame
    noise: pd.DataFrame
    regression: pd.DataFrame

    def files(self) -> dict[str, pd.DataFrame]:
        """Return the tables by the names of their files."""
        return {
            "measures.csv": self.rows,
            "reliance_per_class.csv": self.per_class,
            "noise_effects.csv": self.noise,
            "regression.csv": self.regression,
        }

    def metrics(self) -> dict[str, float]:
        """Return the values under their MLflow names, with ``of`` if there are several."""
        known = self.regression[self.regression["value"].notna()]
        rows = pd.DataFrame(
            {key: [*self.rows[key], *known[key]] for key in ("measure", "of", "value")}
        )
        several = rows["measure"].duplicated(keep=False)
        words = metric_words(rows["of"])
        names = [
            f"{measure}/{words[of]}" if more else measure
            for measure, of, more in zip(rows["measure"], rows["of"], several, strict=True)
        ]
        values = dict(zip(names, map(float, rows["value"]), strict=True))
        return values | effect_metrics(self.noise)


def sweep_measures(finished: Sequence[Result], *, base_model: str | None = None) -> SweepMeasures:
    """Compute the measures that need several cells of a sweep.

    Cells that differ only in the mask show the same clips to the same model in different
    ways: they give the ``scene/*`` measures (see `scene_measures`), with ``none`` as clean,
    ``feature`` and ``isolation`` of the subject with ``ratio=null`` as background and person only,
    ``swap`` and ``swap_frozen``. Cells that differ only in the fill, the ratio, the seed or the
    model give the measures of `clip_har.sweeps.robustness`. Cells that differ only in the seed of
    their learned noise give the effect of that noise.

    Args:
        finished: the results of the cells.
        base_model: the model that the errors of other models are compared with; None: the
            ``base_model`` of the cells' own settings.
    """
    found = measures_within(finished)
    rows = [part for part in (found.rows, against_base_model(finished, base_model)) if len(part)]
    return replace(found, rows=pd.concat(rows, ignore_index=True) if rows else found.rows)


def against_base_model(finished: Sequence[Result], base_model: str | None = None) -> pd.DataFrame:
    """Return the measures over several models, settings or splits.

    These are `corruption_errors`, `differences` and `split_means`.

    Args:
        finished: the results of the cells.
        base_model: see `sweep_measures`.
    """
    named = (one.cell.base_model for one in finished if one.cell.base_model is not None)
    base = corruption_errors(finished, base_model or next(named, None))
    parts = [base, differences(finished), split_means(finished)]
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def measures_within(finished: Sequence[Result]) -> SweepMeasures:
    """Compute the measures of `sweep_measures` that compare no models.

    Args:
        finished: the results of the cells.
    """
    scene, per_class = scene_parts(finished)
    parts = [
        fill_spreads(finished),
        over_ratios(finished),
        over_seeds(finished),
        mean_changes(finished),
        *scene,
    ]
    rows = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=COLUMNS)])
    classes = pd.concat(per_class) if per_class else pd.DataFrame()
    return SweepMeasures(
        rows[COLUMNS].reset_index(drop=True),
        classes,
        noise_effects(finished),
        regressions(finished),
    )


def scene_parts(finished: Sequence[Result]) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """Return the ``scene/*`` measures of each group of cells that differ only in the mask.

    Args:
        finished: the results of the cells.

    Returns:
        The measures, see `scene_measures`, with ``of``; and the reliance of each class, with
        ``cell``.
    """
    parts: list[pd.DataFrame] = []
    per_class: list[pd.DataFrame] = []
    # A mask with a role hides its whole target; the ratio of the configuration is not its own.
    groups = grouped(finished, without={MASK, RATIO})
    shown = [_roles(members) | _roles(_clean_of(members, finished)) for members in groups]
    shown = [roles for roles in shown if len(roles) > 1 or "swap" in roles]
    for of, roles in zip(labels([list(roles.values()) for roles in shown]), shown, strict=True):
        tables = {role: one.table for role, one in roles.items()}
        notes = dict.fromkeys(note for one in roles.values() for note in one.cell.notes())
        of = " ".join([of, *(f"[{note}]" for note in notes)]).strip()
        parts.append(scene_measures(SceneTables(**tables)).assign(of=of))
        for role in ("background_only", "background_hidden"):
            if role in tables and "clean" in tables:
                by_class = reliance_per_class(tables["clean"], tables[role])
                by_class.insert(0, "cell", roles[role].name)
                per_class.append(by_class)
    return parts, per_class


def _clean_of(members: Sequence[Result], finished: Sequence[Result]) -> list[Result]:
    """Return the clean cell of a group, if it is not in it: it takes no key of the mask."""
    without = {MASK, *Cell.fields_for(Role.MASK)}
    alike = described(members[0], without=without)
    clean = {
        one.folder: one
        for one in finished
        if one.cell.masking.scene_role == "clean" and described(one, without=without) == alike
    }
    is_there = any(one.cell.masking.scene_role == "clean" for one in members)
    return [] if is_there else list(clean.values())


def _roles(members: Sequence[Result]) -> dict[str, Result]:
    """Return the cell for each role of the scene measures; roles of several cells are left out."""
    found: dict[str, list[Result]] = {}
    for one in members:
        # The evaluated model's own attribution cannot serve as the ground truth.
        role = None if one.cell.region.asks_model else one.cell.masking.scene_role
        if role is not None:
            found.setdefault(role, []).append(one)
    for shown, several in found.items():
        if len(several) > 1:
            names = ", ".join(one.name for one in several)
            log.warning("scene measures need one cell as %s, left out: %s", shown, names)
    roles = {role: several[0] for role, several in found.items() if len(several) == 1}
    if "swap" in roles and "frozen" in roles:
        moving, frozen = (roles[role].cell.masking for role in ("swap", "frozen"))
        if frozen != moving.model_copy(update={"frozen": True}):
            del roles["frozen"]  # not the same picture
    return roles
