"""Learn noise several times from other starting values, and keep the best."""

import math
from collections.abc import Callable
from pathlib import Path

from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.learning import History, learn
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.training_clips import TrainingClips


def learn_best(
    noise: Learned,
    start: Callable[[int], Perturbation],
    zero_shot: ZeroShot,
    training: TrainingClips,
    *,
    state: Path,
) -> tuple[Perturbation, History]:
    """Learn noise ``learning.restarts`` times, and keep the fit with the best validation score.

    A kill costs only the steps since the last validation: a restart that was finished is read from
    its state.

    Args:
        noise: the settings.
        start: returns the noise at the start of a restart.
        zero_shot: the frozen model with its classes.
        training: the clips.
        state: the file of the state of the first one; see `states`.

    Returns:
        The noise, and how the restart went that it is of.
    """
    found = [
        learn(noise, start(restart), zero_shot, training, state=path, restart=restart)
        for restart, path in enumerate(states(noise, state))
    ]
    scores = [history.best for _, history in found]
    # Of equals the first one; a score that is no number is never the best.
    best = max(range(len(scores)), key=lambda one: _ordered(scores[one]))
    perturbation, history = found[best]
    if len(scores) > 1:
        history.restarts = scores
    return perturbation, history


def states(noise: Learned, first: Path) -> list[Path]:
    """Return the file of the state of each restart; remove them when the result is stored."""
    others = range(1, noise.learning.restarts)
    return [first, *(first.with_name(f"{first.stem}.{one}{first.suffix}") for one in others)]


def _ordered(score: float) -> float:
    return -math.inf if math.isnan(score) else score
