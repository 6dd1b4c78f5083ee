"""Build the image and run it: ``make docker-check CHECK="--services"``.

A cell inside must give the same score table as the same cell outside, to the bit; the process
inside must not be root, and its run must know the commit. With ``--services`` the MLflow server of
``compose.yaml`` is started from the image, on a PostgreSQL of this machine, and has to receive a
run. It takes docker, podman or buildah, whichever is there. Without any image registry in reach,
``--stand-in`` makes the base image from Debian's packages (buildah and debootstrap, as root).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from clip_har.results.score_table import ScoreTable
from tests.servers import free_port, kill_tree, postgres

REPOSITORY = Path(__file__).resolve().parents[1]
DOCKERFILE = REPOSITORY / "docker" / "Dockerfile"
COMPOSE = REPOSITORY / "docker" / "compose.yaml"
CELLS = ("-m", "masking=percent,shape", "ratio=0.3", "limit=40", "attention_clips=0")
# The exit status where no engine runs: nothing was checked.
NO_ENGINE = 3
# What lets the machine's own package index and its certificates be reached from a build.
_HOST_FILES = ("/etc/ssl/certs", "/etc/pip.conf")
_BUILDAH = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}


@dataclass(frozen=True)
class Engine:
    """What builds and runs images.

    Attributes:
        name: ``docker``, ``podman`` or ``buildah``.
    """

    name: str

    @classmethod
    def found(cls, asked: str | None) -> "Engine":
        """Return the one that was asked for, or the first that answers."""
        refused = []
        for name in [asked] if asked else ["docker", "podman", "buildah"]:
            if (reason := cls(name).unusable()) is None:
                return cls(name)
            refused.append(f"{name} ({reason})")
        sys.stderr.write(
            f"docker.check: expected an engine that runs, found {', '.join(refused)}\n"
        )
        sys.exit(NO_ENGINE)

    def unusable(self) -> str | None:
        """Return why this engine cannot be used here, or None. A client needs its daemon, too."""
        if not shutil.which(self.name):
            return "not installed"
        asked = subprocess.run(  # noqa: S603
            [self.name, "version"], capture_output=True, text=True, check=False
        )
        return None if asked.returncode == 0 else " ".join(asked.stderr.split())

    def build(self, target: str, tag: str, arguments: dict[str, str]) -> None:
        """Build one target of the Dockerfile."""
        command = [self.name, "build", "--file", str(DOCKERFILE), "--target", target, "--tag", tag]
        for name, value in arguments.items():
            command += ["--build-arg", f"{name}={value}"]
        if self.name == "buildah":
            command += ["--pull-never", "--network=host", "--layers"]
            for path in filter(os.path.exists, _HOST_FILES):
                command += ["--volume", f"{path}:{path}:ro"]
        self.call([*command, str(REPOSITORY)])

    def run(
        self,
        tag: str,
        arguments: Sequence[str],
        *,
        folder: Path,
        entrypoint: Sequence[str] | None = None,
        environment: dict[str, str] | None = None,
    ) -> str:
        """Run a container whose ``/bench/results`` is a folder, and return what it prints."""
        with tempfile.NamedTemporaryFile() as log:
            with self.container(
                tag,
                arguments,
                folder=folder,
                log=Path(log.name),
                entrypoint=entrypoint,
                environment=environment,
            ) as process:
                process.wait()
            printed = Path(log.name).read_text()
        if process.returncode:
            sys.exit(f"docker.check: {' '.join(arguments)} failed inside:\n{printed}")
        return printed

    @contextmanager
    def container(
        self,
        tag: str,
        arguments: Sequence[str],
        *,
        folder: Path,
        log: Path,
        entrypoint: Sequence[str] | None = None,
        environment: dict[str, str] | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start a container that prints into a log, and stop it in the end."""
        given = [f"{key}={value}" for key, value in (environment or {}).items()]
        if self.name == "buildah":
            made = self.call(["buildah", "from", "--pull-never", tag]).strip()
            if entrypoint is None:
                message = json.loads(self.call(["buildah", "inspect", "--type=image", tag]))
                entrypoint = message["OCIv1"]["config"]["Entrypoint"]
            command = ["buildah", "run", "--network=host", f"--volume={folder}:/bench/results"]
            command += [f"--env={one}" for one in given]
            command += [made, "--", *entrypoint, *arguments]
        else:
            made = ""
            command = [self.name, "run", "--rm", "--init", "--network=host"]
            command += [f"--volume={folder}:/bench/results", *(f"--env={one}" for one in given)]
            if entrypoint is not None:
                command.append(f"--entrypoint={entrypoint[0]}")
            command += [tag, *(entrypoint or [])[1:], *arguments]
        with log.open("wb") as printed:
            process = subprocess.Popen(  # noqa: S603
                command, stdout=printed, stderr=subprocess.STDOUT, env=self._env()
            )
        try:
            yield process
        finally:
            if made:  # no namespace of processes there that would end with its first
                kill_tree(process)
                self.call(["buildah", "rm", made])
            else:
                process.terminate()
                process.wait()

    def call(self, command: Sequence[str]) -> str:
        """Run a command of the engine and return what it prints; end where it fails."""
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, env=self._env(), check=False
        )  # fmt: skip
        if done.returncode:
            message = (done.stdout + done.stderr)[-3000:]
            sys.exit(f"docker.check: {' '.join(command)} failed:\n{message}")
        return done.stdout

    def _env(self) -> dict[str, str]:
        return os.environ | (_BUILDAH if self.name == "buildah" else {})


def base_image() -> str:
    """Return the name of the base image in the Dockerfile."""
    (line,) = (x for x in DOCKERFILE.read_text().splitlines() if x.startswith("ARG BASE="))
    return line.removeprefix("ARG BASE=")


def make_stand_in(engine: Engine) -> None:
    """Make an image under the base's name from Debian's packages of the same Python series."""
    if engine.name != "buildah":
        sys.exit("docker.check: --stand-in needs --engine buildah")
    name = f"docker.io/library/{base_image()}"
    if name in engine.call(["buildah", "images", "--format={{.Name}}:{{.Tag}}"]):
        return
    suite = base_image().rpartition("-")[2]
    with tempfile.TemporaryDirectory() as folder:
        engine.call(
            [
                *("debootstrap", "--variant=minbase"),
                "--include=python3,python3-venv,python3-pip,ca-certificates",
                *(suite, f"{folder}/root"),
            ]
        )
        made = engine.call(["buildah", "from", "scratch"]).strip()
        engine.call(["buildah", "copy", "--quiet", made, f"{folder}/root", "/"])
        engine.call(["buildah", "commit", "--quiet", made, name])
        engine.call(["buildah", "rm", made])


def compare_numbers(engine: Engine, tag: str, folder: Path, commit: str) -> str:
    """Run two cells inside and outside; their tables must be equal to the bit."""
    inside, outside = folder / "inside", folder / "outside"
    for one in (inside, outside):
        one.mkdir()
        one.chmod(0o777)  # the user inside is another
    engine.run(tag, [*CELLS, "tracking=none"], folder=inside, environment={"OMP_NUM_THREADS": "1"})
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "clip_har", *CELLS, "tracking=none", f"results_dir={outside}"],
        cwd=folder,
        env=os.environ | {"CLIP_HAR_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    names = [
        {path.parent.name for path in one.glob("cells/*/metrics.json")} for one in (inside, outside)
    ]
    if names[0] != names[1] or len(names[0]) < 3:
        sys.exit(f"docker.check: other cells inside than outside: {names[0]} and {names[1]}")
    for name in sorted(names[0]):
        ours, theirs = (
            ScoreTable.read(one / "cells" / name / "scores.parquet") for one in (inside, outside)
        )
        if ours.clip_ids != theirs.clip_ids or not np.array_equal(ours.scores, theirs.scores):
            most = np.abs(ours.scores - theirs.scores).max()
            sys.exit(f"docker.check: cell {name} differs, scores by up to {most:g}")
    (environment,) = {
        path.read_text() for path in inside.glob(f"cells/{min(names[0])}/environment.json")
    }
    if commit and commit not in environment:
        sys.exit(f"docker.check: the run inside does not know its commit {commit}")
    return f"{len(names[0])} score tables are equal to the bit"


def check_services(engine: Engine, tag: str, folder: Path) -> str:
    """Start the MLflow server of the compose file, and send it a cell's run."""
    service = yaml.safe_load(COMPOSE.read_text())["services"]["mlflow"]
    port = free_port()
    served = folder / "served"
    served.mkdir()
    served.chmod(0o777)
    log = folder / "server.log"
    environment = {
        key: value for key, value in service["environment"].items() if key.startswith("MLFLOW_")
    }
    with postgres(free_port()) as store:
        typed = [
            text.replace("${PORT:-5000}", str(port)).replace("--port=5000", f"--port={port}")
            for text in service["entrypoint"]
        ]
        typed = [
            f"--backend-store-uri={store}" if text.startswith("--backend-store-uri") else text
            for text in typed
        ]
        started = time.monotonic()
        with engine.container(
            tag, [], folder=served, log=log, entrypoint=typed, environment=environment
        ) as server:
            probe = service["healthcheck"]["test"][1:]
            probe = [text.replace("localhost:5000", f"localhost:{port}") for text in probe]
            while True:
                try:
                    urllib.request.urlopen(f"http://localhost:{port}/health", timeout=1)
                    break
                except OSError:
                    if server.poll() is not None or time.monotonic() > started + 300:
                        message = log.read_text()[-3000:]
                        sys.exit(f"docker.check: the MLflow server did not start:\n{message}")
                    time.sleep(0.5)
            engine.run(tag, probe[1:], folder=served, entrypoint=probe[:1])
            ready = time.monotonic() - started
            answers = [_status(port, host) for host in ("mlflow:5000", "elsewhere.example")]
            if answers != [200, 403]:
                sys.exit(
                    "docker.check: expected the server to answer to its own name alone"
                    f" (200, 403), got {answers}"
                )
            engine.run(
                tag,
                ["limit=20", "clean_twin=false"],
                folder=served,
                environment={"MLFLOW_TRACKING_URI": f"http://localhost:{port}"},
            )
            from mlflow import MlflowClient

            client = MlflowClient(f"http://localhost:{port}")
            experiment = client.get_experiment_by_name("clip_har")
            runs = client.search_runs([experiment.experiment_id] if experiment else [])
            if [run.info.status for run in runs] != ["FINISHED"]:
                sys.exit(f"docker.check: expected one finished run on the server, got {runs}")
            files = {file.path for file in client.list_artifacts(runs[0].info.run_id)}
            if "scores.parquet" not in files:
                sys.exit(f"docker.check: the run's files did not arrive: {files}")
    return f"the MLflow server was ready after {ready:.0f} s and received a run with its files"


def _status(port: int, host: str) -> int:
    request = urllib.request.Request(
        f"http://localhost:{port}/api/2.0/mlflow/experiments/search?max_results=1",
        headers={"Host": host},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def main() -> None:
    """Check the image; the exit status is 0 where all is well."""
    parser = argparse.ArgumentParser(prog="make docker-check", description=__doc__)
    parser.add_argument("--engine", help="docker, podman or buildah (the first that is there)")
    parser.add_argument("--stand-in", action="store_true", help="make the base from Debian")
    parser.add_argument("--services", action="store_true", help="MLflow and PostgreSQL, too")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    given = parser.parse_args()
    engine = Engine.found(given.engine)
    if given.stand_in:
        make_stand_in(engine)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    tag = f"localhost/clip_har:{given.device}"
    started = time.monotonic()
    engine.build("bench", tag, {"DEVICE": given.device, "GIT_COMMIT": commit})
    sys.stdout.write(f"built in {time.monotonic() - started:.0f} s\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        user = engine.run(tag, ["-u"], folder=folder, entrypoint=["id"]).strip()
        if user != "10001":
            sys.exit(f"docker.check: expected the user 10001 inside, got {user}")
        sys.stdout.write(f"{compare_numbers(engine, tag, folder, commit)}\n")
        if given.services:
            try:
                sys.stdout.write(f"{check_services(engine, tag, folder)}\n")
            except pytest.skip.Exception as error:
                sys.exit(f"docker.check: {error}")


if __name__ == "__main__":
    main()
