"""What was fetched is whole and checked, from a real server on loopback that misbehaves."""

import hashlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import requests

from clip_har.cli.data.command import main
from clip_har.cli.data.download import fetch
from clip_har.cli.data.sources import SOURCES, Download
from clip_har.core.errors import ClipHarError
from tests.cli.data.made_sets import ucf_archives

CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """What the server does, and what it was asked.

    Attributes:
        content: of the file.
        drop: after so many bytes it closes the connection; None: never.
        status: of the answer, in place of the file; 0: the file.
        leads_to: an address that it redirects to.
        tells_length: whether it says how long the file is.
        asked: how often it was asked.
        url: of the file.
    """

    content: bytes = CONTENT
    drop: int | None = None
    status: int = 0
    leads_to: str = ""
    tells_length: bool = True
    asked: int = 0
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        if self.status:
            request.send_error(self.status)
            return
        request.send_response(302 if self.leads_to else 200)
        if self.leads_to:
            request.send_header("Location", self.leads_to)
            request.send_header("Content-Length", "0")
        elif self.tells_length:
            request.send_header("Content-Length", str(len(self.content)))
        request.end_headers()
        if not self.leads_to:
            request.wfile.write(self.content[: self.drop])


@contextmanager
def serve(server: Server) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_address[1]}/UCF101.rar"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_and_checked(tmp_path):
    path = tmp_path / "archives" / "UCF101.rar"
    with serve(Server()) as server:
        assert fetch(server.url, path, size=len(CONTENT), sha256=SHA256) == SHA256
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["UCF101.rar"]


@pytest.mark.parametrize("drop", [0, 1_100_000])
def test_what_breaks_off_is_never_taken_for_whole(drop, tmp_path):
    path = tmp_path / "UCF101.rar"
    with serve(Server(drop=drop)) as server:
        with pytest.raises(ClipHarError, match="cannot be fetched") as caught:
            fetch(server.url, path)
        assert "\n" not in str(caught.value)
        assert names(tmp_path) == []
        server.drop = None
        assert fetch(server.url, path) == SHA256


def test_without_a_length_the_checksum_and_the_size_decide(tmp_path):
    path = tmp_path / "UCF101.rar"
    with serve(Server(tells_length=False)) as server:
        assert fetch(server.url, path) == SHA256
        path.unlink()
        server.drop = 1_100_000
        for known in ({"sha256": SHA256}, {"size": len(CONTENT)}):
            with pytest.raises(ClipHarError, match=r"expected .* it was removed"):
                fetch(server.url, path, **known)
            assert names(tmp_path) == []


def test_a_redirect_is_followed(tmp_path):
    with serve(Server()) as there, serve(Server(leads_to=there.url)) as server:
        assert fetch(server.url, tmp_path / "UCF101.rar", size=len(CONTENT)) == SHA256


def test_a_redirect_away_from_encryption_is_refused(tmp_path, monkeypatch):
    def answered(url: str, **settings: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer.url = 302, url
        answer.headers["Location"] = "http://elsewhere/UCF101.rar"
        settings["hooks"]["response"](answer)
        raise AssertionError("it was followed")

    monkeypatch.setattr(requests, "get", answered)
    with pytest.raises(ClipHarError, match=r"leads to http://elsewhere/.* not encrypted"):
        fetch("https://here/UCF101.rar", tmp_path / "UCF101.rar")
    assert names(tmp_path) == []


def test_a_disk_without_room_is_refused_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=len(CONTENT) - 1))
    with serve(Server()) as server, pytest.raises(ClipHarError, match="GB free: make room"):
        fetch(server.url, tmp_path / "UCF101.rar")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("server", "known", "message"),
    [
        (Server(status=404), {}, "404 Not Found"),
        (Server(status=503), {}, "503 Service"),
        (Server(leads_to="file:///etc/passwd"), {}, "cannot be fetched .*file:///etc/passwd"),
        (
            Server(),
            {"size": len(CONTENT) - 1},
            "expected 2,999,999 bytes, the server has 3,000,000",
        ),
        (
            Server(content=CONTENT[::-1]),
            {"sha256": SHA256},
            r"/UCF101\.rar has the SHA-256 .* another file; it was removed",
        ),
    ],
    ids=["404", "503", "leads to a file", "another size", "another checksum"],
)
def test_what_is_refused_is_asked_for_once_and_leaves_nothing(server, known, message, tmp_path):
    with serve(replace(server)) as running, pytest.raises(ClipHarError, match=message):
        fetch(running.url, tmp_path / "UCF101.rar", **known)
    assert running.asked == 1
    assert names(tmp_path) == []


def test_no_server_at_all(tmp_path):
    with serve(Server()) as server:
        pass
    with pytest.raises(ClipHarError, match="cannot be fetched") as caught:
        fetch(server.url, tmp_path / "UCF101.rar")
    assert "\n" not in str(caught.value)


def test_what_is_there_is_checked_and_not_fetched(tmp_path):
    path = tmp_path / "UCF101.rar"
    path.write_bytes(CONTENT)
    assert fetch("http://127.0.0.1:9/UCF101.rar", path, sha256=SHA256) == SHA256
    path.write_bytes(CONTENT[1:])
    with pytest.raises(ClipHarError, match="remove it and fetch it again"):
        fetch("http://127.0.0.1:9/UCF101.rar", path, size=len(CONTENT))


@pytest.mark.skipif(shutil.which("bsdtar") is None, reason="bsdtar is not here")
def test_a_user_prepares_what_is_fetched(tmp_path, monkeypatch, capsys):
    archive, splits = ucf_archives(tmp_path)
    root = tmp_path / "ucf101"
    command = ["prepare", "ucf101", "--download", "--accept-licence", f"--root={root}"]
    with (
        serve(Server(content=archive.read_bytes())) as clips,
        serve(Server(content=splits.read_bytes())) as lists,
    ):
        source = replace(
            SOURCES["ucf101"], archive=Download(clips.url), splits=Download(f"{lists.url}.zip")
        )
        monkeypatch.setitem(SOURCES, "ucf101", source)
        with pytest.raises(SystemExit):
            main(command)
        with pytest.raises(SystemExit):
            main(command)  # all is there
        assert lists.asked == 1
    printed = capsys.readouterr().out
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert printed.count(f"UCF101.rar: SHA-256 {sha256} (none is published: keep this one)") == 1
    assert printed.index("licence:") < printed.index("SHA-256"), "the terms come first"
    assert printed.count("6 of 6 clips decode") == 2
    assert names(root / "archives") == ["UCF101.rar", "UCF101.rar.zip"]
