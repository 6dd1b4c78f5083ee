"""Which arms the study compares, and what each costs; see `clip_har.noise.learned.arms`."""

from clip_har.heads.names import HEADS
from clip_har.noise.learned.arms import (
    BEST_HEAD,
    GATED,
    LIFT,
    SHARED,
    STACKED,
    Arm,
)
from clip_har.noise.variants import CALIBRATION, RANDOM, SHUFFLED, SHUFFLED_LABELS

BEST_UNIVERSAL, BEST_LIFT = f"{BEST_HEAD} + universal", f"{BEST_HEAD} + {LIFT}"

PLACEBOS = (SHUFFLED, RANDOM, SHUFFLED_LABELS, SHARED)
"""What is left of lift without the noise of a clip's own classes."""

COMPARED = (
    (LIFT, STACKED),
    *((LIFT, placebo) for placebo in PLACEBOS),
    *((LIFT, other) for other in (CALIBRATION, *HEADS)),
    (GATED, LIFT),
    (SHUFFLED, STACKED),
    (STACKED, CALIBRATION),
    (BEST_LIFT, BEST_UNIVERSAL),
)
"""What is compared, beside each arm with no noise: the first minus the second."""

_OF_SCORES_AS_THEY_ARE = {"candidate": "C", "topk": "k + 1", "predicted": "2"}


def passes(arm: Arm) -> str:
    """Return how often a frame passes through the model, with C classes.

    Example:
        >>> from clip_har.noise.learned.arms import arm_of
        >>> [passes(arm_of(name)) for name in ("none", "stacked universal", "lift")]
        ['1', '3', 'C + 2']
    """
    given = set(arm.features)
    if not given:
        return _OF_SCORES_AS_THEY_ARE.get(arm.name, "1")
    single = bool({"clean", "head"} & given) + len({"universal", "second", "true"} & given)
    every = f"C + {single}" if {"own", "mean"} & given else str(single)
    return f"1 or {every}" if arm.name == GATED else every
