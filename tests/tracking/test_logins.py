"""A password in the address of a live server with logins: used, and found nowhere afterwards."""

import base64
import json
import os
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.data.made import write_video
from tests.servers import free_port, mlflow_server

USER, SECRET = "annotator", "s3cret-77"
EXPECTED = "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()


class Gate(BaseHTTPRequestHandler):
    """Passes requests with the right login on to the server of ``port``."""

    port = 0
    refused = 0

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != EXPECTED:
            type(self).refused += 1
            self.send_response(401)
            self.end_headers()
            return
        kept = {name: self.headers[name] for name in ("Content-Type",) if self.headers.get(name)}
        url = f"http://127.0.0.1:{self.port}{self.path}"
        asked = urllib.request.Request(url, body or None, kept, method=self.command)
        try:
            with urllib.request.urlopen(asked) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[int]:
    """The port of an MLflow server that asks for a login."""
    port = free_port()
    folder = tmp_path / "server"
    folder.mkdir()
    with mlflow_server(folder, port):
        Gate.port = port
        server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def run(folder: Path, *words: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "clip_har", *words],
        cwd=folder,
        env=os.environ | {"CLIP_HAR_CACHE": str(folder / "cache"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_no_file_run_or_message_holds_the_password(gate: int, tmp_path: Path, small_clip: Path):
    here = tmp_path / "here"
    for label, name in enumerate(("climbing", "swimming")):
        path = here / "videos" / name / f"{name}.mp4"
        path.parent.mkdir(parents=True)
        write_video(path, 6 + label)
    words = ["dataset=folder", f"dataset.root={here / 'videos'}", "frames.count=2"]
    words += ["model=clip", f"model.checkpoint={small_clip}", "masking=percent"]
    address = f"http://{USER}:{SECRET}@127.0.0.1:{gate}"
    shown = run(here, "-m", *words, "ratio=0.1,0.3", f"tracking.uri={address}")
    shown += run(here, *words, "ratio=0.5", MLFLOW_TRACKING_URI=address)
    shown += run(
        here, "-m", *words, "ratio=0.6,0.7", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2",
        MLFLOW_TRACKING_URI=address, MLFLOW_EXPERIMENT_NAME="from the environment",
    )  # fmt: skip
    assert Gate.refused == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "overrides.yaml" for path in written)
    holding = [str(path) for path in written if SECRET.encode() in path.read_bytes()]
    assert holding == []
    assert SECRET not in shown
    assert USER not in shown
    with sqlite3.connect(tmp_path / "server" / "server.db") as store:
        runs = store.execute(
            "select e.name, count(*) from runs r join experiments e using (experiment_id)"
            " group by e.name order by e.name"
        ).fetchall()
    names = dict(runs)
    assert names["from the environment"] >= 3, "the sweep and two cells"
    assert names["clip_har"] >= 4


@pytest.mark.slow
def test_the_error_of_a_wrong_password_does_not_show_it(gate: int, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "clip_har", "-m", "ratio=0.1,0.3", "masking=percent", "limit=2",
         f"tracking.uri=http://{USER}:wrong-{SECRET}@127.0.0.1:{gate}"],
        cwd=tmp_path, env=os.environ | {"HYDRA_FULL_ERROR": "1"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"tracking.uri=http://127.0.0.1:{gate}" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert json.dumps(SECRET) not in done.stderr
