"""Workers that log at once to a real MLflow server on a real PostgreSQL lose nothing.

``CLIP_HAR_TRACKED_RUNS`` says how many runs are logged without the model (20),
``CLIP_HAR_TRACKED_CELLS`` how many cells a sweep with it has (4);
docs/scale.md tells what was tried.
"""

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Run

from tests.command import run_fresh
from tests.data.made import write_video
from tests.servers import free_port, mlflow_server, postgres

RUNS = int(os.environ.get("CLIP_HAR_TRACKED_RUNS", "20"))
CELLS = int(os.environ.get("CLIP_HAR_TRACKED_CELLS", "4"))
WORKERS = 4

# What a cell sends: parameters, numbers and the files of its folder; without the model.
SENDER = """
import sys
from pathlib import Path
from clip_har.tracking.mlflow import MLflowTracking
from clip_har.tracking.tracker import RunInfo
uri, place, parent, first, last = sys.argv[1:]
tracking = MLflowTracking(uri=uri)
for number in range(int(first), int(last)):
    info = RunInfo(
        name=f"cell {number}", fingerprint=f"{number:032x}", parent=parent,
        params={f"key{n}": str(n) for n in range(60)}, tags={},
        dataset=("made", "digest"), command="python -m clip_har",
    )
    with tracking.run(Path(place), info) as run:
        run.log_results(
            Path(place) / "result", {f"metric{n}": number + n / 100 for n in range(60)}
        )
"""


@pytest.mark.slow
@pytest.mark.long
def test_runs_of_four_workers_are_all_there(tmp_path, small_clip):
    result = tmp_path / "result"
    result.mkdir()
    (result / "metrics.json").write_text("{}")
    (result / "confusion.png").write_bytes(bytes(50_000))
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    with (
        postgres(free_port()) as store,
        mlflow_server(tmp_path, port, store=store, workers=2),
    ):
        from clip_har.tracking.mlflow import MLflowTracking
        from clip_har.tracking.tracker import SweepInfo

        tracking = MLflowTracking(uri=uri)
        parent = tracking.open_sweep(tmp_path, SweepInfo("many", "k"), fresh=False)
        started = time.monotonic()
        bounds = [RUNS * worker // WORKERS for worker in range(WORKERS + 1)]
        senders = [
            subprocess.Popen(
                [sys.executable, "-c", SENDER, uri, str(tmp_path), parent, str(low), str(high)],
                cwd=Path(__file__).parents[2],
                stderr=subprocess.PIPE,
                text=True,
            )
            for low, high in pairwise(bounds)
        ]
        for sender in senders:
            _, complaint = sender.communicate(timeout=30 + RUNS)
            assert sender.returncode == 0, complaint
        seconds = time.monotonic() - started
        print(f"{RUNS} runs of {WORKERS} workers in {seconds:.1f} s")  # noqa: T201
        client = mlflow.MlflowClient(uri)
        runs: list[Run] = []
        token = None
        while token != "":
            page = client.search_runs(
                ["1"], "tags.`clip_har.kind` = 'cell'", max_results=500, page_token=token
            )
            runs += page
            token = page.token or ""
        assert sorted(run.data.tags["clip_har.fingerprint"] for run in runs) == [
            f"{number:032x}" for number in range(RUNS)
        ]
        for run in runs:
            assert run.info.status == "FINISHED"
            assert run.data.tags["mlflow.parentRunId"] == parent
            assert len(run.data.params) == 60
            assert run.data.metrics["metric3"] == int(run.info.run_name.split()[1]) + 0.03
        names = {file.path for file in client.list_artifacts(runs[-1].info.run_id)}
        assert names == {"metrics.json", "confusion.png"}
        for number in range(0, RUNS, max(1, RUNS // 5)):
            assert tracking.has(tmp_path, f"{number:032x}", parent)

        a_sweep_of_workers(tmp_path, small_clip, uri)


def a_sweep_of_workers(folder: Path, small_clip: Path, uri: str) -> None:
    for label, name in enumerate(("climbing", "swimming")):
        write_video(folder / "videos" / name / f"{name}.mp4", 6 + label)
    seeds = ",".join(map(str, range(CELLS // 2)))
    started = time.monotonic()
    done = run_fresh(
        folder,
        *("-m", "dataset=folder", f"dataset.root={folder / 'videos'}", "frames.count=2"),
        *("model=clip", f"model.checkpoint={small_clip}", "masking=percent", "ratio=0.1,0.3"),
        *(f"seed={seeds}", "clean_twin=false", f"tracking.uri={uri}"),
        *("tracking.experiment=sweep", "hydra/launcher=joblib"),
        f"hydra.launcher.n_jobs={min(WORKERS, CELLS // 2)}",
        timeout=300 + 10 * CELLS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(f"{CELLS} cells in {time.monotonic() - started:.1f} s")  # noqa: T201
    assert f"{CELLS} cells: {CELLS} done, 0 failed" in done.stdout
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("sweep")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], "tags.`clip_har.kind` = 'cell'")
    assert [run.info.status for run in runs] == ["FINISHED"] * CELLS
    assert len({run.data.tags["clip_har.fingerprint"] for run in runs}) == CELLS
