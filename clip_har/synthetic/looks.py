"""Sample what a person looks like: a body for each subject, clothes for each clip."""

import colorsys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clip_har.core.seeding import generator
from clip_har.synthetic.shapes import Colour
from clip_har.synthetic.skeleton import Body

Hair = Literal["short", "long", "bun", "tail", "afro", "buzz", "cap", "scarf"]
HAIR: tuple[Hair, ...] = ("short", "long", "bun", "tail", "afro", "buzz", "cap", "scarf")
SKIN: tuple[Colour, ...] = (
    (236, 196, 168), (224, 177, 144), (206, 156, 120), (184, 130, 94),
    (158, 106, 74), (128, 84, 58), (100, 64, 44), (76, 48, 36),
)  # fmt: skip
HAIR_COLOURS: tuple[Colour, ...] = (
    (30, 24, 22), (52, 34, 24), (84, 54, 32), (124, 82, 44), (150, 66, 34), (136, 132, 130),
    (188, 152, 92),
)  # fmt: skip


@dataclass(frozen=True)
class Looks:
    """Appearance of a person in one clip; nothing here depends on the action.

    Attributes:
        body: Proportions.
        skin: Skin colour.
        hair: Hair style.
        hair_colour: Colour of hair, cap or scarf.
        sleeves: Share of the arm that is covered, 0 to 1.
        legs: Share of the leg that is covered, 0 to 1.
        top: Colour of the top.
        bottom: Colour of trousers or shorts.
        shoes: Colour of the shoes.
        trim: Colour of stripes.
        pattern: How the top is patterned.
        coat: The top reaches to the thighs.
    """

    body: Body
    skin: Colour
    hair: Hair
    hair_colour: Colour
    sleeves: float
    legs: float
    top: Colour
    bottom: Colour
    shoes: Colour
    trim: Colour
    pattern: Literal["plain", "band", "hoops"]
    coat: bool


def sample_looks(seed: int, subject: str, clip_id: str) -> Looks:
    """Sample the looks of a subject in a clip.

    Args:
        seed: The data set's seed.
        subject: Fixes body, skin and hair.
        clip_id: Fixes the clothes.
    """
    rng = generator(seed, "looks", subject)
    long_legs, long_arms = rng.uniform(0.96, 1.04), rng.uniform(0.96, 1.05)
    body = Body(
        thigh=0.232 * long_legs, shank=0.226 * long_legs,
        lumbar=0.125 * (1.6 - 0.6 * long_legs), thorax=0.185 * (1.6 - 0.6 * long_legs),
        upper_arm=0.172 * long_arms, forearm=0.146 * long_arms,
        shoulder=rng.uniform(0.106, 0.126), hip=rng.uniform(0.051, 0.060),
        head=rng.uniform(0.145, 0.162), girth=rng.uniform(0.94, 1.24),
    )  # fmt: skip
    skin = SKIN[rng.integers(len(SKIN))]
    hair = HAIR[rng.integers(len(HAIR))]
    colour = HAIR_COLOURS[rng.integers(len(HAIR_COLOURS))]
    if hair in ("cap", "scarf"):
        colour = _cloth(rng)
    rng = generator(seed, "clothes", clip_id)
    top = _cloth(rng)
    suit = rng.random() < 0.15  # one colour from top to bottom, as scrubs or a track suit
    pattern: Literal["plain", "band", "hoops"]
    draw = rng.random()
    pattern = "band" if draw < 0.2 else "hoops" if draw < 0.35 else "plain"
    return Looks(
        body=body, skin=skin, hair=hair, hair_colour=colour,
        sleeves=float(rng.choice([0.0, 0.30, 0.30, 0.52, 1.0, 1.0])),
        legs=float(rng.choice([0.36, 0.44, 1.0, 1.0, 1.0])),
        top=top, bottom=top if suit else _cloth(rng),
        shoes=_cloth(rng, value=(0.15, 0.5)), trim=_cloth(rng, value=(0.6, 0.9)),
        pattern=pattern, coat=bool(rng.random() < 0.12),
    )  # fmt: skip


def _cloth(rng: np.random.Generator, value: tuple[float, float] = (0.28, 0.62)) -> Colour:
    """Return a saturated colour, or now and then one close to grey; dark on pale scenes."""
    grey = rng.random() < 0.15
    saturation = rng.uniform(0.05, 0.15) if grey else rng.uniform(0.55, 0.95)
    r, g, b = colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(*value))
    return int(r * 255), int(g * 255), int(b * 255)
