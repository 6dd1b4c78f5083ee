"""The study's cells are read whole, or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.noise.learned.arms import LIFT
from clip_har.results.variant_scores import write_variant_scores
from experiments.class_noise.cells import Fit, read_grid
from tests.experiments.class_noise.made import BASE, made_scores
from tests.report.made import made_cell, made_sweep

MODEL = "experiments/class_noise/models/seed_1"


def sweep(results: Path, cells: Sequence[tuple[str, str, int]]) -> Path:
    """Write a sweep of cells: mask with ratio, checkpoint, noise seed."""
    folders: dict[str, Path | str] = {}
    named: dict[str, Mapping[str, Any]] = {}
    for mask, checkpoint, seed in cells:
        kind, _, ratio = mask.partition(" ")
        fit = Fit(checkpoint, seed)
        scores = made_scores(mask, fit, {**BASE, LIFT: 0.6}, {})
        name = f"{mask} {Path(checkpoint).name} {seed}"
        folder = made_cell(
            results, name, scores[LIFT].table, f"masking={kind}", "noise=residual",
            "region=annotation", f"noise_seed={seed}", f"model.checkpoint={checkpoint}",
            *([f"ratio={ratio}"] if ratio else []),
        )  # fmt: skip
        (folder / "noise").mkdir()
        write_variant_scores(folder / "noise", LIFT, scores)
        folders[name] = folder
        named[name] = {"masking": kind, "model.checkpoint": checkpoint, "noise_seed": seed}
    return made_sweep(results, folders, named=named)


def test_cells_are_found_by_mask_and_fit(tmp_path: Path) -> None:
    given = [
        (mask, model, seed)
        for mask in ("none", "percent 0.3", "swap")
        for model, seed in (("tiny", 0), (MODEL, 4))
    ]
    grid = read_grid([sweep(tmp_path, given)])
    assert grid.masks == ("none", "percent 0.3", "swap")
    assert grid.fits == (Fit("seed_1", 4), Fit("tiny", 0))
    assert set(grid.cells) == {(mask, Fit(Path(model).name, seed)) for mask, model, seed in given}
    assert len(grid.clips) == 320


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ([("none", "tiny", 0), ("none", MODEL, 0)], "two models have the same noise seed"),
        ([("none", "tiny", 0), ("none", "tiny", 1), ("none", MODEL, 4)], "as many noise seeds"),
        ([("none", "tiny", 0), ("swap", "tiny", 0), ("none", MODEL, 4)],
         "the study lacks swap of seed_1 with noise seed 4: run the sweep's command again"),
    ],
    ids=["shared seeds", "unequal seeds", "a hole"],
)  # fmt: skip
def test_a_study_that_is_not_whole_is_refused(
    cells: list[tuple[str, str, int]], fault: str, tmp_path: Path
) -> None:
    with pytest.raises(ClipHarError, match=fault):
        read_grid([sweep(tmp_path, cells)])


def test_two_models_of_the_same_name_are_refused(tmp_path: Path) -> None:
    other = str(Path(MODEL).with_name("other") / Path(MODEL).name)
    with pytest.raises(ClipHarError, match=r"two models have the same name seed_1: .*other/seed_1"):
        read_grid([sweep(tmp_path, [("none", MODEL, 0), ("none", other, 1)])])


def test_a_failed_cell_and_a_sweep_without_noise_are_refused(tmp_path: Path) -> None:
    scores = made_scores("none", Fit("tiny", 0), BASE, {})
    clean = made_cell(tmp_path, "clean", scores["none"].table, "masking=none")
    with pytest.raises(ClipHarError, match="no cell with learned noise"):
        read_grid([made_sweep(tmp_path, {"none": clean})])
    broken = made_sweep(tmp_path, {"none": clean, "swap": "it broke"}, date="2026-01-02_00-00-00")
    with pytest.raises(ClipHarError, match="swap: it broke: run the sweep's command again first"):
        read_grid([broken])
