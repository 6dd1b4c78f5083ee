"""``python -m experiments.class_noise.pilot``: variance components from a sweep on validation."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clip_har.cli.errors import report_fault
from clip_har.core.errors import ClipHarError
from clip_har.metrics.effect import measures_in_samples
from experiments.class_noise.cells import Grid, read_grid
from experiments.class_noise.components import Components, components_of
from experiments.class_noise.endpoints import PRIMARY


def components_of_grid(
    grid: Grid, condition: str = PRIMARY.condition, control: str = PRIMARY.control
) -> Components:
    """Return the variance components of a difference of top-1, mean over masks.

    Args:
        grid: the cells of a pilot.
        condition: the arm.
        control: the arm that it is compared with.

    Raises:
        ClipHarError: when a cell lacks an arm, or when the pilot is too small to tell the
            components apart.
    """
    differences: NDArray[np.float64] | None = None
    groups: list[str] = []
    for mask in grid.masks:
        scores = [grid.cells[mask, fit].variant_scores[1] for fit in grid.fits]
        for arm in (condition, control):
            if not all(arm in of for of in scores):
                raise ClipHarError(f"a cell of {mask} lacks {arm}: it has {', '.join(scores[0])}")
        arms = [of[arm] for arm in (condition, control) for of in scores]
        found = measures_in_samples(arms, only=grid.clips, draws=1)
        assert found is not None, "the clips are common to all cells"  # noqa: S101
        after, before = np.split(found.right, 2)
        part = (after - before) / len(grid.masks)
        differences = part if differences is None else differences + part
        groups = found.groups
    assert differences is not None, "a grid has a mask"  # noqa: S101
    try:
        return components_of(differences, groups, [fit.model for fit in grid.fits])
    except ValueError as error:
        raise ClipHarError(f"this sweep is too small for variance components: {error}") from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the variance components of a difference, for ``power.yaml``.

    Args:
        arguments: of the command line; None for the process's own.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments.class_noise.pilot",
        description="Print the variance components of a finished sweep, for power.yaml.",
    )
    parser.add_argument("sweeps", nargs="+", type=Path, help="folders of finished sweeps")
    parser.add_argument("--condition", default=PRIMARY.condition, help="an arm")
    parser.add_argument("--control", default=PRIMARY.control, help="what it is compared with")
    given = parser.parse_args(arguments)
    try:
        grid = read_grid([one.expanduser().absolute() for one in given.sweeps])
        found = components_of_grid(grid, given.condition, given.control)
    except (ClipHarError, KeyboardInterrupt) as error:
        sys.exit(report_fault(error))
    lines = [f"  {key}: {value:.2f}\n" for key, value in found.model_dump().items()]
    compared = f"compared: [{given.condition}, {given.control}]\n"
    sys.stdout.write(f"{compared}components:\n" + "".join(lines))


if __name__ == "__main__":
    main()
