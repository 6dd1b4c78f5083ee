"""Scenes: their painters, captions and light."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from clip_har.synthetic.scenes.canvas import Canvas
from clip_har.synthetic.scenes.indoor import ROOMS
from clip_har.synthetic.scenes.outdoor import PLACES

_PAINTERS: dict[str, tuple[str, Callable[[Canvas], None]]] = {**ROOMS, **PLACES}
_ON = frozenset({"street", "rooftop", "beach", "football_field", "snow_field"})
SCENES: tuple[str, ...] = tuple(sorted(_PAINTERS))
PALE = 0.34  # share of white mixed in, so that the figure stands out


def scene_phrase(scene: str) -> str:
    """Return words for captions, such as ``"in a gym"`` or ``"on a beach"``."""
    if scene not in _PAINTERS:
        raise ValueError(f"Unknown scene {scene!r}; known scenes: {', '.join(SCENES)}.")
    return f"{'on' if scene in _ON else 'in'} {_PAINTERS[scene][0]}"


def paint_scene(scene: str, size: int, rng: np.random.Generator) -> Image.Image:
    """Return an RGB picture of an empty scene, larger than the frame (`canvas` says by how much).

    Args:
        scene: Name of the scene.
        size: Side of a frame in pixels.
        rng: The scene's generator, which fixes layout, colours and time of day.
    """
    if scene not in _PAINTERS:
        raise ValueError(f"Unknown scene {scene!r}; known scenes: {', '.join(SCENES)}.")
    canvas = Canvas(size, rng)
    _PAINTERS[scene][1](canvas)
    return _light(canvas.image, rng)


def _light(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Pale a scene, tint it by the time of day and let light fall off to one side."""
    tints = ((1.0, 1.0, 1.0), (1.04, 1.0, 0.93), (0.95, 0.99, 1.05), (1.03, 0.97, 0.98))
    tint = np.array(tints[rng.integers(4)]) * rng.uniform(0.93, 1.03)
    fall, side = rng.uniform(0.03, 0.14), rng.uniform(0.1, 0.9)
    x = np.linspace(0, 1, 24)[None] - side
    y = np.linspace(0, 1, 16)[:, None] - 0.3
    light = np.clip(255 * (1.0 - fall * (2 * x**2 + 1.2 * y**2)), 0, 255)
    mask = Image.fromarray(light.astype(np.uint8)).resize(image.size, Image.Resampling.BILINEAR)
    swap = rng.uniform(-0.04, 0.04)  # a little turn of the hue
    matrix = []
    for k in range(3):
        row = [0.0, 0.0, 0.0, 255 * PALE * 0.96]
        row[k] = (1 - PALE) * tint[k] * (1 - abs(swap))
        row[(k + 1) % 3] = (1 - PALE) * swap
        matrix += row
    pale = image.convert("RGB", tuple(matrix))
    return Image.composite(pale, Image.new("RGB", image.size, (70, 74, 92)), mask)
