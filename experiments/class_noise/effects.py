"""What each arm does: measures of each arm under each mask, and their differences over fits."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.core.progress import track
from clip_har.metrics.crossed import CrossedEffect, crossed_effect
from clip_har.metrics.effect import InSamples, measures_in_samples
from clip_har.noise.learned.arms import ARMS, GATED, LIFT, STACKED
from clip_har.noise.variants import NONE, SHUFFLED
from clip_har.results.variant_scores import VariantScores
from experiments.class_noise.arms import COMPARED
from experiments.class_noise.cells import SWAP, Fit, Grid

ALL = "all masks"
DRAWS = 1000
SCENE = ("scene/swap_error", "scene/errors_to_scene")
COLUMNS = (
    "mask", "condition", "control", "measure", "before", "after", "difference", "low", "high", "p",
    "low_models", "high_models", "p_equivalent", "clips", "groups", "fits", "models",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Measured:
    """One arm under one mask.

    Attributes:
        fits: that have the arm.
        values: by measure ``(R + 1, F)``: of the data, then of each sample of subjects.
        clips: by measure, the number of clips.
        groups: by measure, the number of subjects.
        right: ``(F, N)``, 1 where a clip's prediction is right, else 0.
    """

    fits: tuple[Fit, ...]
    values: dict[str, NDArray[np.float64]]
    clips: dict[str, int]
    groups: dict[str, int]
    right: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Effects:
    """All arms under all masks.

    Attributes:
        masks: in order.
        arms: by mask and name.
        degrees: of freedom of the samples of subjects.
    """

    masks: tuple[str, ...]
    arms: dict[tuple[str, str], Measured]
    degrees: int

    def names(self) -> list[str]:
        """Return the names of the arms that every mask has, in the order of `ARMS`."""
        named = [arm.name for arm in ARMS]
        return [name for name in named if all((mask, name) in self.arms for mask in self.masks)]

    def of(
        self,
        mask: str,
        condition: str,
        control: str,
        measure: str,
        *,
        model: str | None = None,
        margin: float = 0.01,
    ) -> tuple[CrossedEffect, int] | None:
        """Return the effect of one arm instead of another, and its number of clips.

        Args:
            mask: name of a mask; `ALL` for the mean over all masks.
            condition: the arm.
            control: the arm that it is compared with.
            measure: what is compared. Bias to the scene is measured on swapped clips only.
            model: name of a model, whose fits alone count; None for all models.
            margin: of the test of equivalence.

        Returns:
            None when an arm or the measure is missing.
        """
        masks = self.masks if mask == ALL else (mask,)
        pairs = [(self.arms.get((m, control)), self.arms.get((m, condition))) for m in masks]
        known = [(a, b) for a, b in pairs if a is not None and b is not None]
        given = [one for pair in known for one in pair]
        if len(known) < len(pairs) or any(measure not in one.values for one in given):
            return None
        first, second = known[0]
        fits = [fit for fit in first.fits if fit in second.fits and model in (None, fit.model)]
        if not fits:
            return None
        before, after = (
            np.mean([_values(pair[side], measure, fits) for pair in known], axis=0)
            for side in (0, 1)
        )
        found = crossed_effect(
            before, after, [fit.model for fit in fits], measure=measure, degrees=self.degrees,
            groups=min(pair[0].groups[measure] for pair in known), margin=margin,
        )  # fmt: skip
        return found, min(pair[0].clips[measure] for pair in known)

    def same_answers(self, mask: str, condition: str, control: str) -> bool:
        """Return whether two arms are right on the same clips in all fits, under one mask."""
        one, other = self.arms[mask, condition], self.arms[mask, control]
        return one.fits == other.fits and np.array_equal(one.right, other.right)


def measure_arms(grid: Grid, *, draws: int = DRAWS) -> Effects:
    """Measure every arm of every cell, in the same bootstrap samples of subjects.

    An arm that only some fits have, as the costly placebos, is measured for these fits.

    Raises:
        ClipHarError: when an arm of an endpoint is missing in a cell.
    """
    found: dict[tuple[str, str], Measured] = {}
    degrees = 0
    with track(len(grid.masks), "measuring the arms under each mask") as advance:
        for mask in grid.masks:
            flat = [(name, fit, one) for fit in grid.fits for name, one in _arms(grid, mask, fit)]
            looked = {name for name, _, _ in flat} - {
                name for name, _, one in flat if one.attention is None
            }
            # Apart: attention counts over the clips for which all tables have it.
            for part in (
                [one for one in flat if (one[0] in looked) is has] for has in (True, False)
            ):
                if not part:
                    continue
                tables = [one for _, _, one in part]
                measured = measures_in_samples(tables, only=grid.clips, draws=draws)
                assert measured is not None, "the clips are common to all cells"  # noqa: S101
                degrees = measured.samples.degrees
                for name in dict.fromkeys(name for name, _, _ in part):
                    columns = [n for n, (other, _, _) in enumerate(part) if other == name]
                    fits = tuple(part[n][1] for n in columns)
                    found[mask, name] = _of_columns(measured, columns, fits)
            advance(1)
    return Effects(grid.masks, found, degrees)


def _arms(grid: Grid, mask: str, fit: Fit) -> list[tuple[str, VariantScores]]:
    """Return the arms of a cell."""
    found = grid.cells[mask, fit].variant_scores[1]
    if missing := {NONE, LIFT, STACKED, SHUFFLED, GATED} - set(found):
        raise ClipHarError(
            f"{mask} of {fit.model} with noise seed {fit.seed} lacks {', '.join(sorted(missing))}:"
            " the study needs noise=nested with controls, gate and the placebo another_class"
        )
    return list(found.items())


def _of_columns(measured: InSamples, columns: list[int], fits: tuple[Fit, ...]) -> Measured:
    return Measured(
        fits,
        {key: value[:, columns] for key, value in measured.values.items()},
        {key: int(kept.sum()) for key, kept in measured.clips.items()},
        {key: measured.of_groups(key) for key in measured.clips},
        measured.right[columns],
    )


def effects_table(effects: Effects) -> pd.DataFrame:
    """Return the effects of all arms against no noise, and of `COMPARED`.

    Returns:
        Columns `COLUMNS`: mean over all masks of all measures; of each mask top-1; of swapped clips
        also bias to the scene.
    """
    arms = effects.names()
    pairs = [*((arm, NONE) for arm in arms if arm != NONE), *COMPARED]
    rows = []
    for condition, control in pairs:
        for mask, measure in _wanted(effects):
            found = effects.of(mask, condition, control, measure)
            if found is not None:
                one, clips = found
                row = {"mask": mask, "condition": condition, "control": control,
                       "measure": measure, "clips": clips, **asdict(one)}  # fmt: skip
                rows.append(row)
    return pd.DataFrame(rows)[list(COLUMNS)]


def _wanted(effects: Effects) -> Iterator[tuple[str, str]]:
    measures = dict.fromkeys(key for one in effects.arms.values() for key in one.values)
    yield from ((ALL, measure) for measure in measures if measure not in SCENE)
    yield from ((mask, "top1") for mask in effects.masks)
    if SWAP in effects.masks:
        yield from ((SWAP, measure) for measure in SCENE)


def _values(arm: Measured, measure: str, fits: Sequence[Fit]) -> NDArray[np.float64]:
    """Return a measure under some fits, ``(R + 1, F)``."""
    return arm.values[measure][:, [arm.fits.index(fit) for fit in fits]]
