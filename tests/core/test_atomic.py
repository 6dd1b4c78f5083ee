import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clip_har.core.atomic import clear_up, whole_file, whole_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "cell") as out:
        (out / "a").write_text("1")
        assert not (tmp_path / "cell").exists()
    assert names(tmp_path) == ["cell"]
    assert (tmp_path / "cell").stat().st_mode & 0o055 == 0o055, "others may read it"


def test_an_old_folder_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    (tmp_path / "cell").mkdir()
    (tmp_path / "cell" / "old").write_text("1")
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "cell") as out:
        (out / "new").write_text("2")
        raise RuntimeError
    assert names(tmp_path) == ["cell"]
    assert names(tmp_path / "cell") == ["old"]
    with whole_folder(tmp_path / "cell") as out:
        (out / "new").write_text("2")
    assert names(tmp_path) == ["cell"]
    assert names(tmp_path / "cell") == ["new"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".cell-abc").mkdir()
    (tmp_path / ".other-abc").mkdir()
    with whole_folder(tmp_path / "cell"):
        pass
    assert names(tmp_path) == [".other-abc", "cell"]


def test_the_old_folder_comes_back_where_its_successor_was_killed(tmp_path: Path) -> None:
    (tmp_path / ".cell-abc" / "old").mkdir(parents=True)
    (tmp_path / ".cell-abc" / "old" / "result").write_text("1")
    (tmp_path / ".cell-def").mkdir()  # the successor, which never got its name
    clear_up(tmp_path / "cell")
    assert names(tmp_path) == ["cell"]
    assert names(tmp_path / "cell") == ["result"]


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with pytest.raises(RuntimeError), whole_file(path) as out:
        out.write_text("half")
        raise RuntimeError
    assert names(path.parent) == []
    with whole_file(path) as out:
        out.write_text("all")
    assert path.read_text() == "all"
    assert path.stat().st_mode & 0o044 == 0o044, "others may read it"


# Loss of power: the order of the calls of the system, and each of them failing.


class Disk:
    """Records the calls that make names and content lasting; one of them may fail."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.fail_at = -1
        self.error = OSError(errno.EIO, os.strerror(errno.EIO))
        fsync, rename, replace = os.fsync, Path.rename, Path.replace

        def synced(descriptor: int) -> None:
            self._note("sync", Path(f"/proc/self/fd/{descriptor}").readlink())
            fsync(descriptor)

        def renamed(path: Path, to: Path) -> Path:
            self._note("rename", to)
            return rename(path, to)

        def replaced(path: Path, to: Path) -> Path:
            self._note("rename", to)
            return replace(path, to)

        patch.setattr(os, "fsync", synced)
        patch.setattr(Path, "rename", renamed)
        patch.setattr(Path, "replace", replaced)
        remove = shutil.rmtree

        def removed(path: Path, **more: Any) -> None:
            self.calls.append("remove old")
            remove(path, **more)

        patch.setattr(shutil, "rmtree", removed)

    def _note(self, what: str, path: Path | str) -> None:
        name = Path(path).name
        self.calls.append(f"{what} {'temporary' if name.startswith('.') else name}")
        if len(self.calls) - 1 == self.fail_at:
            raise self.error


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc here")
    with monkeypatch.context() as patch:
        yield Disk(patch)


def write_cell(folder: Path, text: str) -> None:
    with whole_folder(folder) as out:
        (out / "deep").mkdir()
        (out / "a").write_text(text)
        (out / "deep" / "b").write_text(text)


def write_file(path: Path, text: str) -> None:
    with whole_file(path) as out:
        out.write_text(text)


def test_a_file_is_on_the_disk_before_its_name_is(tmp_path: Path, disk: Disk) -> None:
    parent = tmp_path.name
    write_file(tmp_path / "file", "1")
    assert disk.calls == ["sync temporary", "rename file", f"sync {parent}"]


def test_a_folder_is_on_the_disk_before_its_name_is(tmp_path: Path, disk: Disk) -> None:
    parent = tmp_path.name
    write_cell(tmp_path / "cell", "1")
    assert set(disk.calls[:3]) == {"sync a", "sync b", "sync deep"}
    assert disk.calls[3:] == ["sync temporary", "rename cell", f"sync {parent}"]
    disk.calls.clear()
    write_cell(tmp_path / "cell", "2")
    assert disk.calls[3:] == [
        "sync temporary",
        "rename old",
        "rename cell",
        f"sync {parent}",
        "remove old",
    ]


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("write", [write_cell, write_file])
def test_whichever_call_fails_the_old_or_the_new_is_whole(
    tmp_path: Path, disk: Disk, write, error: int
) -> None:
    place = tmp_path / "place"

    def content() -> set[str]:
        files = [path for path in place.rglob("*") if path.is_file()] or [place]
        return {path.read_text() for path in files}

    write(place, "old")
    calls = len(disk.calls)
    disk.error = OSError(error, os.strerror(error))
    failed = 0
    for number in range(2 * calls + 1):
        write(place, "old")
        disk.calls.clear()
        disk.fail_at = number
        caught = None
        try:
            write(place, "new")
        except OSError as raised:
            caught = raised
            failed += 1
        assert caught is None or caught.errno == error
        assert content() in ([{"new"}] if caught is None else [{"old"}, {"new"}])
        disk.fail_at = -1
    assert failed >= calls


def test_a_file_system_that_cannot_sync_folders_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def no_folders(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").is_dir():
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", no_folders)
    write_cell(tmp_path / "cell", "1")
    assert names(tmp_path) == ["cell"]
