"""Unpacking archives that may come from anywhere: nothing leaves the folder."""

import errno
import lzma
import os
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal

import rarfile

from clip_har.core.errors import ClipHarError
from clip_har.core.progress import Advance, track

Format = Literal["zip", "tar", "rar"]

MAX_BYTES = 64 * 10**9
"""What an archive may unpack to, bytes; UCF-101 is 7 GB, HMDB-51 2 GB."""
MAX_FILES = 1_000_000
# Python 3.11 has it from 3.11.4 on; the entries were looked at already, by `check_entries`.
_TAR_FILTER: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
_POLL = 0.5  # s between two looks at what a tool has unpacked so far
# What the readers raise at damage: names that are no UTF-8 (ValueError), an unknown version or a
# password of a single entry (RuntimeError), a broken stream.
_DAMAGE = (
    EOFError, OSError, RuntimeError, ValueError, lzma.LZMAError, rarfile.Error, tarfile.TarError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One file or folder of an archive, as its header tells.

    Attributes:
        name: its path in the archive, ``/`` between the parts.
        size: unpacked, bytes.
        kind: ``other`` are links, devices and pipes.
        crc: CRC-32 of its content, where the reader does not check it itself; else None.
    """

    name: str
    size: int
    kind: Literal["file", "folder", "other"]
    crc: int | None = None


def archive_format(path: Path) -> Format:
    """Tell the format from the content: names lie.

    Raises:
        ClipHarError: the file is missing or none of these.
    """
    if not path.is_file():
        raise ClipHarError(f"{path} does not exist: expected an archive (.rar, .zip or .tar)")
    with _damage_told(path):
        if zipfile.is_zipfile(path):
            return "zip"
        if rarfile.is_rarfile(path):
            return "rar"
        if tarfile.is_tarfile(path):
            return "tar"
    raise ClipHarError(
        f"{path} is no whole RAR, ZIP or TAR archive (an error page saved under its name, or cut"
        " off?): fetch it again"
    )


def list_entries(path: Path, *, max_bytes: int = MAX_BYTES) -> list[Entry]:
    """Return what an archive says that it holds; nothing is unpacked.

    Args:
        path: the archive.
        max_bytes: that it may unpack to; reading stops there, since the list may be a bomb itself.

    Raises:
        ClipHarError: it is no archive, damaged, too large, or asks for a password.
    """
    archive_kind = archive_format(path)
    entries: list[Entry] = []
    total = 0
    with _damage_told(path):
        for entry in _entries(path, archive_kind):
            entries.append(entry)
            total += entry.size
            if total > max_bytes or len(entries) > MAX_FILES:
                raise ClipHarError(
                    f"{path} would unpack to {total:,} bytes or more, in {len(entries):,} entries:"
                    f" more than --max-bytes {max_bytes:,} or {MAX_FILES:,} entries; nothing was"
                    " unpacked"
                )
    return entries


def _entries(path: Path, archive_kind: Format) -> Iterator[Entry]:
    if archive_kind == "zip":
        with zipfile.ZipFile(path) as archive:
            yield from map(_zip_entry, archive.infolist())
    elif archive_kind == "tar":
        with tarfile.open(path) as tar:
            for one in tar:
                yield Entry(one.name, one.size, _kind(file=one.isreg(), folder=one.isdir()))
                tar.members = []  # type: ignore[attr-defined]  # else it keeps all of them
    else:
        with rarfile.RarFile(path) as rar:
            if rar.needs_password():
                raise ClipHarError(f"{path} asks for a password: the official archives have none")
            for one in rar.infolist():
                link = one.file_redir is not None
                kind = _kind(file=one.is_file() and not link, folder=one.is_dir() and not link)
                yield Entry(one.filename, one.file_size, kind, one.CRC)


def check_entries(path: Path, entries: Sequence[Entry]) -> None:
    """Refuse an archive that reaches outside the folder it is unpacked into.

    Raises:
        ClipHarError: an absolute path, a drive, ``..``, a link or device, or two entries of one
            name.
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


def unpack(path: Path, folder: Path, *, max_bytes: int = MAX_BYTES) -> int:
    """Unpack an archive into an empty folder, after a look at all of its entries.

    RAR goes through bsdtar, unrar or 7z, whichever is there: Python has no reader of its own. What
    the tool wrote is read again, since some of them (bsdtar 3.6, unrar-free 0.1) take content that
    does not match its checksum for good.

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
    entries = list_entries(path, max_bytes=max_bytes)
    check_entries(path, entries)
    total = sum(entry.size for entry in entries)
    free = shutil.disk_usage(folder).free
    if total > free:
        raise ClipHarError(
            f"{path} needs {total / 1e9:.1f} GB, and {folder} has {free / 1e9:.1f} GB free: make"
            " room, or choose another --root"
        )
    with track(len(entries), f"unpacking {path.name}") as advance, _damage_told(path):
        _unpack(path, folder, entries, advance)
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


def _unpack(path: Path, folder: Path, entries: Sequence[Entry], advance: Advance) -> None:
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
                tar.extract(member, folder, **_TAR_FILTER)
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


def _run(command: list[str], folder: Path, entries: Sequence[Entry], advance: Advance) -> str:
    """Run a tool, show how far it is, and return what it complained of; empty for nothing.

    A tool that writes more than the list of the archive says is stopped: the list may lie.
    """
    declared = sum(entry.size for entry in entries)
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
                _, message = tool.communicate(timeout=_POLL)
                break
            except subprocess.TimeoutExpired:
                sizes = [one.lstat().st_size for one in folder.rglob("*") if one.is_file()]
                if sum(sizes) > declared:
                    tool.kill()
                    advance(-done)
                    return f"it wrote more than the {declared:,} bytes of the archive's list"
                advance(min(len(sizes), len(entries)) - done)
                done = min(len(sizes), len(entries))
            except BaseException:
                tool.kill()
                raise
    advance(-done)
    if tool.returncode == 0:
        return ""
    text = " ".join(message.decode(errors="replace").split())
    return text[-200:] or f"it ended with status {tool.returncode}"


def _check_unpacked(path: Path, entries: Sequence[Entry], folder: Path) -> None:
    """Hold names, sizes and checksums on the disk against what the archive said."""
    files = [entry for entry in entries if entry.kind == "file"]
    checked = all(entry.crc is not None for entry in files)  # RAR 5 may hold another hash
    expected = Counter(
        _mark(str(PurePosixPath(entry.name.replace("\\", "/"))), entry.size, entry.crc)
        for entry in files
    )
    found: Counter[tuple[str, int, int | None]] = Counter()
    with track(len(files), f"checking {path.name}", show=checked) as advance:
        for one in folder.rglob("*"):
            if one.is_symlink() or not (one.is_file() or one.is_dir()):
                raise ClipHarError(f"{path}: {one.name} came out as a link or a device")
            if one.is_file():
                name = one.relative_to(folder).as_posix()
                found[_mark(name, one.stat().st_size, _crc(one) if checked else None)] += 1
                advance(1)
    if wrong := (expected - found) + (found - expected):
        first = min(name for name, *_ in wrong) or "a file"
        raise ClipHarError(
            f"{path}: of its {expected.total()} files some did not come out as its list says"
            f" ({first!r} first): it is damaged, fetch it again"
        )


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            crc = zlib.crc32(chunk, crc)
    return crc


def _mark(name: str, size: int, crc: int | None) -> tuple[str, int, int | None]:
    """Return what a file is known by; tools decode names of other scripts in their own ways."""
    return name if name.isascii() else "", size, crc


def _zip_entry(one: zipfile.ZipInfo) -> Entry:
    mode = one.external_attr >> 16  # of Unix, 0 where it was packed elsewhere
    other = (mode & 0o170000) not in {0, 0o100000, 0o040000}
    name = getattr(one, "orig_filename", one.filename)  # before Python made it harmless
    return Entry(name, one.file_size, _kind(file=not other and not one.is_dir(), folder=not other))


def _kind(*, file: bool, folder: bool) -> Literal["file", "folder", "other"]:
    return "file" if file else "folder" if folder else "other"


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Turn what readers raise at damage into one line; faults of the disk stay what they are."""
    try:
        yield
    except _DAMAGE as error:
        # A damaged offset leads out of the file (EINVAL); a damaged gzip stream has no number.
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ClipHarError(
            f"{path} cannot be unpacked ({reason}): damaged or cut off; fetch it again"
        ) from error
