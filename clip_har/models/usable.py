"""Whether a model's answers can be used."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError


def check_usable(
    ids: Sequence[str], scores: NDArray[np.float32], embedded: NDArray[np.float32], model: str
) -> None:
    """Check a model's answers for B clips.

    Args:
        ids: of the clips.
        scores: ``(B, C)``.
        embedded: ``(B, D)``, the embeddings.
        model: its checkpoint and precision, for messages.

    Raises:
        ClipHarError: when a score is not finite, or an embedding is zero: its scores are all equal.
    """
    for what, fine in (
        ("the scores are not finite", [bool(np.isfinite(row).all()) for row in scores]),
        ("the embedding is zero", [bool(row.any()) for row in embedded]),
    ):
        if not all(fine):
            bad = [clip_id for clip_id, one in zip(ids, fine, strict=True) if not one]
            named = ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
            raise ClipHarError(
                f"clip {named}: {what} ({model}): try precision=fp32; if it is fp32 already, the"
                " weights are damaged: take another copy"
            )
