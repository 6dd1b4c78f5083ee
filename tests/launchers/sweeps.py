"""What the launchers' tests ask of a sweep that ended."""

from pathlib import Path

import numpy as np
from mlflow.entities import Run

from clip_har.results.score_table import ScoreTable
from tests.sweeps.test_callback import read_runs


def same_results(ours: Path, theirs: Path) -> None:
    """Hold the cells of two folders against each other, table by table."""
    cells = [
        {path.parent.name: path for path in (folder / "results" / "cells").glob("*/scores.parquet")}
        for folder in (ours, theirs)
    ]
    assert cells[0].keys() == cells[1].keys()
    for key, path in cells[0].items():
        one, other = ScoreTable.read(path), ScoreTable.read(cells[1][key])
        assert one.clip_ids == other.clip_ids
        np.testing.assert_array_equal(one.mask_ratio, other.mask_ratio)
        np.testing.assert_array_equal(one.predictions(), other.predictions())
        # Another number of threads rounds otherwise.
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)


def finished_runs(folder: Path) -> list[Run]:
    """Return the finished runs of cells; each cell has exactly one."""
    _, children = read_runs(folder)
    done = [run for run in children if run.info.status == "FINISHED"]
    prints = [run.data.tags["clip_har.fingerprint"] for run in done]
    assert len(set(prints)) == len(prints)
    return done
