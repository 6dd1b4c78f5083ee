"""All numbers of one cell, from its score table."""

import numpy as np

from clip_har.metrics.accuracy import balanced_accuracy, confidence, macro_f1, top_k
from clip_har.metrics.attributes import attribute_metrics
from clip_har.metrics.calibration import (
    adaptive_calibration_error,
    brier_score,
    expected_calibration_error,
    margin,
    negative_log_likelihood,
    normalised_entropy,
    true_class_confidence,
)
from clip_har.metrics.prediction_bias import prediction_bias
from clip_har.metrics.robustness import robustness
from clip_har.results.score_table import ScoreTable


def summarise(table: ScoreTable, clean: ScoreTable | None = None) -> dict[str, float]:
    """Return a cell's metrics under their MLflow names.

    Accuracy; ``confidence`` and calibration, see `clip_har.metrics.calibration`; ``bias/*``, see
    `prediction_bias`, and for the data set's attributes `attribute_gaps`; with ``clean``, the table
    of the clean twin, what `robustness` returns, and ``drift``, the mean over the
    clips in which the mask's target was found.

    ``top5`` is left out where there are five classes or fewer, since it is 1 then; what is not
    known (``mask/subject_hidden`` without a region source) is left out too.
    ``noise/rms`` and ``noise/largest`` are what noise really changed in the pixels, in grey levels:
    the mean over clips of the root mean square, and the largest change of all.
    ``mask/feature_frames`` is the share of the frames in which the mask's target was found,
    ``mask/nothing_found`` is the share of the decoded clips in which the mask's target was not
    found; ``data/left_out_clips`` of them are in no other number.
    """
    labels, scores, probabilities = table.labels, table.scores, table.probabilities()
    metrics = {
        "top1": top_k(labels, scores, 1),
        "balanced_accuracy": balanced_accuracy(labels, scores),
        "macro_f1": macro_f1(labels, scores),
        "confidence": confidence(probabilities),
        "true_class_confidence": true_class_confidence(labels, probabilities),
        "margin": margin(probabilities),
        "entropy": normalised_entropy(probabilities),
        "ece": expected_calibration_error(labels, probabilities),
        "ece_adaptive": adaptive_calibration_error(labels, probabilities),
        "brier": brier_score(labels, probabilities),
        "nll": negative_log_likelihood(labels, probabilities),
        **prediction_bias(labels, probabilities),
        **attribute_metrics(table),
        "mask/realised_ratio": float(table.mask_ratio.mean()),
        "mask/realised_ratio_sd": float(table.mask_ratio.std()),
        "mask/native_black": float(table.native_black.mean()),
    }
    if clean is not None:
        metrics |= robustness(table, clean)
    if table.drift is not None:
        empty = set(table.empty)
        shown = [clip_id not in empty for clip_id in table.clip_ids]
        if np.isfinite(table.drift[shown]).any():
            metrics["drift"] = float(np.nanmean(table.drift[shown]))
    if table.noise_largest.any():
        metrics["noise/rms"] = float(table.noise_rms.mean())
        metrics["noise/largest"] = float(table.noise_largest.max())
    if len(table.class_names) > 5:
        metrics["top5"] = top_k(labels, scores, 5)
    if np.isfinite(table.subject_found).any():
        metrics["mask/subject_not_found"] = float(1 - np.nanmean(table.subject_found))
    for name in ("subject_hidden", "feature_hidden", "feature_frames"):
        values = getattr(table, name)
        if np.isfinite(values).any():
            metrics[f"mask/{name}"] = float(np.nanmean(values))
    if table.empty or np.isfinite(table.feature_frames).any():  # the mask is aimed at a target
        left_out = set(table.empty) - set(table.clip_ids)
        metrics["data/empty_clips"] = float(len(table.empty))
        metrics["data/left_out_clips"] = float(len(left_out))
        metrics["mask/nothing_found"] = len(table.empty) / (len(table.clip_ids) + len(left_out))
    return metrics
