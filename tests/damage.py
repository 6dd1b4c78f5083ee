"""The four kinds of damage that a file can take."""

from collections.abc import Callable
from pathlib import Path


def truncate(path: Path) -> None:
    """Keep the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero(path: Path) -> None:
    """Set the second half to zeros, as after a loss of power; the size stays."""
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] + bytes(len(content) - half))


def flip(path: Path) -> None:
    """Change one bit in the middle; the size stays."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def delete(path: Path) -> None:
    """Remove it."""
    path.unlink()


DAMAGES: tuple[Callable[[Path], None], ...] = (truncate, zero, flip, delete)
