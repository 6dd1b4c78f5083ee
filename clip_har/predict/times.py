"""Times in a video as people write them."""

from collections.abc import Sequence


def clock(seconds: float, *, tenths: bool = False) -> str:
    """Return minutes and seconds, with hours where there are any.

    Args:
        seconds: at least 0.
        tenths: whether tenths of a second are shown.

    Example:
        >>> clock(7.25), clock(7.25, tenths=True), clock(3725.0), clock(59.96, tenths=True)
        ('0:07', '0:07.2', '1:02:05', '1:00.0')
    """
    ticks = round(10 * seconds) if tenths else 10 * int(seconds)
    minutes, rest = divmod(ticks, 600)
    hours, minutes = divmod(minutes, 60)
    whole, tenth = divmod(rest, 10)
    text = f"{minutes}:{whole:02}" if not hours else f"{hours}:{minutes:02}:{whole:02}"
    return f"{text}.{tenth}" if tenths else text


def needs_tenths(times: Sequence[float]) -> bool:
    """Return whether some of the times would look alike or wrong without tenths of a second.

    Example:
        >>> needs_tenths([0.0, 2.0, 4.0]), needs_tenths([0.0, 0.5])
        (False, True)
    """
    return any(abs(time - round(time)) > 0.05 for time in times)
