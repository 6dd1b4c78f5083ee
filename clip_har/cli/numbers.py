"""Numbers on the command line of the commands that are not Hydra's."""

import math
import sys
from argparse import ArgumentTypeError


def whole_from_1(text: str) -> int:
    """Return a whole number of at least 1.

    Example:
        >>> whole_from_1("12")
        12
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"expected a whole number from 1, got '{text}'")
    return int(text)


def above_0(text: str) -> float:
    """Return a finite number above 0.

    Example:
        >>> above_0("0.5")
        0.5
    """
    return _above_0(text, "number", most=sys.float_info.max)


def seconds(text: str) -> float:
    """Return a number of seconds above 0, which may be infinite.

    Example:
        >>> seconds("inf")
        inf
    """
    return _above_0(text, "number of seconds", most=math.inf)


def _above_0(text: str, what: str, *, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= most:
        raise ArgumentTypeError(f"expected a {what} above 0, got '{text}'")
    return value
