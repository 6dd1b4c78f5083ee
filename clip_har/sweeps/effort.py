"""What learning the noise of a cell takes, before it is learned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clip_har.data.clips import ClipSet
from clip_har.noise.learned.arms import ARMS, passes_under
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.baselines import heads_path
from clip_har.noise.learned.controls import EMPTY_LEVELS
from clip_har.noise.learned.fitted import noise_path
from clip_har.noise.learned.head_clips import VIEWS
from clip_har.noise.learned.identity import described_fit, given_stacks, has_heads, training_clips
from clip_har.noise.learned.learning import validation_passes
from clip_har.noise.learned.sets import sets_of
from clip_har.noise.learned.training_clips import balanced_clips
from clip_har.noise.learned.weigh import held_paths
from clip_har.noise.settings import LearningCell


@dataclass(frozen=True)
class Effort:
    """One thing that is learned once, and then read from the cache.

    Attributes:
        what: its name, such as ``UniversalNoise``.
        path: where it is kept.
        frames: largest number of frames that pass through the model; None if it is not known.
        with_gradient: whether they pass with a gradient, but for a few.
    """

    what: str
    path: Path
    frames: int | None
    with_gradient: bool = True


def efforts(
    noise: Learned, cell: LearningCell, frames_of: Callable[[ClipSet], int | None]
) -> list[Effort]:
    """Return what is learned for a cell, whether it is kept already or not.

    Args:
        noise: the cell's.
        cell: the checked settings.
        frames_of: returns the number of frames of some clips; None if it is not known.
    """
    if noise.file is not None and (not noise.arms or given_stacks(noise) is not None):
        return []
    clips = training_clips(cell.dataset, noise.learning.train_clips, cell.classes)
    classes = len(clips.class_names)
    validated = len(
        balanced_clips(
            clips.labels,
            clips.groups,
            sets_of(clips, range(len(clips.clips)), noise).validated_on,
            noise.learning.validation_clips_per_class,
        )
    )
    found = {
        path: Effort(_name(one), path, frames_to_learn(one, classes, validated))
        for one in _learned(noise)
        for path in [noise_path(cell.cache_dir, described_fit(one, cell))]
    }
    return [*found.values(), *_weighing(noise, cell, clips, frames_of(clips))]


def _learned(noise: Learned) -> list[Learned]:
    """Return all noise that is learned for a cell, in this order."""
    own = [noise] if noise.file is None else []
    return [
        needed
        for one in (*own, *noise.beside().values())
        for needed in (one.base(), one)
        if needed is not None
    ]


def _weighing(
    noise: Learned, cell: LearningCell, clips: ClipSet, frames: int | None
) -> list[Effort]:
    """Return what is shown to the model to fit the weights of the variants, and the baselines.

    Args:
        noise: the cell's.
        cell: the checked settings.
        clips: the training clips.
        frames: their number of frames; None if it is not known.
    """
    if not noise.arms:
        return []
    sets, classes = sets_of(clips, range(len(clips.clips)), noise), len(clips.class_names)
    learned = len(sets.learned_from) + len(sets.validated_on)

    def shown(count: int, passes: int) -> int | None:
        return None if frames is None else round(frames * count / len(clips.clips)) * passes

    found = [
        Effort(
            f"held clips scored: {name}, masks {masks}",
            path,
            shown(len(sets.held) or learned, passes_under(name, ARMS, classes, noise.used_parts)),
            with_gradient=False,
        )
        for (name, masks), path in held_paths(noise, cell).items()
    ]
    if has_heads(noise):
        path = heads_path(noise, cell)
        found.append(Effort("baselines", path, shown(learned, VIEWS), with_gradient=False))
    return found


def frames_on_empty(noise: Learned, classes: int) -> int:
    """Return how many frames show the noise of C classes alone, see `named_on_empty`."""
    if not (noise.per_class and noise.controls):
        return 0
    return len(EMPTY_LEVELS) * (classes if noise.changes_pixels else 1)


def frames_to_learn(noise: Learned, classes: int, validated: int) -> int:
    """Return the largest number of frames that pass through the model until noise is learned.

    It is restarts · (steps · F · (1 + J + 1) + validations · V · K): F frames of a step under the
    noise of their own and J wrong classes, and once without noise to find hard wrong classes; V
    validation frames, each under the noise of K classes. Learning may stop earlier, see
    ``learning.patience``. Frames of a step pass with a gradient.

    Memory: the activations of ``learning.batch`` frames with a gradient, however many pass in a
    step; and, for each learned value (3 S² of each class without ``resolution``), its gradient,
    Adam's two moments, the best value and with ``learning.ema`` the average, 4 bytes each.

    Args:
        noise: the settings.
        classes: number of classes C.
        validated: number of frames for validation.
    """
    learning, batch = noise.learning, noise.frames_in_step(classes)
    shown = 1 + noise.wrong_classes(classes) if noise.changes_pixels else 1
    again = shown if "bias" in noise.weights() and batch > noise.frames_at_once(classes) else 0
    step = batch * (
        shown + again + (1 if noise.per_class else 0) + (1 if noise.loss.attention else 0)
    )
    validations = 1 + -(-learning.steps // learning.validate_every)
    seen = validated * validation_passes(noise, classes)
    return learning.restarts * (learning.steps * step + validations * seen)


def _name(noise: Learned) -> str:
    """Return the name of noise that is learned."""
    placebo = " (placebo)" if noise.learns_shuffled_labels else ""
    return f"{type(noise).__name__} learned{placebo}"
