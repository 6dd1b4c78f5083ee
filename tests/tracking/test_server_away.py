"""A real MLflow server that is stopped in mid-sweep: no result is lost, all are sent later."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from tests.command import run_command
from tests.data.made import write_video
from tests.servers import free_port, mlflow_server

CELLS = 2


def sweep(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "clip_har", "-m", "masking=percent", *arguments],
        cwd=folder,
        env=os.environ
        | {"CLIP_HAR_CACHE": str(folder / "cache"), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_results_of_a_sweep_are_kept_and_sent_when_the_server_is_back(tmp_path, small_clip):
    for label, name in enumerate(("climbing", "swimming")):
        path = tmp_path / "videos" / name / f"{name}.mp4"
        path.parent.mkdir(parents=True)
        write_video(path, 6 + label)
    port = free_port()
    arguments = ["dataset=folder", f"dataset.root={tmp_path / 'videos'}", "frames.count=2"]
    arguments += ["model=clip", f"model.checkpoint={small_clip}", "ratio=0.1,0.3"]
    arguments += [f"tracking.uri=http://127.0.0.1:{port}"]

    with mlflow_server(tmp_path, port) as process:
        running = sweep(tmp_path, *arguments)
        assert running.stderr is not None
        for line in running.stderr:  # the first cell, its clean twin included
            if "r=0.1: running" in line:
                break
        os.killpg(process.pid, 9)
        process.wait()
        printed, rest = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "run the command again to send it" in printed + rest
    assert "Traceback" not in printed + rest
    cells = [path.parent for path in (tmp_path / "results" / "cells").glob("*/metrics.json")]
    assert len(cells) == CELLS + 1, "all are on the disk, computed while the server was away"
    (sweep_folder,) = (tmp_path / "results" / "sweeps").iterdir()
    table = pd.read_csv(sweep_folder / "cells.csv")
    assert table["mask"].tolist() == ["percent"] * CELLS, "in its tables, too"
    assert table["top1"].notna().all()
    stamps = {cell: (cell / "metrics.json").stat().st_mtime_ns for cell in cells}

    with mlflow_server(tmp_path, port):
        again = run_command(
            tmp_path, "-m", "masking=percent", *arguments, with_store=False,
            environment={"CLIP_HAR_CACHE": str(tmp_path / "cache")},
        )  # fmt: skip
        assert again.returncode == 0, again.stdout + again.stderr
        client = mlflow.MlflowClient(f"http://127.0.0.1:{port}")
        runs = client.search_runs(["1"], "tags.`clip_har.kind` = 'cell'")
        sent = [run for run in runs if run.info.status == "FINISHED"]
        assert len({run.data.tags["clip_har.fingerprint"] for run in sent}) == CELLS + 1
        for run in sent:
            folder = tmp_path / "results" / "cells" / run.data.tags["clip_har.fingerprint"]
            assert (
                run.data.metrics["top1"]
                == json.loads((folder / "metrics.json").read_text())["top1"]
            )
    assert {cell: (cell / "metrics.json").stat().st_mtime_ns for cell in cells} == stamps, (
        "none anew"
    )
    assert not list((tmp_path / "results" / "cells").glob("*.unsent"))
