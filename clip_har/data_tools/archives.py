"""Unpacking archives that may come from anywhere: nothing leaves the folder."""

import os
import shutil
import subprocess
import tarfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

import rarfile

from clip_har.errors import ClipHarError
from clip_har.progress import Advance, track

Format = Literal["zip", "tar", "rar"]

MAX_BYTES = 64 * 10**9
"""What an archive may unpack to, bytes; UCF-101 is 7 GB, HMDB-51 2 GB."""
MAX_FILES = 1_000_000
_POLL = 0.5  # s between two looks at what a tool has unpacked so far


@dataclass(frozen=True)
class Entry:
    """One file or folder of an archive, as its header tells.

    Attributes:
        name: its path in the archive, ``/`` between the parts.
        size: unpacked, bytes.
        kind: ``other`` are links, devices and pipes.
    """

    name: str
    size: int
    kind: Literal["file", "folder", "other"]


def archive_format(path: Path) -> Format:
    """Tell the format from the content: names lie.

    Raises:
        ClipHarError: the file is missing or none of these.
    """
    if not path.is_file():
        raise ClipHarError(f"{path} does not exist: expected an archive (.rar, .zip or .tar)")
    try:
        if zipfile.is_zipfile(path):
            return "zip"
        if rarfile.is_rarfile(path):
            return "rar"
        if tarfile.is_tarfile(path):
            return "tar"
    except EOFError as error:  # of a compressed archive
        raise _damaged(path, error) from error
    raise ClipHarError(
        f"{path} is no whole RAR, ZIP or TAR archive (an error page saved under its name, or cut"
        " off?): fetch it again"
    )


def list_entries(path: Path) -> list[Entry]:
    """Return what an archive says that it holds; nothing is unpacked.

    Raises:
        ClipHarError: it is no archive, damaged, or asks for a password.
    """
    kind = archive_format(path)
    try:
        if kind == "zip":
            with zipfile.ZipFile(path) as archive:
                return [_zip_entry(one) for one in archive.infolist()]
        if kind == "tar":
            with tarfile.open(path) as tar:
                return [
                    Entry(one.name, one.size, _kind(file=one.isreg(), folder=one.isdir()))
                    for one in tar
                ]
        with rarfile.RarFile(path) as rar:
            if rar.needs_password():
                raise ClipHarError(f"{path} asks for a password: the official archives have none")
            return [
                Entry(
                    one.filename,
                    one.file_size,
                    _kind(
                        file=one.is_file() and one.file_redir is None,
                        folder=one.is_dir() and one.file_redir is None,
                    ),
                )
                for one in rar.infolist()
            ]
    except (OSError, zipfile.BadZipFile, tarfile.TarError, rarfile.Error, EOFError) as error:
        raise _damaged(path, error) from error


def check_entries(path: Path, entries: Sequence[Entry], max_bytes: int) -> None:
    """Refuse an archive that reaches outside the folder it is unpacked into, or is a bomb.

    Raises:
        ClipHarError: an absolute path, a drive, ``..``, a link or device, two entries of one name,
            or more than ``max_bytes``.
    """
    seen: dict[str, Entry] = {}
    for entry in entries:
        parts = PurePosixPath(entry.name.replace("\\", "/")).parts
        windows = PureWindowsPath(entry.name)
        if entry.kind == "other":
            fault = "is a link or a device"
        elif not parts or parts[0] == "/" or windows.drive or windows.root:
            fault = "is an absolute path"
        elif ".." in parts:
            fault = "leads out of its folder"
        elif "\0" in entry.name:
            fault = "holds a zero byte"
        elif (twin := seen.get(entry.name.rstrip("/"))) and "file" in {twin.kind, entry.kind}:
            fault = "is there twice"
        else:
            seen[entry.name.rstrip("/")] = entry
            continue
        raise ClipHarError(f"{path}: its entry {entry.name!r} {fault}; nothing was unpacked")
    total = sum(entry.size for entry in entries)
    if total > max_bytes or len(entries) > MAX_FILES:
        raise ClipHarError(
            f"{path} would unpack to {total:,} bytes in {len(entries):,} entries: more than"
            f" --max-bytes {max_bytes:,} or {MAX_FILES:,} entries; nothing was unpacked"
        )


def unpack(path: Path, folder: Path, *, max_bytes: int = MAX_BYTES) -> int:
    """Unpack an archive into an empty folder, after a look at all of its entries.

    RAR goes through bsdtar, unrar or 7z, whichever is there: Python has no reader of its own. What
    the tool wrote is looked at again, since it is not ours.

    Args:
        path: the archive.
        folder: an empty one, which the caller moves into place.
        max_bytes: that it may unpack to.

    Returns:
        The bytes that its files hold.

    Raises:
        ClipHarError: it is refused (`check_entries`), damaged, does not fit on the disk, or no
            tool reads RAR.
    """
    entries = list_entries(path)
    check_entries(path, entries, max_bytes)
    total = sum(entry.size for entry in entries)
    free = shutil.disk_usage(folder).free
    if total > free:
        raise ClipHarError(
            f"{path} needs {total / 1e9:.1f} GB, and {folder} has {free / 1e9:.1f} GB free: make"
            " room, or choose another --root"
        )
    with track(len(entries), f"unpacking {path.name}") as advance:
        try:
            _unpack(path, folder, len(entries), advance)
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError) as error:
            raise _damaged(path, error) from error
    _check_unpacked(path, entries, folder)
    return total


def rar_commands(path: Path, folder: Path) -> list[list[str]]:
    """Return the commands of all tools that are there.

    Raises:
        ClipHarError: none is.
    """
    # Without a password and without a question: either would wait for ever.
    seven_zip = ["x", "-y", "-p-", "-bd", "-bso0", f"-o{folder}", str(path)]
    commands = {
        "bsdtar": ["-x", "-f", str(path), "-C", str(folder)],
        "unrar": ["x", "-y", "-p-", "-idq", str(path), f"{folder}/"],
        "7z": seven_zip,
        "7zz": seven_zip,
    }
    found = [
        [there, *options] for tool, options in commands.items() if (there := shutil.which(tool))
    ]
    if not found:
        raise ClipHarError(
            f"{path.name} is a RAR archive: install bsdtar, unrar or 7z to unpack it (Debian and"
            " Ubuntu: apt-get install libarchive-tools; macOS has bsdtar)"
        )
    return found


def _unpack(path: Path, folder: Path, entries: int, advance: Advance) -> None:
    kind = archive_format(path)
    if kind == "zip":
        with zipfile.ZipFile(path) as archive:
            for one in archive.infolist():
                archive.extract(one, folder)
                advance(1)
        return
    if kind == "tar":
        with tarfile.open(path) as tar:
            for member in tar:
                tar.extract(member, folder, filter="data")
                advance(1)
        return
    faults = []
    for command in rar_commands(path, folder):
        # Some builds of 7z come without RAR, some of unrar without its newer compression.
        if not (fault := _run(command, folder, entries, advance)):
            return
        faults.append(f"{Path(command[0]).name}: {fault}")
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    raise ClipHarError(
        f"{path} is damaged, or what unpacks RAR here cannot read it ({'; '.join(faults)}): fetch"
        " it again, or install another of bsdtar, unrar and 7z"
    )


def _run(command: list[str], folder: Path, entries: int, advance: Advance) -> str:
    """Run a tool, show how far it is, and return what it complained of; empty for nothing."""
    with subprocess.Popen(  # noqa: S603
        command,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as tool:
        done = 0
        while True:
            try:
                _, told = tool.communicate(timeout=_POLL)
                break
            except subprocess.TimeoutExpired:
                there = min(entries, sum(1 for _ in folder.rglob("*")))
                advance(there - done)
                done = there
            except BaseException:
                tool.kill()
                raise
    advance(-done)
    if tool.returncode == 0:
        return ""
    text = " ".join(told.decode(errors="replace").split())
    return text[-200:] or f"it ended with status {tool.returncode}"


def _check_unpacked(path: Path, entries: Sequence[Entry], folder: Path) -> None:
    """Hold what is on the disk against what the archive said."""
    expected = Counter(
        _mark(str(PurePosixPath(entry.name.replace("\\", "/"))), entry.size)
        for entry in entries
        if entry.kind == "file"
    )
    found: Counter[tuple[str, int]] = Counter()
    for one in folder.rglob("*"):
        if one.is_symlink() or not (one.is_file() or one.is_dir()):
            raise ClipHarError(f"{path}: {one.name} came out as a link or a device")
        if one.is_file():
            found[_mark(one.relative_to(folder).as_posix(), one.stat().st_size)] += 1
    if wrong := (expected - found) + (found - expected):
        raise ClipHarError(
            f"{path}: of its {expected.total()} files some did not come out as its list says"
            f" ({min(wrong)[0] or 'a file'!r} first): it is damaged, fetch it again"
        )


def _mark(name: str, size: int) -> tuple[str, int]:
    """Return what a file is known by; tools decode names of other scripts in their own ways."""
    return name if name.isascii() else "", size


def _zip_entry(one: zipfile.ZipInfo) -> Entry:
    mode = one.external_attr >> 16  # of Unix, 0 where it was packed elsewhere
    other = (mode & 0o170000) not in {0, 0o100000, 0o040000}
    name = getattr(one, "orig_filename", one.filename)  # before Python made it harmless
    return Entry(name, one.file_size, _kind(file=not other and not one.is_dir(), folder=not other))


def _kind(*, file: bool, folder: bool) -> Literal["file", "folder", "other"]:
    return "file" if file else "folder" if folder else "other"


def _damaged(path: Path, error: Exception) -> ClipHarError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ClipHarError(f"{path} cannot be unpacked ({reason}): damaged or cut off; fetch it again")
