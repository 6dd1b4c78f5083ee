"""Whether a mask is the same intervention for two models, whose patches may differ in size."""

import numpy as np

from clip_har.results.result import Result

_APART = 0.05
"""Masks that hide shares of two models' tokens that differ by more are not the same mask."""

NOT_THE_SAME = "masks that hide other shares of the tokens"
"""Stands beside a comparison of models that see different masks."""


def tokens_differ(one: Result, other: Result) -> bool:
    """Return whether the masks of two cells hide different shares of their models' patches.

    Either of the patches that are hidden whole, or of those that are hidden at all. An earlier
    result, or one of a model without patches, does not hold the shares: it never differs.
    """
    return any(
        abs(one.metrics.get(name, np.nan) - other.metrics.get(name, np.nan)) > _APART
        for name in ("mask/tokens_hidden", "mask/tokens_untouched")
    )
