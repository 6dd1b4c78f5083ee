"""No tracking: results stay on disk."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from clip_har.core.settings import Settings
from clip_har.tracking.tracker import RunInfo, SweepStatus


class _NoRun:
    def log_results(self, folder: Path, metrics: Mapping[str, float]) -> None:
        """Send nothing."""

    def log_curve(self, name: str, points: Mapping[int, float]) -> None:
        """Send nothing."""


class NoTracking(Settings):
    """Send nothing anywhere."""

    def check(self) -> None:
        """Refuse nothing."""

    def ui(self, results_dir: Path) -> None:
        """Show nothing."""

    def open_sweep(self, results_dir: Path, *, name: str, key: str, fresh: bool) -> None:
        """Open no parent run."""

    def close_sweep(
        self,
        results_dir: Path,
        run_id: str,
        *,
        status: SweepStatus,
        files: Sequence[Path],
        metrics: Mapping[str, float],
        note: str,
    ) -> None:
        """End no parent run."""

    def update_sweep(
        self,
        results_dir: Path,
        run_id: str,
        *,
        files: Sequence[Path],
        metrics: Mapping[str, float],
        note: str,
    ) -> None:
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
