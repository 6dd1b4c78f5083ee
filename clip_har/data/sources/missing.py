"""Clips that a list names and a copy of the data set has not."""

from collections.abc import Sequence
from pathlib import Path

from clip_har.core.errors import ClipHarError

PARTIAL = "dataset.allow_missing=true evaluates those that are there"
"""What to do about them."""


def check_missing(
    missing: Sequence[str],
    *,
    there: int,
    total: int,
    what: str,
    root: Path,
    allow_missing: bool,
    if_none: str,
    unit: str = "clips",
) -> None:
    """Raise if clips are missing and may not be, or all are missing.

    Args:
        missing: the names of those that are missing, as far as they are known.
        there: how many clips there are.
        total: how many there should be.
        what: the data set and its part.
        root: where they are expected.
        allow_missing: whether some may be missing.
        if_none: what to do if none is there.
        unit: what a clip is called.

    Raises:
        ClipHarError: it counts them and names the first three.
    """
    if there == total or (allow_missing and there):
        return
    names = f": {', '.join(missing[:3])}" if missing else ""
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    raise ClipHarError(
        f"{total - there} of {total} {unit} of {what} are missing in {root}{names}{more};"
        f" {PARTIAL if there else if_none}"
    )
