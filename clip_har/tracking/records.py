"""Send numbers, pictures, parameters and notes to a run of an MLflow store, each once.

What the run has already is not sent again: a sweep that is typed again, or computed again, adds no
second point to a curve and no second picture to the image grid.
"""

import getpass
import re
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from clip_har.core.code_version import code_digest, git_commit
from clip_har.core.prefixes import PICTURES
from clip_har.tracking.tracker import Curve, SweepSummary

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run
    from PIL.Image import Image

_VALUE_LIMIT = 6000  # characters of a parameter, MLflow's own limit
_NOTE_LIMIT = 8000  # characters of a tag, MLflow's own limit
_DATASET_TRIES = 5
_PARAMS_AT_ONCE, _METRICS_AT_ONCE = 100, 1000  # MLflow's own limits
_RUNS_AT_ONCE = 50000  # MLflow's own limit
_IMAGES = "images"  # the folder in which MLflow keeps the pictures of its image grid


def log_metrics(client: "MlflowClient", run: "str | Run", metrics: Mapping[str, float]) -> None:
    """Send numbers; those that the run has already are left out.

    Args:
        client: of the store.
        run: its id; or the run as it was just read, which saves a request.
        metrics: the numbers.
    """
    read = client.get_run(run) if isinstance(run, str) else run
    run_id, known = read.info.run_id, read.data.metrics
    new = {name: value for name, value in metrics.items() if not _same(known.get(name), value)}
    _send(client, run_id, {name: {0: value} for name, value in new.items()})


def log_curves(client: "MlflowClient", run_id: str, curves: Mapping[str, Curve]) -> None:
    """Send numbers over steps; points that the run has already are left out.

    MLflow can remove no point. One that has changed is sent again, and the store keeps both.
    """
    if not curves:
        return
    known = client.get_run(run_id).data.metrics
    new = {}
    for name, points in curves.items():
        had: dict[int, float] = {}
        if name in known:
            history = client.get_metric_history(run_id, name)
            had = {one.step: one.value for one in sorted(history, key=lambda one: one.timestamp)}
        new[name] = {
            step: value for step, value in points.items() if not _same(had.get(step), value)
        }
    _send(client, run_id, new)


def _same(known: float | None, value: float) -> bool:
    return known is not None and (known == value or (isnan(known) and isnan(value)))


def _send(client: "MlflowClient", run_id: str, curves: Mapping[str, Curve]) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    points: list[Metric] = [
        Metric(name, value, now, step)
        for name, curve in curves.items()
        for step, value in curve.items()
    ]
    for start in range(0, len(points), _METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=points[start : start + _METRICS_AT_ONCE])


def log_pictures(client: "MlflowClient", run_id: str, pictures: Mapping[str, Path]) -> None:
    """Send PNG files to the image grid of a run that has none of these keys yet, by key."""
    # Sent one by one: each sets the same tag, which the store refuses twice at once.
    for key, path in pictures.items():
        client.log_image(run_id, _drawn(path), key=key, step=0)


def replace_pictures(client: "MlflowClient", run_id: str, pictures: Mapping[str, Path]) -> None:
    """Send pictures to the image grid, by key; they replace those of the same key."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    former = [file.path for file in client.list_artifacts(run_id, _IMAGES)] if pictures else []
    log_pictures(client, run_id, pictures)
    starts = [re.escape(key).replace("/", "[~#]") for key in pictures]
    same = re.compile(rf"{_IMAGES}/({'|'.join(starts)})[+%]step")
    if old := [name for name in former if same.match(name)]:
        place = client.get_run(run_id).info.artifact_uri
        store = get_artifact_repository(place, tracking_uri=client.tracking_uri)
        with suppress(MlflowException):  # a few stores of artifacts can delete nothing
            for name in old:
                store.delete_artifacts(name)  # type: ignore[no-untyped-call]


def _drawn(path: Path) -> "Image":
    """Return a picture of a PNG file that is copied when it is saved, not compressed again."""
    from PIL import Image

    picture = Image.open(path)
    picture.save = partial(shutil.copyfile, path)  # type: ignore[method-assign]
    return picture


def log_summary(
    client: "MlflowClient", experiment: str, run_id: str, summary: SweepSummary
) -> None:
    """Send what a sweep has found to its run, and to those of its cells."""
    for path in summary.files:
        client.log_artifact(run_id, str(path))
    drawn = [path for path in summary.files if path.suffix == ".png"]
    pictures = {f"{PICTURES}{path.stem.replace('_', ' ')}": path for path in drawn}
    replace_pictures(client, run_id, pictures)
    log_metrics(client, run_id, summary.metrics)
    log_curves(client, run_id, summary.curves)
    children = finished_children(client, experiment, run_id)
    for child in children:
        numbers = summary.cells.get(child.data.tags.get("clip_har.fingerprint", ""))
        if numbers:
            log_metrics(client, child, numbers)
    if summary.note:  # what the UI shows as the run's description
        links = _links(experiment, children)
        client.set_tag(run_id, "mlflow.note.content", _first_lines(summary.note, links))


def finished_children(client: "MlflowClient", experiment: str, run_id: str) -> "list[Run]":
    """Return the finished runs of the cells of a sweep, each cell once, in the order of start."""
    query = f"tags.`mlflow.parentRunId` = '{run_id}' and attributes.status = 'FINISHED'"
    order = ["attributes.start_time ASC"]
    found = client.search_runs([experiment], query, order_by=order, max_results=_RUNS_AT_ONCE)
    return list({run.data.tags.get("clip_har.fingerprint"): run for run in found}.values())


def _links(experiment: str, runs: "Iterable[Run]") -> str:
    """Return links to runs in Markdown, as many as fit into half a note."""
    lines = [
        f"- [{run.info.run_name.replace('[', '(').replace(']', ')')}]"
        f"(#/experiments/{experiment}/runs/{run.info.run_id})"
        for run in runs
    ]
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > _NOTE_LIMIT // 2:
            kept.append(f"- and {len(lines) - len(kept)} more, in the list of runs")
            break
        kept.append(line)
    return "\n\n## Runs of the cells\n\n" + "\n".join(kept) if kept else ""


def _first_lines(note: str, end: str) -> str:
    """Return the first lines of a text, as many as fit into a tag, and then ``end``."""
    room = _NOTE_LIMIT - len(end)
    if len(note) > room:
        cut = note[: room - 60]
        note = cut[: cut.rfind("\n")] + "\n\n… the rest is in the artifact report.md"
    return note + end


def source_tags() -> dict[str, str]:
    """Return the tags about code and user that MLflow's fluent interface would set."""
    tags = {
        "mlflow.source.name": "clip_har",
        "mlflow.source.type": "LOCAL",
        "clip_har.code": code_digest(),
    }
    if commit := git_commit():
        tags["mlflow.source.git.commit"] = commit
    with suppress(KeyError, OSError):  # in a container the user id may have no name
        tags["mlflow.user"] = getpass.getuser()
    return tags


def log_params(client: "MlflowClient", run: "Run", params: Mapping[str, str]) -> None:
    """Send parameters; MLflow can change none that the run has already, so these stay.

    Args:
        client: of the store.
        run: as it was just read or made.
        params: the parameters.
    """
    from mlflow.entities import Param

    run_id, known = run.info.run_id, run.data.params
    new = [Param(key, text[:_VALUE_LIMIT]) for key, text in params.items() if key not in known]
    for start in range(0, len(new), _PARAMS_AT_ONCE):
        client.log_batch(run_id, params=new[start : start + _PARAMS_AT_ONCE])


def log_datasets(client: "MlflowClient", run_id: str, named: Sequence[tuple[str, str]]) -> None:
    """Send the names and digests of sets of clips."""
    from mlflow.entities import Dataset, DatasetInput

    for name, digest in named:
        described = Dataset(name=name, digest=digest, source_type="local", source=name)
        _log_dataset(client, run_id, DatasetInput(described))


def _log_dataset(client: "MlflowClient", run_id: str, dataset: "DatasetInput") -> None:
    from mlflow.exceptions import MlflowException

    for tries_left in reversed(range(_DATASET_TRIES)):
        try:
            client.log_inputs(run_id, datasets=[dataset])
        except MlflowException as error:
            # If several workers are the first to log a data set at once, MLflow inserts it for
            # each, and all but one are refused (seen with PostgreSQL). Then the data set exists.
            if "unique" not in str(error).lower() or not tries_left:
                raise
        else:
            return
