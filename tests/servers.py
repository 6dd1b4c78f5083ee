"""Real servers on loopback: MLflow's, and Debian's PostgreSQL."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mlflow_server(
    folder: Path, port: int, *, store: str | None = None, workers: int = 1
) -> Iterator[subprocess.Popen[bytes]]:
    """Run an MLflow server until the body ends; it is killed then.

    Args:
        folder: for artifacts, and the database where ``store`` names no other.
        port: on loopback.
        store: address of the database.
        workers: processes.
    """
    log = folder / "server.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [
                *[sys.executable, "-m", "mlflow", "server"],
                *["--port", str(port), "--workers", str(workers)],
                *["--backend-store-uri", store or f"sqlite:///{folder}/server.db"],
                *["--artifacts-destination", str(folder / "artifacts")],
            ],
            # Its job runner starts seven more processes, which nothing here needs.
            env=os.environ
            | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    try:
        for _ in range(480):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1)
                break
            except OSError:
                assert process.poll() is None, log.read_text()[-2000:]
                time.sleep(0.25)
        yield process
    finally:
        with suppress(ProcessLookupError):  # a test stopped it
            os.killpg(process.pid, 9)
        process.wait()


@contextmanager
def ray_cluster(port: int, *, nodes: int = 2) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run a Ray cluster of some nodes with one processor each until the body ends.

    Args:
        port: of the head, on loopback.
        nodes: processes, the head first.
    """
    # Its sockets' names have a limit of about 100 characters: no deep folder of a test.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus", "1"]
    head = ["--head", "--port", str(port), "--include-dashboard", "false"]
    head += ["--node-ip-address", "127.0.0.1", "--temp-dir", str(folder)]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(nodes):
            with (folder / f"node{number}.log").open("wb") as log:
                more = ["--address", f"127.0.0.1:{port}"] if number else head
                running.append(
                    subprocess.Popen(
                        [*ray, "--object-store-memory", "100000000", *more],
                        env=environment,
                        stdout=log,
                        stderr=log,
                    )
                )
            _wait_for(folder / f"node{number}.log", "Ray runtime started", running[-1])
        yield running
    finally:
        for node in reversed(running):
            kill_tree(node)
        shutil.rmtree(folder, ignore_errors=True)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started, at once."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        for one in [*parent.children(recursive=True), parent]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait()


def _wait_for(log: Path, sign: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(480):
        text = log.read_text(errors="replace")
        if sign in text:
            return
        assert process.poll() is None, text[-2000:]
        time.sleep(0.25)
    raise AssertionError(text[-2000:])


@contextmanager
def postgres(port: int) -> Iterator[str]:
    """Run PostgreSQL with an empty database until the body ends, and yield its address.

    The test is skipped where it is not installed, or cannot be started by this user.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    binaries = found[-1].parent
    as_user: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="clip_har-postgres-"))
    if os.geteuid() == 0:  # it refuses to run as root
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data = folder / "data"

    def call(name: str, *arguments: str) -> None:
        command = [*as_user, str(binaries / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        call("initdb", "-D", str(data), "-U", "bench", "-A", "trust", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        call("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            call("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "bench", "mlflow")
            yield f"postgresql://bench@127.0.0.1:{port}/mlflow"
        finally:
            call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
