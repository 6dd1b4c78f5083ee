"""A batch of masked clips whose tensors are computed once and used by many kinds of noise."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.masking.masked_clips import MaskedClip
from clip_har.models.zero_shot import ZeroShot

CPU = torch.device("cpu")


class ClipBatch:
    """B clips under their mask, with M frames in all.

    Attributes:
        clips: the clips, on the CPU.
        device: of the tensors below.
        lengths: frames of each clip.
    """

    def __init__(self, clips: Sequence[MaskedClip], device: torch.device = CPU) -> None:
        self.clips = clips
        self.device = device
        self.lengths = [len(clip.frames) for clip in clips]

    @cached_property
    def frames(self) -> Tensor:
        """``(M, 3, S, S)`` uint8 as they are shown."""
        return torch.cat([clip.frames for clip in self.clips]).to(self.device)

    @cached_property
    def whole(self) -> Tensor:
        """``(M, 3, S, S)`` uint8 before the mask was painted."""
        return torch.cat([clip.whole for clip in self.clips]).to(self.device)

    @cached_property
    def hidden(self) -> Tensor:
        """``(M, 1, S, S)`` float32 in [0, 1], the share of each pixel that the mask hides."""
        shares = [
            torch.from_numpy(np.asarray(clip.hidden, np.float32)).expand(length, -1, -1)
            for clip, length in zip(self.clips, self.lengths, strict=True)
        ]
        return torch.cat(shares).unsqueeze(1).to(self.device)

    @cached_property
    def times(self) -> Tensor:
        """``(M,)`` int64, the frames' places in their clips."""
        return torch.cat([torch.arange(length) for length in self.lengths]).to(self.device)

    def per_frame(self, values: NDArray[np.int64]) -> Tensor:
        """Repeat a value of each clip ``(B,)`` for each of its frames: ``(M,)``."""
        lengths = torch.tensor(self.lengths)
        return torch.from_numpy(values.copy()).repeat_interleave(lengths).to(self.device)

    def paint(self, frames: Tensor) -> Tensor:
        """Paint the clips' masks over other frames of theirs, ``(M, 3, S, S)`` uint8."""
        parts = torch.split(frames.cpu(), self.lengths)
        painted = [clip.paint(part) for clip, part in zip(self.clips, parts, strict=True)]
        return torch.cat(painted).to(self.device)

    def embedded(self, zero_shot: ZeroShot) -> Tensor:
        """Embed the frames as they are shown, once for all noise in feature space: ``(M, D)``."""
        if self._embedded is None:
            self._embedded = zero_shot.embed([self.frames])
        return self._embedded

    _embedded: Tensor | None = None
