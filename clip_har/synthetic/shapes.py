"""Outlines of tubes, ellipses and solids in the picture plane, for all frames at once.

Positions are in shares of the frame's side, x to the right and y down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from clip_har.synthetic.motion import Float

Colour = tuple[int, int, int]
BACKGROUND, PERSON, OBJECT = 0, 1, 2
_ARC = np.linspace(-np.pi / 2, np.pi / 2, 7)
_RING = np.linspace(0, 2 * np.pi, 20, endpoint=False)


@dataclass
class Palette:
    """Inks of one clip: a colour and a label each; ink 0 is the background.

    Attributes:
        colours: sRGB of each ink.
        labels: Label of each ink, 0 background, 1 person, 2 object.
    """

    colours: list[Colour] = field(default_factory=lambda: [(0, 0, 0)])
    labels: list[int] = field(default_factory=lambda: [BACKGROUND])

    def ink(self, colour: Colour, label: int = PERSON) -> int:
        """Return the number of a colour with a label; add it if it is new."""
        for number, known in enumerate(zip(self.colours, self.labels, strict=True)):
            if number and known == (colour, label):
                return number
        self.colours.append(colour)
        self.labels.append(label)
        return len(self.colours) - 1


@dataclass
class Layer:
    """Patches that are drawn together; nearer layers cover farther ones.

    Attributes:
        depth: Nearness to the camera in statures, ``(T,)``.
        patches: Outlines ``(T, K, 2)`` with their ink, in drawing order.
    """

    depth: Float
    patches: list[tuple[Float, int]] = field(default_factory=list)

    def add(self, outline: Float, ink: int) -> None:
        """Put a patch on top of the layer."""
        self.patches.append((outline, ink))


def shade(colour: Colour, factor: float) -> Colour:
    """Return a colour darkened (factor < 1) or lightened towards white (factor > 1)."""
    if factor <= 1:
        return _bytes(c * factor for c in colour)
    return _bytes(c + (255 - c) * (factor - 1) for c in colour)


def _bytes(values: object) -> Colour:
    r, g, b = (int(np.clip(round(v), 0, 255)) for v in values)  # type: ignore[attr-defined]
    return r, g, b


def unit(vector: Float) -> Float:
    """Return vectors ``(..., 2)`` of length 1; a zero vector points down."""
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    down = np.zeros_like(vector)
    down[..., 1] = 1
    return np.where(length < 1e-6, down, vector / np.maximum(length, 1e-9))


def tube(
    start: Float, end: Float, shares: Sequence[float], radii: Sequence[Float | float]
) -> Float:
    """Return the outline of a straight tube with round ends.

    Args:
        start: One end's centre, ``(T, 2)``.
        end: The other end's centre, ``(T, 2)``.
        shares: Stations between the ends, 0 to 1, ascending.
        radii: Radius at each station, a number or ``(T,)``.

    Returns:
        Outline ``(T, K, 2)``.
    """
    along = unit(end - start)
    across = np.stack([-along[:, 1], along[:, 0]], axis=-1)
    r = [np.broadcast_to(np.asarray(v, float), start.shape[:1])[:, None] for v in radii]
    spots = [start + (end - start) * s for s in shares]
    cap = [spots[-1] + r[-1] * (np.cos(a) * along - np.sin(a) * across) for a in _ARC]
    foot = [spots[0] + r[0] * (-np.cos(a) * along + np.sin(a) * across) for a in _ARC]
    up = [c + q * across for c, q in zip(spots[1:-1], r[1:-1], strict=True)]
    down = [c - q * across for c, q in zip(spots[1:-1], r[1:-1], strict=True)]
    return np.stack([*up, *cap, *reversed(down), *foot], axis=1)


def capsule(start: Float, end: Float, first: Float | float, last: Float | float) -> Float:
    """Return the outline of a tapered capsule, ``(T, K, 2)``."""
    return tube(start, end, (0, 1), (first, last))


def disc(centre: Float, radius: Float | float) -> Float:
    """Return the outline of a disc, ``(T, 20, 2)``.

    Args:
        centre: ``(T, 2)``.
        radius: A number or ``(T,)``.
    """
    r = np.broadcast_to(np.asarray(radius, float), centre.shape[:1])[:, None, None]
    ring = np.stack([np.cos(_RING), np.sin(_RING)], axis=-1)
    return np.asarray(centre[:, None] + r * ring)


def ellipse(centre: Float, first: Float, second: Float, chin: float = 0.0) -> Float:
    """Return the outline of an ellipse, ``(T, 20, 2)``.

    Args:
        centre: ``(T, 2)``.
        first: One half axis, ``(T, 2)``.
        second: The other half axis, ``(T, 2)``, pointing to the narrower end.
        chin: How much narrower the end of the second axis is, 0 to 1.
    """
    narrow = 1 - chin * np.maximum(np.sin(_RING), 0) ** 2
    return np.asarray(
        centre[:, None]
        + first[:, None] * (np.cos(_RING) * narrow)[:, None]
        + second[:, None] * np.sin(_RING)[:, None]
    )


def smooth(outline: Float) -> Float:
    """Cut the corners of closed outlines once (Chaikin 1974): ``(T, K, 2)`` to ``(T, 2K, 2)``."""
    after = np.roll(outline, -1, axis=1)
    cut = np.stack([0.75 * outline + 0.25 * after, 0.25 * outline + 0.75 * after], axis=2)
    return cut.reshape(outline.shape[0], -1, 2)
