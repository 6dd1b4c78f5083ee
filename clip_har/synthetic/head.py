"""Draw a head that shows where it looks: face, eyes, nose, ear and hair."""

from collections.abc import Mapping

import numpy as np

from clip_har.synthetic.looks import Looks
from clip_har.synthetic.motion import Float
from clip_har.synthetic.shapes import Layer, Palette, capsule, disc, ellipse, shade, unit

_EDGE = 0.0075


def head_layers(
    looks: Looks,
    palette: Palette,
    *,
    at: Mapping[str, Float],
    size: Float,
    axes: Float,
    depth: Float,
) -> list[Layer]:
    """Return the head and neck, and what hangs behind them.

    Args:
        looks: Skin, hair and size of the head.
        palette: Stores the inks.
        at: Joints in the frame by name, ``(T, 2)``.
        size: Statures to shares of the frame, ``(T,)``.
        axes: The head's forward, up and left as (right, down, near), ``(T, 3, 3)``.
        depth: Nearness, ``(T,)``.
    """
    layer = Layer(depth)
    ahead, up, left = axes[:, 0], axes[:, 1], axes[:, 2]
    tall = looks.body.head / 2 * size  # half height of the head in shares of the frame
    centre = at["head"]
    rise = up[:, :2] * tall[:, None]
    normal = np.stack([-unit(up[:, :2])[:, 1], unit(up[:, :2])[:, 0]], axis=-1)
    # half width of an ellipsoid that is deeper than wide
    width = np.hypot(
        np.sum(ahead[:, :2] * normal, -1) * 0.88, np.sum(left[:, :2] * normal, -1) * 0.76
    )
    side = normal * (width * tall)[:, None]
    edge = (_EDGE * size)[:, None]
    skin, dark = palette.ink(looks.skin), palette.ink(shade(looks.skin, 0.55))
    hair, rim = palette.ink(looks.hair_colour), palette.ink(shade(looks.hair_colour, 0.5))
    gloss = palette.ink(shade(looks.hair_colour, 1.14))
    neck = (0.028 * (0.6 + 0.4 * looks.body.girth)) * size
    throat = (rim, hair) if looks.hair == "scarf" else (dark, skin)
    for extra, ink in zip((_EDGE, 0.0), throat, strict=True):
        layer.add(capsule(at["neck"], centre - rise * 0.4, neck + extra * size, neck), ink)
    back = -ahead[:, :2] * tall[:, None]
    # from the front, long hair is behind the trunk; from the side or back it is in front of it
    behind = Layer(depth - 0.04 - 0.25 * np.clip(ahead[:, 2] - 0.25, 0, 1))
    _hair_behind(looks, behind, (centre, back, rise, tall), (rim, hair), edge[:, 0])
    puff = {"afro": 1.30, "buzz": 1.0, "scarf": 1.12}.get(looks.hair, 1.06)
    bulk = centre + rise * (0.10 if puff > 1.2 else 0.04)
    skull = (side * puff, rise * -puff)
    grow = 1 + edge / np.maximum(np.linalg.norm(skull[0], axis=-1, keepdims=True), 1e-6)
    layer.add(ellipse(bulk, skull[0] * grow, skull[1] * (1 + edge / tall[:, None]), 0.12), rim)
    layer.add(ellipse(bulk, *skull, 0.12), hair)
    _face(looks, layer, (centre, ahead, up, left, tall), normal, palette)
    shine = bulk + rise * 0.52 * puff + np.array([-0.2, -0.1]) * tall[:, None]
    layer.add(ellipse(shine, side * 0.42, rise * 0.22), gloss)
    if looks.hair == "cap":
        visor = centre + rise * 0.42
        tip = visor + ahead[:, :2] * (tall * 1.35)[:, None]
        layer.add(capsule(visor + ahead[:, :2] * (tall * 0.5)[:, None], tip,
                          0.24 * tall, 0.13 * tall), rim)  # fmt: skip
    return [behind, layer]


def _face(
    looks: Looks,
    layer: Layer,
    head: tuple[Float, Float, Float, Float, Float],
    normal: Float,
    palette: Palette,
) -> None:
    """Draw the face where the head looks, nothing when it looks away."""
    centre, ahead, up, left, tall = head
    skin, dark = palette.ink(looks.skin), palette.ink(shade(looks.skin, 0.62))
    facing = ahead[:, 2]
    shown = np.clip((facing + 0.55) * 4, 0, 1)
    t = tall[:, None]
    rise = up[:, :2] * t
    drop = {"buzz": 0.02, "cap": 0.24, "scarf": 0.10}.get(looks.hair, 0.16)
    wide = (0.52 + 0.22 * np.clip(facing, -0.5, 1)) * shown * tall
    face = centre + ahead[:, :2] * t * 0.36 * shown[:, None] - rise * drop
    jaw = rise * -(0.86 - drop * 0.35) * shown[:, None]
    layer.add(ellipse(face, normal * wide[:, None], jaw, 0.30), skin)
    nose = centre + ahead[:, :2] * t * 0.84 - rise * 0.16
    tip = nose + (ahead[:, :2] * 0.20 - up[:, :2] * 0.10) * t
    layer.add(capsule(nose, tip, 0.11 * tall * shown, 0.08 * tall * shown), skin)
    lip = palette.ink(shade(looks.skin, 0.66))
    brow = palette.ink((34, 26, 24))
    mouth = centre + ahead[:, :2] * t * 0.80 - rise * 0.52
    half = left[:, :2] * t * 0.22 + ahead[:, :2] * t * 0.06
    seen = np.clip((facing + 0.35) * 4, 0, 1) * tall
    layer.add(capsule(mouth - half, mouth + half, 0.055 * seen, 0.055 * seen), lip)
    for sign in (1.0, -1.0):
        spot = ahead * 0.80 + left * (0.36 * sign) + up * 0.04
        open_ = np.clip((spot[:, 2] + 0.12) * 6, 0, 1) * tall
        eye = centre + spot[:, :2] * t
        layer.add(disc(eye, 0.105 * open_), brow)
        line = left[:, :2] * t * 0.13
        arch = eye + rise * 0.22
        layer.add(capsule(arch - line, arch + line, 0.035 * open_, 0.035 * open_), brow)
        ear = left * (0.80 * sign) - up * 0.06
        out = np.clip((ear[:, 2] - 0.15) * 5, 0, 1) * tall
        if looks.hair not in ("scarf", "long", "afro"):
            layer.add(disc(centre + ear[:, :2] * t, 0.19 * out), dark)
            layer.add(disc(centre + ear[:, :2] * t, 0.14 * out), skin)


def _hair_behind(
    looks: Looks,
    layer: Layer,
    head: tuple[Float, Float, Float, Float],
    inks: tuple[int, int],
    edge: Float,
) -> None:
    """Draw hair that hangs or stands behind the head; it lags behind quick moves."""
    centre, back, rise, tall = head
    if looks.hair not in ("long", "bun", "tail", "scarf"):
        return
    lag = np.zeros_like(centre)
    if len(centre) > 1:
        lag[1:] = np.clip((centre[:-1] - centre[1:]) * 0.9, -0.5 * tall[:, None][1:],
                          0.5 * tall[:, None][1:])  # fmt: skip
    down = np.array([0.0, 1.0]) * tall[:, None]
    if looks.hair == "bun":
        knot = centre + back * 0.62 + rise * 0.92
        shapes = [(knot, knot, 0.40, 0.40)]
    elif looks.hair == "tail":
        knot = centre + back * 0.95 + rise * 0.45
        shapes = [(knot, knot + back * 0.55 + down * 1.35 + lag, 0.22, 0.16)]
    else:
        length = 1.35 if looks.hair == "long" else 1.05
        tip = centre + back * 0.45 + down * length - rise * 0.1 + lag * 0.6
        shapes = [(centre + back * 0.22, tip, 0.80, 0.62)]
    for extra, ink in ((1.0, inks[0]), (0.0, inks[1])):
        for start, end, first, last in shapes:
            layer.add(capsule(start, end, first * tall + extra * edge,
                              last * tall + extra * edge), ink)  # fmt: skip
