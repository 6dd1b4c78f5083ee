"""Nothing of an archive leaves its folder, whatever its entries say."""

import io
import os
import shutil
import stat
import tarfile
import time
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_har.cli.data import archives
from clip_har.cli.data.archives import list_entries, unpack
from clip_har.core.errors import ClipHarError
from tests.cli.data.rar import FOLDER, LINK, write_rar

pytestmark = pytest.mark.skipif(shutil.which("bsdtar") is None, reason="bsdtar is not here")
Files = dict[str, bytes] | list[tuple[str, bytes]]
GOOD = {"UCF-101/Run/a.avi": b"a" * 500, "UCF-101/Walk/b.avi": b"b" * 700}


def make_zip(path: Path, files: dict[str, bytes], links: tuple[str, ...] = ()) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK if name in links else stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content)
    return path


def make_tar(path: Path, files: Files, links: tuple[str, ...] = (), *, mode: Any = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            info = tarfile.TarInfo(name)
            if name in links:
                info.type, info.linkname = tarfile.SYMTYPE, content.decode()
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def make_rar(path: Path, files: dict[str, bytes], links: tuple[str, ...] = ()) -> Path:
    return write_rar(path, files, kinds=dict.fromkeys(links, LINK))


MAKERS = {"zip": make_zip, "tar": make_tar, "rar": make_rar}
every_format = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def unpacked(path: Path, **settings) -> dict[str, bytes]:
    folder = path.parent / "into"
    folder.mkdir()
    unpack(path, folder, **settings)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.avi")}


@every_format
def test_what_was_packed_comes_out(make, tmp_path):
    # under another name: the content tells the format
    path = make(tmp_path / "archive.bin", GOOD)
    assert unpacked(path) == GOOD


EVIL = {
    "leads out of its folder": "UCF-101/../../evil.avi",
    "is an absolute path": "/tmp/evil.avi",
    "leads out of its folder ": "..\\evil.avi",
    "is an absolute path ": "C:\\evil.avi",
}


@every_format
@pytest.mark.parametrize("fault", EVIL)
def test_paths_that_lead_out_are_refused(make, fault, tmp_path):
    path = make(tmp_path / "evil.zip", GOOD | {EVIL[fault]: b"evil"})
    with pytest.raises(ClipHarError, match=f"{fault.strip()}; nothing was unpacked"):
        unpacked(path)
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["evil.zip", "into"]
    assert not Path("/tmp/evil.avi").exists()


@every_format
def test_links_are_refused(make, tmp_path):
    files = GOOD | {"UCF-101/link": b"/etc"}
    path = make(tmp_path / "evil.zip", files, links=("UCF-101/link",))
    with pytest.raises(ClipHarError, match="'UCF-101/link' is a link or a device"):
        unpacked(path)


@every_format
def test_bombs_are_refused_before_anything_is_written(make, tmp_path):
    path = make(tmp_path / "bomb.zip", {"UCF-101/Run/a.avi": bytes(100_000)})
    with pytest.raises(ClipHarError, match="would unpack to 100,000 bytes or more, in 1 entries"):
        unpacked(path, max_bytes=99_999)
    assert not list((tmp_path / "into").iterdir())


@every_format
def test_the_list_of_an_archive_may_be_a_bomb_itself(make, tmp_path, monkeypatch):
    path = make(tmp_path / "bomb.zip", {f"{number}.avi": b"" for number in range(9)})
    monkeypatch.setattr(archives, "MAX_FILES", 4)
    with pytest.raises(ClipHarError, match="in 5 entries: the limits are"):  # and none after those
        list_entries(path)


def fake_bsdtar(tmp_path, monkeypatch, on_extract: str) -> None:
    """Put a bsdtar into the path that lists as the real one does, and unpacks otherwise."""
    real = shutil.which("bsdtar")
    tool = tmp_path / "bin" / "bsdtar"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/sh\nif [ "$1" = -x ]; then\n{on_extract}\nelse\nexec {real} "$@"\nfi\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)


def test_what_writes_more_than_the_list_says_is_stopped(tmp_path, monkeypatch):
    path = write_rar(tmp_path / "liar.rar", GOOD)
    fake_bsdtar(tmp_path, monkeypatch, 'head -c 5000 /dev/zero > "$5/a.avi"; exec sleep 60')
    monkeypatch.setattr(archives, "_POLL", 0.05)
    start = time.monotonic()
    with pytest.raises(ClipHarError, match="it wrote more than the 1,200 bytes of the archive's"):
        unpacked(path)
    assert time.monotonic() - start < 30


def test_what_does_not_come_out_is_damage(tmp_path, monkeypatch):
    path = write_rar(tmp_path / "short.rar", GOOD)
    fake_bsdtar(tmp_path, monkeypatch, 'mkdir -p "$5/UCF-101/Run"; echo > "$5/UCF-101/Run/a.avi"')
    with pytest.raises(ClipHarError, match=r"\(first: 'UCF-101/Run/a\.avi'\): it is damaged"):
        unpacked(path)


@pytest.mark.parametrize("fault", ["No space left on device", "Permission denied"])
def test_a_full_disk_is_no_damage(fault, tmp_path, monkeypatch):
    path = make_zip(tmp_path / "a.zip", GOOD)
    fake_bsdtar(tmp_path, monkeypatch, f"echo 'a.avi: Write failed: {fault}' >&2; exit 1")
    with pytest.raises(OSError, match=fault):
        unpacked(path)


def test_one_name_twice_is_refused(tmp_path):
    path = make_tar(tmp_path / "twice.tar", [("a.avi", b"first"), ("a.avi", b"other")])
    with pytest.raises(ClipHarError, match=r"'a\.avi' occurs twice"):
        unpacked(path)


@every_format
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_cut_off_archives_give_one_line(make, share, tmp_path):
    path = make(tmp_path / "cut.zip", {f"v/{n}.avi": bytes([n]) * 3000 for n in range(9)})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ClipHarError, match="fetch") as caught:
        unpacked(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "count"),
    [(make_zip, 150), (make_tar, 100), (partial(make_tar, mode="w:xz"), 100), (make_rar, 40)],
    ids=["zip", "tar", "xz", "rar"],
)
def test_mutants_never_reach_out(make, count, tmp_path):
    """Bits flipped anywhere: unpacked or refused in one line, and nothing beside the folder."""
    draws = np.random.default_rng(0)
    # Not ASCII, and not compressed to next to nothing: so that names and streams are hit, too.
    files = {
        f"UCF-101/{name}.avi": draws.integers(0, 60, 1500, dtype=np.uint8).tobytes()
        for name in ("Run/a", "Wälk/b")
    }
    path = make(tmp_path / "mutant.zip", files)
    whole = path.read_bytes()
    faults = []
    for number in range(count):
        mutant = bytearray(whole)
        # The end of a ZIP archive is its list.
        first = len(whole) - 300 if number % 2 and make is make_zip else 0
        for at in draws.integers(first, len(mutant), 3):
            mutant[at] ^= 1 << draws.integers(0, 8)
        path.write_bytes(mutant)
        try:
            unpacked(path)
        except ClipHarError as error:
            faults.append(str(error))
        shutil.rmtree(tmp_path / "into")
        assert list(tmp_path.iterdir()) == [path]
    assert len(faults) > 3  # the content of a RAR is not checked
    assert not [fault for fault in faults if "\n" in fault]


@pytest.mark.parametrize(
    "content", ["<html>404</html>", "#mtree\n./a.avi type=file contents=/etc/passwd\n"]
)
def test_a_saved_page_and_a_list_of_files_of_this_machine_are_no_archives(tmp_path, content):
    """Bsdtar would copy the files that an mtree list names."""
    path = tmp_path / "UCF101.tar"
    path.write_text(content)
    with pytest.raises(ClipHarError, match="is not a whole RAR, ZIP or TAR archive"):
        unpacked(path)
    with pytest.raises(ClipHarError, match="does not exist"):
        list_entries(tmp_path / "none.rar")


def test_folders_of_a_rar_are_no_files(tmp_path):
    path = write_rar(tmp_path / "a.rar", {"v": b"", "v/a.avi": b"abc"}, kinds={"v": FOLDER})
    assert [(e.name.rstrip("/"), e.kind, e.size) for e in list_entries(path)] == [
        ("v", "folder", 0),
        ("v/a.avi", "file", 3),
    ]


def test_without_bsdtar_it_says_what_to_install(tmp_path, monkeypatch):
    path = write_rar(tmp_path / "a.rar", GOOD)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ClipHarError, match=r"bsdtar .* is not installed.*libarchive-tools"):
        unpacked(path)


@pytest.mark.parametrize("name", ["two words.avi", "a -> b.avi", "línk to\n.avi", "b\\c.avi"])
def test_odd_names_are_read_as_they_are(name, tmp_path):
    path = make_tar(tmp_path / "a.tar", {f"v/{name}": b"abc"})
    assert [(e.name, e.size, e.kind) for e in list_entries(path)] == [(f"v/{name}", 3, "file")]


def test_an_owner_cannot_pretend_to_be_a_size(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("v/a.avi")
        info.size, info.uname, info.gname = 3, "0 0 1 Jan 1 1980 x", "a b"
        archive.addfile(info, io.BytesIO(b"abc"))
    assert [(e.name, e.size) for e in list_entries(path)] == [("v/a.avi", 3)]


def test_an_archive_with_a_password_does_not_wait_for_one(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"v/a.avi": b"abc"})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # encrypted, in the entry and in the list
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(ClipHarError, match="cannot be unpacked"):
        unpacked(path)
