"""What a mask did to frames that fill the whole square."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.data.geometry import Placement
from clip_har.masking.effect import MaskEffect, mask_effect


def effect_of(
    frames: NDArray[np.uint8], mask: NDArray[Any], *, patch: int = 16, **soft_masks: Any
) -> MaskEffect:
    picture = Placement(frames.shape[2], frames.shape[3], top=0, left=0)
    return mask_effect(frames, mask, patch=patch, picture=picture, **soft_masks)
