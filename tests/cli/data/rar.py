"""A writer of RAR archives (version 4, stored), since no free tool makes any."""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

_MARK = b"Rar!\x1a\x07\x00"
_MAIN = bytes(6)
_END = bytes.fromhex("c43d7b00400700")
FILE, FOLDER, LINK = 0o100644, 0o040755, 0o120777


def write_rar(
    path: Path, files: Mapping[str, bytes], *, kinds: Mapping[str, int] | None = None
) -> Path:
    """Write an archive of files by their names; ``kinds`` are Unix modes, `FILE` by default."""
    parts = [_MARK, _block(0x73, 0, _MAIN)]
    for name, content in files.items():
        mode = (kinds or {}).get(name, FILE)
        encoded = name.encode()
        header = struct.pack(
            "<IIBIIBBHI",
            *(len(content), len(content), 3, zlib.crc32(content), 0x5A000000, 20, 0x30),
            *(len(encoded), mode),
        )
        flags = 0x8000 | (0xE0 if mode == FOLDER else 0)
        parts += [_block(0x74, flags, header + encoded), content]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join([*parts, _END]))
    return path


def _block(kind: int, flags: int, content: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(content)) + content
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head
