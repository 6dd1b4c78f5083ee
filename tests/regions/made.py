"""What tests of the region sources that use a network share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.models.zero_shot import ZeroShot
from clip_har.regions.source import Locator

CPU = torch.device("cpu")
CLIPS = cast(ClipSet, None)  # not looked at


def on_cpu() -> ZeroShot:
    """Return what sources with a network of their own ask the cell's model: its device."""
    return cast(ZeroShot, SimpleNamespace(model=SimpleNamespace(device=CPU)))


def no_model() -> ZeroShot:
    """Fail: the source needs no model."""
    raise AssertionError("the source asks for the cell's model")


def shown(pixels: NDArray[np.uint8], label: int = 0) -> ClipFrames:
    """Return frames ``(T, 3, S, S)`` as the store gives them."""
    pixels.flags.writeable = False
    clip = Clip(id="c", path=Path("c.mp4"), label=label, group="g")
    size, indices = pixels.shape[-1], tuple(range(len(pixels)))
    return ClipFrames(
        clip=clip, pixels=pixels, indices=indices, height=size, width=size, fit="crop"
    )


def soft_masks(
    locate: Locator,
) -> Callable[[Sequence[ClipFrames], str], list[NDArray[np.float32]]]:
    """Return a locator's soft masks alone."""
    return lambda clips, target: [found.soft_mask for found in locate(clips, target)]
