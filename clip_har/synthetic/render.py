"""Render a clip and its exact label maps, also without some of its content."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from clip_har.core.seeding import generator
from clip_har.synthetic.camera import Camera
from clip_har.synthetic.motion import Float
from clip_har.synthetic.performance import Performance, perform
from clip_har.synthetic.plan import ClipSpec
from clip_har.synthetic.raster import Byte
from clip_har.synthetic.scenes import paint_scene
from clip_har.synthetic.scenes.canvas import LEFT, RIGHT, TOP

Variant = Literal["full", "background", "person", "swap", "frozen"]
GREY = 128
_SHADOW = 0.75  # optical density of the shadow where the body touches the floor


@dataclass
class Rendered:
    """A rendered clip.

    Attributes:
        frames: sRGB ``(T, H, W, 3)`` uint8.
        labels: 0 background, 1 person, 2 object, ``(T, H, W)`` uint8.
    """

    frames: Byte
    labels: Byte


def render_clip(
    spec: ClipSpec,
    *,
    variant: Variant = "full",
    scene: str | None = None,
    size: int = 112,
    frames: int = 16,
    fps: float = 8.0,
) -> Rendered:
    """Render a clip from its specification.

    The variants differ in what is shown, never in geometry: the person, the motion, the camera
    and so the labels of ``full``, ``person`` and ``swap`` are the same.

    Args:
        spec: What to render; the pixels depend only on the specification and the sizes.
        variant: ``full``; ``background`` without person, object and shadow; ``person`` and
            object on plain mid-grey without shadow; ``swap`` shows the same performance in
            another scene; ``frozen`` repeats the middle frame.
        scene: The scene of ``swap``; must be None for the other variants.
        size: Side of a frame in pixels, 8 or more.
        frames: ``T``, 1 or more.
        fps: Frames a second, which sets the pace of the motion.

    Returns:
        Frames and labels. See `raster.rasterise` for how the pixels at an edge are labelled.

    Raises:
        ValueError: The sizes are out of range, or the scene does not fit the variant.

    Example:
        >>> spec = ClipSpec("a-0", "waving", "beach", "train-00", "train", 0)
        >>> render_clip(spec, size=32, frames=2).frames.shape
        (2, 32, 32, 3)
    """
    if size < 8 or frames < 1 or fps <= 0:
        raise ValueError(
            f"Expected size >= 8, frames >= 1 and fps > 0; got {size}, {frames} and {fps}."
        )
    if (variant == "swap") != (scene is not None):
        raise ValueError(
            f"Variant {variant!r} with scene {scene!r}: name a scene for 'swap' and only there."
        )
    shown = perform(
        spec.seed, spec.action, spec.subject, spec.clip_id, size=size, frames=frames, fps=fps
    )
    labels = shown.cutout.labels
    if variant == "person":
        back = np.full((frames, size, size, 3), GREY, np.uint8)
        return Rendered(_over(shown, back), labels)
    place = scene or spec.scene
    painted = paint_scene(place, size, generator(spec.seed, f"scene:{place}", spec.clip_id))
    back = _backdrop(painted, shown.camera, size)
    if variant == "background":
        return Rendered(back, np.zeros_like(labels))
    full = _over(shown, back, _light(shown, size))
    if variant == "frozen":
        full = np.repeat(full[frames // 2][None], frames, axis=0)
        labels = np.repeat(labels[frames // 2][None], frames, axis=0)
    return Rendered(full, labels)


def _backdrop(painted: Image.Image, camera: Camera, size: int) -> Byte:
    """Return what the camera sees of the scene, ``(T, H, W, 3)``."""
    unit = painted.width / (RIGHT - LEFT)  # canvas pixels per frame side
    views = []
    for (x, y), zoom in zip(camera.corner, camera.zoom, strict=True):
        left, top, side = (x - LEFT) * unit, (y - TOP) * unit, unit / zoom
        left = min(max(left, 0.0), painted.width - side)
        top = min(max(top, 0.0), painted.height - side)
        view = painted.resize(
            (size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side)
        )
        views.append(np.asarray(view))
    return np.stack(views)


def _light(shown: Performance, size: int) -> Float:
    """Return the light that reaches the floor beside the body, ``(T, H, W)`` in [0, 1]."""
    grid = (np.arange(size) + 0.5) / size
    spread = 0.055 * shown.camera.size[:, None, None]  # (T, 1, 1)
    soft = 1 + 2.0 * shown.height[..., None]

    def bump(axis: int, width: Float) -> Float:
        return np.asarray(np.exp(-(((grid - shown.contact[..., axis, None]) / width) ** 2)))

    weight = np.exp(-shown.height / 0.22)[..., None] / soft
    rows = bump(1, spread * 0.36 * soft) * weight  # (T, N, H)
    dense = rows.swapaxes(1, 2) @ bump(0, spread * soft)
    return np.asarray(np.exp(-_SHADOW * dense / (1 + 0.5 * dense)))


def _over(shown: Performance, back: Byte, light: Float | float = 1.0) -> Byte:
    """Put the cutout in front of a backdrop that is lit with the given strength."""
    # in 256ths, so that a pixel without figure and shadow keeps its exact value
    share = np.rint((255 - shown.cutout.cover.astype(float)) / 255 * light * 256)
    under = (back * share.astype(np.uint16)[..., None]) >> 8
    return np.asarray(np.minimum(under + shown.cutout.colour, 255), dtype=np.uint8)
