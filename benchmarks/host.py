"""The host's part of a cell on an accelerator: does it begin work faster than the card does it?

PyTorch's ``meta`` device stands in for the card: its operations are begun as on any other, and do
nothing. The result of a forward pass is there after the time that a card takes for it. So the rows
show what the card would wait for, and no more: they are not measurements of one.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from benchmarks.compare import Row
from benchmarks.inputs import Inputs, more_clips
from benchmarks.path import MASKS, cell, masked, open_frames
from clip_har.masking.masked_clips import MaskedClips
from clip_har.models.preprocess import normalise
from clip_har.models.processor import PixelScale

_DEVICE = torch.device("meta")
_FRAME = 40e-6  # seconds that ViT-B/32 takes for a frame in bf16, as the goals of this table assume
_OPERATIONS = 250  # that PyTorch begins for its forward pass
_CLIPS = 384
_BATCH = 256
_GOAL = 1.25


@dataclass
class _Card:
    """A model whose forward pass takes as long as on a card; it answers with ones.

    Attributes:
        classes: their number.
        ends: when the forward passes that were begun are done, seconds.
    """

    classes: int
    ends: list[float] = field(default_factory=list)
    device: torch.device = _DEVICE
    batch_size: int = field(default_factory=lambda: _BATCH)
    pooling: str = "mean"

    def forward(self, clips: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = normalise(clips, PixelScale((0.5,) * 3, (0.5,) * 3), dtype=torch.bfloat16)
        step = torch.zeros(1, device=_DEVICE)
        for _ in range(_OPERATIONS):
            step.add_(1)
        last = self.ends[-1] if self.ends else 0.0
        self.ends.append(max(last, time.perf_counter()) + _FRAME * len(pixels))
        wait_until(last)  # its results are read now, when the next pass is in the queue
        return torch.ones(len(clips), self.classes), torch.ones(len(clips), 1)


def wait_until(moment: float) -> None:
    """Let other threads work until a moment of `time.perf_counter`."""
    time.sleep(max(moment - time.perf_counter(), 0.0))


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure warm cells beside their forward passes, with frames that stay on the card."""
    many = more_clips(inputs, _CLIPS)
    frames = open_frames(many, many.cache, resident=True)
    total = int(frames.lengths.sum())
    made = []
    for name, mask in MASKS.items():
        clips = masked(many, frames, mask)
        _seconds(clips)
        found = [_seconds(clips) for _ in range(rounds)]
        made.append(
            Row(
                "14",
                f"warm cell ({name}) on a stand-in for a card, {1e6 * _FRAME:.0f} µs a frame",
                "its forward passes alone",
                [one / (_FRAME * total) for one in found],
                goal=_GOAL,
                details={"µs a frame": 1e6 * min(found) / total},
            )
        )
    return made


def _seconds(clips: MaskedClips) -> float:
    """Return the seconds of a cell, until its last forward pass is done."""
    card = _Card(len(clips.frames.clip_set.class_names))
    began = time.perf_counter()
    cell(clips, card)()
    wait_until(card.ends[-1])
    return time.perf_counter() - began
