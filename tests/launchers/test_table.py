"""Sweeps whose cells are the rows of a table."""

import json
from pathlib import Path

import pytest

from tests.command import run_command, run_fresh
from tests.launchers.sweeps import finished_runs

TABLE = "masking,ratio,fill,frames.order\npercent,0.3,,\nshape,0.1,mean,reversed\nnone,,,\n"


@pytest.fixture
def table_sweep(tmp_path: Path, small_sweep: list[str]) -> list[str]:
    """What is typed for a sweep over a table, with a clean twin of its own for each order."""
    (tmp_path / "cells.csv").write_text(TABLE)
    typed = [word for word in small_sweep if word not in ("-m", "masking=percent")]
    return ["hydra/sweeper=table", "hydra.sweeper.file=cells.csv", *typed]


def test_each_row_is_run_once_and_found_again(tmp_path: Path, table_sweep: list[str]) -> None:
    done = run_command(tmp_path, *table_sweep)
    assert done.returncode == 0, done.stderr
    assert "3 cells: 3 done, 0 failed" in done.stdout
    settings = {
        (run.data.params["masking"], run.data.params["frames.order"])
        for run in finished_runs(tmp_path)
    }
    assert settings == {("percent", "forward"), ("shape", "reversed"), ("none", "forward"),
                        ("none", "reversed")}  # fmt: skip
    (sweep,) = (tmp_path / "results" / "sweeps").iterdir()
    told = json.loads((sweep / "sweep.json").read_text())
    assert told["name"] == "table=cells.csv"
    assert told["varying"] == ["masking", "ratio", "fill", "frames.order"]
    with (tmp_path / "cells.csv").open("a") as file:
        file.write("percent,0.5,,\n")
    again = run_command(tmp_path, *table_sweep)
    assert again.returncode == 0, again.stderr
    assert "4 cells: 4 done" in again.stdout
    assert again.stdout.count("reused") == 3


def test_nothing_runs_after_a_wrong_row(tmp_path: Path, table_sweep: list[str]) -> None:
    for line, fault in (
        ("percent,7,,\n", "ratio=7"),
        ("percnt,0.3,,\n", "did you mean masking=percent?"),
    ):
        (tmp_path / "cells.csv").write_text(TABLE + line)
        done = run_command(tmp_path, *table_sweep)
        assert done.returncode == 1
        assert fault in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "results" / "sweeps").exists()
    (tmp_path / "cells.csv").write_text("masking,ratios\npercent,0.3\n")
    done = run_command(tmp_path, *table_sweep)
    assert "cells.csv: ratios: there is no such key; did you mean ratio?" in done.stderr


@pytest.mark.long
def test_rows_run_in_processes(tmp_path: Path, table_sweep: list[str]) -> None:
    done = run_fresh(
        tmp_path, *table_sweep, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", with_store=True
    )
    assert done.returncode == 0, done.stderr
    assert "3 cells: 3 done, 0 failed" in done.stdout
    assert len(finished_runs(tmp_path)) == 4
