"""Shape masking: one shape, or several of one kind, at a chosen place."""

import math
from functools import lru_cache
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from clip_har.core.seeding import generator
from clip_har.masking import gauges
from clip_har.masking.area import Canvas, known_feature
from clip_har.masking.fill import Fill
from clip_har.masking.mask import Mask
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
        if self.place in _FIXED:
            return _fixed_field(self, canvas.height, canvas.width)
        centres = self._centres(canvas)  # (F, count, 2)
        field = np.empty((len(centres), canvas.height, canvas.width), np.float32)
        for frame, places in zip(field, centres, strict=True):
            sizes = [self.gauge(canvas.height, canvas.width, y, x) for y, x in places]
            frame[...] = np.minimum.reduce(sizes)
        return field

    def gauge(
        self, height: int, width: int, centre_y: float, centre_x: float
    ) -> NDArray[np.float64]:
        """Return how large the shape must be to cover each pixel, ``(H, W)``.

        Args:
            height: of the frame, pixels.
            width: of the frame, pixels.
            centre_y: of the shape, share of the height.
            centre_x: of the shape, share of the width.
        """
        # Pixel i covers [i, i + 1): its own centre is at i + 0.5.
        down = (np.arange(height) + 0.5 - centre_y * height)[:, None]  # (H, 1)
        right = (np.arange(width) + 0.5 - centre_x * width)[None, :]  # (1, W)
        # Rounded so that quarter turns are exact and symmetric pixels have equal values.
        cosine = round(math.cos(math.radians(self.rotation)), 15)
        sine = round(math.sin(math.radians(self.rotation)), 15)
        x = right * cosine - down * sine
        y = right * sine + down * cosine
        side = min(height, width)
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

    def _centres(self, canvas: Canvas) -> NDArray[np.float64]:
        frames = 1 if self.static else canvas.frames
        draws = generator(canvas.seed, "mask/shape", canvas.clip_id)
        match self.place:
            case "random":
                return draws.random((frames, self.count, 2))
            case "corner":
                return np.array(list(_CORNERS.values()))[draws.integers(4, size=(frames, 1))]
            case _:  # on the subject
                return _subject_centres(canvas, static=self.static)[:, None]


@lru_cache(maxsize=8)
def _fixed_field(mask: ShapeMask, height: int, width: int) -> NDArray[np.float32]:
    """Return the field of a shape at a fixed place, which is the same for every clip."""
    field = mask.gauge(height, width, *_FIXED[mask.place]).astype(np.float32)[None]
    field.flags.writeable = False
    return field


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
