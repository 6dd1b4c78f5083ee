"""The model's answers to clips with noise: one table per noise, from which all protocols come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.masked_clips import MaskedClips, ShownClip
from clip_har.masking.effect import MaskEffect
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.perturbation import EmbeddingShift, Perturbation, PixelNoise, add
from clip_har.noise.where import Where
from clip_har.progress import track
from clip_har.scoring import realised


@dataclass(frozen=True, eq=False)
class NoisyAnswers:
    """What the model answers to N clips under one kind of noise.

    Attributes:
        scores: ``(N, K, C)`` float32, K is 1, or the C classes whose noise each clip is seen under.
        rms: ``(N, K)`` root mean square of what was really added, grey levels; 0 in feature space.
        largest: ``(N, K)`` largest of it in absolute value, grey levels.
    """

    scores: NDArray[np.float32]
    rms: NDArray[np.float32]
    largest: NDArray[np.float32]


def noisy_answers(
    masked: MaskedClips,
    zero_shot: ZeroShot,
    noises: Mapping[str, Perturbation],
    *,
    where: Where,
) -> tuple[dict[str, NoisyAnswers], list[MaskEffect]]:
    """Show clips to a model with each noise, and without any (``none``).

    Args:
        masked: the clips under the cell's mask.
        zero_shot: the model with its classes.
        noises: by name.
        where: whether hidden pixels get noise, too.

    Returns:
        Answers by name, rows in the order of the judged clips; and what the mask did to each.
    """
    clips, classes = len(masked.judged), len(zero_shot.classifier)
    kinds = {name: columns(noise) for name, noise in noises.items()}
    found = {
        name: NoisyAnswers(
            np.empty((clips, count, classes), np.float32),
            np.zeros((clips, count), np.float32),
            np.zeros((clips, count), np.float32),
        )
        for name, count in {"none": 1, **kinds}.items()
    }
    start = 0
    effects: list[MaskEffect] = []
    with track(clips, "evaluating with noise") as advance:
        for batch in masked.frames.batches(masked.judged, zero_shot.batch_size):
            shown = [masked.clip(index) for index in batch]
            effects += [clip.effect for clip in shown]
            rows = slice(start, start + len(batch))
            lengths = [len(clip.frames) for clip in shown]
            plain = zero_shot.embed([clip.frames for clip in shown])
            found["none"].scores[rows, 0] = zero_shot.scores_of(plain, lengths).numpy()
            for name, noise in noises.items():
                for column in range(kinds[name]):
                    if isinstance(noise, EmbeddingShift):
                        own = torch.full((len(plain),), column, device=plain.device)
                        with torch.inference_mode():
                            moved = noise.move(plain, own)
                    else:
                        assert isinstance(noise, PixelNoise)  # noqa: S101
                        noisy = [with_noise(clip, noise, column, where=where) for clip in shown]
                        moved = zero_shot.embed(noisy)
                        _measure(found[name], rows, column, shown, noisy)
                    scores = zero_shot.scores_of(moved, lengths)
                    found[name].scores[rows, column] = scores.numpy()
            start += len(batch)
            advance(len(batch))
    return found, effects


def columns(noise: Perturbation) -> int:
    """Return of how many kinds noise is: 1, or the classes."""
    return max(len(part) for part in noise.parts.values())


@torch.inference_mode()
def with_noise(clip: ShownClip, noise: PixelNoise, column: int, *, where: Where) -> Tensor:
    """Return the frames of a clip with noise, as a picture is stored: whole grey levels.

    Args:
        clip: under its mask.
        noise: what is added.
        column: whose noise; 0 for noise that is one for all classes.
        where: see `clip_har.noise.where.Where`.

    Returns:
        ``(T, 3, S, S)`` uint8.
    """
    times = torch.arange(len(clip.frames))
    still = all(part.shape[1] == 1 for part in noise.parts.values())
    asked = times[:1] if still else times
    delta = noise.delta(torch.full_like(asked, column), asked).cpu()
    if where == "before":
        return clip.paint(_as_picture(add(clip.whole, delta, None)))
    visible = None
    if where == "visible":
        visible = 1 - torch.from_numpy(np.asarray(clip.hidden, np.float32)).unsqueeze(1)
    return _as_picture(add(clip.frames, delta, visible))


def _as_picture(frames: Tensor) -> Tensor:
    return frames.round().to(torch.uint8)


def _measure(
    answers: NoisyAnswers,
    rows: slice,
    column: int,
    shown: Sequence[ShownClip],
    noisy: Sequence[Tensor],
) -> None:
    for row, clip, frames in zip(range(rows.start, rows.stop), shown, noisy, strict=True):
        answers.rms[row, column], answers.largest[row, column] = realised(clip, frames)
