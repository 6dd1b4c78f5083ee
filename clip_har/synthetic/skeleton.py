"""Pose a three-dimensional stick figure from joint angles or hand and foot targets.

Vectors are (forward, up, left) of the person, in statures; the floor is at up = 0.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from clip_har.synthetic.motion import Float, Motion

Side = Literal["l", "r"]
SIDES: tuple[Side, Side] = ("l", "r")
SIGN: dict[str, float] = {"l": 1.0, "r": -1.0}


@dataclass(frozen=True)
class Body:
    """Proportions as shares of stature, close to Drillis and Contini (1966), head a bit large."""

    thigh: float = 0.232
    shank: float = 0.226
    ankle: float = 0.042
    foot: float = 0.155
    hip: float = 0.056
    lumbar: float = 0.125
    thorax: float = 0.185
    shoulder: float = 0.116
    upper_arm: float = 0.172
    forearm: float = 0.146
    hand: float = 0.062
    neck: float = 0.055
    head: float = 0.150
    girth: float = 1.0

    @property
    def arm(self) -> float:
        """Length from shoulder to wrist."""
        return self.upper_arm + self.forearm

    @property
    def standing(self) -> float:
        """Height of the hips over the floor when the legs are straight."""
        return self.thigh + self.shank + self.ankle


@dataclass
class Skeleton:
    """Joint positions and orientations over a clip.

    Attributes:
        joints: Positions by name, each ``(T, 3)``.
        frames: Orientations of ``pelvis``, ``chest`` and ``head`` by name, each ``(T, 3, 3)``
            with columns forward, up, left.
    """

    joints: dict[str, Float]
    frames: dict[str, Float]


def turn(pitch: Float, roll: Float, yaw: Float) -> Float:
    """Return rotations ``(T, 3, 3)``: yaw to the left, then roll to the left, then lean forward.

    Args:
        pitch: Lean forward, degrees ``(T,)``.
        roll: Lean to the left, degrees ``(T,)``.
        yaw: Turn to the left, degrees ``(T,)``.
    """
    a, b, c = (np.deg2rad(v) for v in (pitch, roll, yaw))
    zero, one = np.zeros_like(a), np.ones_like(a)
    lean = _matrix((np.cos(a), np.sin(a), zero), (-np.sin(a), np.cos(a), zero), (zero, zero, one))
    side = _matrix((one, zero, zero), (zero, np.cos(b), -np.sin(b)), (zero, np.sin(b), np.cos(b)))
    spin = _matrix((np.cos(c), zero, -np.sin(c)), (zero, one, zero), (np.sin(c), zero, np.cos(c)))
    return np.asarray(lean @ side @ spin)


def _matrix(*rows: tuple[Float, Float, Float]) -> Float:
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _vector(f: Float, u: Float, left: Float) -> Float:
    return np.stack(np.broadcast_arrays(f, u, left), axis=-1).astype(float)


def _apply(rotation: Float, vector: Float) -> Float:
    return np.asarray(np.einsum("tij,tj->ti", rotation, vector))


def _unit(vector: Float) -> Float:
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.maximum(length, 1e-9))


def two_bones(root: Float, goal: Float, first: float, second: float, pole: Float) -> Float:
    """Find the middle joint of a limb of two bones; the end is moved closer if out of reach.

    Args:
        root: Shoulder or hip, ``(T, 3)``.
        goal: Where the wrist or ankle should be, ``(T, 3)``.
        first: Length of the upper bone.
        second: Length of the lower bone.
        pole: Direction in which the middle joint points, ``(T, 3)``.

    Returns:
        Middle joint and end, ``(2, T, 3)``.
    """
    line = goal - root
    reach = np.linalg.norm(line, axis=-1)
    held = np.clip(reach, abs(first - second) * 1.02 + 1e-4, (first + second) * 0.998)
    along = _unit(line)
    share = (first**2 - second**2 + held**2) / (2 * held)
    height = np.sqrt(np.maximum(first**2 - share**2, 0))
    side = _unit(pole - along * np.sum(pole * along, axis=-1, keepdims=True))
    middle = root + along * share[:, None] + side * height[:, None]
    return np.stack([middle, root + along * held[:, None]])


def pose(body: Body, motion: Motion) -> Skeleton:
    """Pose the body over a clip.

    Args:
        body: Proportions.
        motion: What it does, ``T`` frames.

    Returns:
        Joints and orientations; nothing is below the floor if the legs follow joint angles.
    """
    m = motion
    zero = np.zeros(m.frames)
    pelvis = turn(m["pelvis.pitch"], m["pelvis.roll"], m["pelvis.yaw"])
    chest = pelvis @ turn(m["spine.pitch"], m["spine.roll"], m["spine.yaw"])
    head = chest @ turn(m["neck.pitch"], m["neck.roll"], m["neck.yaw"])
    hips = _vector(m["root"], m.get("hip", 1.0) * body.standing, m["sway"])
    j: dict[str, Float] = {"pelvis": hips}
    j["waist"] = hips + pelvis[:, :, 1] * body.lumbar
    j["neck"] = j["waist"] + chest[:, :, 1] * body.thorax
    j["skull"] = j["neck"] + head[:, :, 1] * body.neck
    j["head"] = j["skull"] + head[:, :, 1] * body.head * 0.46
    for side in SIDES:
        out = pelvis[:, :, 2] * SIGN[side]
        _leg(body, m, j, side, hips + out * body.hip)
        shrug = m[f"{side}.shrug"][:, None] * chest[:, :, 1]
        across = chest[:, :, 2] * SIGN[side] * body.shoulder
        j[f"{side}.shoulder"] = j["neck"] - chest[:, :, 1] * 0.022 + across + shrug
        _arm(body, m, j, side, chest)
    frames = {"pelvis": pelvis, "chest": chest, "head": head}
    if "tumble" in m.channels:
        whole = turn(m["tumble"], m["tumble.roll"], zero)
        pivot = j["pelvis"]
        j = {name: pivot + _apply(whole, at - pivot) for name, at in j.items()}
        frames = {name: whole @ rotation for name, rotation in frames.items()}
    if m.feet == "joint":
        drop = _lowest(j, body) - m["air"]
        j = {name: at - _vector(zero, drop, zero) for name, at in j.items()}
    return Skeleton(j, frames)


def _leg(body: Body, m: Motion, j: dict[str, Float], side: Side, hip: Float) -> None:
    sign = SIGN[side]
    pitch, splay = np.deg2rad(m[f"{side}.foot"]), np.deg2rad(m.get(f"{side}.turn", 6.0))
    if m.feet == "floor":
        ankle = _vector(
            m[f"{side}.af"], body.ankle + m[f"{side}.au"], sign * m.get(f"{side}.al", body.hip)
        )
        out = sign * m.get(f"{side}.kout", 0.15)
        knee, ankle = two_bones(
            hip, ankle, body.thigh, body.shank, _vector(np.ones_like(out), m["kup"], out)
        )
    else:
        swing, out = np.deg2rad(m[f"{side}.thigh"]), np.deg2rad(m[f"{side}.out"])
        bend = swing - np.deg2rad(m[f"{side}.knee"])
        low = np.deg2rad(m[f"{side}.low"]) if f"{side}.low" in m.channels else out
        knee = hip + body.thigh * _vector(
            np.cos(out) * np.sin(swing), -np.cos(out) * np.cos(swing), sign * np.sin(out)
        )
        ankle = knee + body.shank * _vector(
            np.cos(low) * np.sin(bend), -np.cos(low) * np.cos(bend), sign * np.sin(low)
        )
    toe = _vector(
        np.cos(pitch) * np.cos(splay), np.sin(pitch), sign * np.cos(pitch) * np.sin(splay)
    )
    sole = _vector(
        -np.sin(pitch) * np.cos(splay), np.cos(pitch), -sign * np.sin(pitch) * np.sin(splay)
    )
    base = ankle - sole * (body.ankle - 0.008)
    j[f"{side}.hip"], j[f"{side}.knee"], j[f"{side}.ankle"] = hip, knee, ankle
    j[f"{side}.heel"] = base - toe * body.foot * 0.20
    j[f"{side}.toe"] = base + toe * body.foot * 0.66


def _arm(body: Body, m: Motion, j: dict[str, Float], side: Side, chest: Float) -> None:
    sign, shoulder = SIGN[side], j[f"{side}.shoulder"]
    if m.hands == "joint":
        flex, out = np.deg2rad(m[f"{side}.flex"]), np.deg2rad(m.get(f"{side}.abd", 8.0))
        bend, twist = np.deg2rad(m.get(f"{side}.elbow", 10.0)), np.deg2rad(m[f"{side}.rot"])
        upper = _vector(np.cos(out) * np.sin(flex), -np.cos(out) * np.cos(flex), sign * np.sin(out))
        ahead = _vector(np.cos(flex), np.sin(flex), np.zeros_like(flex))
        outward = _vector(
            -np.sin(out) * np.sin(flex), np.sin(out) * np.cos(flex), sign * np.cos(out)
        )
        # the derivative of the upper arm by abduction: a positive twist folds away from it
        fold = ahead * np.cos(twist)[:, None] - outward * np.sin(twist)[:, None]
        fore = upper * np.cos(bend)[:, None] + fold * np.sin(bend)[:, None]
        elbow = shoulder + body.upper_arm * _apply(chest, upper)
        wrist = elbow + body.forearm * _apply(chest, fore)
    else:
        spot = _vector(m[f"{side}.hf"], m[f"{side}.hu"], sign * m[f"{side}.hl"])
        pole = _vector(
            m.get(f"{side}.pf", -0.35), m.get(f"{side}.pu", -1.0), sign * m.get(f"{side}.pl", 0.5)
        )
        if m.hands == "chest":
            middle = j["neck"] - chest[:, :, 1] * 0.022
            goal = middle + _apply(chest, spot) * body.arm
            pole = _apply(chest, pole)
        else:
            goal = spot
        elbow, wrist = two_bones(shoulder, goal, body.upper_arm, body.forearm, pole)
    palm = _unit(wrist - elbow)
    bend = np.deg2rad(m[f"{side}.wrist"])[:, None]
    # a bent wrist turns the hand towards the head, as on a floor or against a wall
    palm = palm * np.cos(bend) + chest[:, :, 1] * np.sin(bend)
    j[f"{side}.elbow"], j[f"{side}.wrist"] = elbow, wrist
    j[f"{side}.hand"] = wrist + _unit(palm) * body.hand


def _lowest(j: dict[str, Float], body: Body) -> Float:
    """Return the height of the lowest point of the body's surface, ``(T,)``."""
    pad = {"heel": 0.008, "toe": 0.008, "knee": 0.035, "hip": 0.06, "elbow": 0.022, "hand": 0.014}
    pad |= {"wrist": 0.018, "shoulder": 0.04, "head": body.head * 0.42, "pelvis": 0.07}
    low = [at[:, 1] - pad[name.split(".")[-1]] for name, at in j.items()
           if name.split(".")[-1] in pad]  # fmt: skip
    return np.asarray(np.min(low, axis=0))
