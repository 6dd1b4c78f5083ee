"""The model's answers to clips with noise: one table per noise, from which all protocols come."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.core.progress import track
from clip_har.engine.drift import CleanEmbeddings, Embedded
from clip_har.masking.effect import MaskEffect
from clip_har.masking.masked_clips import MaskedClips, ShownClip
from clip_har.models.pooling import clip_embeddings
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.perturbation import EmbeddingShift, Perturbation, PixelNoise, add
from clip_har.noise.where import Where

ClassSelector = Callable[[NDArray[np.float32], slice], NDArray[np.int64]]
"""From the scores ``(B, C)`` of some clips without noise and their rows: ``(B, K)`` classes."""


@dataclass(frozen=True, eq=False)
class NoisyAnswers:
    """What the model answers to N clips under one kind of noise.

    Attributes:
        scores: ``(N, K, C)`` float32, K is 1, or the C classes whose noise each clip is seen under;
            NaN under noise that a clip was not seen under.
        rms: ``(N, K)`` root mean square of what was really added, grey levels; 0 in feature space.
        largest: ``(N, K)`` largest of it in absolute value, grey levels.
        drift: ``(N, K)`` 1 − cos of the clip's embedding to that without mask and noise; NaN where
            that is not known.
    """

    scores: NDArray[np.float32]
    rms: NDArray[np.float32]
    largest: NDArray[np.float32]
    drift: NDArray[np.float64]


def noisy_answers(
    masked: MaskedClips,
    zero_shot: ZeroShot,
    noises: Mapping[str, Perturbation],
    *,
    where: Where,
    clean: Embedded | None = None,
    whose: ClassSelector | None = None,
) -> tuple[dict[str, NoisyAnswers], list[MaskEffect]]:
    """Show clips to a model with each noise, and without any (``none``).

    Args:
        masked: the clips under the cell's mask.
        zero_shot: the model with its classes.
        noises: by name.
        where: whether hidden pixels get noise, too.
        clean: the scores without mask and noise, for the drift from there.
        whose: says which classes' noise each clip is seen under; None for that of all.

    Returns:
        Answers by name, rows in the order of the evaluated clips; and what the mask did to each.
    """
    clips, classes = len(masked.evaluated), len(zero_shot.classifier)
    kinds = {name: columns(noise) for name, noise in noises.items()}
    found = {
        name: NoisyAnswers(
            np.full((clips, count, classes), np.nan, np.float32),
            np.zeros((clips, count), np.float32),
            np.zeros((clips, count), np.float32),
            np.full((clips, count), np.nan),
        )
        for name, count in {"none": 1, **kinds}.items()
    }
    twins, ids = CleanEmbeddings(clean), masked.evaluated_ids
    start = 0
    effects: list[MaskEffect] = []
    with track(clips, "evaluating with noise") as advance:
        for batch in masked.frames.batches(masked.evaluated, zero_shot.batch_size):
            shown = [masked.clip(index) for index in batch]
            effects += [clip.effect for clip in shown]
            rows = slice(start, start + len(batch))
            on_device = _Frames(shown, zero_shot.model.device)
            lengths = on_device.lengths
            plain = zero_shot.embed([on_device.frames])
            found["none"].scores[rows, 0] = zero_shot.scores_of(plain, lengths).numpy()
            pooled = clip_embeddings(plain, lengths).cpu()
            found["none"].drift[rows, 0] = twins.drift(ids[rows], pooled)
            for name, noise in noises.items():
                every = np.broadcast_to(np.arange(kinds[name]), (len(batch), kinds[name]))
                seen = every if whose is None else whose(found["none"].scores[rows, 0], rows)
                for given in seen.T:  # (B,) whose noise each clip gets
                    at = (np.arange(rows.start, rows.stop), given)
                    if isinstance(noise, EmbeddingShift):
                        with torch.inference_mode():
                            moved = noise.move(plain, on_device.per_frame(given))
                    else:
                        assert isinstance(noise, PixelNoise)  # noqa: S101
                        noisy = on_device.with_noise(noise, given, where=where)
                        moved = zero_shot.embed([noisy])
                        found[name].rms[at], found[name].largest[at] = on_device.added(noisy)
                    found[name].scores[at] = zero_shot.scores_of(moved, lengths).numpy()
                    pooled = clip_embeddings(moved, lengths).cpu()
                    found[name].drift[at] = twins.drift(ids[rows], pooled)
            start += len(batch)
            advance(len(batch))
    return found, effects


def columns(noise: Perturbation) -> int:
    """Return of how many kinds noise is: 1, or the classes."""
    return max(len(part) for part in noise.parts.values())


def with_noise(clip: ShownClip, noise: PixelNoise, column: int, *, where: Where) -> Tensor:
    """Return the frames of a clip with noise, as a picture is stored: whole grey levels.

    Args:
        clip: under its mask.
        noise: what is added.
        column: whose noise; 0 for noise that is one for all classes.
        where: see `clip_har.noise.where.Where`.

    Returns:
        ``(T, 3, S, S)`` uint8 on the CPU.
    """
    device = next(iter(noise.parts.values())).device
    return _Frames([clip], device).with_noise(noise, np.array([column]), where=where).cpu()


class _Frames:
    """The frames of some clips in a row, on the model's device: they get many kinds of noise."""

    def __init__(self, clips: Sequence[ShownClip], device: torch.device) -> None:
        self.clips = clips
        self.device = device
        self.lengths = [len(clip.frames) for clip in clips]
        self.times = torch.cat([torch.arange(length) for length in self.lengths])
        self.frames = torch.cat([clip.frames for clip in clips]).to(device)  # (M, 3, S, S)

    @cached_property
    def whole(self) -> Tensor:
        return torch.cat([clip.whole for clip in self.clips]).to(self.device)

    @cached_property
    def visible(self) -> Tensor:
        parts = [
            torch.from_numpy(np.asarray(clip.hidden, np.float32)).expand(length, -1, -1)
            for clip, length in zip(self.clips, self.lengths, strict=True)
        ]
        return 1 - torch.cat(parts).unsqueeze(1).to(self.device)

    def per_frame(self, columns: NDArray[np.int64]) -> Tensor:
        """Return what is said of each clip, for each frame: ``(M,)`` on the device."""
        lengths = torch.tensor(self.lengths)
        return torch.from_numpy(columns.copy()).repeat_interleave(lengths).to(self.device)

    @torch.inference_mode()
    def with_noise(self, noise: PixelNoise, columns: NDArray[np.int64], *, where: Where) -> Tensor:
        """Return ``(M, 3, S, S)`` uint8, as the function does; ``columns`` is ``(B,)``."""
        classes, times = self.per_frame(columns), self.times.to(self.device)
        static = all(part.shape[1] == 1 for part in noise.parts.values())
        if static and (columns == columns[0]).all():  # the same in all frames: one is enough
            classes, times = classes[:1], times[:1]
        delta = noise.delta(classes, times)
        if where == "before":
            noisy = torch.split(_as_picture(add(self.whole, delta, None)).cpu(), self.lengths)
            painted = [clip.paint(frames) for clip, frames in zip(self.clips, noisy, strict=True)]
            return torch.cat(painted).to(self.device)
        return _as_picture(add(self.frames, delta, self.visible if where == "visible" else None))

    @torch.inference_mode()
    def added(self, noisy: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what was really added to each clip: root mean square and largest, ``(B,)``."""
        change = noisy.float() - self.frames.float()
        square = torch.split(change.square().mean(dim=(1, 2, 3)).cpu(), self.lengths)
        largest = torch.split(change.abs().amax(dim=(1, 2, 3)).cpu(), self.lengths)
        return (
            np.array([float(part.mean().sqrt()) for part in square], np.float32),
            np.array([float(part.max()) for part in largest], np.float32),
        )


def _as_picture(frames: Tensor) -> Tensor:
    return frames.round_().to(torch.uint8)
