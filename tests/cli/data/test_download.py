"""Fetching goes on after any break, from a real server on loopback that misbehaves."""

import hashlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

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
        drops: after so many bytes of each answer it closes the connection; empty: never.
        ranges: whether it can go on in the middle.
        tags: of the file, one per answer; the last one stays.
        statuses: of the first answers, in place of the file.
        shift: bytes by which it goes on too early.
        leads_to: an address that it redirects to.
    """

    content: bytes = CONTENT
    drops: list[int] = field(default_factory=list)
    ranges: bool = True
    tags: list[str] = field(default_factory=lambda: ['"a"'])
    statuses: list[int] = field(default_factory=list)
    shift: int = 0
    leads_to: str = ""
    asked: list[str | None] = field(default_factory=list)
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.headers.get("Range"))
        if self.statuses:
            request.send_error(self.statuses.pop(0))
            return
        if self.leads_to:
            request.send_response(302)
            request.send_header("Location", self.leads_to)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        tag = self.tags.pop(0) if len(self.tags) > 1 else self.tags[0]
        start = 0
        wanted = request.headers.get("Range")
        if wanted and self.ranges and request.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) - self.shift
            self.shift = 0
            request.send_response(206)
            end = len(self.content) - 1
            request.send_header("Content-Range", f"bytes {start}-{end}/{len(self.content)}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(self.content) - start))
        request.send_header("ETag", tag)
        request.end_headers()
        body = self.content[start:]
        request.wfile.write(body[: self.drops.pop(0)] if self.drops else body)


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


def test_what_breaks_off_goes_on_where_it_was(tmp_path):
    path = tmp_path / "UCF101.rar"
    with serve(Server(drops=[1_100_000, 700_000, 10])) as server:
        assert fetch(server.url, path, size=len(CONTENT), sha256=SHA256, pause=0.01) == SHA256
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == ["UCF101.rar"]
    starts = [int(asked[6:-1]) for asked in server.asked[1:] if asked]
    assert len(starts) == 3
    assert starts == sorted(starts)
    assert starts[0] > 0, "nothing was fetched twice"


def test_another_command_goes_on_too(tmp_path):
    path = tmp_path / "UCF101.rar"
    with serve(Server(drops=[1_500_000])) as server:
        with pytest.raises(ClipHarError, match="the same command goes on from there"):
            fetch_once_then_nothing(server, path)
        assert names(tmp_path) == ["UCF101.rar.part", "UCF101.rar.part.json"]
        fetch(server.url, path, sha256=SHA256, pause=0.01)
    assert path.read_bytes() == CONTENT
    assert server.asked[-1] is not None


def fetch_once_then_nothing(server: Server, path) -> None:
    """The server breaks off, and is out of order from then on."""
    original = server.answer

    def answer(request) -> None:
        if server.asked:  # before it answers: the next request may come at once
            server.statuses = [503]
        original(request)

    server.answer = answer  # type: ignore[method-assign]
    try:
        fetch(server.url, path, pause=0.001, attempts=3)
    finally:
        server.answer = original  # type: ignore[method-assign]


def test_a_server_that_cannot_go_on_starts_anew(tmp_path):
    path = tmp_path / "UCF101.rar"
    with serve(Server(drops=[1_100_000], ranges=False)) as server:
        fetch(server.url, path, sha256=SHA256, pause=0.01)
    assert path.read_bytes() == CONTENT


def test_a_part_from_another_place_is_not_glued_on(tmp_path):
    """Without a published checksum nothing else would show it."""
    path = tmp_path / "hmdb51_org.rar"
    with serve(Server(drops=[1_500_000], shift=1000)) as server:
        assert fetch(server.url, path, pause=0.01) == SHA256
    assert path.read_bytes() == CONTENT


def test_an_answer_that_leads_to_a_file_is_refused_at_once(tmp_path):
    with (
        serve(Server(leads_to="file:///etc/passwd")) as server,
        pytest.raises(ClipHarError, match=r"cannot be fetched .*file:///etc/passwd"),
    ):
        fetch(server.url, tmp_path / "UCF101.rar")
    assert len(server.asked) == 1
    assert names(tmp_path) == []


def test_a_disk_without_room_is_told_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=len(CONTENT) - 1))
    with serve(Server()) as server, pytest.raises(ClipHarError, match="GB free: make room"):
        fetch(server.url, tmp_path / "UCF101.rar")
    assert names(tmp_path) == []


def test_each_break_is_told(tmp_path, caplog):
    with serve(Server(drops=[1_100_000])) as server:
        fetch(server.url, tmp_path / "UCF101.rar", pause=0.01)
    assert "trying again in 0 s" in caplog.text


def test_a_file_that_changed_in_between_is_not_glued_together(tmp_path):
    path = tmp_path / "UCF101.rar"
    with serve(Server(drops=[1_100_000], tags=['"old"', '"new"'])) as server:
        fetch(server.url, path, sha256=SHA256, pause=0.01)
    assert path.read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(tmp_path):
    path = tmp_path / "UCF101.rar"
    with (
        serve(Server(content=CONTENT[::-1])) as server,
        pytest.raises(ClipHarError, match="or is another file; it was removed"),
    ):
        fetch(server.url, path, sha256=SHA256)
    assert names(tmp_path) == []


def test_another_size_is_refused_before_it_is_fetched(tmp_path):
    path = tmp_path / "UCF101.rar"
    with (
        serve(Server()) as server,
        pytest.raises(ClipHarError, match="expected 2,999,999 bytes, the server has 3,000,000"),
    ):
        fetch(server.url, path, size=len(CONTENT) - 1)
    assert names(tmp_path) == []


def test_a_file_that_moved_is_told_at_once(tmp_path):
    with (
        serve(Server(statuses=[404])) as server,
        pytest.raises(ClipHarError, match="404 Not Found"),
    ):
        fetch(server.url, tmp_path / "UCF101.rar")
    assert server.asked == [None]


def test_a_busy_server_is_asked_again(tmp_path):
    with serve(Server(statuses=[503, 429])) as server:
        fetch(server.url, tmp_path / "UCF101.rar", sha256=SHA256, pause=0.01)
    assert len(server.asked) == 3


def test_no_server_at_all(tmp_path):
    with serve(Server()) as server:
        pass
    with pytest.raises(ClipHarError, match="cannot be fetched") as caught:
        fetch(server.url, tmp_path / "UCF101.rar", attempts=2, pause=0.01)
    assert "\n" not in str(caught.value)


def test_what_is_there_is_checked_and_not_fetched(tmp_path):
    path = tmp_path / "UCF101.rar"
    path.write_bytes(CONTENT)
    assert fetch("http://127.0.0.1:9/UCF101.rar", path, sha256=SHA256) == SHA256
    path.write_bytes(CONTENT[1:])
    with pytest.raises(ClipHarError, match="remove it and fetch it again"):
        fetch("http://127.0.0.1:9/UCF101.rar", path, size=len(CONTENT))


@pytest.mark.skipif(
    not any(map(shutil.which, ("bsdtar", "unrar"))), reason="no bsdtar or unrar here for RAR"
)
def test_a_user_prepares_what_is_fetched(tmp_path, monkeypatch, capsys):
    archive, splits = ucf_archives(tmp_path)
    root = tmp_path / "ucf101"
    command = ["prepare", "ucf101", "--download", "--accept-licence", f"--root={root}"]
    monkeypatch.setattr("clip_har.cli.data.download.time.sleep", lambda _: None)
    with (
        serve(Server(content=archive.read_bytes(), drops=[3000])) as clips,
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
        assert len(lists.asked) == 1
    message = capsys.readouterr().out
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert message.count(f"UCF101.rar: SHA-256 {sha256} (none is published: note it down)") == 1
    assert message.index("licence:") < message.index("SHA-256"), "the terms come first"
    assert message.count("6 of 6 clips of the lists") == 2
    assert names(root / "archives") == ["UCF101.rar", "UCF101.rar.zip"]
