"""Run the command as a user does: in a process of its own, in another folder.

`run_command` forks a process that imported the libraries once, which saves about five seconds
each time, and starts from an MLflow store whose tables are made. `run_fresh` does neither: a
launcher that starts processes of its own needs it, because joblib's hang in a fork.
"""

import functools
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

LIBRARIES = (
    *("torch", "torchvision", "pandas", "matplotlib.pyplot", "scipy.stats", "pyarrow.parquet"),
    *("transformers.models.clip.modeling_clip", "transformers.models.auto.tokenization_auto"),
    *("mlflow", "mlflow.store.tracking.sqlalchemy_store", "av", "cv2", "joblib", "jinja2"),
    *("clip_har.cli.app", "clip_har.cli.terminal", "clip_har.engine.run"),
    *("clip_har.sweeps.callback", "clip_har.report.page", "clip_har.models.clip"),
)
_forks = get_context("forkserver")
_forks.set_forkserver_preload(list(LIBRARIES))


def run_command(
    folder: Path,
    *arguments: str,
    entry: str = "clip_har.cli.app:main",
    environment: dict[str, str] | None = None,
    with_store: bool = True,
    timeout: float = 300,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, in a fork of a process that has the libraries.

    Args:
        folder: where it runs.
        arguments: of the command line.
        entry: the function that the command calls.
        environment: variables beside those of this process.
        with_store: whether the results folder starts with an empty MLflow store.
        timeout: in seconds.
    """
    if with_store and "tracking=none" not in arguments:
        prepare_store(folder)
    with tempfile.TemporaryDirectory() as place:
        printed = [Path(place, name) for name in ("stdout", "stderr")]
        process = _forks.Process(
            target=_command, args=(folder, entry, arguments, _environment(environment), printed)
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        return subprocess.CompletedProcess(
            list(arguments), process.exitcode, *(path.read_text() for path in printed)
        )


def run_fresh(
    folder: Path,
    *arguments: str,
    environment: dict[str, str] | None = None,
    with_store: bool = False,
    timeout: float = 300,
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m clip_har`` in a folder, in a new process.

    Args:
        folder: where it runs.
        arguments: of the command line.
        environment: variables beside those of this process.
        with_store: whether the results folder starts with an empty MLflow store.
        timeout: in seconds.
    """
    if with_store:
        prepare_store(folder)
    return subprocess.run(
        [sys.executable, "-m", "clip_har", *arguments],
        cwd=folder,
        env=_environment(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    """Return this process's variables; ``CLIP_HAR_CACHE`` is the cache of the whole session."""
    return os.environ | {"HF_HUB_OFFLINE": "1"} | (more or {})


def _command(
    folder: Path,
    entry: str,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    printed: list[Path],
) -> None:
    for path, stream in zip(printed, (sys.stdout, sys.stderr), strict=True):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[:] = ["clip-har", *arguments]
    warnings.filterwarnings("error", category=DeprecationWarning, module=r"clip_har(\.|$)")
    pkgutil.resolve_name(entry)()


def prepare_store(folder: Path) -> None:
    """Copy an empty MLflow store into a folder without results; MLflow needs 3 s to make one."""
    path = folder / "results" / "mlflow.db"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=path.parent.parent) as place,
            suppress(FileExistsError),
        ):
            os.link(shutil.copy(_empty_store(), place), path)  # whole, or not at all


@functools.cache
def _empty_store() -> Path:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    path = Path(os.environ["CLIP_HAR_CACHE"], f"mlflow-{os.getpid()}.db")
    store = SqlAlchemyStore(f"sqlite:///{path}", str(path.parent / "mlruns"))
    store.engine.dispose()
    return path
