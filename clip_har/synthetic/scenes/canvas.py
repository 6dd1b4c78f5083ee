"""A canvas for scenes, in shares of the frame's side, wider and taller than the frame."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from clip_har.synthetic.shapes import Colour

LEFT, RIGHT, TOP, BOTTOM = -0.55, 1.55, -0.08, 1.08
DENSITY = 2.0  # canvas pixels per frame pixel
Point = tuple[float, float]


class Canvas:
    """Paint in frame coordinates: x to the right, y down, the frame at rest is [0, 1].

    Args:
        size: Side of a frame in pixels.
        rng: The scene's generator.
    """

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.rng, self.unit = rng, size * DENSITY
        self.width = round((RIGHT - LEFT) * self.unit)
        self.height = round((BOTTOM - TOP) * self.unit)
        self.image = Image.new("RGB", (self.width, self.height))
        self.draw = ImageDraw.Draw(self.image, "RGBA")

    def spots(self, points: list[Point]) -> list[float]:
        """Return points in canvas pixels, flat."""
        return [v for x, y in points for v in ((x - LEFT) * self.unit, (y - TOP) * self.unit)]

    def poly(self, points: list[Point], colour: Colour, alpha: int = 255) -> None:
        """Fill a polygon."""
        self.draw.polygon(self.spots(points), fill=(*colour, alpha))

    def rect(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour, alpha: int = 255
    ) -> None:
        """Fill a rectangle."""
        self.draw.rectangle(self.spots([(x0, y0), (x1, y1)]), fill=(*colour, alpha))

    def box(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour, edge: float = 0.006
    ) -> None:
        """Fill a rectangle with a darker rim, a lit upper and left and a dark lower part."""
        self.rect(x0, y0, x1, y1, tone(colour, 0.72))
        self.rect(x0 + edge, y0 + edge, x1 - edge, y1 - edge, colour)
        self.rect(x0 + edge, y0 + edge, x1 - edge, y0 + 2 * edge, tone(colour, 1.2))

    def oval(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, alpha: int = 255
    ) -> None:
        """Fill an ellipse around (x, y)."""
        self.draw.ellipse(self.spots([(x - rx, y - ry), (x + rx, y + ry)]), fill=(*colour, alpha))

    def line(
        self, points: list[Point], colour: Colour, width: float = 0.006, alpha: int = 255
    ) -> None:
        """Draw a line of a width in shares of the frame."""
        pixels = max(1, round(width * self.unit))
        self.draw.line(self.spots(points), fill=(*colour, alpha), width=pixels, joint="curve")

    def fade(self, y0: float, y1: float, top: Colour, bottom: Colour) -> None:
        """Fill a band with a vertical gradient."""
        first, last = (round((y - TOP) * self.unit) for y in (y0, y1))
        first, last = max(first, 0), min(max(last, first + 1), self.height)
        share = np.linspace(0, 1, last - first)[:, None]
        column = np.asarray(top) * (1 - share) + np.asarray(bottom) * share
        strip = Image.fromarray(column.astype(np.uint8)[:, None, :])
        self.image.paste(strip.resize((self.width, last - first)), (0, first))

    def texture(self, y0: float, y1: float, amount: float, stretch: float = 1.0,
                grain: float = 0.012) -> None:  # fmt: skip
        """Roughen a band with noise of two sizes.

        Args:
            y0: Upper end.
            y1: Lower end.
            amount: Strength, 0 to 1.
            stretch: Width of a grain over its height.
            grain: Height of the coarse grain in shares of the frame.
        """
        first = max(round((y0 - TOP) * self.unit), 0)
        last = min(round((y1 - TOP) * self.unit), self.height)
        if last <= first:
            return
        shape = (last - first, self.width)
        coarse = self.noise(shape, grain * stretch, grain)
        fine = self.noise(shape, 0.006 * max(1.0, stretch / 2), 0.006)
        light = coarse.astype(np.int16) + fine - 255  # (h, w) in [-255, 255]
        band = np.asarray(self.image.crop((0, first, self.width, last))).astype(np.int16)
        band = band + ((light * round(amount * 64)) >> 8)[..., None]
        self.image.paste(Image.fromarray(np.clip(band, 0, 255).astype(np.uint8)), (0, first))

    def noise(self, shape: tuple[int, int], x: float, y: float) -> NDArray[np.uint8]:
        """Return smooth noise of a shape with grains of ``x`` by ``y`` shares of the frame."""
        small = (
            max(2, min(shape[1], round(shape[1] / max(x * self.unit, 1)))),
            max(2, min(shape[0], round(shape[0] / max(y * self.unit, 1)))),
        )
        values = np.frombuffer(self.rng.bytes(small[0] * small[1]), np.uint8)
        image = Image.fromarray(values.reshape(small[1], small[0]))
        return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))

    def repeat(self, step: float, jitter: float = 0.0) -> list[float]:
        """Return places along the canvas's width, ``step`` apart, from a random start."""
        start = LEFT - step * self.rng.random()
        count = int((RIGHT - start) / step) + 2
        places = start + step * np.arange(count)
        return list(places + jitter * step * self.rng.uniform(-0.5, 0.5, count))

    def pick(self, *colours: Colour) -> Colour:
        """Return one of the colours."""
        return colours[self.rng.integers(len(colours))]

    def vary(self, low: float, high: float) -> float:
        """Return a number between two."""
        return float(self.rng.uniform(low, high))

    def depth_lines(self, horizon: float, step: float, colour: Colour, width: float = 0.004,
                    alpha: int = 255, fan: float = 3.2) -> None:  # fmt: skip
        """Draw lines on the floor that run to the horizon, ``step`` apart at the lower end."""
        centre = 0.5 + self.vary(-0.2, 0.2)
        count = int(fan * 1.2 / step)
        offset = self.vary(0, 1)
        for k in range(-count, count):
            x = centre + (k + offset) * step * 1.9
            near = centre + (x - centre) * 1.0
            far = centre + (x - centre) * 0.42
            self.line([(far, horizon), (near, BOTTOM)], colour, width, alpha)

    def rows(self, horizon: float, count: int, colour: Colour, width: float = 0.004,
             alpha: int = 255) -> None:  # fmt: skip
        """Draw level lines on the floor, closer together towards the horizon."""
        for k in range(1, count + 1):
            y = horizon + (BOTTOM - horizon) * (k / count) ** 1.6
            self.line([(LEFT, y), (RIGHT, y)], colour, width, alpha)


def tone(colour: Colour, factor: float) -> Colour:
    """Return a colour darker (factor < 1) or closer to white (factor > 1)."""
    if factor <= 1:
        r, g, b = (round(c * factor) for c in colour)
    else:
        r, g, b = (round(min(255, c + (255 - c) * (factor - 1))) for c in colour)
    return r, g, b
