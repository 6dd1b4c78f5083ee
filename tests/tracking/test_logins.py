"""A password in the address of a live server with logins: used, and found nowhere afterwards."""

import base64
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.command import run_command, run_fresh
from tests.data.made import write_video
from tests.servers import free_port, mlflow_server

USER, SECRET = "annotator", "s3cret-77,'/)"
SHOWN = SECRET[:9]  # what no text may hold, however it is written
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """An MLflow server that asks for a login: its port, and the folder of all that it writes."""
    folder = tmp_path_factory.mktemp("server")
    Gate.port = free_port()
    with (
        mlflow_server(folder, Gate.port),
        ThreadingHTTPServer(("127.0.0.1", 0), Gate) as gate,
    ):
        threading.Thread(target=gate.serve_forever, daemon=True).start()
        yield gate.server_port, folder
        gate.shutdown()


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory, small_clip: Path) -> list[str]:
    """The overrides of a cell that takes no time."""
    root = tmp_path_factory.mktemp("videos")
    for name in ("climbing", "swimming"):
        write_video(root / name / f"{name}.mp4", 6)
    data = ["dataset=folder", f"dataset.root={root}", "frames.count=2", "clean_twin=false"]
    return [*data, "model=clip", f"model.checkpoint={small_clip}", "masking=percent"]


@pytest.mark.slow
def test_no_file_run_or_message_holds_the_password(
    server: tuple[int, Path], words: list[str], tmp_path: Path
):
    port, folder = server
    Gate.refused = 0
    address = f"http://{USER}:{SECRET}@127.0.0.1:{port}"
    cache = {"CLIP_HAR_CACHE": str(tmp_path / "cache")}
    typed = run_fresh(  # the workers inherit the login
        tmp_path, "-m", *words, "ratio=0.1,0.3", f"tracking.uri={address}",
        "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", environment=cache,
    )  # fmt: skip
    variables = {"MLFLOW_TRACKING_URI": address, "MLFLOW_EXPERIMENT_NAME": "from the environment"}
    inherited = run_command(
        tmp_path, *words, "ratio=0.5", environment=cache | variables, with_store=False
    )
    shown = typed.stdout + typed.stderr + inherited.stdout + inherited.stderr
    assert typed.returncode == inherited.returncode == 0, shown
    assert Gate.refused == 0
    places = (tmp_path, folder)
    written = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert any(path.name == "overrides.yaml" for path in written)
    holding = [str(path) for path in written if SHOWN.encode() in path.read_bytes()]
    assert holding == []
    assert SHOWN not in shown
    assert USER not in shown
    with sqlite3.connect(folder / "server.db") as store:
        runs = store.execute(
            "select e.name, count(*) from runs r join experiments e using (experiment_id)"
            " group by e.name order by e.name"
        ).fetchall()
    assert dict(runs) == {"clip_har": 3, "from the environment": 1}, "the sweep has two cells"


@pytest.mark.slow
def test_the_error_of_a_wrong_password_does_not_show_it(
    server: tuple[int, Path], words: list[str], tmp_path: Path
):
    port, _ = server
    done = run_command(
        tmp_path, "-m", *words, "ratio=0.1,0.3",
        f"tracking.uri=http://{USER}:wrong-{SECRET}@127.0.0.1:{port}",
        environment={"HYDRA_FULL_ERROR": "1"}, with_store=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"tracking.uri=http://127.0.0.1:{port}" in done.stderr
    assert SHOWN not in done.stdout + done.stderr
