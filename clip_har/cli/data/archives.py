"""Unpack archives that nobody has checked: nothing is written outside the folder."""

import errno
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

from clip_har.core.errors import ClipHarError
from clip_har.core.progress import Advance, track

MAX_BYTES = 64 * 10**9
"""Largest unpacked size of an archive, bytes; UCF-101 is 7 GB, HMDB-51 2 GB."""
MAX_FILES = 1_000_000
_POLL = 0.5  # s between two measurements of what is unpacked so far
# RAR, ZIP, and TAR, also compressed (gzip, bzip2, xz, zstd). bsdtar reads more formats, and some of
# them name files of this machine, so only these are accepted.
_STARTS = (
    b"Rar!\x1a\x07",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"(\xb5/\xfd",
)
_TAR = slice(257, 262)
# mode, links, owner, group, size (of a device two numbers), date, name
_LINE = re.compile(r"([a-z-])\S{9}\S? +\d+ +-?\d+ +-?\d+ +([\d,]+) +\w+ +\d+ +[\d:]+ (.+)")
_ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t",
            b"v": b"\v", b"\\": b"\\"}  # fmt: skip
_DISK = {os.strerror(number): number for number in (errno.ENOSPC, errno.EDQUOT, errno.EACCES)}


@dataclass(frozen=True)
class Entry:
    """One file or folder in an archive, as its header says.

    Attributes:
        name: its path in the archive.
        size: its unpacked size, bytes.
        kind: ``other`` means a link, a device or a pipe.
    """

    name: str
    size: int
    kind: Literal["file", "folder", "other"]


def list_entries(path: Path, *, max_bytes: int = MAX_BYTES) -> list[Entry]:
    """Return the entries that an archive lists; nothing is unpacked.

    Args:
        path: the archive. Its content, not its name, says whether it is RAR, ZIP or TAR.
        max_bytes: largest unpacked size. Reading stops there: the list itself may be a bomb.

    Raises:
        ClipHarError: when it is no archive, damaged, too large, or asks for a password, or bsdtar
            is missing.
    """
    _check_format(path)
    entries: list[Entry] = []
    total = 0
    with _bsdtar("-t", "-v", "--numeric-owner", "-f", str(path), stdout=subprocess.PIPE) as tool:
        try:
            for line in tool.stdout or ():
                entries.append(_entry(path, line))
                total += entries[-1].size
                if total > max_bytes or len(entries) > MAX_FILES:
                    raise ClipHarError(
                        f"{path} would unpack to {total:,} bytes or more, in {len(entries):,}"
                        f" entries: the limits are --max-bytes {max_bytes:,} and {MAX_FILES:,}"
                        " entries; nothing was unpacked"
                    )
        except BaseException:
            tool.kill()
            raise
        fault = _fault(tool, tool.stderr.read() if tool.stderr else b"")
    if fault or not entries:
        raise _damaged(path, fault or "it is empty")
    return entries


def check_entries(path: Path, entries: Sequence[Entry]) -> None:
    """Refuse an archive that could write outside its folder.

    Raises:
        ClipHarError: when an entry is an absolute path, has a drive or ``..``, is a link or device,
            or has the name of another entry.
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
        elif (twin := seen.get(entry.name.rstrip("/"))) and "file" in {twin.kind, entry.kind}:
            fault = "occurs twice"
        else:
            seen[entry.name.rstrip("/")] = entry
            continue
        raise ClipHarError(f"{path}: its entry {entry.name!r} {fault}; nothing was unpacked")


def unpack(path: Path, folder: Path, *, max_bytes: int = MAX_BYTES) -> int:
    """Check all entries of an archive, then unpack it into an empty folder with bsdtar.

    Names and sizes of the unpacked files are compared with the list. bsdtar compares checksums,
    but not those of RAR.

    Args:
        path: the archive.
        folder: an empty folder; the caller moves it into place.
        max_bytes: largest unpacked size.

    Returns:
        The unpacked size, bytes.

    Raises:
        ClipHarError: when it is refused (`check_entries`), damaged, or too large for the disk, or
            bsdtar is missing.
        OSError: when the disk is full or cannot be written.
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
    with track(len(entries), f"unpacking {path.name}") as advance:
        fault = _extract(path, folder, entries, advance)
    if fault:
        for message, number in _DISK.items():
            if message in fault:
                raise OSError(number, message, str(folder))
        raise _damaged(path, fault)
    _check_unpacked(path, entries, folder)
    return total


def _check_format(path: Path) -> None:
    if not path.is_file():
        raise ClipHarError(f"{path} does not exist: expected an archive (.rar, .zip or .tar)")
    with path.open("rb") as file:
        start = file.read(512)
    if not (start.startswith(_STARTS) or start[_TAR] == b"ustar"):
        raise ClipHarError(
            f"{path} is not a whole RAR, ZIP or TAR archive; it may be an error page, or cut off:"
            " fetch it again"
        )


def _bsdtar(*options: str, stdout: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
    """Start bsdtar without input and terminal, so that it cannot ask for a password.

    Raises:
        ClipHarError: when it is not installed.
    """
    tool = shutil.which("bsdtar")
    if tool is None:
        raise ClipHarError(
            "bsdtar unpacks the archives, and it is not installed: install it (Debian and Ubuntu:"
            " apt-get install libarchive-tools; macOS has it)"
        )
    return subprocess.Popen(  # noqa: S603
        [tool, *options],
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _entry(path: Path, line: bytes) -> Entry:
    """Return the entry that one line of bsdtar's list describes."""
    text = line.rstrip(b"\n").decode(errors="replace")
    found = _LINE.fullmatch(text)
    if found is None:
        raise _damaged(path, f"its list has the line {text[:80]!r}")
    mode, size, name = found.groups()
    if mode not in "-d":
        return Entry(re.split(" -> | link to ", name)[0], 0, "other")
    return Entry(_unescaped(name), int(size), "file" if mode == "-" else "folder")


def _unescaped(name: str) -> str:
    r"""Return a name as it is in the archive: bsdtar writes ``\n``, ``\\`` and ``\303`` for bytes.

    Example:
        >>> _unescaped(r"a\\b\040c")
        'a\\b c'
    """

    def plain(found: "re.Match[bytes]") -> bytes:
        return _ESCAPES.get(found[1]) or bytes([int(found[1], 8) & 0xFF])

    pattern = rb"\\([abfnrtv\\]|[0-7]{3})"
    return re.sub(pattern, plain, name.encode()).decode(errors="replace")


def _extract(path: Path, folder: Path, entries: Sequence[Entry], advance: Advance) -> str:
    """Unpack everything and return bsdtar's error message, empty if there is none.

    bsdtar is stopped if it writes more than the archive's list says: the list may be wrong.
    """
    declared = sum(entry.size for entry in entries)
    done = 0
    with _bsdtar("-x", "-f", str(path), "-C", str(folder)) as tool:
        while True:
            try:
                _, message = tool.communicate(timeout=_POLL)
                return _fault(tool, message)
            except subprocess.TimeoutExpired:
                sizes = list(_sizes(folder))
                if sum(sizes) > declared:
                    tool.kill()
                    return f"it wrote more than the {declared:,} bytes of the archive's list"
                advance(min(len(sizes), len(entries)) - done)
                done = min(len(sizes), len(entries))
            except BaseException:
                tool.kill()
                raise


def _sizes(folder: Path) -> Iterator[int]:
    for one in folder.rglob("*"):
        if one.is_file():
            yield one.lstat().st_size


def _fault(tool: "subprocess.Popen[bytes]", message: bytes) -> str:
    if tool.wait() == 0:
        return ""
    text = " ".join(message.decode(errors="replace").split())
    return text[-200:] or f"bsdtar ended with status {tool.returncode}"


def _damaged(path: Path, reason: str) -> ClipHarError:
    return ClipHarError(
        f"{path} cannot be unpacked ({reason}): it is damaged or cut off; fetch it again"
    )


def _check_unpacked(path: Path, entries: Sequence[Entry], folder: Path) -> None:
    """Compare names and sizes on the disk with the archive's list."""
    expected = Counter(
        _mark(str(PurePosixPath(entry.name)), entry.size)
        for entry in entries
        if entry.kind == "file"
    )
    found: Counter[tuple[str, int]] = Counter()
    for one in folder.rglob("*"):
        if one.is_symlink() or not (one.is_file() or one.is_dir()):
            raise ClipHarError(f"{path}: the unpacked {one.name} is a link or a device")
        if one.is_file():
            found[_mark(one.relative_to(folder).as_posix(), one.stat().st_size)] += 1
    if wrong := (expected - found) + (found - expected):
        first = min(name for name, _ in wrong) or "a file"
        raise ClipHarError(
            f"{path}: some of its {expected.total()} unpacked files differ from its list (first:"
            f" {first!r}): it is damaged, fetch it again"
        )


def _mark(name: str, size: int) -> tuple[str, int]:
    """Return name and size of a file; names beyond ASCII are left out, decoding differs."""
    return name if name.isascii() else "", size
