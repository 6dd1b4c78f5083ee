"""How much mask and noise changed the clips that the model saw. Pure functions of a score table.

A value that is not known for any clip is None.
"""

import numpy as np
from numpy.typing import NDArray

from clip_har.results.score_table import ScoreTable


def realised_ratio(table: ScoreTable) -> float:
    """Return the mean share of a clip's pixels that the mask hides, in [0, 1]."""
    return float(table.mask_ratio.mean())


def realised_ratio_sd(table: ScoreTable) -> float:
    """Return the population standard deviation of that share over clips, in [0, 0.5]."""
    return float(table.mask_ratio.std())


def native_black(table: ScoreTable) -> float:
    """Return the mean share of a clip's pixels that are black before any mask, in [0, 1]."""
    return float(table.native_black.mean())


def video_share(table: ScoreTable) -> float:
    """Return the mean share of the video's frame that crop and mask hide together, in [0, 1]."""
    return float(table.video_hidden.mean())


def tokens_hidden(table: ScoreTable) -> float | None:
    """Return the mean share of the model's own patches that are hidden whole, in [0, 1]."""
    return _known_mean(table.tokens_hidden)


def tokens_partly(table: ScoreTable) -> float | None:
    """Return the mean share of the model's own patches that are hidden in part, in [0, 1]."""
    return _known_mean(table.tokens_partly)


def tokens_untouched(table: ScoreTable) -> float | None:
    """Return the mean share of the model's own patches that the mask leaves alone, in [0, 1]."""
    return _known_mean(1 - table.tokens_hidden - table.tokens_partly)


def subject_hidden(table: ScoreTable) -> float | None:
    """Return the mean share of the subject that is hidden, in [0, 1]."""
    return _known_mean(table.subject_hidden)


def background_kept(table: ScoreTable) -> float | None:
    """Return the mean share of all that is not the subject that stays visible, in [0, 1]."""
    return _known_mean(table.background_kept)


def subject_not_found(table: ScoreTable) -> float | None:
    """Return the share of clips in which the region source found no subject, in [0, 1]."""
    found = _known_mean(table.subject_found)
    return None if found is None else 1 - found


def feature_hidden(table: ScoreTable) -> float | None:
    """Return the mean share of the mask's target that is hidden, in [0, 1]."""
    return _known_mean(table.feature_hidden)


def feature_frames(table: ScoreTable) -> float | None:
    """Return the mean share of frames in which the mask's target was found, in [0, 1]."""
    return _known_mean(table.feature_frames)


def noise_rms(table: ScoreTable) -> float | None:
    """Return the mean over clips of the noise's root mean square, in grey levels; None without."""
    return float(table.noise_rms.mean()) if table.noise_largest.any() else None


def noise_largest(table: ScoreTable) -> float | None:
    """Return the largest change of any pixel by noise, in grey levels; None without noise."""
    return float(table.noise_largest.max()) if table.noise_largest.any() else None


def mean_drift(table: ScoreTable) -> float | None:
    """Return the mean drift over the clips in which the mask's target was found, in [0, 2].

    See `clip_har.engine.drift`.
    """
    if table.drift is None:
        return None
    empty = set(table.empty)
    return _known_mean(table.drift[[clip_id not in empty for clip_id in table.clip_ids]])


def clip_counts(table: ScoreTable) -> dict[str, float]:
    """Return how many clips there are, under MLflow names.

    ``data/clips`` is the number of clips that all metrics are computed over. If the mask is aimed
    at a target: ``data/empty_clips`` is the number of decoded clips in which it was not found,
    ``data/covered_clips`` the number of those of which the mask leaves too little,
    ``mask/nothing_found`` and ``mask/too_little_kept`` their shares of the decoded clips,
    ``data/left_out_clips`` the number of those that no metric includes.
    """
    clips = len(table.clip_ids)
    counts = {"data/clips": float(clips)}
    if table.empty or table.covered or np.isfinite(table.feature_frames).any():
        left_out = {*table.empty, *table.covered} - set(table.clip_ids)
        decoded = clips + len(left_out)
        counts["data/empty_clips"] = float(len(table.empty))
        counts["data/covered_clips"] = float(len(table.covered))
        counts["data/left_out_clips"] = float(len(left_out))
        counts["mask/nothing_found"] = len(table.empty) / decoded
        counts["mask/too_little_kept"] = len(table.covered) / decoded
    return counts


def _known_mean(values: NDArray[np.float64]) -> float | None:
    """Return the mean of the ``(N,)`` values that are known; None if none is."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else None
