"""Learned noise that is added to pixels."""

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate

from clip_har.core.tensors import sent
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.preprocess import normalise
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.batch import ClipBatch
from clip_har.noise.contract import Seen, realised, with_noise
from clip_har.noise.learned.low_rank import LOW_RANK, PATTERNS, WEIGHTS, LowRank
from clip_har.noise.learned.shift import rows_of
from clip_har.noise.where import Where

FROZEN = "frozen"
"""The name of the budget of frozen noise."""
_ROWS = 16  # of full-size noise that are measured at once
_ROUNDING = 1e-4  # tolerance for sums in another order


@dataclass(frozen=True, eq=False)
class _Free:
    """A tensor ``(1 or C, F, 3, r, r)`` with a row of its own for each class, or for all."""

    tensor: Tensor

    @property
    def columns(self) -> int:
        return len(self.tensor)

    @property
    def frames(self) -> int:
        return self.tensor.shape[1]

    def rows(self, classes: Tensor, times: Tensor) -> Tensor:
        device = self.tensor.device
        return self.tensor[sent(classes, device), sent(times, device)]


@dataclass(eq=False)
class PixelNoise:
    """Noise that is added to pixels.

    Attributes:
        parts: ``shared`` ``(1, F, 3, r, r)``, ``own`` ``(C, F, 3, r, r)``, or both, in grey levels;
            F is 1, or the frames of a clip; their sum is the noise. Instead of ``own`` there may be
            ``patterns`` and ``weights``, see `LowRank`.
        budgets: of each tensor and of ``frozen``, grey levels; that of ``patterns`` is also the
            budget of their sums.
        norm: ``linf`` or ``l2``, see `LearnedPixels`.
        size: side of the frames, pixels.
        where: whether hidden pixels get noise, too, see `clip_har.noise.where.Where`.
        window: ``(S, S)`` of 0 and 1, where there is noise; None for the whole frame.
        frozen: ``(1, F, 3, r, r)``, noise for all classes that is added, too, and is not learned.
    """

    parts: dict[str, Tensor]
    budgets: dict[str, float]
    norm: str
    size: int
    where: Where
    window: Tensor | None = None
    frozen: Tensor | None = None

    def prepare(self, model: DualEncoder, frames: Tensor) -> Tensor:
        """Send frames to the model's device."""
        return sent(frames, model.device)

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
            classes: ``(M,)``, on the CPU if a device should not be waited for; ignored by noise
                that is one for all classes.
            times: ``(M,)`` the frames' places in their clips; ignored by static noise.
        """
        return reduce(torch.add, (self._spread(layer, classes, times) for layer in self._layers()))

    def project(self) -> None:
        """Project the tensors back into their budgets, in place."""
        for name, part in self.parts.items():
            budget = self.budgets[name]
            if name == WEIGHTS:
                continue
            if self.norm == "linf":
                part.data.clamp_(-budget, budget)
                continue
            rows = part.data.flatten(0, 1)  # (K * F, 3, r, r)
            for some in torch.split(rows, _ROWS):
                rms = self._sizes(some)[:, None, None, None]
                some.mul_((budget / rms.clamp(min=1e-12)).clamp(max=1))
        if PATTERNS in self.parts:
            self._low_rank().shrink(self.budgets[PATTERNS], self._sizes)

    def budget(self, name: str) -> float:
        """Return the budget of a tensor, grey levels; that of ``weights`` is their unit."""
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
        alone = self.on(None)
        other = alone.with_parts({name: total})
        ratios = [
            alone._frame_rms(column) / other._frame_rms(column).clamp(min=1e-12)
            for column in range(len(total))
        ]
        factors = torch.stack(ratios)  # (1 or C, F)
        factors[(factors - 1).abs() < _ROUNDING] = 1
        return self.with_parts({name: total * factors[:, :, None, None, None]})

    @property
    def columns(self) -> int:
        """1, or the number of classes."""
        return max(layer.columns for layer in self._layers())

    def seen(self, clips: ClipBatch, columns: NDArray[np.int64]) -> Seen:
        """Add noise to the frames of B clips, on the model's device.

        Args:
            clips: the clips under their mask.
            columns: ``(B,)``, the class whose noise each clip gets.
        """
        if clips.device.type != "cpu" and self.where != "before":
            return self.seen_at_once(clips, columns)
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

    def seen_at_once(self, clips: ClipBatch, columns: NDArray[np.int64]) -> Seen:
        """Return what `seen` does, in as few operations for a batch as for a clip.

        It needs memory for the noise of all frames, unless that is one still noise. On a CPU what
        is computed of one clip stays in the cache instead.
        """
        if self._is_still and (columns == columns[0]).all():
            delta = self._of_clip(int(columns[0]), 1)
        else:
            delta = self.delta(clips.per_frame(columns), clips.times).detach()
        hidden = clips.hidden if self.where == "visible" else None
        noisy = with_noise(clips.frames, delta, hidden, _add)
        del delta  # before as much memory is needed again
        parts = torch.split(noisy, clips.lengths)
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
        """Return the same noise with other learned values."""
        return replace(self, parts=parts)

    def on(self, frozen: Tensor | None) -> "PixelNoise":
        """Return the same noise with other frozen noise under it."""
        return replace(self, frozen=frozen)

    def under(self) -> "PixelNoise | None":
        """Return the frozen noise alone, as noise that could be learned; None without such."""
        if self.frozen is None:
            return None
        budgets = {"shared": self.budgets[FROZEN]}
        return replace(self, parts={"shared": self.frozen}, budgets=budgets, frozen=None)

    def free(self) -> "PixelNoise":
        """Return the same noise with a tensor of its own for each class, without a gradient."""
        parts = {name: part.detach() for name, part in self.parts.items()}
        if PATTERNS not in parts:
            return self.with_parts(parts)
        own = LowRank(parts[WEIGHTS], parts[PATTERNS]).full()
        budgets = {**self.budgets, "own": self.budgets[PATTERNS]}
        return replace(self, parts={"own": own}, budgets=budgets)

    def _of_clip(self, column: int, length: int) -> Tensor:
        """Return one class's noise in a clip of some frames, ``(1 or T, 3, S, S)``."""
        times = torch.arange(1 if self._is_still else length)
        return self.delta(torch.full_like(times, column), times).detach()

    def _frame_rms(self, column: int) -> Tensor:
        """Return the root mean square of one class's noise in each frame, ``(F,)``."""
        return self._of_class(column).square().mean(dim=(1, 2, 3)).sqrt()

    def _of_class(self, column: int) -> Tensor:
        """Return one class's noise in each frame, ``(F, 3, S, S)`` without a gradient."""
        times = torch.arange(max(layer.frames for layer in self._layers()))
        return self.delta(torch.full_like(times, column), times).detach()

    @property
    def _is_still(self) -> bool:
        return all(layer.frames == 1 for layer in self._layers())

    def _layers(self) -> "list[_Free | LowRank]":
        """Return what the noise is the sum of."""
        free = [part for name, part in sorted(self.parts.items()) if name not in LOW_RANK]
        if self.frozen is not None:
            free.append(self.frozen)
        found: list[_Free | LowRank] = [_Free(part) for part in free]
        return [self._low_rank(), *found] if PATTERNS in self.parts else found

    def _low_rank(self) -> LowRank:
        return LowRank(self.parts[WEIGHTS], self.parts[PATTERNS])

    def _spread(self, layer: "_Free | LowRank", classes: Tensor, times: Tensor) -> Tensor:
        rows = classes.clamp(max=layer.columns - 1), times.clamp(max=layer.frames - 1)
        wanted = torch.stack(rows)
        # Resized to the frame once for each noise that occurs, not once for each frame.
        distinct, which = torch.unique(wanted, dim=1, return_inverse=True)
        return rows_of(self._fit(layer.rows(distinct[0], distinct[1])), which)

    def _sizes(self, grid: Tensor) -> Tensor:
        """Return the sizes of noise ``(M, 3, r, r)`` in the norm of the budget, ``(M,)``."""
        full = self._fit(grid)
        if self.norm == "linf":
            return full.abs().amax(dim=(1, 2, 3))
        return full.square().mean(dim=(1, 2, 3)).sqrt()

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
