"""The cells of a report: from a sweep's folder, or from a query to MLflow."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from clip_har.core.addresses import plain_address
from clip_har.core.errors import ClipHarError
from clip_har.results.result import Result
from clip_har.results.sweep import SWEEP, Sweep, read_outcomes
from clip_har.sweeps.comparisons import (
    Comparison,
    comparisons_of,
    named_by_settings,
    newest_results,
)
from clip_har.tracking.mlflow import check_active

_NAMED = 3  # largest number of problems in an error message


@dataclass(frozen=True)
class Chosen:
    """The cells of a report.

    Attributes:
        title: a short title.
        jobs: the finished cells of all jobs, with the settings of each; several may share a
            result, such as ``masking=none`` under two ratios.
        problems: one line per cell that failed, is missing or is left out, with the reason.
        folder: the folder of the sweep; None for cells of several sweeps.
    """

    title: str
    jobs: tuple[Result, ...]
    problems: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def tables_folder(self) -> Path | None:
        """The folder of the sweep if its tables can be written there; None if not."""
        return self.folder if self.folder and os.access(self.folder, os.W_OK) else None

    @property
    def cells(self) -> tuple[Result, ...]:
        """The finished cells, each result once: as in its first job."""
        return tuple(one for found in self.comparisons for one in found.cells)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """The cells by data set, model and protocol; cells of several sweeps get new names."""
        found = comparisons_of(self.jobs)
        if self.folder is not None:
            return found
        renamed = [(one, tuple(named_by_settings(one.cells))) for one in found]
        return [replace(one, cells=cells, jobs=cells) for one, cells in renamed]


def of_sweep(folder: Path) -> Chosen:
    """Return the cells of a sweep.

    Args:
        folder: the folder of the sweep, below ``results/sweeps``.

    Raises:
        ClipHarError: when it is not the folder of a sweep, or no cell has a result.
    """
    outcomes = read_outcomes(folder)
    if not outcomes:
        raise ClipHarError(
            f"{folder}: expected the folder of a sweep, such as results/sweeps/2026-11-26_10-00-00"
        )
    found = []
    problems = []
    for outcome in outcomes.values():
        if (result := outcome.result) is not None:
            found.append(result)
        else:
            lost = "its results are missing or damaged: run its command again"
            problems.append(f"{outcome.name}: {outcome.error or lost}")
    sweep = Sweep.read(folder)
    named = sweep is not None and sweep.name != folder.name
    title = f"{sweep.name} ({folder.name})" if sweep is not None and named else folder.name
    if sweep is not None and sweep.cells > len(outcomes):
        problems.append(
            f"{sweep.cells - len(outcomes)} of {sweep.cells} cells were not run: run the same"
            " command again to run the missing cells"
        )
    return _chosen(title, found, problems, folder)


def of_experiment(results_dir: Path, experiment: str, *, uri: str, filters: str = "") -> Chosen:
    """Return the finished cells of an MLflow experiment.

    Args:
        results_dir: the results folder with the cells.
        experiment: the name of the experiment.
        uri: the address of the tracking store.
        filters: in MLflow's query language, such as ``params.masking = 'shape'``.

    Raises:
        ClipHarError: when there is no such experiment, or no cell in it has a result.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri=uri)
    query = "tags.`clip_har.kind` = 'cell'" + (f" and {filters}" if filters else "")
    try:
        known = client.get_experiment_by_name(experiment)
        if known is None:
            raise ClipHarError(f"there is no experiment {experiment} in {plain_address(uri)}")
        check_active(known, uri)
        runs, token = [], None
        while True:
            page = client.search_runs([known.experiment_id], query, page_token=token)
            runs += list(page)
            if not (token := page.token):
                break
    except MlflowException as error:
        raise ClipHarError(f"--filter {filters}: {str(error).splitlines()[0]}") from error
    found: dict[Path, Result] = {}
    problems = []
    for run in reversed(runs):  # MLflow lists the newest first
        name = str(run.info.run_name)
        place = results_dir / "cells" / run.data.tags["clip_har.fingerprint"]
        if Result.at(place) is not None:
            found.setdefault(place, Result(place))
        elif run.info.status != "FINISHED":
            reason = run.data.tags.get("clip_har.error", "it did not end")
            problems.append(f"{name}: {run.info.status.lower()}: {reason}")
        else:
            problems.append(
                f"{name}: its results are missing or damaged in {place}: run its command again, or"
                " name the results folder with --results-dir"
            )
    title = experiment + (f" where {filters}" if filters else "")
    return _chosen(title, list(found.values()), problems, None)


def of_results(results_dir: Path) -> Chosen:
    """Return all finished cells of a results folder, whatever sweep made them.

    Args:
        results_dir: the folder; clean twins and references are cells of it, too.

    Raises:
        ClipHarError: when no cell in it has a result.
    """
    found, problems = [], []
    folders = [path for path in (results_dir / "cells").glob("*") if path.is_dir()]
    for folder in sorted(folders):
        if folder.suffix == ".shards" or folder.name.startswith("."):
            continue  # or what a killed process left
        result = Result.at(folder)
        if result is None:
            problems.append(f"{folder.name}: files are missing or damaged: run its command again")
        else:
            found.append(result)
    return _chosen(str(results_dir), found, problems, None)


def newest_sweep(results_dir: Path) -> Path:
    """Return the folder of the newest sweep.

    Raises:
        ClipHarError: when there is none.
    """
    folders = [path.parent for path in (results_dir / "sweeps").glob(f"*/{SWEEP}")]
    if not folders:
        raise ClipHarError(
            f"{results_dir / 'sweeps'} holds no sweep: run one (python -m clip_har -m …), or name"
            " its folder"
        )
    return max(folders, key=lambda folder: folder.stat().st_mtime)


def _chosen(
    title: str, found: Sequence[Result], problems: list[str], folder: Path | None
) -> Chosen:
    cells = []
    for one in found:
        if not one.is_of_this_version:
            problems.append(f"{one.name}: an earlier version made it: run it again")
        elif (broken := _unmendable(one)) is not None:
            own = "" if broken is one else "of its clean twin "
            problems.append(
                f"{one.name}: {', '.join(broken.unmendable)} {own}cannot be made again, because the"
                f" {broken.lost_cell} no longer exists: run its command again"
            )
        else:
            cells.append(one)
    if folder is None:  # a sweep has each of its cells once
        cells, older = newest_results(cells)
        problems += older
    if not cells:
        named = "".join(f"; {problem}" for problem in problems[:_NAMED])
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise ClipHarError(f"{title}: no cell has a result{named}{more}")
    return Chosen(title, tuple(cells), tuple(dict.fromkeys(problems)), folder)


def _unmendable(one: Result) -> Result | None:
    """Return the cell, or its clean twin, if its numbers are damaged for good; else None."""
    return next((each for each in (one, one.clean) if each and each.unmendable), None)
