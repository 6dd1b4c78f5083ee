"""One clip of a cell as the model sees it: its frames, and the mask that is painted over them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.core.tensors import shared
from clip_har.masking.area import Hidden
from clip_har.masking.blend import blend
from clip_har.masking.effect import MaskEffect

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class MaskedClip:
    """One clip under its mask.

    What is painted, and what the mask did, are worked out when they are asked for, once.

    Attributes:
        id: of the clip.
        index: in the clip set.
        pixels: ``(T, 3, S, S)`` uint8 as the model sees them, without the mask, in the order of the
            video; read-only.
        places: ``(T,)``, which of these frames is shown at each place.
        hidden: ``(1 or T, S, S)``: True where hidden, or how much of a pixel is covered, in the
            order in which frames are shown, as all of the below.
        find_subject: returns where the subject is in these frames; read when it is asked for.
        make_paint: returns what is painted over the frames, ``(1 or T, 3, 1 or S, 1 or S)`` uint8;
            made once. (Not a cached property: in Python 3.11 all threads share one lock of it.)
        paint_over: makes it for other frames ``(T, 3, S, S)`` of the clip, in the order of the
            video; None if it does not depend on them.
        measure: returns what the mask did; measured once.
    """

    id: str
    index: int
    pixels: NDArray[np.uint8]
    places: NDArray[np.int64]
    hidden: Hidden
    find_subject: Callable[[], NDArray[np.float32] | None]
    make_paint: Callable[[], NDArray[np.uint8]]
    paint_over: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None
    measure: Callable[[], MaskEffect]

    @property
    def paint(self) -> NDArray[np.uint8]:
        """What is painted over the hidden pixels, ``(1 or T, 3, 1 or S, 1 or S)`` uint8."""
        return self.make_paint()

    @property
    def subject(self) -> NDArray[np.float32] | None:
        """Where the subject is, ``(T, S, S)``; None without a region source."""
        return self.find_subject()

    @property
    def effect(self) -> MaskEffect:
        """What the mask did."""
        return self.measure()

    @cached_property
    def whole(self) -> "Tensor":
        """``(T, 3, S, S)`` uint8 on the CPU before the mask was painted; not to be written to."""
        return shown_of(shared(self.pixels), self.places)

    @cached_property
    def frames(self) -> "Tensor":
        """``(T, 3, S, S)`` uint8 on the CPU under the mask; not to be written to."""
        return self.painted(self.whole)

    def frame(self, place: int) -> "Tensor":
        """Return one frame under the mask, ``(1, 3, S, S)`` uint8 on the CPU; not to be written to.

        Args:
            place: of the frame among those that are shown.
        """
        whole = self.whole[place : place + 1]
        if not self.hides:
            return whole
        paint = self.paint if len(self.paint) == 1 else self.paint[place : place + 1]
        hidden = self.hidden if len(self.hidden) == 1 else self.hidden[place : place + 1]
        return blend(whole, paint, hidden)

    def painted(self, whole: "Tensor", *, out: "Tensor | None" = None) -> "Tensor":
        """Return the frames under the mask, on their device; not to be written to.

        Args:
            whole: ``(T, 3, S, S)`` uint8, in the order in which they are shown.
            out: where they are painted; without a hidden pixel `whole` itself is returned.
        """
        return blend(whole, self.paint, self.hidden, out=out) if self.hides else whole

    def repainted(self, frames: "Tensor") -> "Tensor":
        """Paint the mask over other frames of the clip, on their device.

        Args:
            frames: ``(T, 3, S, S)`` uint8, in the order in which they are shown.
        """
        if not self.hides:
            return frames
        if self.paint_over is None:
            return self.painted(frames)
        own = self.places.argsort(kind="stable")
        paint = self.paint_over(frames.cpu().numpy()[own])
        return blend(frames, paint if len(paint) == 1 else paint[own.argsort()], self.hidden)

    @cached_property
    def hides(self) -> bool:
        """Whether any pixel is hidden."""
        return bool(self.hidden.any())

    @property
    def middle_hidden(self) -> float:
        """Share of the pixels of the middle frame, as shown, that is hidden."""
        hidden = self.hidden[len(self.places) // 2 if len(self.hidden) > 1 else 0]
        return float(hidden.mean(dtype=np.float64))


def shown_of(frames: "Tensor", places: NDArray[np.int64]) -> "Tensor":
    """Return frames ``(T, 3, S, S)`` of the video in the order in which they are shown."""
    return frames if np.array_equal(places, np.arange(len(places))) else frames[places]
