"""The parts of a sweep in their order, each number with the command that makes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import pandas as pd

from clip_har.metrics.measure import Measure
from clip_har.metrics.measures import find
from clip_har.report.sections import Records, measures_rows
from clip_har.report.selection import Chosen
from clip_har.results.result import Result
from clip_har.results.sweep import Sweep, read_outcomes
from clip_har.sweeps.measures import SweepMeasures
from clip_har.sweeps.noise import mask_name, noise_label

SKEW: Measure = find("bias/skew_kl")
_NOISE = ("top1", SKEW.name)


@dataclass(frozen=True)
class ProgrammePart:
    """One part of a sweep.

    Attributes:
        title: its title.
        cells: its cells, rows of `clip_har.sweeps.table.cell_rows`.
        noise: top-1 and skew under each variant of learned noise, beside the same without noise.
        scene: the scene measures of its data and noise, if it swaps subjects.
        missing: the number of its cells without a result.
    """

    title: str
    cells: Records
    noise: Records
    scene: Records
    missing: int


@dataclass(frozen=True)
class Programme:
    """The parts of a sweep.

    Attributes:
        about: what is said above them; may be empty.
        parts: in their order.
        several: whether they are about several data sets, models or protocols.
    """

    about: str
    parts: Sequence[ProgrammePart]
    several: bool


def programme_of(
    chosen: Chosen, rows: pd.DataFrame, measured: Sequence[SweepMeasures]
) -> Programme | None:
    """Return the parts of a sweep; None for a sweep without parts, or cells of several sweeps.

    Args:
        chosen: the cells of the report.
        rows: their rows, see `clip_har.sweeps.table.cell_rows`.
        measured: the measures of each comparison.
    """
    sweep = None if chosen.folder is None else Sweep.read(chosen.folder)
    if chosen.folder is None or sweep is None or sweep.parts is None:
        return None
    folders = {number: one.folder for number, one in read_outcomes(chosen.folder).items()}
    shown = {str(row["folder"]): row for row in rows.to_dict("records")}
    ends = list(accumulate((jobs for _, jobs in sweep.parts.jobs), initial=0))
    found = []
    for (title, _), (start, end) in zip(sweep.parts.jobs, pairwise(ends), strict=True):
        named = [folders.get(number) for number in range(start, end)]
        own = [str(one) for one in dict.fromkeys(named) if one is not None and str(one) in shown]
        missing = sum(one is None or str(one) not in shown for one in named)
        noise, scene = _measured(own, chosen, measured)
        found.append(ProgrammePart(title, [shown[one] for one in own], noise, scene, missing))
    return Programme(sweep.parts.about, found, len(chosen.comparisons) > 1)


def _measured(
    own: Sequence[str], chosen: Chosen, measured: Sequence[SweepMeasures]
) -> tuple[Records, Records]:
    """Return the effects of noise and the scene measures of a part's cells."""
    noise, scene = [], []
    for comparison, measures in zip(chosen.comparisons, measured, strict=True):
        cells = [one for one in comparison.cells if str(one.folder) in own]
        noise += [row | {"data": comparison.data} for row in _noise_rows(cells, measures)]
        if any(one.cell.masking.scene_role == "swap" for one in cells):
            every = measures.rows
            kept = every[every["measure"].str.startswith("scene/")]
            scene += [dict(row) | {"data": comparison.data} for row in measures_rows(kept)]
    return noise, scene


def _noise_rows(cells: Sequence[Result], measures: SweepMeasures) -> list[dict[str, object]]:
    """Return a row per mask and variant, with top-1 and skew before and after."""
    learned = {(mask_name(one), noise_label(one)) for one in cells if one.cell.noise.is_learned}
    if not learned or not len(measures.noise):
        return []
    found: dict[tuple[str, ...], dict[str, object]] = {}
    for row in measures.noise.to_dict("records"):
        if row["against"] != "none" or row["measure"] not in _NOISE:
            continue
        if (row["mask"], row["noise"]) in learned:
            key = (row["mask"], row["noise"], row["variant"])
            found.setdefault(key, {})[str(row["measure"])] = row
    return [
        dict(zip(("mask", "noise", "variant"), key, strict=True))
        | {"top1": one.get("top1"), "skew": one.get(SKEW.name)}
        for key, one in found.items()
    ]
