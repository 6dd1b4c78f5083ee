"""Whether a mask is the same intervention for two models, whose patches may differ in size."""

import numpy as np

from clip_har.results.result import Result

_APART = 0.05
"""Masks that hide shares of two models' tokens that differ by more are not the same mask."""

NOT_THE_SAME = "masks that hide other shares of the tokens"
"""Stands beside a comparison of models that see different masks."""


def tokens_differ(one: Result, other: Result) -> bool:
    """Return whether the masks of two cells hide different shares of their models' patches whole.

    So they do where the grid of a mask lies on the patches of one model and not on those of the
    other: `masking.phase=aligned`. An earlier result, which does not hold the share, never differs.
    """
    shares = [found.metrics.get("mask/tokens_hidden", np.nan) for found in (one, other)]
    return bool(abs(shares[0] - shares[1]) > _APART)
