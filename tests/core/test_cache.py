"""What is costly is made once, is whole or not there, and faults of the disk take one line."""

import errno
import logging
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from clip_har.core import cache
from clip_har.core.cache import cached, key_of
from clip_har.core.errors import ClipHarError


def read_text(path: Path) -> str | None:
    """The text of an entry, which is damaged if it does not end with a full stop."""
    file = path if path.suffix else path / "text.txt"
    try:
        text = file.read_text()
    except OSError:
        return None
    return text if text.endswith(".") else None


def kept(path: Path, text: str = "made.", made: list[Path] | None = None) -> str:
    def make(temporary: Path) -> None:
        if made is not None:
            made.append(temporary)
        (temporary if path.suffix else temporary / "text.txt").write_text(text)

    return cached(path, "text", read=read_text, make=make)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


@pytest.mark.parametrize("name", ["entry", "entry.txt"])
def test_it_is_made_once(tmp_path, name):
    made: list[Path] = []
    path = tmp_path / "kind" / name
    assert kept(path, made=made) == kept(path, "other.", made) == "made."
    assert len(made) == 1
    assert made[0] != path
    assert names(path.parent) == [name]


@pytest.mark.parametrize("name", ["entry", "entry.txt"])
def test_what_is_damaged_is_made_again(tmp_path, name, caplog):
    path = tmp_path / name
    kept(path)
    (path if path.suffix else path / "text.txt").write_text("half")
    assert kept(path, "again.") == "again."
    assert "damaged or of another version: made again" in caplog.text


def test_other_settings_code_and_libraries_are_another_key(monkeypatch):
    described = {"size": 224, "fit": "crop"}
    code, libraries = ("clip_har.core.evenly",), ("numpy",)
    key = key_of(described, code=code, libraries=libraries)
    assert key == key_of({"fit": "crop", "size": 224}, code=code, libraries=libraries)
    assert len(key) == 32
    keys = {key, key_of({"size": 225, "fit": "crop"}, code=code, libraries=libraries)}
    keys |= {key_of(described, code=("clip_har.core.seeding",), libraries=libraries)}
    monkeypatch.setattr(cache, "_version", lambda _: "0")
    keys |= {key_of(described, code=code, libraries=libraries)}
    assert len(keys) == 4


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("a defect")])
def test_what_fails_leaves_nothing(tmp_path, fault):
    def fail(temporary: Path) -> None:
        (temporary / "half").write_text("half")
        raise fault

    with pytest.raises(type(fault)):
        cached(tmp_path / "entry", "text", read=read_text, make=fail)
    assert names(tmp_path) == []
    assert kept(tmp_path / "entry") == "made."


def test_a_full_disk_takes_one_line_and_another_error_stays(tmp_path):
    def fail(error: OSError) -> str:
        def make(_: Path) -> None:
            raise error

        return cached(tmp_path / "entry", "text", read=read_text, make=make)

    with pytest.raises(
        ClipHarError, match=r"the text cannot be kept in .*no space is left on the disk"
    ):
        fail(OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(ClipHarError, match=r"cannot be kept in .*make room, or set another cache_"):
        fail(PermissionError(errno.EACCES, "denied", str(tmp_path / "entry" / "file")))
    with pytest.raises(ConnectionError):
        fail(ConnectionError("no server"))
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written_takes_one_line(tmp_path):
    (tmp_path / "kind").write_text("in the way")
    with pytest.raises(ClipHarError, match="set another cache_dir"):
        kept(tmp_path / "kind" / "entry")


def test_one_makes_it_and_the_others_wait(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    made: list[Path] = []

    def make(temporary: Path) -> None:
        made.append(temporary)
        time.sleep(0.2)
        (temporary / "text.txt").write_text("made.")

    def ask() -> None:
        cached(tmp_path / "entry", "text", read=read_text, make=make)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert "waiting for another process that makes the text" in caplog.text


KILLED = textwrap.dedent(
    """
    import os, pathlib, sys, time
    from clip_har.core.cache import cached

    def make(temporary):
        (temporary if path.suffix else temporary / "half").write_text("half")
        print("made", flush=True)
        if sys.argv[2] == "die":
            os._exit(9)
        sys.stdin.read()

    path = pathlib.Path(sys.argv[1])
    cached(path, "text", read=lambda path: path.exists() or None, make=make)
    """
)


def other_process(path: Path, end: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.parametrize("name", ["entry", "entry.txt"])
def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path, name):
    with other_process(tmp_path / name, "die") as process:
        assert process.wait() == 9
    assert names(tmp_path)[0].startswith(".")
    kept(tmp_path / "another")
    assert names(tmp_path) == ["another"]


def test_what_a_living_process_makes_is_left_alone(tmp_path):
    process = other_process(tmp_path / "entry", "live")
    kept(tmp_path / "another")
    assert len(names(tmp_path)) == 2
    process.communicate("")
    assert process.returncode == 0
    assert names(tmp_path) == ["another", "entry"]
