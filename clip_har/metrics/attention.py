"""Does the attribution of a prediction lie on the subject? Pure functions of maps.

In all of them ``attribution`` is ``(T, g, g)`` at least 0, over the patches of a clip's frames, and
``subject`` is ``(T, g, g)`` in [0, 1], the share of each patch that the subject covers. In a frame
without the subject all attribution lies outside of it.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.floating]
_INSIDE = 0.5  # a patch belongs to the subject if it covers at least this share


def mass(attribution: Maps, subject: Maps) -> float:
    """Return the share of the attribution inside the subject, in [0, 1]; NaN without attribution.

    Relevance Mass Accuracy (Arras, Osman and Samek 2022, "CLEVR-XAI"). Uniform attribution gives
    the subject's share of the frame, so compare with that share, see `focus`.

    Example:
        >>> mass(np.array([[[3.0, 0.0], [1.0, 0.0]]]), np.array([[[1.0, 1.0], [0.0, 0.0]]]))
        0.75
    """
    total = float(attribution.sum())
    return float((attribution * subject).sum()) / total if total > 0 else float("nan")


def rank(attribution: Maps, subject: Maps) -> float:
    """Return the share of the K strongest patches that belong to the subject, in [0, 1].

    Relevance Rank Accuracy (Arras, Osman and Samek 2022), with K the number of the subject's
    patches (at least half covered) in the clip; ties in the order of patches. NaN if K is 0.

    Example:
        >>> rank(np.array([[[3.0, 0.0], [1.0, 0.0]]]), np.array([[[1.0, 1.0], [0.0, 0.0]]]))
        0.5
    """
    inside = subject.ravel() >= _INSIDE
    count = int(inside.sum())
    if count == 0 or not attribution.any():
        return float("nan")
    strongest = np.argsort(-attribution.ravel(), kind="stable")[:count]
    return float(inside[strongest].mean())


def pointing(attribution: Maps, subject: Maps) -> float:
    """Return the share of frames whose strongest patch belongs to the subject, in [0, 1].

    The pointing game (Zhang et al. 2018, "Top-down neural attention by excitation backprop"), over
    the frames that have attribution and a subject; the first of equal patches. NaN if there is no
    such frame.

    Example:
        >>> pointing(np.array([[[3.0, 0.0], [1.0, 0.0]]]), np.array([[[1.0, 1.0], [0.0, 0.0]]]))
        1.0
    """
    flat, covered = (maps.reshape(len(maps), -1) for maps in (attribution, subject))
    counted = flat.any(axis=1) & (covered >= _INSIDE).any(axis=1)
    if not counted.any():
        return float("nan")
    best = flat.argmax(axis=1)
    hits = covered[np.arange(len(flat)), best] >= _INSIDE
    return float(hits[counted].mean())


def focus(attribution: Maps, subject: Maps) -> float:
    """Return the subject's share of the attribution over its share of the frame, ≥ 0 (ours).

    1 is no focus: as much attribution as area. NaN without attribution or subject.

    Example:
        >>> focus(np.array([[[3.0, 0.0], [1.0, 0.0]]]), np.array([[[1.0, 1.0], [0.0, 0.0]]]))
        1.5
    """
    area = float(subject.mean())
    return mass(attribution, subject) / area if area > 0 else float("nan")


def attention_means(measured: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return the mean of each measure over the clips, under its MLflow name.

    Args:
        measured: ``(N,)`` by measure, NaN where it was not measured. A measure without any value
            is left out.

    Example:
        >>> attention_means({"mass": np.array([0.5, np.nan, 0.25]), "rank": np.array([np.nan])})
        {'attention/mass': 0.375}
    """
    return {
        f"attention/{name}": float(np.nanmean(values))
        for name, values in measured.items()
        if np.isfinite(values).any()
    }
