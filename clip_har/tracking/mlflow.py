"""MLflow: a parent run per sweep, a child run per cell."""

import json
import logging
import os
import shlex
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from pydantic import field_validator

from clip_har.core.addresses import plain_address, with_login, without_login
from clip_har.core.errors import ClipHarError
from clip_har.core.imports import quick_imports
from clip_har.core.prefixes import CURVES
from clip_har.core.settings import Settings
from clip_har.tracking.records import (
    log_curves,
    log_datasets,
    log_metrics,
    log_params,
    log_pictures,
    log_summary,
    replace_pictures,
    source_tags,
)
from clip_har.tracking.relocate import ARTIFACTS, PLACE, follow_move, place_of
from clip_har.tracking.saved_views import save_views, view_address
from clip_har.tracking.store_errors import store_errors
from clip_har.tracking.tracker import (
    Curve,
    RunInfo,
    SweepInfo,
    SweepStatus,
    SweepSummary,
    TrackingError,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment
    from mlflow.entities import Run as MlflowRun

_EXPERIMENT = "clip_har"
_RUNS_AT_ONCE = 50000  # MLflow's own limit

_found: set[tuple[str, str, str, str | None]] = set()
"""Finished runs of cells that this process has found: store, experiment, fingerprint, parent."""


class MLflowTracking(Settings):
    """Send runs to an MLflow store.

    Attributes:
        uri: address of the tracking server or database; None for SQLite in the results folder.
        experiment: name of the MLflow experiment; empty for ``clip_har``.
    """

    uri: str | None = None
    experiment: str = _EXPERIMENT

    @field_validator("uri")
    @classmethod
    def _empty_is_none(cls, uri: str | None) -> str | None:
        return uri or None

    @field_validator("experiment")
    @classmethod
    def _has_a_name(cls, experiment: str) -> str:
        return experiment or _EXPERIMENT

    def check(self) -> None:
        """Refuse a login in a configuration file: all settings are stored with each result.

        Raises:
            ClipHarError: when the address contains a user name or password.
        """
        if self.uri is not None and (plain := plain_address(self.uri)) != self.uri:
            raise ClipHarError(
                f"tracking.uri={plain}: a configuration file holds its user name or password,"
                " which would be stored with each result; put the whole address into"
                " MLFLOW_TRACKING_URI, or type it in the command"
            )

    def ui(self, results_dir: Path) -> str:
        """Return the address of the server, or the command that serves the database or folder."""
        uri = plain_address(self.uri or default_uri(results_dir))
        if uri.startswith(("http://", "https://")):
            return uri
        named = [] if self.experiment == _EXPERIMENT else ["--experiment", self.experiment]
        where = [str(results_dir)] if self.uri is None else ["--uri", uri]
        return shlex.join(["clip-har-ui", *where, *named])

    def view(self, results_dir: Path, base: str) -> str:
        """Return the address of the saved view of the sweeps; write the views if they are missing.

        Args:
            results_dir: the results folder.
            base: address of the server.

        Raises:
            ClipHarError: when the store cannot be used.
        """
        with store_errors(self.uri):
            client, experiment = self._connect(results_dir)
            save_views(client, experiment)
            return view_address(base, experiment)

    def open_sweep(self, results_dir: Path, info: SweepInfo, *, fresh: bool) -> str:
        """Open the parent run of a sweep, or continue the one of this key unless ``fresh``.

        It also creates the store, which must exist before several workers open it at once.

        Raises:
            ClipHarError: when the store cannot be reached.
        """
        with store_errors(self.uri):
            client, experiment = self._connect(results_dir)
            query = f"tags.`clip_har.sweep` = '{info.key}'"
            found = [] if fresh else client.search_runs([experiment], query, max_results=1)
            if found:
                run = found[0]
                client.update_run(run.info.run_id, status="RUNNING", name=info.name)
            else:
                tags = {"clip_har.sweep": info.key, "clip_har.kind": "sweep", **source_tags()}
                run = client.create_run(experiment, run_name=info.name, tags=tags)
            run_id = str(run.info.run_id)
            log_params(client, run, info.params)
            log_datasets(client, run_id, info.datasets)
            return run_id

    def close_sweep(
        self, results_dir: Path, run_id: str, summary: SweepSummary, *, status: SweepStatus
    ) -> None:
        """Send what a sweep has found, and end the parent run."""
        with store_errors(self.uri):
            client, experiment = self._connect(results_dir)
            try:
                log_summary(client, experiment, run_id, summary)
                save_views(client, experiment, summary.curves)
            finally:
                # Runs of workers that were killed, as by Ctrl-C, could not end themselves.
                if status == "KILLED":
                    query = (
                        f"tags.`mlflow.parentRunId` = '{run_id}' and attributes.status = 'RUNNING'"
                    )
                    for left in client.search_runs([experiment], query, max_results=_RUNS_AT_ONCE):
                        client.set_terminated(left.info.run_id, "KILLED")
                client.set_terminated(run_id, status)

    def update_sweep(self, results_dir: Path, run_id: str, summary: SweepSummary) -> None:
        """Send what a sweep has found to its run, which stays as it ended."""
        with store_errors(self.uri):
            client, experiment = self._connect(results_dir)
            log_summary(client, experiment, run_id, summary)
            save_views(client, experiment, summary.curves)

    def log_figure(self, results_dir: Path, path: Path, *, name: str) -> None:
        """Send a picture that belongs to no cell, in a run of its own."""
        with store_errors(self.uri):
            client, experiment = self._connect(results_dir)
            tags = {"clip_har.kind": "figure", **source_tags()}
            run_id = client.create_run(experiment, run_name=name, tags=tags).info.run_id
            client.log_artifact(run_id, str(path))
            client.set_terminated(run_id, "FINISHED")

    def has(self, results_dir: Path, fingerprint: str, parent: str | None) -> bool:
        """Return whether the store has a finished run of this cell, under this parent.

        Each cell of a sweep asks for its clean twin's run: one that was found is not looked for
        again by this process.
        """
        key = (self.uri or default_uri(results_dir), self.experiment, fingerprint, parent)
        if key in _found:
            return True
        with store_errors(self.uri):
            client, experiment = self._connect(results_dir)
            query = _finished_runs(fingerprint)
            if parent is not None:
                query += f" and tags.`mlflow.parentRunId` = '{parent}'"
            if not client.search_runs([experiment], query, max_results=1):
                return False
        if parent is not None:  # else it may be asked for after it was deleted
            _found.add(key)
        return True

    def update(
        self,
        results_dir: Path,
        fingerprint: str,
        folder: Path,
        metrics: Mapping[str, float],
        *,
        tags: Mapping[str, str],
        pictures: Mapping[str, Path] | None = None,
    ) -> bool:
        """Send the new files and numbers of a cell to its finished runs of this folder, if any."""
        with store_errors(self.uri):
            client, experiment = self._connect(results_dir)
            query = f"{_finished_runs(fingerprint)} and tags.`{PLACE}` = '{place_of(results_dir)}'"
            runs = client.search_runs([experiment], query, max_results=_RUNS_AT_ONCE)
            for run in runs:
                # MLflow can remove no number: one that the cell no longer has becomes NaN.
                gone = {name for name in run.data.metrics if not name.startswith(CURVES)}
                sent = {**dict.fromkeys(gone, float("nan")), **metrics}
                log_metrics(client, run, sent)
                for name, value in tags.items():
                    client.set_tag(run.info.run_id, name, value)
                client.log_artifacts(run.info.run_id, str(folder))
                replace_pictures(client, run.info.run_id, pictures or {})
            return bool(runs)

    @contextmanager
    def run(self, results_dir: Path, info: RunInfo) -> Iterator["_Run"]:
        """Open a run that ends with its body: finished, failed with the error, or killed.

        The caller holds the cell's lock. So a run of the same cell and sweep that is still RUNNING
        belongs to a process that was killed, and is marked as killed.
        """
        with store_errors(self.uri):
            client, experiment = self._connect(results_dir)
            if info.parent is not None:
                query = (
                    f"tags.`clip_har.fingerprint` = '{info.fingerprint}' and attributes.status ="
                    f" 'RUNNING' and tags.`mlflow.parentRunId` = '{info.parent}'"
                    f" and tags.`{PLACE}` = '{place_of(results_dir)}'"
                )
                for dead in client.search_runs([experiment], query):
                    client.set_terminated(dead.info.run_id, "KILLED")
            tags = {
                "clip_har.fingerprint": info.fingerprint,
                "clip_har.kind": "cell",
                PLACE: place_of(results_dir),
                "clip_har.varies": json.dumps(info.varies),
                **info.tags,
                **({"mlflow.parentRunId": info.parent} if info.parent else {}),
                **source_tags(),
            }
            run = client.create_run(experiment, run_name=info.name, tags=tags)
            run_id = run.info.run_id
        try:
            with store_errors(self.uri):
                log_params(client, run, info.params)
                log_datasets(client, run_id, [info.dataset] if info.dataset else [])
            yield _Run(client, run, self.uri)
            with store_errors(self.uri):
                client.set_terminated(run_id, "FINISHED")
        except BaseException as error:
            # The store itself may have failed: the first error is the one to report.
            with suppress(Exception):
                if isinstance(error, Exception):
                    text = without_login(f"{type(error).__name__}: {error}")
                    client.set_tag(run_id, "clip_har.error", text)
                    client.log_text(run_id, without_login(traceback.format_exc()), "error.txt")
                    client.set_terminated(run_id, "FAILED")
                else:  # Ctrl-C, or the end of the process
                    client.set_terminated(run_id, "KILLED")
            raise

    def _connect(self, results_dir: Path) -> tuple["MlflowClient", str]:
        """Return a client and the experiment's id; create the experiment if it is missing."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # Retry for half a minute. Results can be sent later, and MLflow's default of four minutes
        # would delay every request of every cell.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        for noisy in ("alembic", "mlflow"):  # they log every migration of a new store
            logging.getLogger(noisy).setLevel(logging.WARNING)
        uri = with_login(self.uri) if self.uri else default_uri(results_dir)
        local = uri.startswith("sqlite:")
        place = (results_dir.absolute() / ARTIFACTS).as_uri() if local else None
        results_dir.mkdir(parents=True, exist_ok=True)
        # Processes that create the same SQLite store at once break each other's migrations.
        with FileLock(results_dir / "mlflow.lock") if local else nullcontext():
            if local:
                follow_move(Path(uri.removeprefix("sqlite:///").partition("?")[0]), results_dir)
            with quick_imports():  # the client imports the module of its store
                client = MlflowClient(tracking_uri=uri)
            if found := client.get_experiment_by_name(self.experiment):
                check_active(found, uri)
                return client, str(found.experiment_id)
            # which of the UI's two views opens first
            tags = {"mlflow.experimentKind": "custom_model_development"}
            try:
                made = client.create_experiment(self.experiment, artifact_location=place, tags=tags)
                return client, str(made)
            except MlflowException:
                found = client.get_experiment_by_name(self.experiment)  # another process created it
                if found is None:
                    raise
                return client, str(found.experiment_id)


def check_active(found: "Experiment", uri: str) -> None:
    """Refuse an experiment that was deleted: MLflow takes no new runs for it, and shows none.

    Args:
        found: the experiment.
        uri: address of its store.

    Raises:
        TrackingError: when it was deleted.
    """
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"tracking.experiment={found.name}: this experiment was deleted in the MLflow store;"
            f" restore it (MLFLOW_TRACKING_URI={plain_address(uri)} mlflow experiments restore"
            f" --experiment-id {found.experiment_id}), or give another name with"
            " tracking.experiment=…"
        )


class _Run:
    """An open MLflow run, as it was made: nothing has been sent to it but parameters."""

    def __init__(self, client: "MlflowClient", run: "MlflowRun", uri: str | None) -> None:
        self._client = client
        self._run = run
        self._uri = uri

    def log_results(
        self,
        folder: Path,
        metrics: Mapping[str, float],
        *,
        curves: Mapping[str, Curve] | None = None,
        pictures: Mapping[str, Path] | None = None,
    ) -> None:
        """Send a finished cell's numbers and all of its files."""
        run_id = self._run.info.run_id
        with store_errors(self._uri):
            log_metrics(self._client, self._run, metrics)
            log_curves(self._client, run_id, curves or {})
            self._client.log_artifacts(run_id, str(folder))
            log_pictures(self._client, run_id, pictures or {})


def _finished_runs(fingerprint: str) -> str:
    return f"tags.`clip_har.fingerprint` = '{fingerprint}' and attributes.status = 'FINISHED'"


def default_uri(results_dir: Path) -> str:
    """Return the address of the SQLite store in a results folder."""
    return f"sqlite:///{results_dir.absolute() / 'mlflow.db'}"
