"""Rows of cells as the table of a sweep has them, without a sweep."""

import pandas as pd

NONE = pd.DataFrame(columns=["measure", "of", "value", "low", "high"])


def changed(**columns: object) -> pd.DataFrame:
    """Return the row of a masked cell with some columns of one's own."""
    row = {
        "cell": "mask", "leaks": False, "clips": 10, "top1": 0.5, "top1_clean": 0.5,
        "top1_change": 0.0, "top1_change_low": 0.0, "top1_change_high": 0.0, "condition": "mask",
        "verdict": "undecided", "groups": 40, "same_classes": False, "family": "clip on clips",
        "tests": 1, "is_clean": False, "line": "mask", "what": "", "ratio": 0.3, "region": "none",
        "maps": None, "top1_low": 0.4, "top1_high": 0.6, "clips_failed": 0,
        "clips_nothing_found": 0, "clips_covered": 0, "clips_left_out": 0,
    }  # fmt: skip
    return pd.DataFrame([row | columns])
