"""Masks of frames that fill the whole square, and what they did."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.data.geometry import Placement
from clip_har.masking.effect import MaskEffect, mask_effect
from clip_har.masking.fill import is_made, paint_of
from clip_har.masking.masked_clip import MaskedClip


def effect_of(
    frames: NDArray[np.uint8], mask: NDArray[Any], *, patch: int = 16, **soft_masks: Any
) -> MaskEffect:
    picture = Placement(frames.shape[2], frames.shape[3], top=0, left=0)
    return mask_effect(frames, mask, patch=patch, picture=picture, **soft_masks)


def masked_clip(
    frames: NDArray[np.uint8],
    mask: NDArray[Any],
    *,
    fill: str = "black",
    clip_id: str = "clip 1",
    places: NDArray[np.int64] | None = None,
) -> MaskedClip:
    """Return a clip under a mask, which is in the order in which frames are shown."""
    places = np.arange(len(frames)) if places is None else places
    own = partial(paint_of, fill=fill, seed=0, clip_id=clip_id)

    def paint() -> NDArray[np.uint8]:
        made = own(frames, mask)
        return made if len(made) == 1 else made[places]

    return MaskedClip(
        id=clip_id,
        index=0,
        pixels=frames,
        places=places,
        hidden=mask,
        find_subject=lambda: None,
        make_paint=paint,
        paint_over=partial(own, mask=mask) if is_made(fill) else None,
        measure=partial(effect_of, frames, mask),
    )
