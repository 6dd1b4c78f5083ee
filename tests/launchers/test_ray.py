"""A sweep over a real Ray cluster of two node processes; one of them is killed in mid-sweep."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.command import prepare_store, run_command, run_fresh
from tests.launchers.sweeps import finished_runs, same_results
from tests.servers import free_port, kill_tree, ray_cluster

pytest.importorskip("ray", reason="the extra ray is not installed")

SWEPT = ["ratio=0.1,0.2,0.3,0.4,0.5", "clean_twin=false"]


def started(folder: Path, typed: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clip_har", *typed],
        cwd=folder,
        env=os.environ | environment | {"CLIP_HAR_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def works(node: subprocess.Popen[bytes]) -> bool:
    """Return whether a process of this node is at work on a cell; Ray names them so."""
    with suppress(psutil.NoSuchProcess):
        for one in psutil.Process(node.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "ray::_run_job" in " ".join(one.cmdline()):
                    return True
    return False


def outcomes(folder: Path) -> list[Path]:
    return list(folder.glob("results/sweeps/*/*/outcome.json"))


@pytest.mark.slow
@pytest.mark.long
def test_a_sweep_spreads_over_two_nodes_and_outlives_one(small_sweep, tmp_path):
    serial, spread, killed = (tmp_path / name for name in ("serial", "spread", "killed"))
    for folder in (serial, spread, killed):
        folder.mkdir()
    assert run_command(serial, *small_sweep, *SWEPT).returncode == 0
    for folder in (spread, killed):
        prepare_store(folder)
    port = free_port()
    environment = {"RAY_ADDRESS": f"127.0.0.1:{port}", "RAY_USAGE_STATS_ENABLED": "0"}
    with ray_cluster(port) as nodes:
        typed = [*small_sweep, *SWEPT, "hydra/launcher=ray"]
        at_work: set[int] = set()
        with started(spread, typed, environment) as process:
            while process.poll() is None:
                at_work |= {number for number, node in enumerate(nodes) if works(node)}
                time.sleep(0.05)
            printed, _ = process.communicate()
        assert process.returncode == 0, printed
        assert "5 cells: 5 done, 0 failed" in printed
        assert at_work == {0, 1}, "both nodes ran cells"
        same_results(spread, serial)

        with started(killed, typed, environment) as process:
            while process.poll() is None and not outcomes(killed):
                time.sleep(0.1)
            kill_tree(nodes[1])
            printed, _ = process.communicate(timeout=240)
        kept = {
            path: path.stat().st_mtime_ns for path in killed.glob("results/cells/*/metrics.json")
        }
        assert kept, "killed too early"
        again = run_fresh(killed, *typed, environment=environment)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "5 cells: 5 done, 0 failed" in again.stdout
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items()), "none was run again"
    finished_runs(killed)
    same_results(killed, serial)
