"""A prediction as a JSON object, for scripts."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from clip_har.predict.prediction import WHAT_IT_IS, Prediction

_DIGITS = 6  # of a probability
_SECONDS = 3  # digits of a time


def record(
    found: Prediction, *, top: int, model: str, settings: Sequence[str], cautions: Sequence[str]
) -> dict[str, Any]:
    """Return a prediction as a JSON object.

    Args:
        found: the prediction.
        top: number of classes in its list of the best ones.
        model: the checkpoint.
        settings: the words of the command that are settings.
        cautions: what must be known about all answers of the model.
    """
    best = [(label, *found.peak(label)) for label in found.top(top)]
    return {
        "clip": str(found.path),
        "seconds": _time(found.edges[-1]),
        "frames": found.frames,
        "fps": found.fps,
        "model": model,
        "settings": list(settings),
        "classes": list(found.class_names),
        "top": [
            {
                "class": found.class_names[label],
                "mean": _share(found.mean[label]),
                "highest": _share(peak),
                "highest_at": _time(at),
            }
            for label, peak, at in best
        ],
        "mean": [_share(value) for value in found.mean],
        "windows": [
            {
                "start": _time(start),
                "end": _time(end),
                "frames_seen": seen,
                "class": None if winner is None else found.class_names[winner],
                "probabilities": None if winner is None else [_share(value) for value in row],
            }
            for (start, end), row, winner, seen in zip(
                pairwise(found.edges),
                found.probabilities,
                found.winners,
                found.frames_seen,
                strict=True,
            )
        ],
        "notes": [
            WHAT_IT_IS.format(classes=len(found.class_names)),
            *cautions,
            *found.notes,
        ],
    }


def failure(path: Path, reason: str) -> dict[str, Any]:
    """Return the JSON object of a video without a prediction."""
    return {"clip": str(path), "error": reason}


def _share(value: float) -> float:
    return round(float(value), _DIGITS)


def _time(value: float) -> float | None:
    return round(float(value), _SECONDS) if math.isfinite(value) else None
