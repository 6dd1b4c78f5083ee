"""What an option of the ``tracking`` group offers."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Option

SweepStatus = Literal["FINISHED", "FAILED", "KILLED"]
"""How a sweep ended: complete, with failed or missing cells, or by Ctrl-C; in MLflow's words."""


OVER_RATIO = "_over_ratio/"
"""What stands in the name of a number of a sweep between the measure and the mask, such as
``top1_over_ratio/shape``; its steps are hidden shares in percent."""


Curve = Mapping[int, float]
"""Values by step."""


class TrackingError(ClipHarError):
    """The tracking store cannot be used; results on the disk are still complete."""


@dataclass(frozen=True)
class RunInfo:
    """What is known about a cell before it runs.

    Attributes:
        name: short, such as ``shape r=0.3``.
        fingerprint: of the cell, see `clip_har.config.fingerprint`.
        params: the configuration, keys joined by dots.
        tags: tags to find runs by.
        parent: id of the sweep's run, None for a cell on its own.
        dataset: name and digest of the clips.
        command: the command that runs this cell again.
        varies: what differs from the other cells of the sweep: values by full keys.
    """

    name: str
    fingerprint: str
    params: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    dataset: tuple[str, str] | None = None
    command: str = ""
    varies: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepInfo:
    """What is known about a sweep before it runs.

    Attributes:
        name: what varies, then model, data and protocol.
        key: the same for the same cells, so that a sweep that is typed again goes on.
        params: the settings that all cells share, and the values of those that vary.
        datasets: name and digest of each set of clips.
    """

    name: str
    key: str
    params: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class SweepSummary:
    """What a sweep sends when its cells have ended.

    Attributes:
        files: tables, pictures and the report.
        metrics: its measures over several cells.
        curves: numbers over the hidden share, by name, see `OVER_RATIO`.
        cells: numbers of its cells that need other cells, by fingerprint.
        note: a text in Markdown.
    """

    files: Sequence[Path] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    cells: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    note: str = ""


class Run(Protocol):
    """An open run."""

    def log_results(
        self,
        folder: Path,
        metrics: Mapping[str, float],
        *,
        curves: Mapping[str, Curve] | None = None,
        pictures: Mapping[str, Path] | None = None,
    ) -> None:
        """Send a finished cell's files and numbers.

        Args:
            folder: its files.
            metrics: its numbers.
            curves: numbers over the steps of a training, by name.
            pictures: those of the files that are compared run by run, by key.
        """


class Tracking(Option, Protocol):
    """Where results are sent, besides the disk."""

    def check(self) -> None:
        """Raise `ClipHarError` for settings that must not be stored with a result."""

    def ui(self, results_dir: Path) -> str | None:
        """Return what shows the runs: a command or an address; None if there is nothing to show."""

    def open_sweep(self, results_dir: Path, info: SweepInfo, *, fresh: bool) -> str | None:
        """Open the parent run of a sweep, or find it by its key unless ``fresh``; return its id."""

    def close_sweep(
        self, results_dir: Path, run_id: str, summary: SweepSummary, *, status: SweepStatus
    ) -> None:
        """Send what a sweep has found, and end the parent run."""

    def update_sweep(self, results_dir: Path, run_id: str, summary: SweepSummary) -> None:
        """Send what a sweep has found to its run, which stays as it ended."""

    def log_figure(self, results_dir: Path, path: Path, *, name: str) -> None:
        """Send a picture that belongs to no cell, in a run of its own."""

    def has(self, results_dir: Path, fingerprint: str, parent: str | None) -> bool:
        """Return whether a finished run of this cell is there already, under this parent."""

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
        """Send the new files and numbers of a cell to its finished runs of this results folder.

        A number that the cell no longer has is sent as NaN.

        Args:
            results_dir: the results folder.
            fingerprint: of the cell.
            folder: its files.
            metrics: its numbers.
            tags: what they were measured with.
            pictures: those of the files that are compared run by run, by key.

        Returns:
            Whether there is such a run; True if nothing has to be sent.
        """

    def run(self, results_dir: Path, info: RunInfo) -> AbstractContextManager[Run]:
        """Open a run; it ends as finished, as failed with the error, or as killed."""
