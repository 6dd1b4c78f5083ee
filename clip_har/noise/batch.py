"""A batch of masked clips whose tensors are computed once and used by many kinds of noise."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clip_har.core.tensors import sent, shared
from clip_har.masking.blend import blend_clips, cover_of, covers_from_bits, packed
from clip_har.masking.masked_clip import MaskedClip, shown_of
from clip_har.models.zero_shot import ZeroShot

CPU = torch.device("cpu")


class ClipBatch:
    """B clips under their mask, with M frames in all, on the device of the model.

    Frames are sent there before the mask is painted; masks follow as bits.

    Args:
        clips: the clips.
        device: of the tensors below.
        pixels: the frames of each clip on the device, ``(T, 3, S, S)`` uint8 without the mask, in
            the order of the video; None to send them.
        canvas: ``(M or more, 3, S, S)`` uint8 on the device, which the frames are painted in; None
            for new memory, which a CPU needs time for. The next batch may paint over it.
        drawn: the random numbers of the noise for each clip, see `RandomNoise.draw`, if they are
            sampled already.
        bits: the mask of each clip as it travels, see `mask_bits`, if it is packed already.

    Attributes:
        lengths: frames of each clip.
    """

    def __init__(
        self,
        clips: Sequence[MaskedClip],
        device: torch.device = CPU,
        *,
        pixels: Sequence[Tensor] | None = None,
        canvas: Tensor | None = None,
        drawn: Sequence[NDArray[np.float32] | None] | None = None,
        bits: Sequence[NDArray[np.uint8] | None] | None = None,
    ) -> None:
        self.clips = clips
        self.device = device
        self.lengths = [len(clip.places) for clip in clips]
        self.drawn = drawn or [None] * len(clips)
        self._canvas = canvas
        self._pixels = pixels
        self._bits = bits

    @cached_property
    def whole_clips(self) -> list[Tensor]:
        """Of each clip ``(T, 3, S, S)`` uint8 before the mask was painted."""
        every = self._pixels or [sent(shared(clip.pixels), self.device) for clip in self.clips]
        if self.device.type == "cpu":
            return [
                shown_of(frames, clip.places)
                for frames, clip in zip(every, self.clips, strict=True)
            ]
        return in_order(every, [clip.places for clip in self.clips])

    @cached_property
    def shown_clips(self) -> list[Tensor]:
        """Of each clip ``(T, 3, S, S)`` uint8 as it is shown; not to be written to."""
        canvas = None if self._canvas is None else self._canvas[: sum(self.lengths)]
        if any(clip.hides for clip in self.clips) and self._covers is not None:
            paints = [clip.paint for clip in self.clips]
            return blend_clips(self.whole_clips, paints, self._covers, out=canvas)
        places: Sequence[Tensor | None] = [None] * len(self.clips)
        if canvas is not None:
            places = torch.split(canvas, self.lengths)
        each = zip(self.clips, self.whole_clips, places, strict=True)
        return [clip.painted(whole, out=place) for clip, whole, place in each]

    @cached_property
    def frames(self) -> Tensor:
        """``(M, 3, S, S)`` uint8 as they are shown."""
        return torch.cat(self.shown_clips)

    @cached_property
    def whole(self) -> Tensor:
        """``(M, 3, S, S)`` uint8 before the mask was painted."""
        return torch.cat(self.whole_clips)

    @cached_property
    def hidden_clips(self) -> list[Tensor]:
        """Of each clip ``(1 or T, 1, S, S)`` float32, the share of each pixel that is hidden."""
        if self._covers is not None:
            return list(torch.split(self.hidden, self.lengths))
        return [cover_of(clip.hidden, self.device).float().unsqueeze(1) for clip in self.clips]

    @cached_property
    def hidden(self) -> Tensor:
        """``(M, 1, S, S)`` float32, the share of each pixel of a frame that is hidden."""
        if self._covers is not None:
            return self._covers.float()
        each = zip(self.hidden_clips, self.lengths, strict=True)
        return torch.cat([hidden.expand(length, -1, -1, -1) for hidden, length in each])

    @cached_property
    def _covers(self) -> Tensor | None:
        """``(M, 1, S, S)`` uint8 0 or 1, sent once; None if a mask does not travel as bits."""
        every = self._bits or [mask_bits(clip, self.device) for clip in self.clips]
        known = [own for own in every if own is not None]
        if len(known) < len(every):
            return None
        return covers_from_bits(known, self.lengths, self.clips[0].hidden.shape[-1], self.device)

    @cached_property
    def times(self) -> Tensor:
        """``(M,)`` int64 on the CPU, the frames' places in their clips."""
        return torch.cat([torch.arange(length) for length in self.lengths])

    def per_frame(self, values: NDArray[np.int64]) -> Tensor:
        """Repeat a value of each clip ``(B,)`` for each of its frames: ``(M,)`` on the CPU."""
        return torch.from_numpy(values.repeat(self.lengths))

    def embedded(self, zero_shot: ZeroShot) -> Tensor:
        """Embed the frames as they are shown, once for all noise in feature space: ``(M, D)``."""
        if self._embedded is None:
            self._embedded = zero_shot.embed(self.shown_clips)
        return self._embedded

    _embedded: Tensor | None = None


def in_order(every: Sequence[Tensor], places: Sequence[NDArray[np.int64]]) -> list[Tensor]:
    """Return the frames of clips as they are shown, in as few operations for many as for one.

    Args:
        every: of each clip ``(T, 3, S, S)`` on one device, in the order of the video.
        places: of each ``(T,)``, which of its frames is shown at each place.
    """
    lengths = [len(frames) for frames in every]
    starts = np.cumsum([0, *lengths[:-1]])
    rows = np.concatenate([start + own for start, own in zip(starts, places, strict=True)])
    if np.array_equal(rows, np.arange(len(rows))):
        return list(every)
    shown = torch.cat(list(every))[sent(torch.from_numpy(rows), every[0].device)]
    return list(torch.split(shown, lengths))


def mask_bits(clip: MaskedClip, device: torch.device) -> NDArray[np.uint8] | None:
    """Return a clip's mask as it travels to a device, see `clip_har.masking.blend.packed`.

    It is None for a mask with soft edges, and on a CPU, where nothing travels: such clips are
    painted one by one.
    """
    if device.type == "cpu" or clip.hidden.dtype != np.bool_:
        return None
    return packed(np.asarray(clip.hidden, np.bool_))
