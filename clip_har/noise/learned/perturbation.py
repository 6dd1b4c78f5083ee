"""Learned noise as tensors that a fit changes, and how it is added to frames."""

from dataclasses import dataclass, replace
from functools import reduce
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate

from clip_har.masking.masked_clip import MaskedClip
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.preprocess import normalise
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.batch import ClipBatch
from clip_har.noise.contract import Noise, Seen, realised, unchanged, with_noise
from clip_har.noise.learned.base import Learned, LearnedPixels
from clip_har.noise.learned.shift import EmbeddingShift, rows_of
from clip_har.noise.where import Where

_ROWS = 16  # of full-size noise that are measured at once
_START = 0.01  # of the budget: enough to break ties, too little to be visible
_ROUNDING = 1e-4  # tolerance for sums in another order


class Perturbation(Noise, Protocol):
    """Noise that can be learned: the contract, with no logic."""

    parts: dict[str, Tensor]
    """The tensors that are learned, by name; float32 ``(1 or C, …)``."""

    def prepare(self, model: DualEncoder, frames: Tensor) -> Tensor:
        """Do the work that is needed once per frame for all noise: ``(M, 3, S, S)`` uint8."""

    def embed(
        self, model: DualEncoder, prepared: Tensor, visible: Tensor, classes: Tensor, times: Tensor
    ) -> Tensor:
        """Embed M prepared frames with the noise of their classes: ``(M, D)``, has a gradient."""

    def project(self) -> None:
        """Project the tensors back into their budgets, in place."""

    def budget(self, name: str) -> float:
        """Return the budget of a tensor."""

    def strength(self, column: int) -> tuple[float, float]:
        """Return root mean square and largest value of one class's noise, in its own units."""

    def with_parts(self, parts: dict[str, Tensor]) -> Self:
        """Return the same noise with other values."""

    def grid(self, part: Tensor) -> Tensor:
        """Return which values of a row of a tensor have an effect, as 0 and 1.

        Its shape broadcasts to that of a row.
        """

    def as_strong(self, parts: dict[str, Tensor]) -> Self:
        """Return noise with other values that is as strong as this noise in every frame."""


class NoPerturbation:
    """No noise, for comparison; embeddings are shared with noise in feature space."""

    columns = 1

    def draw(self, clip: MaskedClip) -> None:
        """Return None: no random numbers."""

    def seen(self, clips: ClipBatch, columns: NDArray[np.int64]) -> Seen:  # noqa: ARG002
        """Return the frames as they are."""
        return unchanged(clips)

    @torch.inference_mode()
    def forward(
        self,
        classifier: ZeroShot,
        clips: ClipBatch,
        seen: Seen,  # noqa: ARG002
        columns: NDArray[np.int64],  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        """Return ``(B, C)`` scores and ``(B, D)`` embeddings of the clips."""
        return classifier.forward_embedded(clips.embedded(classifier), clips.lengths)


@dataclass(eq=False)
class PixelNoise:
    """Noise that is added to pixels.

    Attributes:
        parts: ``shared`` ``(1, F, 3, r, r)``, ``own`` ``(C, F, 3, r, r)``, or both, in grey levels;
            F is 1, or the frames of a clip; their sum is the noise.
        budgets: of each tensor, grey levels.
        norm: ``linf`` or ``l2``, see `LearnedPixels`.
        size: side of the frames, pixels.
        where: whether hidden pixels get noise, too, see `clip_har.noise.where.Where`.
        window: ``(S, S)`` of 0 and 1, where there is noise; None for the whole frame.
    """

    parts: dict[str, Tensor]
    budgets: dict[str, float]
    norm: str
    size: int
    where: Where
    window: Tensor | None = None

    def prepare(self, model: DualEncoder, frames: Tensor) -> Tensor:
        """Send frames to the model's device."""
        return frames.to(model.device)

    def embed(
        self, model: DualEncoder, prepared: Tensor, visible: Tensor, classes: Tensor, times: Tensor
    ) -> Tensor:
        """Add noise to frames and embed them.

        Args:
            model: the dual encoder.
            prepared: ``(M, 3, S, S)`` grey levels.
            visible: ``(M, 1, S, S)`` in [0, 1], the share of each pixel that the mask leaves.
            classes: ``(M,)``, the class whose noise each frame gets.
            times: ``(M,)`` the frame's place in its clip.
        """
        return model.encode_pixels(self.pixels(model, prepared, visible, classes, times))

    def pixels(
        self, model: DualEncoder, prepared: Tensor, visible: Tensor, classes: Tensor, times: Tensor
    ) -> Tensor:
        """Return the model's input for frames with noise; arguments as for `embed`."""
        delta = self.delta(classes, times)
        noisy = add(prepared, delta, None if self.where == "everywhere" else visible)
        return normalise(noisy, model.scale, dtype=model.dtype)

    def delta(self, classes: Tensor, times: Tensor) -> Tensor:
        """Return the noise of M frames, ``(M, 3, S, S)`` in grey levels.

        Args:
            classes: ``(M,)``; ignored by noise that is one for all classes.
            times: ``(M,)`` the frames' places in their clips; ignored by static noise.
        """
        return torch.stack([self._spread(name, classes, times) for name in sorted(self.parts)]).sum(
            dim=0
        )

    def project(self) -> None:
        """Project the tensors back into their budgets, in place."""
        for name, part in self.parts.items():
            budget = self.budgets[name]
            if self.norm == "linf":
                part.data.clamp_(-budget, budget)
                continue
            rows = part.data.flatten(0, 1)  # (K * F, 3, r, r)
            for some in torch.split(rows, _ROWS):
                rms = self._fit(some).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
                some.mul_((budget / rms.clamp(min=1e-12)).clamp(max=1))

    def budget(self, name: str) -> float:
        """Return the budget of a tensor, grey levels."""
        return self.budgets[name]

    def grid(self, part: Tensor) -> Tensor:
        """Return which cells of a tensor's grid have an effect, ``(1, r, r)`` of 0 and 1."""
        if self.window is None:
            return part.new_ones(1, *part.shape[-2:])
        return adaptive_max_pool2d(self.window[None], part.shape[-1])

    def as_strong(self, parts: dict[str, Tensor]) -> "PixelNoise":
        """Return the sum of other tensors as one, each frame of it as strong as this noise."""
        name = "own" if "own" in parts else "shared"
        total = reduce(torch.add, parts.values())  # (1 or C, F, 3, r, r)
        other = self.with_parts({name: total})
        ratios = [
            self._frame_rms(column) / other._frame_rms(column).clamp(min=1e-12)
            for column in range(len(total))
        ]
        factors = torch.stack(ratios)  # (1 or C, F)
        factors[(factors - 1).abs() < _ROUNDING] = 1
        return other.with_parts({name: total * factors[:, :, None, None, None]})

    @property
    def columns(self) -> int:
        """1, or the number of classes."""
        return max(len(part) for part in self.parts.values())

    def draw(self, clip: MaskedClip) -> None:
        """Return None: no random numbers."""

    def seen(self, clips: ClipBatch, columns: NDArray[np.int64]) -> Seen:
        """Add noise to the frames of B clips, on the model's device.

        Args:
            clips: the clips under their mask.
            columns: ``(B,)``, the class whose noise each clip gets.
        """
        noisy = torch.empty_like(clips.frames)
        parts = torch.split(noisy, clips.lengths)
        deltas: dict[tuple[int, int], Tensor] = {}
        for number, (clip, column) in enumerate(zip(clips.clips, columns.tolist(), strict=True)):
            key = (column, clips.lengths[number])
            if key not in deltas:
                deltas[key] = self._of_clip(*key)
            if self.where == "before":
                bare = with_noise(clips.whole_clips[number], deltas[key], None, _add)
                parts[number].copy_(clip.repainted(bare))
                continue
            hidden = clips.hidden_clips[number] if self.where == "visible" else None
            with_noise(clips.shown_clips[number], deltas[key], hidden, _add, out=parts[number])
        return Seen(parts, *realised(clips.frames, noisy, clips.lengths))

    def forward(
        self,
        classifier: ZeroShot,
        clips: ClipBatch,  # noqa: ARG002
        seen: Seen,
        columns: NDArray[np.int64],  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        """Return ``(B, C)`` scores and ``(B, D)`` embeddings of the clips with noise."""
        return classifier.forward(seen.frames)

    def strength(self, column: int) -> tuple[float, float]:
        """Return root mean square and largest value of one class's noise, grey levels."""
        delta = self._of_class(column)
        return float(delta.square().mean().sqrt()), float(delta.abs().max())

    def with_parts(self, parts: dict[str, Tensor]) -> "PixelNoise":
        """Return the same noise with other values."""
        return replace(self, parts=parts)

    def _of_clip(self, column: int, length: int) -> Tensor:
        """Return one class's noise in a clip of some frames, ``(1 or T, 3, S, S)``."""
        static = all(part.shape[1] == 1 for part in self.parts.values())
        device = next(iter(self.parts.values())).device
        times = torch.arange(1 if static else length, device=device)
        return self.delta(torch.full_like(times, column), times).detach()

    def _frame_rms(self, column: int) -> Tensor:
        """Return the root mean square of one class's noise in each frame, ``(F,)``."""
        return self._of_class(column).square().mean(dim=(1, 2, 3)).sqrt()

    def _of_class(self, column: int) -> Tensor:
        """Return one class's noise in each frame, ``(F, 3, S, S)`` without a gradient."""
        times = torch.arange(max(part.shape[1] for part in self.parts.values()))
        return self.delta(torch.full_like(times, column), times).detach()

    def _spread(self, name: str, classes: Tensor, times: Tensor) -> Tensor:
        part = self.parts[name]
        rows = classes.clamp(max=len(part) - 1), times.clamp(max=part.shape[1] - 1)
        wanted = torch.stack(rows)
        # Resized to the frame once for each noise that occurs, not once for each frame.
        distinct, which = torch.unique(wanted, dim=1, return_inverse=True)
        return rows_of(self._fit(part[distinct[0], distinct[1]]), which)

    def _fit(self, grid: Tensor) -> Tensor:
        """Return noise ``(M, 3, r, r)`` at the size of the frames, inside the window."""
        size = (self.size, self.size)
        full = (
            grid
            if grid.shape[-2:] == size
            else interpolate(grid, size=size, mode="bilinear", align_corners=False)
        )
        return full if self.window is None else full * self.window


def add(frames: Tensor, delta: Tensor, visible: Tensor | None) -> Tensor:
    """Add noise to frames, and clip the result to valid pixels.

    Args:
        frames: ``(M, 3, S, S)`` grey levels in [0, 255].
        delta: of a shape that broadcasts to it, grey levels.
        visible: ``(M or 1, 1, S, S)`` in [0, 1], how much of the noise each pixel gets; None for
            all of it.

    Returns:
        ``(M, 3, S, S)`` float32 in [0, 255].

    Example:
        >>> add(torch.tensor([250.0, 9.0]), torch.tensor([16.0, -16.0]), None).tolist()
        [255.0, 0.0]
    """
    noise = delta if visible is None else delta * visible
    return (frames.float() + noise).clamp(0, 255)


def _add(frames: Tensor, delta: Tensor, hidden: Tensor | None) -> Tensor:
    return frames.float().add_(delta if hidden is None else delta * (1 - hidden))


def make_perturbation(
    noise: Learned, *, model: DualEncoder, class_embeddings: Tensor, frames: int
) -> Perturbation:
    """Return noise at its start: random values, a hundredth of the budget at most.

    Args:
        noise: the settings.
        model: whose frames or embeddings get it.
        class_embeddings: ``(C, D)`` class embeddings.
        frames: of a clip; used only by noise that is not static.
    """
    classes, width = class_embeddings.shape
    draws = torch.Generator().manual_seed(noise.seed)

    def start(*shape: int, budget: float) -> Tensor:
        unit = 2 * torch.rand(shape, generator=draws) - 1
        return (unit * budget * _START).to(model.device)

    budgets = noise.budgets()
    if not isinstance(noise, LearnedPixels):
        (length,) = budgets.values()
        return EmbeddingShift({"own": start(classes, width, budget=length)}, length)
    side = noise.resolution or model.image_size
    grid = (1 if noise.static else frames, 3, side, side)
    made = PixelNoise(
        parts={
            name: start(1 if name == "shared" else classes, *grid, budget=budget)
            for name, budget in budgets.items()
        },
        budgets=budgets,
        norm=noise.norm,
        size=model.image_size,
        where=noise.where,
        window=None if noise.border is None else _border(noise.border, model),
    )
    made.project()
    return made


def _border(width: int, model: DualEncoder) -> Tensor:
    size = model.image_size
    window = torch.ones(size, size, device=model.device)
    inner = slice(width, size - width)
    window[inner, inner] = 0
    return window
