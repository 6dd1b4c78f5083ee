"""Whether the model looks at the subject: where its attribution for the predicted class lies."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy
from torch.nn.functional import adaptive_avg_pool2d

from clip_har.core.evenly import evenly
from clip_har.core.progress import track
from clip_har.masking.masked_clip import MaskedClip
from clip_har.masking.masked_clips import MaskedClips
from clip_har.metrics.attention import focus, mass, pointing, rank
from clip_har.models.attribution import clip_attribution, embed_clip
from clip_har.models.zero_shot import ZeroShot

MEASURES = {"mass": mass, "rank": rank, "pointing": pointing, "focus": focus}
"""See `clip_har.metrics.attention`."""


def attribution_maps(zero_shot: ZeroShot, frames: Tensor, label: int) -> Tensor:
    """Return the attribution of a clip for a class, ``(T, g, g)``, values of 0 or more.

    Args:
        zero_shot: the model with its classes.
        frames: ``(T, 3, S, S)`` uint8, as the model sees them.
        label: the class, usually the predicted one.
    """
    return clip_attribution(
        zero_shot.model,
        frames,
        zero_shot.class_embeddings[label],
        embed_clip(zero_shot.model, frames),
        pooling=zero_shot.pooling,
    )


def covered(subject: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return how much of each patch the subject covers, ``(T, g, g)`` in [0, 1].

    Args:
        subject: ``(T, S, S)`` soft mask in [0, 1].
        side: number of patches g along a side.
    """
    patches: NDArray[np.float32] = adaptive_avg_pool2d(from_numpy(subject.copy()), side).numpy()
    return patches


def rows_with_subject(masked: MaskedClips, limit: int) -> list[int]:
    """Return evenly spread rows of the evaluated clips in which the subject was found.

    Args:
        masked: the clips; without a region source the result is empty.
        limit: largest number of rows; 0 for none.
    """
    if masked.subject is None or limit == 0:
        return []
    found = [row for row, index in enumerate(masked.evaluated) if masked.subject.found[index]]
    return evenly(found, limit) if found else []


def attention_of(
    masked: MaskedClips,
    zero_shot: ZeroShot,
    predictions: Mapping[str, NDArray[np.int64]],
    rows: Sequence[int],
    seen: Callable[[str, MaskedClip, int], Tensor],
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Measure on some clips where the attribution for the predicted classes lies.

    Args:
        masked: the cell's clips, with the subject's place.
        zero_shot: the model with its classes.
        predictions: by variant ``(N,)``, the predicted class of each evaluated clip.
        rows: the rows of the evaluated clips to measure; their subjects were found.
        seen: returns the frames that the model saw, for a variant, a clip and its row.

    Returns:
        By variant, then by name of `MEASURES`: ``(N,)``, NaN for clips that were not measured.
        Empty without rows.
    """
    if not rows:
        return {}
    found = {
        name: {measure: np.full(len(masked.evaluated), np.nan) for measure in MEASURES}
        for name in predictions
    }
    with track(len(rows), "measuring attention") as advance:
        for row in rows:
            clip = masked.clip(masked.evaluated[row])
            assert clip.subject is not None  # noqa: S101, promised by the caller
            for name, classes in predictions.items():
                frames = seen(name, clip, row)
                attribution = attribution_maps(zero_shot, frames, int(classes[row])).numpy()
                subject = covered(clip.subject, attribution.shape[-1])
                for measure, compute in MEASURES.items():
                    found[name][measure][row] = compute(attribution, subject)
            advance(1)
    return found
