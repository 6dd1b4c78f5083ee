"""No tracking: results stay on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clip_har.core.settings import Settings
from clip_har.tracking.tracker import RunInfo, SweepInfo, SweepStatus, SweepSummary


class _NoRun:
    def log_results(self, *_: object, **__: object) -> None:
        """Send nothing."""


class NoTracking(Settings):
    """Send nothing anywhere."""

    def check(self) -> None:
        """Refuse nothing."""

    def ui(self, results_dir: Path) -> None:
        """Show nothing."""

    def open_sweep(self, results_dir: Path, info: SweepInfo, *, fresh: bool) -> None:
        """Open no parent run."""

    def close_sweep(
        self, results_dir: Path, run_id: str, summary: SweepSummary, *, status: SweepStatus
    ) -> None:
        """End no parent run."""

    def update_sweep(self, results_dir: Path, run_id: str, summary: SweepSummary) -> None:
        """Send nothing."""

    def log_figure(self, results_dir: Path, path: Path, *, name: str) -> None:
        """Send nothing."""

    def has(self, results_dir: Path, fingerprint: str, parent: str | None) -> bool:  # noqa: ARG002
        """Always True: nothing has to be logged."""
        return True

    def update(self, *_: object, **__: object) -> bool:
        """Send nothing, as nothing has to be sent."""
        return True

    @contextmanager
    def run(self, results_dir: Path, info: RunInfo) -> Iterator[_NoRun]:  # noqa: ARG002
        """Open a run that sends nothing."""
        yield _NoRun()
