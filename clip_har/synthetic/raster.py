"""Turn layers into pixels: colours, coverage and labels come from one index picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from clip_har.synthetic.shapes import OBJECT, PERSON, Layer, Palette

Byte = NDArray[np.uint8]
SAMPLES = 3  # per pixel and direction: 9 samples decide a pixel, without ties


@dataclass
class Cutout:
    """The person and the object without a scene.

    Attributes:
        colour: sRGB premultiplied by coverage, ``(T, H, W, 3)``.
        cover: Share of each pixel that is person or object, ``(T, H, W)`` from 0 to 255.
        labels: 0 background, 1 person, 2 object, ``(T, H, W)``.
    """

    colour: Byte
    cover: Byte
    labels: Byte


def rasterise(layers: list[Layer], palette: Palette, *, size: int, frames: int) -> Cutout:
    """Draw layers back to front at 3 x 3 samples a pixel and average.

    A pixel belongs to the foreground if at least 5 of its 9 samples do. Then it belongs to the
    person if at least as many samples show the person as the object, and otherwise to the object.

    Args:
        layers: What to draw.
        palette: Colour and label of each ink.
        size: Side of a frame in pixels.
        frames: ``T``.
    """
    order = np.argsort(np.stack([layer.depth for layer in layers]), axis=0, kind="stable")
    fine = size * SAMPLES
    # Pillow's whole coordinates are the centres of samples, ours their upper left corners
    scaled = [[(p * fine - 0.5, ink) for p, ink in layer.patches] for layer in layers]
    flat = np.array(palette.colours, dtype=np.uint8).ravel().tolist()
    person = [255 if label == PERSON else 0 for label in palette.labels]
    objects = [255 if label == OBJECT else 0 for label in palette.labels]
    pad = [0] * (256 - len(palette.labels))
    result = Cutout(
        np.empty((frames, size, size, 3), np.uint8),
        np.empty((frames, size, size), np.uint8),
        np.empty((frames, size, size), np.uint8),
    )
    for t in range(frames):
        index = Image.new("L", (fine, fine))
        draw = ImageDraw.Draw(index)
        for number in order[:, t]:
            for outline, ink in scaled[number]:
                draw.polygon(outline[t].ravel().tolist(), fill=ink)
        persons = np.asarray(index.point(person + pad).reduce(SAMPLES))
        covered = np.asarray(index.point(objects + pad).reduce(SAMPLES))
        index.putpalette(flat)
        result.colour[t] = np.asarray(index.convert("RGB").reduce(SAMPLES))
        cover = persons.astype(np.uint16) + covered
        result.cover[t] = np.minimum(cover, 255)
        result.labels[t] = np.where(cover >= 128, np.where(persons >= covered, PERSON, OBJECT), 0)
    return result
