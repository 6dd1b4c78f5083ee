"""A sweep is the protocol's, or the page says what differs."""

from typing import Any, cast

import pytest

from clip_har.results.result import Result
from experiments.class_noise.cells import Fit, Grid
from experiments.class_noise.power import read_pilot
from experiments.class_noise.recipe import caption, departures, planned
from tests.experiments.class_noise.made import MadeCell


def sweep(**changed: str) -> Grid:
    """Return the planned cells without scores; one of them has other settings."""
    recipe = planned()
    masks, fits = tuple(sorted(recipe.masks)), tuple(sorted(recipe.placebos))
    cells = {
        (mask, fit): cast("Result", MadeCell(("lift", {}), {}, planned_settings(mask, fit)))
        for mask in masks
        for fit in fits
    }
    cast("Any", cells[masks[0], fits[-1]]).settings.update(changed)
    return Grid(masks, fits, cells, tuple(map(str, range(480))))


def planned_settings(mask: str, fit: Fit) -> dict[str, str]:
    """Return the settings of a planned cell."""
    recipe = planned()
    return {**recipe.settings, **recipe.masks[mask], "noise.placebos": recipe.placebos[fit]}


def test_the_planned_sweep_is_the_protocols() -> None:
    assert departures(sweep()) == []
    assert caption(sweep()) == "tiny model, rendered data"
    assert (len(planned().masks), len(planned().placebos)) == (14, 12)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("dataset.seed", "0", "dataset.seed is 0 and 100 instead of 100"),
        ("dataset", "Ucf101", "dataset is Synthetic and Ucf101 instead of Synthetic"),
        ("noise.learning.steps", "20", "noise.learning.steps is 150 and 20 instead of 150"),
        ("frames.count", "8", "frames.count is 1 and 8 instead of 1"),
    ],
)
def test_one_cell_with_other_settings_is_named(key: str, value: str, said: str) -> None:
    assert departures(sweep(**{key: value})) == [said]


def test_placebos_and_masks_of_a_cell_are_compared() -> None:
    assert departures(sweep(**{"noise.placebos": "[]"})) == [
        "the placebos of tiny with noise seed 3 are [] instead of ['another_class']"
    ]
    assert departures(sweep(**{"masking.fill": "blur"})) == [
        "feature 0.1 is another mask of this name"
    ]


def test_seeds_may_differ_and_few_differences_are_named() -> None:
    assert departures(sweep(**{"noise.seed": "9"})) == []
    found = departures(sweep(**{f"dataset.other{n}": "1" for n in range(13)}))
    assert len(found) == 11
    assert found[-1] == "3 more settings"


def test_a_missing_mask_and_a_missing_fit_are_named() -> None:
    grid = sweep()
    fewer = Grid(grid.masks[1:], grid.fits[1:], grid.cells, grid.clips[1:])
    assert departures(fewer) == [
        "13 masks, 13 of them of the 14 planned", "11 fits, 11 of them of the 12 planned",
        "479 clips are shown by all cells instead of 480",
    ]  # fmt: skip


def test_power_counts_the_steps_of_the_recipe() -> None:
    settings, pace = planned().settings, read_pilot().pace
    assert int(settings["noise.base_steps"]) == pace.base_steps
    assert int(settings["noise.learning.steps"]) == pace.steps
    assert int(settings["noise.learning.batch"]) == pace.batch
    assert int(settings["noise.wrong"]) == pace.wrong
    share = float(settings["noise.held_share"])
    assert int(settings["dataset.train_count"]) * share == pace.held
