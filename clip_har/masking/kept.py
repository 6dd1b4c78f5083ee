"""What aimed masks hide, and what they did, kept for later cells of the same process.

A sweep shows the same masks to several models and with several kinds of noise, and its pictures
paint them again. To find what an aimed mask hides takes milliseconds a clip. One bit a pixel keeps
it.
"""

from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from clip_har.masking.area import Hidden

_MOST = 256 * 2**20  # bytes: a mask that changes in each of 8 frames of 5,000 clips
_SMALL = 1024  # bytes, about: of a key with a value that is no mask

Value = TypeVar("Value")


@dataclass(frozen=True)
class _Bits:
    """A mask ``(1 or T, H, W)``, eight pixels a byte."""

    packed: NDArray[np.uint8]
    shape: tuple[int, ...]

    @property
    def mask(self) -> NDArray[np.bool_]:
        count = int(np.prod(self.shape))
        return np.unpackbits(self.packed, count=count).view(np.bool_).reshape(self.shape)


def _bytes(value: object) -> int:
    return _SMALL + (value.packed.nbytes if isinstance(value, _Bits) else 0)


_values: Any = LRUCache(_MOST, getsizeof=_bytes)
"""By key; those that were not asked for the longest are dropped."""
_lock = Lock()
_ABSENT = object()


def kept(key: Hashable, make: Callable[[], Value]) -> Value:
    """Return a number, or a few of them; they are made unless they are kept already.

    Args:
        key: all that decides them.
        make: makes them.
    """
    found: Any = _find(key)
    return _keep(key, make()) if found is _ABSENT else found


def kept_mask(key: Hashable, make: Callable[[], Hidden]) -> Hidden:
    """Return what a mask hides of a clip; it is made unless it is kept already.

    A mask with a soft edge is not kept: it takes 32 times the memory.

    Args:
        key: all that decides the mask.
        make: makes it.
    """
    found = _find(key)
    if isinstance(found, _Bits):
        return found.mask
    mask = make()
    if mask.dtype == np.bool_:
        _keep(key, _Bits(np.packbits(mask.view(np.uint8)), mask.shape))
    return mask


def _find(key: Hashable) -> object:
    with _lock:  # a look moves the key to the end of a list
        found: object = _values.get(key, _ABSENT)
        return found


def _keep(key: Hashable, value: Value) -> Value:
    with _lock, suppress(ValueError):  # of one that is larger than all may be together
        _values[key] = value
    return value
