"""Random noise: corruptions, also used as placebos for learned noise."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.seeding import generator
from clip_har.noise.contract import Seen, noisy_frames, realised
from clip_har.noise.fixed import FixedNoise
from clip_har.noise.where import Where

if TYPE_CHECKING:
    import torch

    from clip_har.noise.batch import ClipBatch


class RandomNoise(FixedNoise):
    """What all random noise has in common; each option defines ``corrupt``.

    Attributes:
        where: see `clip_har.noise.where.Where`.
        static: the same noise in all frames of a clip, or new noise in each frame.
        seed: of the noise.
    """

    where: Where = "everywhere"
    static: bool = False
    seed: Annotated[int, Field(ge=0)] = 0

    @abstractmethod
    def corrupt(self, frames: "torch.Tensor", clip_id: str) -> "torch.Tensor":
        """Return ``(T, 3, S, S)`` float32 grey levels, not yet clamped, for uint8 frames."""

    def seen(self, clips: "ClipBatch", columns: NDArray[np.int64]) -> Seen:  # noqa: ARG002
        """Add noise to clips, on the CPU; it depends on the clip's id and the seed alone."""
        from clip_har.noise.batch import ClipBatch

        every = []
        sizes = []
        for clip in clips.clips:
            alone = ClipBatch([clip])

            def add(frames: "torch.Tensor", hidden: "torch.Tensor | None") -> "torch.Tensor":
                picture = self.corrupt(frames, clip.id).clamp(0, 255).round()  # noqa: B023
                if hidden is None:
                    return picture
                return picture * (1 - hidden) + frames.float() * hidden

            noisy = noisy_frames(alone, self.where, add)
            every.append(noisy)
            # One mean over the whole clip: all its frames count as one long one.
            sizes.append(realised(_as_one(clip.frames), _as_one(noisy), [1]))
        rms, largest = (np.concatenate(part) for part in zip(*sizes, strict=True))
        return Seen(every, rms, largest)


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
        chance = torch.from_numpy(draws.random((frames_, 1, height, width), np.float32))
        grains = torch.where(chance < self.share / 2, 255.0, 0.0)
        return torch.where(chance < self.share, grains, frames.float())


def _as_one(frames: "torch.Tensor") -> "torch.Tensor":
    """Return the frames of a clip as one frame, ``(1, T * 3, S, S)``."""
    return frames.flatten(0, 1)[None]


def _shape(frames: "torch.Tensor", static: bool) -> tuple[int, int, int, int]:
    count, channels, height, width = frames.shape
    return (1 if static else count, channels, height, width)


def _add(frames: "torch.Tensor", noise: NDArray[np.float32]) -> "torch.Tensor":
    import torch

    return frames.float() + torch.from_numpy(np.ascontiguousarray(noise, np.float32))
