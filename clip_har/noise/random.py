"""Noise that is drawn, not learned: corruptions to stand beside learned noise as placebos."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.seeding import generator
from clip_har.core.settings import Settings
from clip_har.noise.where import Where

if TYPE_CHECKING:
    import torch

    from clip_har.masking.masked_clips import ShownClip


class Corruption(Protocol):
    """What every noise offers that is drawn for each clip: the contract, with no logic."""

    @property
    def where(self) -> Where:
        """Whether hidden pixels get noise, too."""

    def corrupt(self, frames: "torch.Tensor", clip_id: str) -> "torch.Tensor":
        """Return ``(T, 3, S, S)`` float32 grey levels, not yet clamped, for uint8 frames."""


def corrupted(clip: "ShownClip", corruption: Corruption) -> "torch.Tensor":
    """Return the frames of a clip with drawn noise, ``(T, 3, S, S)`` uint8.

    Args:
        clip: under its mask.
        corruption: what is drawn.
    """
    import torch

    before = corruption.where == "before"
    noisy = corruption.corrupt(clip.whole if before else clip.frames, clip.id)
    picture = noisy.clamp(0, 255).round()
    if before:
        return clip.paint(picture.to(torch.uint8))
    if corruption.where == "visible":
        hidden = torch.from_numpy(np.asarray(clip.hidden, np.float32)).unsqueeze(1)
        picture = (picture * (1 - hidden) + clip.frames.float() * hidden).round()
    return picture.to(torch.uint8)


class RandomNoise(Settings):
    """What all drawn noise has in common.

    Attributes:
        where: see `clip_har.noise.where.Where`.
        static: the same noise in all frames of a clip, or fresh noise in each.
        seed: of the noise.
    """

    uses_label: ClassVar[bool] = False

    where: Where = "everywhere"
    static: bool = False
    seed: Annotated[int, Field(ge=0)] = 0


class GaussianNoise(RandomNoise):
    """Add normal noise, independent in each pixel and channel.

    Attributes:
        std: standard deviation, grey levels.
    """

    std: Annotated[float, Field(ge=0, le=255)] = 16.0

    def corrupt(self, frames: "torch.Tensor", clip_id: str) -> "torch.Tensor":
        """Return ``(T, 3, S, S)`` float32 grey levels, not yet clamped, for uint8 frames."""
        draws = generator(self.seed, "noise/gaussian", clip_id)
        return _add(
            frames, self.std * draws.standard_normal(_shape(frames, self.static), np.float32)
        )


class UniformNoise(RandomNoise):
    """Add noise that is uniform within a budget, independent in each pixel and channel.

    Attributes:
        epsilon: the largest change of a pixel, grey levels.
    """

    epsilon: Annotated[float, Field(ge=0, le=255)] = 16.0

    def corrupt(self, frames: "torch.Tensor", clip_id: str) -> "torch.Tensor":
        """Return ``(T, 3, S, S)`` float32 grey levels, not yet clamped, for uint8 frames."""
        draws = generator(self.seed, "noise/uniform", clip_id)
        unit = 2 * draws.random(_shape(frames, self.static), np.float32) - 1
        return _add(frames, np.float32(self.epsilon) * unit)


class SaltPepperNoise(RandomNoise):
    """Turn single pixels black or white, all channels of a pixel together.

    Attributes:
        share: of the pixels of each frame, in [0, 1]; half of them turn white.
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.05

    def corrupt(self, frames: "torch.Tensor", clip_id: str) -> "torch.Tensor":
        """Return ``(T, 3, S, S)`` float32 grey levels for uint8 frames."""
        import torch

        draws = generator(self.seed, "noise/salt_pepper", clip_id)
        frames_, _, height, width = _shape(frames, self.static)
        lot = torch.from_numpy(draws.random((frames_, 1, height, width), np.float32))
        grains = torch.where(lot < self.share / 2, 255.0, 0.0)
        return torch.where(lot < self.share, grains, frames.float())


def _shape(frames: "torch.Tensor", static: bool) -> tuple[int, int, int, int]:
    count, channels, height, width = frames.shape
    return (1 if static else count, channels, height, width)


def _add(frames: "torch.Tensor", noise: NDArray[np.float32]) -> "torch.Tensor":
    import torch

    return frames.float() + torch.from_numpy(np.ascontiguousarray(noise, np.float32))
