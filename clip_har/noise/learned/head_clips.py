"""The clips that heads are fitted on: those that noise is learned from, embedded once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clip_har.core.progress import track
from clip_har.core.seeding import generator
from clip_har.heads.clips import LabelledClips
from clip_har.masking.none import NoMask
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.training_clips import TrainingClips

VIEWS = 4
"""How often each clip is embedded, each time under another mask: noise sees many masks, too."""

_SEEDS = 2**32


def embed_training(
    noise: Learned, zero_shot: ZeroShot, training: TrainingClips, *, views: int = VIEWS
) -> tuple[LabelledClips, LabelledClips]:
    """Embed the clips that noise is learned from, and those that it is validated on.

    Args:
        noise: gives the masks and the seed.
        zero_shot: the model with its classes.
        training: the clips.
        views: masks of each clip, see `embed_clips`.
    """
    learned_from, validated_on = (
        embed_clips(noise, zero_shot, training, part.tolist(), views=views)
        for part in (training.learned_from, training.validated_on)
    )
    return learned_from, validated_on


def embed_clips(
    noise: Learned,
    zero_shot: ZeroShot,
    training: TrainingClips,
    indices: Sequence[int],
    *,
    views: int = VIEWS,
) -> LabelledClips:
    """Embed whole clips under masks that are sampled as for noise.

    The first mask of a clip is that of `TrainingClips.clip`; the others come from seeds that depend
    on ``noise.seed``. Without masks every clip is embedded once.

    Args:
        noise: gives the masks and the seed.
        zero_shot: the model with its classes.
        training: the clips.
        indices: of N clips.
        views: masks of each clip.

    Returns:
        N clips as often as they were embedded.
    """
    clip_set = training.frames.clip_set
    seen: list[NDArray[np.float32]] = []
    masked = _with_seeds(noise, views if _hides(noise, training) else 1)
    with track(len(indices) * len(masked), "embedding clips for the baselines") as advance:
        for view in masked:
            for batch in training.frames.batches(indices, zero_shot.batch_size):
                clips = [training.clip(view, index) for index in batch]
                seen.append(zero_shot.forward(clips)[1].cpu().numpy())
                advance(len(batch))
    picked = np.tile(np.array(indices, np.int64), len(masked))
    return LabelledClips(
        np.concatenate(seen), clip_set.labels[picked], clip_set.groups[picked].tolist()
    )


def _hides(noise: Learned, training: TrainingClips) -> bool:
    """Return whether any of the masks hides something."""
    without = {"none", "same"} if isinstance(training.clips.masking, NoMask) else {"none"}
    return not set(noise.train_masking) <= without


def _with_seeds(noise: Learned, views: int) -> list[Learned]:
    """Return the noise's settings with a seed for each view; the first is its own."""
    draws = generator(noise.seed, "heads/views", "seeds")
    more = [
        noise.model_copy(update={"seed": int(draws.integers(_SEEDS))}) for _ in range(views - 1)
    ]
    return [noise, *more]
