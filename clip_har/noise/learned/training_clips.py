"""The clips that noise is learned from: clips of the training split, under masks."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.core.evenly import evenly
from clip_har.core.seeding import generator
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.masking.feature import FeatureMask
from clip_har.masking.isolation import IsolationMask
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clip import MaskedClip
from clip_har.masking.masked_clips import MaskedClips, locate
from clip_har.masking.none import NoMask
from clip_har.masking.on_empty import refuse_empty, warn_of_empty
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned, TrainMask
from clip_har.noise.learned.identity import training_clips
from clip_har.noise.learned.sets import Sets, check_classes, sets_of
from clip_har.noise.settings import LearningCell, OpenFrames
from clip_har.regions.source import SUBJECT

log = logging.getLogger(__name__)

_SEEDS = 2**32  # of masks
_ENOUGH = 5  # validation clips of a class


@dataclass(frozen=True, eq=False)
class Batch:
    """Single frames of training clips, each under a mask of its own.

    Attributes:
        frames: ``(B, 3, S, S)`` uint8, masked.
        whole: ``(B, 3, S, S)`` uint8, the same without the mask.
        visible: ``(B, 1, S, S)`` float32 in [0, 1], the share of each pixel that the mask leaves.
        labels: ``(B,)`` int64.
        times: ``(B,)`` int64, the frames' places in their clips.
        subject: ``(B, S, S)`` float32 soft mask; None without a region source.
    """

    frames: Tensor
    whole: Tensor
    visible: Tensor
    labels: Tensor
    times: Tensor
    subject: Tensor | None

    def split(self, size: int) -> "list[Batch]":
        """Return it in batches of at most so many frames."""
        subject = self.subject
        return [
            Batch(
                frames=self.frames[rows],
                whole=self.whole[rows],
                visible=self.visible[rows],
                labels=self.labels[rows],
                times=self.times[rows],
                subject=None if subject is None else subject[rows],
            )
            for start in range(0, len(self.labels), size)
            for rows in [slice(start, start + size)]
        ]


@dataclass(frozen=True, eq=False)
class TrainingClips:
    """Decoded clips of the training split, in sets that share no group.

    Attributes:
        clips: all of them, under the cell's own mask with ``train_masking=same``, else under none;
            with the subject's soft mask if the masks or the loss need it.
        learned_from: indices of the clips that gradients are computed from.
        validated_on: indices of the clips for validation.
        held: indices of the clips that noise is neither learned from nor validated on; none without
            ``held_share``.
        shuffled_labels: ``(N,)``, labels of all clips in place of their own; None for their own.
    """

    clips: MaskedClips
    learned_from: NDArray[np.int64]
    validated_on: NDArray[np.int64]
    held: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    shuffled_labels: NDArray[np.int64] | None = None

    @property
    def frames(self) -> FrameStore:
        """The frames of all clips."""
        return self.clips.frames

    @property
    def labels(self) -> NDArray[np.int64]:
        """The label of each clip, ``(N,)``."""
        own = self.frames.clip_set.labels
        return own if self.shuffled_labels is None else self.shuffled_labels

    def with_shuffled_labels(self, seed: int) -> "TrainingClips":
        """Return the same clips with labels permuted within the sets that noise is learned with.

        Each set keeps its number of clips of each class; held clips keep their labels.
        """
        labels = self.frames.clip_set.labels.copy()
        for name, part in (("learned", self.learned_from), ("validated", self.validated_on)):
            labels[part] = labels[generator(seed, "noise/labels", name).permutation(part)]
        return replace(self, shuffled_labels=labels)

    def batch(self, noise: Learned, size: int, step: int, restart: int = 0) -> Batch:
        """Sample frames for a step: first a class, then a clip of it, a frame, and a mask.

        All classes are equally likely, whatever their number of clips. The samples depend on
        ``noise.seed``, the step and the restart alone, so that a stopped fit continues with the
        same samples.
        """
        draws = step_draws(noise, "batch", step, restart)
        labels = self.labels[self.learned_from]
        present = np.unique(labels)
        picked = [
            int(draws.choice(self.learned_from[labels == label]))
            for label in draws.choice(present, size)
        ]
        lengths = self.frames.lengths
        times = [int(draws.integers(lengths[index])) for index in picked]
        return self._masked(noise, picked, times, draws)

    def validation_clips(self, noise: Learned) -> list[int]:
        """Return the clips of `validation`."""
        most = noise.learning.validation_clips_per_class
        groups = self.frames.clip_set.groups
        return balanced_clips(self.labels, groups, self.validated_on, most)

    def validation(self, noise: Learned) -> Batch:
        """Return the middle frames of validation clips, under masks sampled by the seed.

        They are as many of each class, see `balanced_clips`.
        """
        kept = self.validation_clips(noise)
        times = [int(self.frames.lengths[index]) // 2 for index in kept]
        draws = generator(noise.seed, "noise/validation", "masks")
        return self._masked(noise, kept, times, draws)

    def clip(self, noise: Learned, index: int) -> Tensor:
        """Return all frames of a clip under one mask, ``(T, 3, S, S)`` uint8."""
        return self.masked_clip(noise, index).frames

    def masked_clip(self, noise: Learned, index: int) -> MaskedClip:
        """Return a clip under one mask, sampled by the clip's id and ``noise.seed``."""
        draws = generator(noise.seed, "noise/clip", self.frames.clip_set.clips[index].id)
        return self._under_a_mask(noise, draws).clip(index)

    def _under_a_mask(self, noise: Learned, draws: np.random.Generator) -> MaskedClips:
        """Return the clips under a sampled mask, as they would be evaluated under it."""
        mask = sample_mask(noise, draws, self.clips.masking)
        feature = self.clips.feature
        if mask is not self.clips.masking:
            feature = self.clips.subject if mask.feature else None
        seed = int(draws.integers(_SEEDS))
        return replace(self.clips, masking=mask, feature=feature, seed=seed)

    def _masked(
        self,
        noise: Learned,
        picked: Sequence[int],
        times: Sequence[int],
        draws: np.random.Generator,
    ) -> Batch:
        frames, whole, hidden, subject = [], [], [], []
        for index, time in zip(picked, times, strict=True):
            # Masks are made for whole clips: a frame's mask may depend on the other frames.
            clip = self._under_a_mask(noise, draws).clip(index)
            frames.append(clip.frame(time))
            whole.append(clip.whole[time : time + 1])
            hidden.append(clip.hidden[time if len(clip.hidden) > 1 else 0])
            if clip.subject is not None:
                subject.append(clip.subject[time])
        visible = 1 - np.stack(hidden).astype(np.float32)
        return Batch(
            frames=torch.cat(frames),
            whole=torch.cat(whole),
            visible=torch.from_numpy(visible).unsqueeze(1),
            labels=torch.from_numpy(self.labels[list(picked)]),
            times=torch.tensor(times),
            subject=torch.from_numpy(np.stack(subject)) if subject else None,
        )


def step_draws(noise: Learned, purpose: str, step: int, restart: int) -> np.random.Generator:
    """Return the random numbers of a step of learning, for one purpose.

    Noise on a frozen base has others than its base: else it would see the same frames again.
    """
    item = f"{step} of restart {restart}" if restart else str(step)
    return generator(noise.seed, f"noise/{purpose}{'' if noise.base() is None else ' 2'}", item)


def open_training(
    noise: Learned, cell: LearningCell, zero_shot: ZeroShot, open_frames: OpenFrames
) -> TrainingClips:
    """Decode the clips that a cell's noise is learned from, or open them if decoded already.

    Clips without a subject are treated as in evaluation (``region.on_empty``) where a mask or the
    loss asks for it.

    Args:
        noise: the settings of the cell's noise.
        cell: the checked settings.
        zero_shot: its model with its classes.
        open_frames: opens the frames of clips.

    Raises:
        ClipHarError: as `split_groups` and `check_classes`; and with ``on_empty=error`` for a clip
            without a subject.
    """
    frames = open_frames(training_clips(cell.dataset, noise.learning.train_clips, cell.classes))
    own: Mask = cell.masking if "same" in noise.train_masking else NoMask()
    subject = noise.needs_region or own.feature is not None
    clips = locate(
        own,
        frames,
        cell.region,
        subject=subject,
        patch=cell.model.patch_size(),
        seed=cell.seed,
        zero_shot=lambda: zero_shot,
        cache_dir=cell.cache_dir,
    )
    usable = _with_target(clips, subject=noise.needs_region)
    sets = split_groups(frames.clip_set, usable, noise)
    check_classes(frames.clip_set, sets, noise)
    return TrainingClips(clips, *sets)


def sample_mask(noise: Learned, draws: np.random.Generator, own: Mask) -> Mask:
    """Return one of the masks for training clips; its fill is black except for ``same``.

    Args:
        noise: names the masks and ratios.
        draws: the source of randomness.
        own: the cell's own mask, for ``same``.
    """
    kind: TrainMask = noise.train_masking[int(draws.integers(len(noise.train_masking)))]
    ratio = noise.train_ratios[int(draws.integers(len(noise.train_ratios)))]
    if kind == "percent":
        return PercentMask(ratio=ratio)
    if kind == "shape":
        return ShapeMask(ratio=ratio, place="random")  # not where it is tested
    if kind == "same":
        return own
    if kind == "feature":
        return FeatureMask(ratio=ratio, feature=SUBJECT)
    if kind == "isolation":
        return IsolationMask(ratio=ratio, feature=SUBJECT)
    return NoMask()


def split_groups(clips: ClipSet, usable: Sequence[int], noise: Learned) -> Sets:
    """Split clips into sets: to learn from, to validate on, and held.

    ``validation_share`` and ``held_share`` of the groups (subjects) are kept, sampled by
    ``noise.seed``; the validation groups do not depend on ``held_share``. Each set has at least one
    group; there is no held set without ``held_share``. A warning names the classes that a set
    lacks.

    Args:
        clips: all of them.
        usable: indices of those that are split.
        noise: gives the shares and the seed.

    Raises:
        ClipHarError: as `sets_of`.
    """
    sets = sets_of(clips, usable, noise)
    _warn_of_lacking(clips, sets.learned_from, "to learn noise from")
    _warn_of_lacking(clips, sets.validated_on, "to validate noise on")
    if noise.held_share:
        _warn_of_lacking(clips, sets.held, "among the held clips")
    _warn_of_few(clips, sets.validated_on, noise.learning.validation_clips_per_class)
    return sets


def balanced_clips(
    labels: NDArray[np.int64], groups: NDArray[np.str_], part: NDArray[np.int64], most: int
) -> list[int]:
    """Return as many clips of each class of a set, evenly spread over its groups.

    Args:
        labels: ``(N,)`` of all clips.
        groups: ``(N,)`` of all clips.
        part: indices of the clips of the set.
        most: of each class; a class with fewer clips gives all.

    Example:
        >>> groups = np.array(["b", "a", "b", "a", "a"])
        >>> balanced_clips(np.array([0, 0, 0, 1, 0]), groups, np.arange(5), 2)
        [1, 2, 3]
    """
    ordered = part[np.argsort(groups[part], kind="stable")]
    return sorted(
        index
        for label in np.unique(labels[part])
        for index in evenly(ordered[labels[ordered] == label], most)
    )


def _with_target(clips: MaskedClips, *, subject: bool) -> list[int]:
    """Return the decoded clips in which the targets were found; ``on_empty`` decides on others."""
    maps = [clips.feature, clips.subject if subject else None]
    needed = [target for target in maps if target is not None]
    covered = set(clips.covered)
    decoded = [index for index in clips.frames.ok if index not in covered]
    whole = [index for index in decoded if all(target.found[index] for target in needed)]
    if len(whole) == len(decoded):
        return decoded
    message = (
        f"no target was found in {len(decoded) - len(whole)} of {len(decoded)} training"
        f" clips of {clips.frames.clip_set.name}"
    )
    refuse_empty(clips.on_empty, message)
    warn_of_empty(clips.on_empty, message)
    return whole if clips.on_empty == "skip" else decoded


def _warn_of_lacking(clips: ClipSet, part: NDArray[np.int64], use: str) -> None:
    counts = np.bincount(clips.labels[part], minlength=len(clips.class_names))
    _warn_of_classes(clips, counts == 0, f"have no clip {use}")


def _warn_of_few(clips: ClipSet, part: NDArray[np.int64], most: int) -> None:
    counts = np.bincount(clips.labels[part], minlength=len(clips.class_names))
    few = (counts > 0) & (np.minimum(counts, most) < _ENOUGH)
    _warn_of_classes(clips, few, f"have fewer than {_ENOUGH} clips to validate noise on")


def _warn_of_classes(clips: ClipSet, which: NDArray[np.bool_], text: str) -> None:
    if not which.any():
        return
    names = [name for name, among in zip(clips.class_names, which, strict=True) if among]
    named = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    log.warning("%s: %d of %d classes %s (%s)", clips.name, len(names), len(which), text, named)
