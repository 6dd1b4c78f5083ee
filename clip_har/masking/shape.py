"""Shape masking: one shape, or several of one kind, at a chosen place."""

import math
from functools import lru_cache
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from clip_har.core.seeding import generator
from clip_har.masking import gauges
from clip_har.masking.area import Canvas, TieOrder, from_centre, known_feature
from clip_har.masking.fill import Fill
from clip_har.masking.mask import Mask
from clip_har.masking.phase import Phase, grid_phase
from clip_har.regions.source import SUBJECT

Shape = Literal[
    "square",
    "rectangle",
    "circle",
    "ellipse",
    "diamond",
    "triangle",
    "star",
    "cross",
    "ring",
    "horizontal_band",
    "vertical_band",
    "grid",
]
Place = Literal[
    "middle", "random", "subject", "corner", "top_left", "top_right", "bottom_left", "bottom_right"
]

# Centres as (y, x) shares of the frame's height and width.
_MIDDLE = (0.5, 0.5)
_CORNERS = {
    "top_left": (0.0, 0.0),
    "top_right": (0.0, 1.0),
    "bottom_left": (1.0, 0.0),
    "bottom_right": (1.0, 1.0),
}
_FIXED = {"middle": _MIDDLE, **_CORNERS}
_PLAIN: dict[str, gauges.Gauge] = {
    "square": gauges.square,
    "circle": gauges.circle,
    "diamond": gauges.diamond,
    "triangle": gauges.triangle,
    "star": gauges.star,
    "cross": gauges.cross,
    "horizontal_band": gauges.horizontal_band,
    "vertical_band": gauges.vertical_band,
}


class ShapeMask(Mask):
    """Hide a shape that grows around its centre until it has the area.

    The area is exact, also if the border cuts the shape: then the shape grows further. A shape at
    a corner has its centre *in* the corner, so only a quarter of it is in the frame. Random places
    depend on the clip alone, not on ratio or shape: masks are nested over the ratio, and different
    shapes have the same places.

    Attributes:
        ratio: share of each frame's pixels that is hidden, in [0, 1].
        fill: what is painted over them.
        shape: the name of the shape.
        place: where its centre is; ``corner`` is one of the four at random, ``subject`` the
            centroid of the subject (the middle of the frame if no subject was found).
        count: number of shapes at random places; they may overlap.
        aspect: width over height; rectangle and ellipse only.
        rotation: degrees counter-clockwise.
        radius: of the ring's middle line, share of the frame's short side; ring only. With a large
            ratio the ring gets so thick that it has no inner hole any more.
        spacing: of the lines, share of the frame's short side; grid only.
        phase: where the lines lie: ``random`` moves them by a part of their spacing, another one in
            each clip; ``aligned`` leaves a crossing at the place; grid only.
        static: the same places in all frames, or new ones in each frame; for ``subject`` False
            follows the subject.

    Raises:
        ValueError: (by pydantic) on a value out of range, or more than one shape at one place.

    Example:
        >>> ShapeMask(ratio=0.3, shape="star", place="random", count=3).short_name
        'shape star random ×3'
    """

    ratio: Annotated[float, Field(ge=0, le=1)]
    fill: Fill = "black"
    shape: Shape = "square"
    place: Place = "middle"
    count: Annotated[int, Field(ge=1, le=64)] = 1
    aspect: Annotated[float, Field(ge=0.05, le=20)] = 2.0
    rotation: float = 0.0
    radius: Annotated[float, Field(gt=0, le=1)] = 0.3
    spacing: Annotated[float, Field(gt=0, le=1)] = 0.25
    phase: Phase = "random"
    static: bool = True

    @model_validator(mode="after")
    def _several_need_random_places(self) -> Self:
        if self.count > 1 and self.place != "random":
            raise ValueError(
                f"masking.count={self.count} with masking.place={self.place} would put all shapes"
                " on one point: set masking.place=random, or masking.count=1"
            )
        return self

    @property
    def feature(self) -> str | None:
        """The target whose soft mask the canvas must have."""
        return SUBJECT if self.place == "subject" else None

    @property
    def short_name(self) -> str:
        """A few words for a figure's row."""
        name = f"shape {self.shape} {self.place}".replace("_", " ")
        name += f" ×{self.count}" if self.count > 1 else ""
        name += " aligned" if self.shape == "grid" and self.phase == "aligned" else ""
        name += f" {self.rotation:g}°" if self.rotation else ""
        if self.static or self.place not in ("random", "corner", "subject"):
            return name
        return name + (" followed" if self.place == "subject" else " fresh")

    def field(self, canvas: Canvas) -> NDArray[np.float32]:
        """Return the gauge of the shape at its place; of several shapes, the minimum.

        Args:
            canvas: the clip.

        Returns:
            ``(1 or T, H, W)`` at least 0: how large the shape must be to cover the pixel.

        Raises:
            ClipHarError: for ``place=subject`` when the canvas has no subject.
        """
        if self._is_fixed:
            return _fixed_field(self, canvas.height, canvas.width)
        return self._field(self._centres(canvas), canvas.height, canvas.width)

    def hidden(self, canvas: Canvas) -> NDArray[np.bool_]:
        """Return the hidden pixels; at a fixed place they are the same for every clip, read-only.

        Args:
            canvas: the clip.
        """
        if self._is_fixed:
            return _fixed_mask(self, canvas.height, canvas.width)
        return super().hidden(canvas)

    def ties(self, canvas: Canvas) -> TieOrder:
        """Return the order of pixels that the growing shape reaches at once: from its centre on.

        For the lines of a grid it is the nearest crossing.

        Args:
            canvas: the clip.
        """
        centres = self._centres(canvas)
        spacing = self.spacing * min(canvas.height, canvas.width)

        def order(frame: int, pixels: NDArray[np.int64]) -> NDArray[np.int64]:
            rows, columns = np.divmod(pixels, canvas.width)
            offsets = [
                self._offsets(rows, columns, *centre) for centre in centres[frame % len(centres)]
            ]
            x, y = (np.stack(part) for part in zip(*offsets, strict=True))  # (count, n)
            if self.shape == "grid":
                x, y = (np.mod(part + spacing / 2, spacing) - spacing / 2 for part in (x, y))
            nearest = (x * x + y * y).argmin(axis=0)[None]
            x, y = (np.take_along_axis(part, nearest, axis=0)[0] for part in (x, y))
            return pixels[from_centre(x, y)]

        return order

    def _field(self, centres: NDArray[np.float64], height: int, width: int) -> NDArray[np.float32]:
        """Return the gauge of the nearest shape, ``(F, H, W)``, of centres ``(F, count, 2)``."""
        field = np.empty((len(centres), height, width), np.float32)
        rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
        for frame, places in zip(field, centres, strict=True):
            sizes = [
                self._gauge(*self._offsets(rows, columns, y, x), side=min(height, width))
                for y, x in places
            ]
            frame[...] = np.minimum.reduce(sizes)
        return field

    def _offsets(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], centre_y: float, centre_x: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how far pixels lie from a centre along the shape's own axes, in pixels (x, y)."""
        # Pixel i covers [i, i + 1): its own centre is at i + 0.5.
        down, right = rows + 0.5 - centre_y, columns + 0.5 - centre_x
        cosine, sine = self._axes
        return right * cosine - down * sine, right * sine + down * cosine

    @property
    def _axes(self) -> tuple[float, float]:
        # Rounded so that quarter turns are exact and symmetric pixels have equal values.
        angle = math.radians(self.rotation)
        return round(math.cos(angle), 15), round(math.sin(angle), 15)

    def _gauge(
        self, x: NDArray[np.float64], y: NDArray[np.float64], *, side: int
    ) -> NDArray[np.float64]:
        """Return how large the shape must be to cover a pixel, in frames of a short side."""
        match self.shape:
            case "rectangle":
                return gauges.rectangle(x, y, aspect=self.aspect)
            case "ellipse":
                return gauges.ellipse(x, y, aspect=self.aspect)
            case "ring":
                return gauges.ring(x, y, radius=self.radius * side)
            case "grid":
                return gauges.grid(x, y, spacing=self.spacing * side)
            case _:
                return _PLAIN[self.shape](x, y)

    @property
    def _is_fixed(self) -> bool:
        """Whether the mask is the same for every clip."""
        return self.place in _FIXED and not self._is_moved

    @property
    def _is_moved(self) -> bool:
        """Whether the phase of its lines is random."""
        return self.shape == "grid" and self.phase == "random"

    def _centres(self, canvas: Canvas) -> NDArray[np.float64]:
        """Return the centres as (y, x) in pixels, ``(1 or T, count, 2)``."""
        frames = 1 if self.static else canvas.frames
        size = np.array([canvas.height, canvas.width])
        centres: NDArray[np.float64] = self._places(canvas, frames) * size
        if not self._is_moved:
            return centres
        shift = grid_phase(self.phase, canvas, frames=frames) * self.spacing * size.min()
        (down, right), (cosine, sine) = shift.T, self._axes
        moved = np.stack([down * cosine - right * sine, down * sine + right * cosine], axis=-1)
        shifted: NDArray[np.float64] = centres + moved[:, None]
        return shifted

    def _places(self, canvas: Canvas, frames: int) -> NDArray[np.float64]:
        """Return the centres as shares of the frame's height and width, ``(1 or T, count, 2)``."""
        draws = generator(canvas.seed, "mask/shape", canvas.clip_id)
        match self.place:
            case "random":
                return draws.random((frames, self.count, 2))
            case "corner":
                return np.array(list(_CORNERS.values()))[draws.integers(4, size=(frames, 1))]
            case "subject":
                return _subject_centres(canvas, static=self.static)[:, None]
            case fixed:
                return np.array(_FIXED[fixed])[None, None]


@lru_cache(maxsize=8)
def _fixed_field(mask: ShapeMask, height: int, width: int) -> NDArray[np.float32]:
    """Return the field of a shape at a fixed place, which is the same for every clip."""
    centres = np.array([[_FIXED[mask.place]]]) * (height, width)
    field = mask._field(centres, height, width)
    field.flags.writeable = False
    return field


@lru_cache(maxsize=8)
def _fixed_mask(mask: ShapeMask, height: int, width: int) -> NDArray[np.bool_]:
    """Return the hidden pixels of a shape at a fixed place."""
    any_clip = Canvas(clip_id="", seed=0, frames=1, height=height, width=width)
    hidden = Mask.hidden(mask, any_clip)
    hidden.flags.writeable = False
    return hidden


def _subject_centres(canvas: Canvas, *, static: bool) -> NDArray[np.float64]:
    """Return ``(1 or T, 2)`` centroids; a frame without the subject takes the whole clip's."""
    subject = known_feature(canvas)
    clip = _centroid(subject.sum(axis=0, dtype=np.float64)) or _MIDDLE
    if static:
        return np.array([clip])
    return np.array([_centroid(frame) or clip for frame in subject])


def _centroid(weights: NDArray[np.floating]) -> tuple[float, float] | None:
    """Return the (y, x) shares of the weights' centre of mass; None if all weights are zero."""
    # Sums of whole numbers are exact, so they are the same on every machine.
    steps = np.rint(weights.astype(np.float64) * 65535).astype(np.int64)
    total = int(steps.sum())
    if total == 0:
        return None
    height, width = steps.shape
    y = int(steps.sum(axis=1) @ (2 * np.arange(height) + 1)) / (2 * total * height)
    x = int(steps.sum(axis=0) @ (2 * np.arange(width) + 1)) / (2 * total * width)
    return y, x
