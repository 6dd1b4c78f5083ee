"""Which clips of a cell are not evaluated, and why."""

from collections.abc import Mapping
from typing import Any

_REASONS = {
    "clips_failed": "not decoded",
    "clips_nothing_found": "target not found",
    "clips_covered": "too little left to see",
}


def left_out_text(row: Mapping[Any, Any]) -> str:
    """Return how many clips a cell leaves out, by reason; empty for none.

    Args:
        row: see `clip_har.sweeps.table.cell_rows`.

    Example:
        >>> left_out_text({"clips_failed": 0, "clips_left_out": 3, "clips_nothing_found": 3,
        ...                "clips_covered": 0})
        '3 target not found'
    """
    counts = {reason: int(row[name]) for name, reason in _REASONS.items()}
    named = int(row["clips_nothing_found"]) + int(row["clips_covered"])
    counts["not shown by this mask"] = max(0, int(row["clips_left_out"]) - named)
    return ", ".join(f"{many} {reason}" for reason, many in counts.items() if many)
