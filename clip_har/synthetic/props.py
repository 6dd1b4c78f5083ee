"""Build the objects that actions use, as solids in the person's space, and draw them."""

import colorsys
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clip_har.synthetic.camera import Camera
from clip_har.synthetic.motion import Float, Motion
from clip_har.synthetic.moves_objects import KICK, LADDER_FOOT, LADDER_LEAN, RELEASE, RUNG, SEAT
from clip_har.synthetic.shapes import OBJECT, Colour, Layer, Palette, capsule, disc, shade, unit
from clip_har.synthetic.skeleton import Skeleton

_EDGE = 0.006
_CIRCLE = np.linspace(0, 2 * np.pi, 24, endpoint=False)


@dataclass
class Solid:
    """A part of an object.

    Attributes:
        kind: A round bar from point to point, a ball, a flat polygon, or an upright can.
        points: ``(T, K, 3)`` as (forward, up, left) in statures.
        radius: Radius of the bar or ball in statures.
        colour: sRGB.
        lift: Added to the depth in statures; decides what is in front.
        framed: Whether the camera keeps it in the frame.
    """

    kind: Literal["bar", "ball", "plate", "can"]
    points: Float
    radius: float
    colour: Colour
    lift: float = 0.0
    framed: bool = True


def _spot(frames: int, *points: tuple[float, float, float]) -> Float:
    """Return points that do not move, ``(T, K, 3)``."""
    return np.repeat(np.array(points, float)[None], frames, axis=0)


def _bright(rng: np.random.Generator) -> Colour:
    r, g, b = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.6, 0.95), rng.uniform(0.5, 0.85))
    return int(r * 255), int(g * 255), int(b * 255)


def football(skeleton: Skeleton, motion: Motion, rng: np.random.Generator) -> list[Solid]:
    """A ball that lies in front of the foot until it is kicked."""
    phase, r = motion["phase"], 0.066
    free = np.maximum(phase - KICK, 0) * rng.uniform(4.2, 5.6)
    up = r + free * 0.42 - 0.04 * free**2
    at = np.stack([0.31 + free, up, np.full_like(free, -0.05)], axis=-1)[:, None]
    colour = (240, 240, 236) if rng.random() < 0.4 else _bright(rng)
    return [
        Solid("ball", at, r, colour, framed=False),
        Solid(
            "ball",
            at + np.array([0.012, 0.012, 0]),
            r * 0.40,
            shade(colour, 0.35),
            0.02,
            framed=False,
        ),
    ]


def thrown_ball(skeleton: Skeleton, motion: Motion, rng: np.random.Generator) -> list[Solid]:
    """A ball in the hand until it is released."""
    held = skeleton.joints["r.hand"] + [0.02, 0.035, 0.0]
    phase = motion["phase"]
    free = np.maximum(phase - RELEASE, 0)[:, None]
    last = held[max(int(np.searchsorted(phase, RELEASE, side="right")) - 1, 0)]
    gone = last + np.concatenate([free * 6.0, free * 0.9 - 3.0 * free**2, 0 * free], axis=1)
    at = np.where(free > 0, gone, held)[:, None]
    return [Solid("ball", at, 0.050, _bright(rng), 0.08, framed=False)]


def chair(skeleton: Skeleton, motion: Motion, rng: np.random.Generator) -> list[Solid]:
    """A chair behind the person."""
    n, colour, wide = motion.frames, _bright(rng), 0.135
    frame = shade(colour, 0.55) if rng.random() < 0.5 else (84, 78, 76)
    front, back, top = -0.07, -0.40, SEAT + rng.uniform(0.30, 0.40)
    slope = rng.uniform(0.03, 0.09)
    solids = [
        Solid("plate", _spot(n, (front, SEAT, wide), (front, SEAT, -wide), (back, SEAT, -wide),
                             (back, SEAT, wide)), 0.014, colour, -0.3),
        Solid("plate", _spot(n, (back, SEAT + 0.09, wide), (back, SEAT + 0.09, -wide),
                             (back - slope, top, -wide), (back - slope, top, wide)),
              0.012, shade(colour, 0.85), -0.35),
    ]  # fmt: skip
    for left in (wide, -wide):
        # the side nearer to the camera may hide the person, the other may not
        for foot, head in (((front + 0.02, 0.0), (front - 0.01, SEAT)),
                           ((back - 0.03, 0.0), (back - slope, top))):  # fmt: skip
            ends = _spot(n, (*foot, left), (*head, left))
            solids.append(Solid("bar", ends, 0.013, frame))
    return solids


def barbell(skeleton: Skeleton, motion: Motion, rng: np.random.Generator) -> list[Solid]:
    """A barbell in both hands."""
    palm = {s: 0.45 * skeleton.joints[f"{s}.wrist"] + 0.55 * skeleton.joints[f"{s}.hand"]
            for s in "lr"}  # fmt: skip
    middle = (palm["l"] + palm["r"]) / 2
    across = palm["l"] - palm["r"]
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    half = 0.40
    bar = np.stack([middle - half * across, middle + half * across], axis=1)
    solids = [Solid("bar", bar, 0.011, (118, 122, 130), 0.02)]
    colour, size = _bright(rng), rng.uniform(0.105, 0.135)
    for sign in (-1.0, 1.0):
        for offset, radius, tone in ((0.30, size, 1.0), (0.35, size * 0.78, 0.8)):
            hub = middle + across * sign * offset
            for inner in (-0.014, 0.014):
                rim = _wheel(hub + across * inner, radius)
                solids.append(Solid("plate", rim, 0.016, shade(colour, tone), 0.03 + sign * inner))
    return solids


def cup(skeleton: Skeleton, motion: Motion, rng: np.random.Generator) -> list[Solid]:
    """A cup in the right hand, which tips towards the mouth."""
    chest, tip = skeleton.frames["chest"], np.deg2rad(motion["tip"])
    base = 0.35 * skeleton.joints["r.wrist"] + 0.65 * skeleton.joints["r.hand"]
    axis = chest[:, :, 1] * np.cos(tip)[:, None] - chest[:, :, 0] * np.sin(tip)[:, None]
    front = chest[:, :, 1] * np.sin(tip)[:, None] + chest[:, :, 0] * np.cos(tip)[:, None]
    base = base + front * 0.012
    tall, wide = rng.uniform(0.062, 0.078), rng.uniform(0.036, 0.042)
    body = np.stack([base - axis * tall * 0.45, base + axis * tall], axis=1)
    colour = (236, 236, 230) if rng.random() < 0.3 else _bright(rng)
    ear = base + front * (wide + 0.014) + axis * 0.018
    ring = np.stack([ear - axis * 0.018, ear + axis * 0.022], axis=1)
    stripe = np.stack([base + axis * tall * 0.15, base + axis * tall * 0.35], axis=1)
    return [
        Solid("bar", ring, 0.012, shade(colour, 0.75), 0.05, framed=False),
        Solid("can", body, wide, colour, 0.07),
        Solid("can", stripe, wide * 0.9, shade(colour, 0.55), 0.08),
    ]


def mop(skeleton: Skeleton, motion: Motion, rng: np.random.Generator) -> list[Solid]:
    """A mop whose pole runs through both hands."""
    top = np.stack([motion[f"top.{n}"] for n in "ful"], axis=-1)
    foot = np.stack([motion[f"mop.{n}"] for n in "ful"], axis=-1)
    along = (foot - top) / np.linalg.norm(foot - top, axis=-1, keepdims=True)
    pole = np.stack([top - along * 0.10, foot - along * 0.03], axis=1)
    colour, cloth = _bright(rng), (214, 208, 196) if rng.random() < 0.5 else _bright(rng)
    solids = [Solid("bar", pole, 0.0125, colour, 0.06)]
    spread = (-0.10, -0.05, 0.0, 0.05, 0.10)
    for number, f in enumerate(spread):
        for left in (-0.05, 0.05):
            end = foot + np.array([f, -0.014, left])
            strand = np.stack([foot - along * 0.07, end], axis=1)
            tone = shade(cloth, 0.78 if number % 2 else 1.0)
            solids.append(Solid("bar", strand, 0.022, tone, 0.02))
    return solids


def wheelchair(skeleton: Skeleton, motion: Motion, rng: np.random.Generator) -> list[Solid]:
    """An empty wheelchair pushed by its handles."""
    hands = (skeleton.joints["l.hand"] + skeleton.joints["r.hand"]) / 2
    grip_up = float(hands[:, 1].mean())
    # it rolls evenly: the hands give a little, not the wheels
    beat = np.arange(len(hands))
    f0 = np.polyval(np.polyfit(beat, hands[:, 0], min(1, len(hands) - 1)), beat)
    colour, frame = _bright(rng), (92, 96, 104)
    big, wide = 0.165, 0.125
    hub, spin = (0.16, big), -(f0 - f0[0]) / big
    solids: list[Solid] = []

    def at(*points: tuple[float, float, float]) -> Float:
        found = _spot(len(hands), *points)
        found[..., 0] += f0[:, None]
        return found

    seat, back, front = 0.255, 0.09, 0.36
    solids.append(Solid("plate", at((back, seat, wide), (front, seat, wide), (front, seat, -wide),
                                    (back, seat, -wide)), 0.016, colour, 0.01))  # fmt: skip
    solids.append(Solid("plate", at((back - 0.02, seat, wide), (back - 0.02, seat, -wide),
                                    (back - 0.05, grip_up - 0.06, -wide),
                                    (back - 0.05, grip_up - 0.06, wide)),
                        0.012, shade(colour, 0.8), 0.0))  # fmt: skip
    for left in (wide + 0.015, -wide - 0.015):
        bars = [((back - 0.02, seat), (back - 0.055, grip_up)),
                ((back - 0.055, grip_up), (-0.03, grip_up)),
                ((back, 0.37), (front - 0.05, 0.37)), ((front - 0.05, 0.37), (front, seat)),
                ((front, seat), (front + 0.07, 0.06)), ((front + 0.05, 0.05), (front + 0.15, 0.06)),
                ((hub[0], hub[1]), (back - 0.01, seat))]  # fmt: skip
        for a, b in bars:
            solids.append(Solid("bar", at((*a, left), (*b, left)), 0.011, frame))
        solids.append(Solid("ball", at((front + 0.03, 0.042, left)), 0.042, (60, 60, 64)))
        solids.append(Solid("ball", at((front + 0.03, 0.042, left)), 0.018, (150, 152, 156), 0.01))
        side = left * 1.15
        tyre = _tyre(at((*hub, side))[:, 0], big, 0.84)
        solids.append(Solid("plate", tyre, 0.0, (54, 54, 58)))
        for spoke in range(3):
            turn = spin + spoke * np.pi / 3
            arm = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=-1) * big * 0.86
            middle = at((*hub, side))[:, 0]
            ends = np.stack([middle - arm, middle + arm], axis=1)
            solids.append(Solid("bar", ends, 0.004, (140, 142, 148), -0.002))
    return solids


def ladder(skeleton: Skeleton, motion: Motion, rng: np.random.Generator) -> list[Solid]:
    """A ladder that leans against something outside of the frame."""
    n, tall, wide = motion.frames, 1.72, 0.125
    colour: Colour = (150, 104, 58) if rng.random() < 0.5 else _bright(rng)
    solids = []
    for count in range(1, int(tall / RUNG)):
        up = count * RUNG
        f = LADDER_FOOT + LADDER_LEAN * up
        ends = _spot(n, (f, up, wide), (f, up, -wide))
        solids.append(Solid("bar", ends, 0.012, shade(colour, 0.85), -0.3, framed=False))
    for left in (wide, -wide):
        ends = _spot(n, (LADDER_FOOT, 0.0, left), (LADDER_FOOT + LADDER_LEAN * tall, tall, left))
        solids.append(Solid("bar", ends, 0.017, colour, -0.25, framed=False))
    return solids


def _wheel(hub: Float, radius: float) -> Float:
    """Return a circle in the plane of forward and up, ``(T, 24, 3)``."""
    ring = np.stack([np.cos(_CIRCLE), np.sin(_CIRCLE), 0 * _CIRCLE], axis=-1)
    return np.asarray(hub[:, None] + ring * radius)


def _tyre(hub: Float, radius: float, inner: float) -> Float:
    """Return a ring as one outline with a slit, ``(T, 50, 3)``."""
    closed = np.append(_CIRCLE, 2 * np.pi)
    ring = np.stack([np.cos(closed), np.sin(closed), 0 * closed], axis=-1) * radius
    return np.asarray(hub[:, None] + np.concatenate([ring, ring[::-1] * inner])[None])


def _can(foot: Float, head: Float, r: Float) -> Float:
    """Return a beaker's outline with flat ends, wider at the head, ``(T, 4, 2)``."""
    along = unit(head - foot)
    across = np.stack([-along[:, 1], along[:, 0]], axis=-1) * r[:, None]
    return np.stack([foot - across * 0.8, foot + across * 0.8, head + across, head - across], 1)


def object_layers(solids: list[Solid], camera: Camera, palette: Palette) -> list[Layer]:
    """Return the solids as layers, each at its own depth.

    Args:
        solids: Parts of the object.
        camera: Projection.
        palette: Stores the inks.
    """
    layers, size = [], camera.size
    for solid in solids:
        flat = camera.seen(solid.points)
        near = camera.turned(solid.points)[..., 2].mean(axis=1) + solid.lift
        layer = Layer(near)
        dark = palette.ink(shade(solid.colour, 0.5), OBJECT)
        base = palette.ink(solid.colour, OBJECT)
        light = palette.ink(shade(solid.colour, 1.25), OBJECT)
        r = solid.radius * size
        edge = _EDGE * size
        if solid.kind == "ball":
            layer.add(disc(flat[:, 0], r + edge), dark)
            layer.add(disc(flat[:, 0], r), base)
            layer.add(disc(flat[:, 0] - (0.3 * r)[:, None] * [0.7, 1.0], r * 0.45), light)
        elif solid.kind == "can":
            layer.add(_can(flat[:, 0], flat[:, 1], r + edge), dark)
            layer.add(_can(flat[:, 0], flat[:, 1], r), base)
        elif solid.kind == "bar":
            a, b = flat[:, 0], flat[:, 1]
            layer.add(capsule(a, b, r + edge, r + edge), dark)
            layer.add(capsule(a, b, r, r), base)
            shift = -(0.3 * r)[:, None] * [0.7, 1.0]
            layer.add(capsule(a + shift, b + shift, 0.4 * r, 0.4 * r), light)
        else:
            if solid.radius:  # thickness, so that a plate seen edge-on is still there
                for k in range(0, flat.shape[1], max(1, flat.shape[1] // 8)):
                    after = flat[:, (k + max(1, flat.shape[1] // 8)) % flat.shape[1]]
                    layer.add(capsule(flat[:, k], after, 0.5 * r + edge, 0.5 * r + edge), dark)
            layer.add(flat, base)
        layers.append(layer)
    return layers
