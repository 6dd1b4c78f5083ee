"""How far a file's own structure reaches, read from the sizes of its outer boxes.

Nothing is decoded, and only the heads of boxes are read. So a header with a wrong length (kept from
an earlier version of the file) can be told from a file that was cut off.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
# Cluster, SeekHead, Info, Tracks, Cues, Tags, Chapters, Attachments, Void, CRC-32 (RFC 9559)
_IN_SEGMENT = {
    _CLUSTER, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469,
    0xEC, 0xBF,
}  # fmt: skip


def media_end(path: Path, kind: str) -> int | None:
    """Return the byte at which the media data of a file ends, according to its structure.

    Args:
        path: the file.
        kind: ``avi`` or ``matroska``.

    Returns:
        None if the structure is damaged, does not say, or reaches beyond the end of the file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        ends = list((_riff_ends if kind == "avi" else _matroska_ends)(file, size))
    return None if not ends or ends[-1] is None or ends[-1] > size else ends[-1]


def fragments_end(path: Path) -> int:
    """Return the byte at which the last fragment of an MP4 or MOV ends, 0 if it has none."""
    size = path.stat().st_size
    place = end = 0
    fragments = False
    with path.open("rb") as file:
        while place + 8 <= size:
            file.seek(place)
            length, name = int.from_bytes(file.read(4), "big"), file.read(4)
            if length == 1:  # a long box
                length = int.from_bytes(file.read(8), "big")
            if length < 8:  # 0 = to the end of the file; less is no box
                break
            place += length
            fragments |= name == b"moof"
            if name in {b"moof", b"mdat"}:
                end = place
    return end if fragments else 0


def _riff_ends(file: BinaryIO, size: int) -> Iterator[int | None]:
    """Yield the ends of the lists of frames; long files have one in each RIFF chunk."""
    place, inside = 0, False
    while place + 12 <= size:
        file.seek(place)
        head = file.read(12)
        length = int.from_bytes(head[4:8], "little")
        if (not inside and head[:4] != b"RIFF") or head[:4] == bytes(4):
            return
        if head[:4] == b"RIFF":
            place, inside = place + 12, True
            continue
        if head[:4] == b"LIST" and head[8:] == b"movi":
            yield place + 8 + length if length else None
        place += 8 + length + length % 2


def _matroska_ends(file: BinaryIO, size: int) -> Iterator[int | None]:
    """Yield the ends of the clusters; None for an element that is damaged or of unknown size."""
    place = 0
    while place < size:
        file.seek(place)
        name, length, head = _element(file)
        if name == _SEGMENT:
            length = 0  # go on inside
        elif length is None or name not in {_EBML, *_IN_SEGMENT}:
            yield None
            return
        place += head + length
        if name == _CLUSTER:
            yield place
    if place > size:
        yield None


def _element(file: BinaryIO) -> tuple[int, int | None, int]:
    """Read the id, size (None if unknown) and length of the head of an EBML element."""
    first = file.read(1)[0]
    more = 8 - first.bit_length()
    if more > 3:
        return 0, None, 1
    name = int.from_bytes(bytes([first]) + file.read(more), "big")
    first = (file.read(1) or b"\0")[0]
    width = 8 - first.bit_length()
    if width > 7:
        return name, None, 1
    bits = 7 * (width + 1)
    length = int.from_bytes(bytes([first]) + file.read(width), "big") & (1 << bits) - 1
    return name, None if length == (1 << bits) - 1 else length, 2 + more + width
