"""Numbers as text: halves are rounded away from zero, an unknown value is a dash."""

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from numbers import Real
from typing import Any

from clip_har.metrics.measure import Measure

UNKNOWN = "–"


def formatted(value: Any, measure: Measure) -> str:
    """Return a measure's value in its unit; only differences that can be negative have a sign."""
    if measure.unit == "points" and measure.range[0] < 0:
        return points(value)
    if measure.unit in ("%", "points"):
        return share(value)
    return count(value) if measure.unit == "count" else number(value)


def share(value: Any) -> str:
    """Return a share in [0, 1] as percent, without the sign.

    Example:
        >>> share(0.9325)
        '93.3'
    """
    return _rounded(value, "0.1", factor=100)


def points(value: Any, decimals: int = 1) -> str:
    """Return a difference of shares in percentage points, with its sign.

    Example:
        >>> points(-0.125), points(-0.0003, 2)
        ('−12.5', '−0.03')
    """
    text = _rounded(value, f"1e-{decimals}", factor=100)
    signed = text if text == UNKNOWN or text.startswith("-") else f"+{text}"
    return signed.replace("-", "−")


def interval(low: Any, high: Any, text: Callable[[Any], str] = share) -> str:
    """Return the interval between two numbers; with fewer than six groups there is none.

    Example:
        >>> interval(0.25, 0.5), interval(float("nan"), float("nan"))
        ('25.0 to 50.0', '–')
    """
    return f"{text(low)} to {text(high)}" if _known(low) and _known(high) else UNKNOWN


def number(value: Any) -> str:
    """Return a number with three decimals."""
    return _rounded(value, "0.001").replace("-", "−")


def count(value: Any) -> str:
    """Return a whole number with commas between thousands."""
    return f"{value:,.0f}" if _known(value) else UNKNOWN


def p_value(value: Any) -> str:
    """Return the p-value of a test, never as 0."""
    if not _known(value):
        return UNKNOWN
    return "< 0.001" if value < 0.001 else _rounded(value, "0.001")


def milliseconds(seconds: Any) -> str:
    """Return a time in ms with two digits that count.

    Example:
        >>> milliseconds(0.00987), milliseconds(0.123), milliseconds(1.5), milliseconds(math.nan)
        ('9.9', '120', '1,500', '–')
    """
    if not _known(seconds):
        return UNKNOWN
    value = float(f"{1000 * seconds:.2g}")
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def millions(value: Any) -> str:
    """Return a number in millions with three digits that count.

    Example:
        >>> millions(151_277_313), millions(1_234_567), millions(41_234), millions(math.nan)
        ('151', '1.23', '0.0412', '–')
    """
    return f"{float(f'{value / 1e6:.3g}'):g}" if _known(value) else UNKNOWN


def rank_text(row: Mapping[Any, Any]) -> str:
    """Return a rank interval, or the single rank that it holds.

    Args:
        row: ``rank_low`` and ``rank_high``.

    Example:
        >>> [rank_text({"rank_low": 1.0, "rank_high": high}) for high in (1.0, 3.0)]
        ['1', '1 to 3']
    """
    low, high = row["rank_low"], row["rank_high"]
    if not (_known(low) and _known(high)):
        return UNKNOWN
    return f"{low:.0f} to {high:.0f}" if high > low else f"{low:.0f}"


def _rounded(value: Any, step: str, *, factor: int = 1) -> str:
    if not _known(value):
        return UNKNOWN
    # Round to the intended decimal: 0.9325 is stored slightly smaller, and differences have errors
    # in the 16th digit.
    exact = Decimal(repr(round(float(value), 12))) * factor
    return str(exact.quantize(Decimal(step), ROUND_HALF_UP) + 0)  # + 0: never "-0.0"


def _known(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(value)
