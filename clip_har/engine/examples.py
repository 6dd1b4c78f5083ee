"""Clips without and with learned noise, for pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from clip_har.core.evenly import evenly
from clip_har.engine.attribution import attribution_maps
from clip_har.masking.masked_clip import MaskedClip
from clip_har.masking.masked_clips import MaskedClips
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.variants import Variant

_COUNT = 4  # examples


@dataclass(frozen=True, eq=False)
class Example:
    """One clip, without and with noise.

    Attributes:
        label: the true class.
        clip: under its mask.
        noisy: ``(T, 3, S, S)`` uint8.
        before: predicted class without noise.
        after: predicted class with noise.
        attribution_before: ``(T, g, g)`` for the predicted class; None if it was not measured.
        attribution_after: the same with noise.
    """

    label: int
    clip: MaskedClip
    noisy: Tensor
    before: int
    after: int
    attribution_before: Tensor | None
    attribution_after: Tensor | None


def examples_of(
    masked: MaskedClips,
    zero_shot: ZeroShot,
    clean: Variant,
    headline: Variant,
    rows: Sequence[int],
    seen: Callable[[MaskedClip, int], Tensor],
) -> list[Example]:
    """Return a few clips: first some whose predicted class the noise changed, then others.

    Args:
        masked: the cell's clips.
        zero_shot: the model with its classes.
        clean: the scores without noise.
        headline: the scores with noise.
        rows: rows of the clips on which attention is measured: they are preferred; may be empty.
        seen: returns the frames with noise, for a clip and its row.
    """
    before, after = clean.scores.argmax(axis=1), headline.scores.argmax(axis=1)
    candidates = rows or range(len(masked.evaluated))
    changed = [row for row in candidates if before[row] != after[row]]
    others = [row for row in candidates if before[row] == after[row]]
    chosen = evenly(changed, _COUNT - 1) if changed else []
    chosen += evenly(others, _COUNT - len(chosen)) if others else []
    labels = masked.frames.clip_set.labels.tolist()
    examples = []
    for row in chosen:
        index = masked.evaluated[row]
        clip = masked.clip(index)
        noisy = seen(clip, row)
        maps = [
            attribution_maps(zero_shot, frames, int(predicted[row])) if rows else None
            for frames, predicted in ((clip.frames, before), (noisy, after))
        ]
        predictions = int(before[row]), int(after[row])
        examples.append(Example(labels[index], clip, noisy, *predictions, *maps))
    return examples
