"""Sweeps whose cells run in several processes at once."""

import pytest

from tests.command import run_command, run_fresh
from tests.launchers.sweeps import finished_runs, same_results


def test_two_workers_find_what_one_process_finds(small_sweep, tmp_path):
    serial, parallel = tmp_path / "serial", tmp_path / "parallel"
    typed = [*small_sweep, "ratio=0.1,0.3", "clean_twin=false"]
    launcher = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    for folder, run, more in ((serial, run_command, []), (parallel, run_fresh, launcher)):
        folder.mkdir()
        done = run(folder, *typed, *more)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "2 cells: 2 done, 0 failed" in done.stdout
    assert len(finished_runs(parallel)) == 2
    same_results(parallel, serial)


@pytest.mark.slow
@pytest.mark.long
def test_four_workers_on_a_fresh_store_lose_no_run(small_sweep, tmp_path):
    done = run_fresh(
        tmp_path,
        *small_sweep,
        *("ratio=0.1,0.2", "seed=0,1", "clean_twin=false"),
        *("hydra/launcher=joblib", "hydra.launcher.n_jobs=4"),
        environment={"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 cells: 4 done, 0 failed" in done.stdout
    assert len(finished_runs(tmp_path)) == 4
