"""What a sweep costs beside the forward passes: at its start, for each cell, for each clip.

Ratios at a few clips are mostly start-up. So the costs are worked out from sweeps of two sizes,
with a model that costs next to nothing, and put together for the size that users run. What this
model costs is measured alone, and taken off.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.cells import CELLS, sweep, warm_results
from benchmarks.compare import Measured
from benchmarks.inputs import Inputs, more_clips
from benchmarks.scripts import bare

TEST_SPLIT = 3783
"""Clips of UCF-101's first test split: the size that users run."""
MANY = 6
"""How many times as many clips the second size has."""


@dataclass(frozen=True)
class Costs:
    """Seconds of a sweep without the model's forward passes.

    Attributes:
        start: once, to start and to end the process.
        cell: for each cell, whatever its size.
        clip: for each clip of each cell.
    """

    start: float
    cell: float
    clip: float

    @classmethod
    def of(
        cls, one_few: float, few: float, many: float, *, clips: tuple[int, int], forward: float
    ) -> "Costs":
        """Work the costs out of three sweeps; NaN if more clips took no longer.

        Then something else was busy, and no sum would mean anything: it meets no goal. Nor does it
        if a clip took less than its forward passes alone.

        Args:
            one_few: seconds of a sweep of one cell over the smaller number of clips.
            few: of `CELLS` cells over it.
            many: of `CELLS` cells over the larger number.
            clips: both numbers.
            forward: of the model's forward passes of a clip alone.

        Example:
            >>> Costs.of(10 + 2 + 6, 10 + 18 + 54, 10 + 18 + 108, clips=(50, 100), forward=0.02)
            Costs(start=10.0, cell=2.0, clip=0.1)
        """
        shown = (many - few) / (CELLS * (clips[1] - clips[0]))
        cell = (few - one_few) / (CELLS - 1) - clips[0] * shown
        start = one_few - cell - clips[0] * shown
        clip = shown - forward
        if min(start, cell, clip) <= 0:
            return cls(math.nan, math.nan, math.nan)
        return cls(start, cell, clip)

    def seconds(self, clips: int, *, cells: int = CELLS) -> float:
        """Return the seconds of a sweep."""
        return self.start + cells * (self.cell + clips * self.clip)


def measures(inputs: Inputs, ends: list[float]) -> Mapping[str, Callable[[], float]]:
    """Return what `costs` takes; ``ends`` collects how long the end of the second sweep takes.

    Args:
        inputs: with the smaller number of clips.
        ends: seconds from the end of the last cell to the end of the process.
    """
    many = more_clips(inputs, MANY * inputs.count)
    for one in (inputs, many):
        warm_results(one, inputs.zero)
    return {
        "own, 1 cell": partial(sweep, inputs, inputs.zero, cells=1),
        "own, few clips": partial(sweep, inputs, inputs.zero, ends=ends),
        "own, many clips": partial(sweep, many, inputs.zero),
        "own, bare forward": partial(bare, many, inputs.zero),
    }


def costs(found: Measured, few: int) -> Sequence[Costs]:
    """Return the costs of each round."""
    clips = few, MANY * few
    rounds = zip(
        found["own, 1 cell"], found["own, few clips"], found["own, many clips"], strict=True
    )
    forward = [seconds / clips[1] for seconds in found["own, bare forward"]]
    return [
        Costs.of(*seconds, clips=clips, forward=one)
        for seconds, one in zip(rounds, forward, strict=True)
    ]
