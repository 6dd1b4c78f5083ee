"""A masked sweep over several data sets, as a user types it."""

from collections.abc import Sequence
from pathlib import Path

from clip_har.results.score_table import ScoreTable
from clip_har.results.sweep import read_outcomes
from tests.command import run_command

MASKS = ("percent", "shape")


def masked_sweep(
    folder: Path, model: Path, keys: Sequence[str], sets: Sequence[Sequence[str]]
) -> dict[tuple[str, str], ScoreTable]:
    """Run one command, a cell a row, with two masks on each data set; return the tables of cells.

    Args:
        folder: where it runs.
        model: the folder of a CLIP.
        keys: the settings that ``sets`` give values to, such as ``dataset.root``.
        sets: the values for each data set, without commas.

    Returns:
        By the title of the data and the mask.
    """
    rows = [",".join([mask, *values]) for values in sets for mask in MASKS]
    (folder / "cells.csv").write_text("\n".join([",".join(["masking", *keys]), *rows]))
    done = run_command(
        folder, "-m", "hydra/sweeper=table", "hydra.sweeper.file=cells.csv", "model=clip",
        f"model.checkpoint={model}", "ratio=0.2", "frames.count=2", "attention_clips=0",
        "clean_twin=false", "tracking=none",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    (sweep,) = (folder / "results" / "sweeps").iterdir()
    results = [outcome.result for outcome in read_outcomes(sweep).values()]
    found = {(one.protocol["data"], one.mask): one.table for one in results if one}
    assert len(found) == len(rows)
    return found
