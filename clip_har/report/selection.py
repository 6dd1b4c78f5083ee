"""The finished cells that a report is about: from a sweep's folder, or by a question to MLflow."""

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import Cell
from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.engine.run import Sweep, read_outcomes
from clip_har.results.files import METRICS, PROTOCOL, SCORES, clean_twin, read_metrics
from clip_har.results.score_table import ScoreTable
from clip_har.sweep.cells import Finished

_TOLD = 3  # troubles in one line


@dataclass(frozen=True)
class ReportCell:
    """A finished cell.

    Attributes:
        name: short.
        folder: of its results.
    """

    name: str
    folder: Path

    @cached_property
    def cell(self) -> Cell:
        """Its settings."""
        config = OmegaConf.load(self.folder / "config.yaml")
        assert isinstance(config, DictConfig)  # noqa: S101, it was written as one
        return cell_from_config(config)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Its numbers."""
        return read_metrics(self.folder)

    @cached_property
    def protocol(self) -> dict[str, Any]:
        """Its protocol card."""
        return dict(json.loads((self.folder / PROTOCOL).read_text(encoding="utf-8")))

    @cached_property
    def table(self) -> ScoreTable:
        """Its answers."""
        return ScoreTable.read(self.folder / SCORES)

    @cached_property
    def clean(self) -> "ReportCell | None":
        """Its clean twin; None where it is its own, or was not compared."""
        folder = clean_twin(self.folder)
        if folder is None:
            return None
        return _opened_once(folder, (folder / METRICS).stat().st_mtime_ns)

    @property
    def is_clean(self) -> bool:
        """Whether it has neither mask nor noise."""
        kinds = [self.protocol[group]["kind"] for group in ("masking", "noise")]
        return kinds == ["NoMask", "NoNoise"]

    @property
    def ratio(self) -> float | None:
        """The hidden share that was asked for; None where there is none."""
        ratio = self.protocol["masking"].get("ratio")
        return None if ratio is None or self.is_clean else float(ratio)

    @property
    def strategy(self) -> str:
        """The cell's name without its ratio: cells of one strategy make a line over ratios."""
        return self.name if self.ratio is None else self.name.replace(f" r={self.ratio:g}", "")

    def finished(self) -> Finished:
        """Return it as the measures over several cells take it."""
        return Finished(self.name, self.cell, self.folder)


@lru_cache(maxsize=8)
def _opened_once(folder: Path, _written: int) -> ReportCell:
    """Return the twin that many cells share, so that its answers are read once."""
    return ReportCell("none (clean twin)", folder)


@dataclass(frozen=True)
class Chosen:
    """What a report is about.

    Attributes:
        title: a few words.
        cells: finished ones, each result once.
        troubles: cells that failed or are missing, and why; one line each.
        folder: of the sweep; None for cells from several.
    """

    title: str
    cells: tuple[ReportCell, ...]
    troubles: tuple[str, ...] = ()
    folder: Path | None = None


def of_sweep(folder: Path) -> Chosen:
    """Return the cells of a sweep.

    Args:
        folder: the sweep's, below ``results/sweeps``.

    Raises:
        ClipHarError: when it is no sweep's folder, or none of its cells has a result.
    """
    outcomes = read_outcomes(folder)
    if not outcomes:
        raise ClipHarError(
            f"{folder}: expected the folder of a sweep, such as results/sweeps/2026-11-26_10-00-00"
        )
    found: dict[Path, ReportCell] = {}
    troubles = []
    for outcome in outcomes.values():
        place = Path(outcome.folder) if outcome.folder else None
        if place is not None and not (place / METRICS).is_file():
            place = folder.parents[1] / "cells" / place.name  # the results folder was moved
        if place is not None and (place / METRICS).is_file():
            found.setdefault(place, ReportCell(outcome.name, place))
        else:
            troubles.append(f"{outcome.name}: {outcome.error or 'its results are not there'}")
    sweep = Sweep.read(folder)
    named = sweep is not None and sweep.name != folder.name
    title = f"{sweep.name} ({folder.name})" if sweep is not None and named else folder.name
    if sweep is not None and sweep.cells > len(outcomes):
        troubles.append(
            f"{sweep.cells - len(outcomes)} of {sweep.cells} cells were not run: type the same"
            " command again, it runs what is missing"
        )
    return _chosen(title, found, troubles, folder)


def of_experiment(results_dir: Path, experiment: str, *, uri: str, filters: str = "") -> Chosen:
    """Return the finished cells of an MLflow experiment.

    Args:
        results_dir: holds the cells.
        experiment: its name.
        uri: of the tracking store.
        filters: in MLflow's own words, such as ``params.masking = 'shape'``.

    Raises:
        ClipHarError: when there is no such experiment, or no run of a cell with a result.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri=uri)
    query = "tags.`clip_har.kind` = 'cell'" + (f" and {filters}" if filters else "")
    try:
        known = client.get_experiment_by_name(experiment)
        if known is None:
            raise ClipHarError(f"there is no experiment {experiment} in {uri}")
        runs, token = [], None
        while True:
            page = client.search_runs([known.experiment_id], query, page_token=token)
            runs += list(page)
            if not (token := page.token):
                break
    except MlflowException as error:
        raise ClipHarError(f"--filter {filters}: {str(error).splitlines()[0]}") from error
    found: dict[Path, ReportCell] = {}
    troubles = []
    for run in reversed(runs):  # MLflow lists the newest first
        name = str(run.info.run_name)
        place = results_dir / "cells" / run.data.tags["clip_har.fingerprint"]
        if (place / METRICS).is_file():
            found.setdefault(place, ReportCell(name, place))
        elif run.info.status != "FINISHED":
            reason = run.data.tags.get("clip_har.error", "it did not end")
            troubles.append(f"{name}: {run.info.status.lower()}: {reason}")
        else:
            troubles.append(f"{name}: its results are not in {results_dir / 'cells'}")
    title = experiment + (f" where {filters}" if filters else "")
    return _chosen(title, found, troubles, None)


def newest_sweep(results_dir: Path) -> Path:
    """Return the folder of the newest sweep.

    Raises:
        ClipHarError: when there is none.
    """
    folders = [path.parent for path in (results_dir / "sweeps").glob("*/sweep.json")]
    if not folders:
        raise ClipHarError(
            f"{results_dir / 'sweeps'} holds no sweep: run one (python -m clip_har -m …), or name"
            " its folder"
        )
    return max(folders, key=lambda folder: folder.stat().st_mtime)


def _chosen(
    title: str, found: dict[Path, ReportCell], troubles: list[str], folder: Path | None
) -> Chosen:
    cells = []
    for one in found.values():
        if "command" in one.protocol:
            cells.append(one)
        else:
            troubles.append(f"{one.name}: it was made by an earlier version; run it again")
    if not cells:
        message = "".join(f"; {trouble}" for trouble in troubles[:_TOLD])
        more = f"; and {len(troubles) - _TOLD} more" if len(troubles) > _TOLD else ""
        raise ClipHarError(f"{title}: no cell has a result{message}{more}")
    return Chosen(title, tuple(cells), tuple(dict.fromkeys(troubles)), folder)
