"""Random noise: corruptions, also used as placebos for learned noise."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.seeding import generator
from clip_har.noise.contract import Seen, realised, with_noise
from clip_har.noise.fixed import FixedNoise
from clip_har.noise.where import Where

if TYPE_CHECKING:
    import torch

    from clip_har.masking.masked_clip import MaskedClip
    from clip_har.noise.batch import ClipBatch


class RandomNoise(FixedNoise):
    """What all random noise has in common; each option defines ``sample`` and ``corrupt``.

    Attributes:
        where: see `clip_har.noise.where.Where`.
        static: the same noise in all frames of a clip, or new noise in each frame.
        seed: of the noise.
    """

    where: Where = "everywhere"
    static: bool = False
    seed: Annotated[int, Field(ge=0)] = 0

    @abstractmethod
    def sample(self, shape: tuple[int, int, int, int], clip_id: str) -> NDArray[np.float32]:
        """Return the random numbers of a clip; they depend on its id and the seed alone.

        Args:
            shape: ``(T or 1, 3, S, S)``; 1 for static noise.
            clip_id: the clip.

        Returns:
            ``(T or 1, …)``, of a shape that broadcasts to the given one.
        """

    @abstractmethod
    def corrupt(self, frames: "torch.Tensor", drawn: "torch.Tensor") -> "torch.Tensor":
        """Return ``(M, 3, S, S)`` float32 grey levels, not yet clamped, for M uint8 frames.

        Args:
            frames: some of a clip's frames, on any device.
            drawn: the random numbers of these frames, see `sample`.
        """

    def draw(self, clip: "MaskedClip") -> NDArray[np.float32]:
        """Return the random numbers of a clip's noise.

        On a device other than a CPU they are sampled while the model works on other clips, and
        handed back in `ClipBatch.drawn`.
        """
        count = 1 if self.static else len(clip.places)
        return self.sample((count, *clip.pixels.shape[1:]), clip.id)

    def seen(self, clips: "ClipBatch", columns: NDArray[np.int64]) -> Seen:  # noqa: ARG002
        """Add noise to clips, on their device; it depends on the clip's id and the seed alone."""
        import torch

        from clip_har.core.tensors import sent, shared

        every, sizes = [], []
        for number, clip in enumerate(clips.clips):
            drawn = clips.drawn[number]
            numbers = sent(shared(self.draw(clip) if drawn is None else drawn), clips.device)
            shown = clips.shown_clips[number]
            if self.where == "before":
                noisy = with_noise(clips.whole_clips[number], numbers, None, self._add)
                noisy = clip.repainted(noisy)
            else:
                hidden = clips.hidden_clips[number] if self.where == "visible" else None
                noisy = with_noise(shown, numbers, hidden, self._add)
            every.append(noisy)
            # One mean over the whole clip: all its frames count as one long one.
            sizes.append(realised(_as_one(shown), _as_one(noisy), [1]))
        rms, largest = (torch.cat(part) for part in zip(*sizes, strict=True))
        return Seen(every, rms, largest)

    def _add(
        self, frames: "torch.Tensor", drawn: "torch.Tensor", hidden: "torch.Tensor | None"
    ) -> "torch.Tensor":
        picture = self.corrupt(frames, drawn)
        if hidden is None:
            return picture
        return picture.clamp(0, 255).round() * (1 - hidden) + frames.float() * hidden


class GaussianNoise(RandomNoise):
    """Add normal noise, independent in each pixel and channel.

    Attributes:
        std: standard deviation, grey levels.
    """

    std: Annotated[float, Field(ge=0, le=255)] = 16.0

    def sample(self, shape: tuple[int, int, int, int], clip_id: str) -> NDArray[np.float32]:
        """Return what is added, ``(T or 1, 3, S, S)`` grey levels."""
        draws = generator(self.seed, "noise/gaussian", clip_id)
        return np.float32(self.std) * draws.standard_normal(shape, np.float32)

    def corrupt(self, frames: "torch.Tensor", drawn: "torch.Tensor") -> "torch.Tensor":
        """Return ``(M, 3, S, S)`` float32 grey levels, not yet clamped, for M uint8 frames."""
        return frames.float() + drawn


class UniformNoise(RandomNoise):
    """Add noise that is uniform within a budget, independent in each pixel and channel.

    Attributes:
        epsilon: the largest change of a pixel, grey levels.
    """

    epsilon: Annotated[float, Field(ge=0, le=255)] = 16.0

    def sample(self, shape: tuple[int, int, int, int], clip_id: str) -> NDArray[np.float32]:
        """Return what is added, ``(T or 1, 3, S, S)`` grey levels."""
        draws = generator(self.seed, "noise/uniform", clip_id)
        unit = 2 * draws.random(shape, np.float32) - 1
        return np.float32(self.epsilon) * unit

    def corrupt(self, frames: "torch.Tensor", drawn: "torch.Tensor") -> "torch.Tensor":
        """Return ``(M, 3, S, S)`` float32 grey levels, not yet clamped, for M uint8 frames."""
        return frames.float() + drawn


class SaltPepperNoise(RandomNoise):
    """Turn single pixels black or white, all channels of a pixel together.

    Attributes:
        share: of the pixels of each frame, in [0, 1]; half of them turn white.
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.05

    def sample(self, shape: tuple[int, int, int, int], clip_id: str) -> NDArray[np.float32]:
        """Return a number for each pixel, ``(T or 1, 1, S, S)`` in [0, 1)."""
        draws = generator(self.seed, "noise/salt_pepper", clip_id)
        count, _, height, width = shape
        return draws.random((count, 1, height, width), np.float32)

    def corrupt(self, frames: "torch.Tensor", drawn: "torch.Tensor") -> "torch.Tensor":
        """Return ``(M, 3, S, S)`` float32 grey levels for M uint8 frames."""
        import torch

        grains = torch.where(drawn < self.share / 2, 255.0, 0.0)
        return torch.where(drawn < self.share, grains, frames.float())


def _as_one(frames: "torch.Tensor") -> "torch.Tensor":
    """Return the frames of a clip as one frame, ``(1, T * 3, S, S)``."""
    return frames.flatten(0, 1)[None]
