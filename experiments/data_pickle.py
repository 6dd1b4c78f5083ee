"""Reads data out of a pickle without running anything that the pickle names.

A pickle is a program: its opcodes may call any function of any module by name, which is how a
downloaded one runs a stranger's code. Its calls go through three doors, and all are shut here:

- *globals* (the opcodes ``GLOBAL``, ``STACK_GLOBAL``, ``INST`` and ``EXT1`` … ``EXT4``) are looked
  up in `_STAND_INS` alone: nothing is imported, and a name that is not there is refused. The names
  there are those by which numpy's arrays and the plain containers are written, and stand not for
  numpy's functions but for the few lines below, which accept bytes, shapes and plain number types.
  So a pickle can call nothing else, however it is composed.
- *state* (``BUILD``) calls ``__setstate__`` or sets attributes: each stand-in has a
  ``__setstate__`` that checks or refuses, and no other attributes.
- *persistent ids* and out-of-band buffers have no meaning in a file and are refused.

What comes out are dicts, lists, tuples, texts, numbers, and `Array`. A pickle can still be large
or nested without end, which is reported as damage, and it can lie, which its reader must check.
"""

import copyreg
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from clip_har.core.errors import ClipHarError

_PLAIN = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
_BYTE_ORDERS = frozenset("<>|=")


def read_pickle(path: Path) -> object:
    """Return the data of a pickle of any protocol, also one written by Python 2.

    Args:
        path: the file.

    Returns:
        Built-in containers, texts and numbers; arrays as `Array`, for `numpy.asarray`.

    Raises:
        ClipHarError: it names a global that is not numpy's way of writing an array, or it is
            damaged or no pickle.
    """
    # A code that an earlier unpickler has resolved would come from there without being asked for.
    copyreg.clear_extension_cache()
    try:
        with path.open("rb") as file:
            # latin1: how Python 2 wrote the bytes of arrays
            return _DataUnpickler(file, fix_imports=False, encoding="latin1").load()
    except _REFUSED as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ClipHarError(
            f"{path} cannot be read as a pickle of arrays ({reason}): get the file again, or give"
            " its content as JSON or CSV"
        ) from error


class Array:
    """An array of a pickle; `numpy.asarray` gives its values."""

    __slots__ = ("_values",)

    def __init__(self, values: NDArray[Any] | None = None) -> None:
        self._values = values

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("an array with an unknown state")
        _, shape, dtype, in_columns, raw = state
        self._values = _values(raw, dtype, shape, "F" if in_columns else "C")

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self._values is None:
            raise ValueError("an array without content")
        return np.array(self._values, dtype=dtype)


class _NumberType:
    """Stands for ``numpy.dtype``: a plain number type of 1 to 8 bytes."""

    __slots__ = ("_code", "_order")

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not _PLAIN.fullmatch(code):
            raise pickle.UnpicklingError(f"the number type {code!r}")
        self._code, self._order = code.lstrip("<>|="), "<"
        if code[0] in _BYTE_ORDERS:
            self._order = code[0]

    def __setstate__(self, state: object) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        if not isinstance(order, str) or order not in _BYTE_ORDERS:
            raise pickle.UnpicklingError("a number type with an unknown state")
        self._order = order

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy type."""
        return np.dtype(self._order + self._code)


class _StandIn:
    """What a global of the pickle becomes: calls one function below, and has no state."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., object]) -> None:
        self._make = make

    def __call__(self, *arguments: object) -> object:
        return self._make(*arguments)

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("it sets the state of a global")


class _DataUnpickler(pickle.Unpickler):
    """An unpickler whose globals are the stand-ins."""

    def find_class(self, module: str, name: str, /) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            shown = f"{module}.{name}"
            raise pickle.UnpicklingError(
                f"it names {shown[:80]!r}, which could run code and is no part of an array"
            ) from None

    def persistent_load(self, pid: object, /) -> NoReturn:  # noqa: ARG002
        raise pickle.UnpicklingError("it names an object outside of the file")


def _values(raw: object, number_type: object, shape: object, order: object) -> NDArray[Any]:
    """Return the array of some bytes; Python 2's come as text, see `read_pickle`."""
    if isinstance(raw, str):
        raw = raw.encode("latin1")
    if not isinstance(number_type, _NumberType) or not isinstance(raw, bytes | bytearray):
        raise pickle.UnpicklingError("an array of something other than plain numbers")
    if not isinstance(shape, tuple) or not all(isinstance(edge, int) for edge in shape):
        raise pickle.UnpicklingError("an array with an unknown shape")
    return np.ndarray(
        shape, number_type.dtype, buffer=bytes(raw), order="F" if order == "F" else "C"
    )


def _reconstruct(*_: object) -> Array:
    return Array()  # its content follows as state


def _frombuffer(
    raw: object, number_type: object, shape: object, order: object, axes: object = None
) -> Array:
    values = _values(raw, number_type, shape, order)
    if axes is not None:
        values = values.transpose(cast(tuple[int, ...], axes))  # a wrong one is an error of numpy's
    return Array(values)


def _scalar(number_type: object, raw: object) -> object:
    return _values(raw, number_type, (), "C").item()


def _encode(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"the encoding {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _empty_dict(*_: object) -> dict[object, object]:
    return {}


def _never(*_: object) -> NoReturn:
    raise pickle.UnpicklingError("it calls what only names a type")


_NUMPY: dict[tuple[str, str], Callable[..., object]] = {
    ("multiarray", "_reconstruct"): _reconstruct,
    ("multiarray", "scalar"): _scalar,
    ("numeric", "_frombuffer"): _frombuffer,
}
_CONTAINERS: dict[str, Callable[..., object]] = {
    "bytes": _no_bytes, "dict": dict, "list": list, "set": set, "tuple": tuple,
}  # fmt: skip

_STAND_INS = {
    **{
        (f"numpy.{core}.{module}", name): _StandIn(make)
        for core in ("core", "_core")  # numpy 1 and 2
        for (module, name), make in _NUMPY.items()
    },
    **{
        (module, name): _StandIn(make)
        for module in ("builtins", "__builtin__")  # Python 3 and 2
        for name, make in _CONTAINERS.items()
    },
    ("numpy", "ndarray"): _StandIn(_never),
    ("numpy", "dtype"): _StandIn(_NumberType),
    ("_codecs", "encode"): _StandIn(_encode),
    ("collections", "OrderedDict"): _StandIn(dict),
    ("collections", "defaultdict"): _StandIn(_empty_dict),
}

# What an unpickler raises on damage, among it all that a wrong type or number on its stack does.
_REFUSED = (
    pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError, LookupError, MemoryError,
    OSError, RecursionError, TypeError, ValueError,
)  # fmt: skip
