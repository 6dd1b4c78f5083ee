"""Slurm's launcher is submitit's: here with its local executor, whose jobs are processes."""

import pytest

from tests.command import run_command, run_fresh
from tests.launchers.sweeps import finished_runs, same_results

pytest.importorskip("submitit", reason="the extra slurm is not installed")


@pytest.mark.slow
@pytest.mark.long
def test_jobs_of_submitit_find_the_same(small_sweep, tmp_path):
    serial = tmp_path / "serial"
    serial.mkdir()
    assert run_command(serial, *small_sweep, "ratio=0.1,0.3").returncode == 0
    launcher = "hydra/launcher=submitit_local"
    done = run_fresh(tmp_path, *small_sweep, "ratio=0.1,0.3", launcher, with_store=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 cells: 2 done, 0 failed" in done.stdout
    assert len(finished_runs(tmp_path)) == 3, "the clean twin, too"
    same_results(tmp_path, serial)


def test_the_option_is_slurms_launcher_with_our_settings(tmp_path):
    shown = run_fresh(tmp_path, "hydra/launcher=slurm", "--cfg", "hydra", "-p", "hydra.launcher")
    assert shown.returncode == 0, shown.stderr
    assert "SlurmLauncher" in shown.stdout
    assert "array_parallelism: 64" in shown.stdout
    assert "gpus_per_node: 1" in shown.stdout
