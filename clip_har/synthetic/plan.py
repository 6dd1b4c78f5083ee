"""Plan which clips there are: action, scene, subject, all in exact shares."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.synthetic.actions import ACTIONS, BY_NAME
from clip_har.synthetic.scenes import scene_phrase

Split = Literal["train", "val", "test"]
_SUBJECTS: dict[Split, int] = {"train": 40, "val": 12, "test": 16}


@dataclass(frozen=True)
class ClipSpec:
    """One clip to be rendered.

    Attributes:
        clip_id: Names the clip and selects its random numbers.
        action: Name of the action.
        scene: Name of the scene.
        subject: Who performs it. It is the clip's group and must not be in another split.
        split: ``train``, ``val`` or ``test``.
        seed: The data set's seed.
    """

    clip_id: str
    action: str
    scene: str
    subject: str
    split: str
    seed: int

    @property
    def biased(self) -> bool:
        """Whether the scene is the action's own."""
        return self.scene == BY_NAME[self.action].scene


def caption(action: str, scene: str) -> str:
    """Return a sentence, such as ``"a person waving in a railway station"``."""
    return f"a person {BY_NAME[action].phrase} {scene_phrase(scene)}"


def plan_clips(
    *, seed: int, clips: int, scene_bias: float, split: Split, subjects: int | None = None
) -> list[ClipSpec]:
    """Plan a split in exact shares, not at random.

    Classes differ by one clip at most. Of each class, ``scene_bias`` of the clips are in its own
    scene, up to rounding, and of the whole split the exact rounded number. The other clips go to
    the other classes' scenes evenly, by one Latin square for all classes, so that all scenes also
    appear equally often. ``scene_bias = 1 / len(ACTIONS)`` is the unbiased value. Within each
    class all subjects perform equally often, up to one clip.

    Args:
        seed: The data set's seed.
        clips: Number of clips, 0 or more.
        scene_bias: Share of clips in the own scene, within [0, 1].
        split: Which split; its subjects appear in no other.
        subjects: Number of subjects; None takes 40, 12 or 16 for train, val and test.

    Returns:
        Specifications, ordered by class and number.

    Raises:
        ValueError: A number is out of range.

    Example:
        >>> plan = plan_clips(seed=0, clips=200, scene_bias=0.9, split="train")
        >>> sum(spec.biased for spec in plan)
        180
    """
    if split not in _SUBJECTS:
        raise ValueError(f"Expected split 'train', 'val' or 'test'; got {split!r}.")
    if clips < 0 or not 0.0 <= scene_bias <= 1.0:
        raise ValueError(
            f"Expected clips >= 0 and scene_bias in [0, 1]; got {clips} and {scene_bias}."
        )
    people = _SUBJECTS[split] if subjects is None else subjects
    if people < 1:
        raise ValueError(f"Expected at least one subject; got {people}.")
    rng = generator(seed, "plan", split)
    classes = len(ACTIONS)
    counts = _evenly(clips, rng.permutation(classes))
    own = _own_counts(counts, scene_bias, rng.permutation(classes))
    shifts = 1 + rng.permutation(classes - 1)  # the same for all classes: a Latin square
    width = len(str(max(counts.max(), 1) - 1))
    plan = []
    for k, action in enumerate(ACTIONS):
        away = [ACTIONS[(k + shifts[n % (classes - 1)]) % classes].scene
                for n in range(counts[k] - own[k])]  # fmt: skip
        scenes = [action.scene] * int(own[k]) + away
        crew = np.concatenate(
            [rng.permutation(people) for _ in range(int(counts[k]) // people + 1)]
        )
        order = rng.permutation(len(scenes))
        for number, pick in enumerate(order):
            plan.append(
                ClipSpec(
                    clip_id=f"{split}-{action.name}-{number:0{width}d}",
                    action=action.name,
                    scene=scenes[pick],
                    subject=f"{split}-{crew[number]:03d}",
                    split=split,
                    seed=seed,
                )
            )
    return plan


def _evenly(total: int, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split a total into counts that differ by one at most, the larger first in an order."""
    counts = np.full(len(order), total // len(order), dtype=np.int64)
    counts[order[: total % len(order)]] += 1
    return counts


def _own_counts(
    counts: NDArray[np.int64], share: float, order: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Round ``share * counts`` so that the sum is the rounded share of the whole."""
    exact = counts * share
    # products such as 0.29 * 100 fall short of the whole number by a rounding error
    own = np.floor(exact + 1e-9).astype(np.int64)
    missing = int(np.floor(counts.sum() * share + 0.5 + 1e-9)) - int(own.sum())
    rest = np.round(exact - own, 9)
    ranked = order[np.argsort(-rest[order], kind="stable")]
    own[ranked[:missing]] += 1
    return np.asarray(own)
