"""The clips that noise is learned from: of the training split, under masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.data.store import FrameStore
from clip_har.errors import ClipHarError
from clip_har.evenly import evenly
from clip_har.masking.area import Canvas, Strategy, clip_mask
from clip_har.masking.feature import FeatureMask
from clip_har.masking.isolation import IsolationMask
from clip_har.masking.none import NoMask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.noise.settings import Learned, TrainMask
from clip_har.regions.source import SUBJECT
from clip_har.regions.store import RegionMaps
from clip_har.seeding import generator


@dataclass(frozen=True, eq=False)
class Batch:
    """Single frames of training clips, each under a mask of its own.

    Attributes:
        frames: ``(B, 3, S, S)`` uint8, masked.
        whole: ``(B, 3, S, S)`` uint8, the same without the mask.
        visible: ``(B, 1, S, S)`` float32, 1 where the mask leaves a pixel, else 0.
        labels: ``(B,)`` int64.
        times: ``(B,)`` int64, the frames' places in their clips.
        subject: ``(B, S, S)`` float32 relevance; None without a region source.
    """

    frames: Tensor
    whole: Tensor
    visible: Tensor
    labels: Tensor
    times: Tensor
    subject: Tensor | None


@dataclass(frozen=True, eq=False)
class TrainingClips:
    """Decoded clips of the training split, in two parts that share no group.

    Attributes:
        frames: of all of them.
        learned_from: indices of the clips that gradients come from.
        validated_on: indices of the clips that say when to stop.
        subject: where their subjects are; None where that is not asked for.
        own: the cell's own mask, for ``train_masking=same``.
    """

    frames: FrameStore
    learned_from: NDArray[np.int64]
    validated_on: NDArray[np.int64]
    subject: RegionMaps | None = None
    own: Strategy | None = None

    def batch(self, noise: Learned, size: int, step: int) -> Batch:
        """Draw frames for a step: first a class, then a clip of it, a frame, and a mask.

        Every class counts alike, however many clips it has. The draws depend on ``noise.seed``
        and the step alone, so that a fit that was stopped goes on as if it had not been.
        """
        draws = generator(noise.seed, "noise/batch", str(step))
        labels = self.frames.clip_set.labels[self.learned_from]
        present = np.unique(labels)
        picked = [
            int(draws.choice(self.learned_from[labels == label]))
            for label in draws.choice(present, size)
        ]
        lengths = self.frames.lengths
        times = [int(draws.integers(lengths[index])) for index in picked]
        masks = [draw_mask(noise, draws, self.own) for _ in picked]
        return self._masked(picked, times, masks, seed=noise.seed, item=f"step {step}")

    def validation(self, noise: Learned) -> Batch:
        """Return the middle frames of the validation clips, under masks that the seed draws."""
        lengths = self.frames.lengths
        kept = evenly(self.validated_on, noise.learning.validation_clips)
        draws = generator(noise.seed, "noise/validation", "masks")
        masks = [draw_mask(noise, draws, self.own) for _ in kept]
        times = [int(lengths[index]) // 2 for index in kept]
        return self._masked(kept, times, masks, seed=noise.seed, item="validation")

    def clip(self, noise: Learned, index: int) -> Tensor:
        """Return all frames of a clip under one mask, ``(T, 3, S, S)`` uint8."""
        view = self.frames.view(index)
        count, _, height, width = view.pixels.shape
        mask = draw_mask(noise, generator(noise.seed, "noise/clip", view.clip.id), self.own)
        canvas = Canvas(
            clip_id=f"{view.clip.id} whole",
            seed=noise.seed,
            frames=count,
            height=height,
            width=width,
            feature=None if self.subject is None else self.subject.relevance(index),
        )
        return torch.from_numpy(view.pixels * ~clip_mask(mask, canvas)[:, None])

    def _masked(
        self,
        picked: Sequence[int],
        times: Sequence[int],
        masks: Sequence[Strategy],
        *,
        seed: int,
        item: str,
    ) -> Batch:
        whole, hidden, subject = [], [], []
        for number, (index, time, mask) in enumerate(zip(picked, times, masks, strict=True)):
            view = self.frames.view(index)
            frame = view.pixels[time]
            relevance = None
            if self.subject is not None:
                relevance = self.subject.relevance(index)[time : time + 1]
                subject.append(relevance[0])
            canvas = Canvas(
                clip_id=f"{view.clip.id} {item} {number}",
                seed=seed,
                frames=1,
                height=frame.shape[1],
                width=frame.shape[2],
                feature=relevance,
            )
            whole.append(frame)
            hidden.append(clip_mask(mask, canvas)[0])
        frames = torch.from_numpy(np.stack(whole))
        visible = torch.from_numpy(~np.stack(hidden)).unsqueeze(1)
        return Batch(
            frames=frames * visible,
            whole=frames,
            visible=visible.float(),
            labels=torch.from_numpy(self.frames.clip_set.labels[list(picked)]),
            times=torch.tensor(times),
            subject=torch.from_numpy(np.stack(subject)) if subject else None,
        )


def draw_mask(noise: Learned, draws: np.random.Generator, own: Strategy | None = None) -> Strategy:
    """Return one of the masks that training clips are seen under, in black.

    Args:
        noise: says which.
        draws: decides.
        own: the cell's own mask, for ``same``.
    """
    kind: TrainMask = noise.train_masking[int(draws.integers(len(noise.train_masking)))]
    ratio = noise.train_ratios[int(draws.integers(len(noise.train_ratios)))]
    if kind == "percent":
        return PercentMask(ratio=ratio)
    if kind == "shape":
        return ShapeMask(ratio=ratio, place="random")  # not where it is tested
    if kind == "same" and own is not None:
        return own
    if kind == "feature":
        return FeatureMask(ratio=ratio, feature=SUBJECT)
    if kind == "isolation":
        return IsolationMask(ratio=ratio, feature=SUBJECT)
    return NoMask()


def split_groups(frames: FrameStore, noise: Learned) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split decoded clips into those that noise is learned from and those that validate it.

    Of the groups (subjects) ``validation_share`` are kept for validation, at least one, and at
    least one is left; the draw is by ``noise.seed``.

    Raises:
        ClipHarError: when there are fewer than two groups.
    """
    every = frames.clip_set.groups[frames.ok]
    groups = np.unique(every)
    if len(groups) < 2:
        raise ClipHarError(
            f"noise is learned on some groups of {frames.clip_set.name} and validated on others:"
            f" expected at least 2 groups among its clips, got {len(groups)}"
        )
    order = generator(noise.seed, "noise/split", "groups").permutation(len(groups))
    count = min(max(round(noise.learning.validation_share * len(groups)), 1), len(groups) - 1)
    kept = np.isin(every, groups[order[:count]])
    decoded = np.array(frames.ok, np.int64)
    return decoded[~kept], decoded[kept]
