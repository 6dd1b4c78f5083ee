"""Trajectories of the actions that need no object: key poses of joint angles and targets."""

import numpy as np

from clip_har.synthetic.motion import Float, KeyPose, Motion, channels
from clip_har.synthetic.take import Take

_STRIDE: tuple[KeyPose, ...] = (  # one leg, from heel strike to heel strike
    (0.00, {"thigh": 29, "knee": 4, "foot": 18}),
    (0.12, {"thigh": 21, "knee": 17, "foot": 0}),
    (0.30, {"thigh": 2, "knee": 6, "foot": 0}),
    (0.48, {"thigh": -20, "knee": 8, "foot": -22}),
    (0.60, {"thigh": -14, "knee": 44, "foot": -58}),
    (0.74, {"thigh": 16, "knee": 64, "foot": -26}),
    (0.88, {"thigh": 33, "knee": 26, "foot": 10}),
)
_RUN: tuple[KeyPose, ...] = (
    (0.00, {"thigh": 34, "knee": 20, "foot": 6}),
    (0.15, {"thigh": 10, "knee": 40, "foot": 0}),
    (0.34, {"thigh": -30, "knee": 14, "foot": -48}),
    (0.50, {"thigh": -16, "knee": 82, "foot": -95}),
    (0.66, {"thigh": 38, "knee": 118, "foot": -76}),
    (0.82, {"thigh": 64, "knee": 88, "foot": -16}),
    (0.93, {"thigh": 48, "knee": 34, "foot": 6}),
)


def legs(keys: tuple[KeyPose, ...], phase: Float, amount: float = 1.0) -> dict[str, Float]:
    """Return both legs' channels of a gait, the left half a cycle after the right."""
    found = {}
    for side, late in (("r", 0.0), ("l", 0.5)):
        for name, value in channels(keys, (phase + late) % 1, period=True).items():
            found[f"{side}.{name}"] = value * (amount if name != "foot" else 1.0)
    return found


def walking(take: Take) -> Motion:
    """Walk with swinging arms."""
    phase, amount = take.cycle(0.95), take.vary(0.1) * 1.08
    swing = np.cos(2 * np.pi * phase)
    c = legs(_STRIDE, phase, amount)
    c |= {"r.flex": 3 - 30 * amount * swing, "l.flex": 3 + 30 * amount * swing}
    c |= {"r.elbow": 22 - 12 * swing, "l.elbow": 22 + 12 * swing}
    c |= {"pelvis.yaw": 7 * swing, "spine.yaw": -14 * swing, "neck.yaw": 7 * swing}
    c |= {"pelvis.pitch": 3 + 0 * swing, "neck.pitch": 2 * np.cos(4 * np.pi * phase)}
    c["root"] = take.travel(0.74 * take.vary(0.1))
    return Motion(c)


def running(take: Take) -> Motion:
    """Run: high knees, bent arms, a flight phase."""
    phase, amount = take.cycle(1.35), take.vary(0.08)
    swing = np.cos(2 * np.pi * (phase + 0.03))
    c = legs(_RUN, phase, amount)
    c |= {"r.flex": -8 - 50 * amount * swing, "l.flex": -8 + 50 * amount * swing}
    c |= {"r.elbow": 98 - 12 * swing, "l.elbow": 98 + 12 * swing}
    c |= {"b.abd": 16 + 0 * swing, "pelvis.yaw": 9 * swing, "spine.yaw": -18 * swing}
    c |= {"l.abd": 14 + 0 * swing, "r.abd": 14 + 0 * swing, "neck.yaw": 9 * swing}
    c |= {"pelvis.pitch": 11 + 0 * swing, "neck.pitch": -8 + 0 * swing}
    c["air"] = 0.045 * np.maximum(np.cos(4 * np.pi * (phase - 0.42)), 0)
    c["root"] = take.travel(0.95 * take.vary(0.1))
    return Motion(c, grip=True)


def jumping_jacks(take: Take) -> Motion:
    """Jump between closed and spread limbs, seen from the front."""
    phase, wide = take.cycle(0.85), take.vary(0.08)
    keys: list[KeyPose] = [
        (0.00, {"b.abd": 9, "b.out": 3, "b.elbow": 12, "b.knee": 14, "b.thigh": 7, "air": 0}),
        (0.12, {"b.abd": 40, "b.knee": 4, "b.thigh": 2, "air": 0.03}),
        (0.25, {"b.abd": 96, "b.out": 20, "b.elbow": 16, "air": 0.06}),
        (0.40, {"b.abd": 150 * wide, "b.out": 29 * wide, "b.elbow": 22, "air": 0}),
        (0.50, {"b.abd": 158 * wide, "b.out": 30 * wide, "b.knee": 10, "b.thigh": 6, "air": 0}),
        (0.62, {"b.abd": 140, "b.out": 27, "b.knee": 4, "b.thigh": 2, "air": 0.03}),
        (0.75, {"b.abd": 84, "b.out": 16, "b.elbow": 10, "air": 0.06}),
        (0.90, {"b.abd": 16, "b.out": 3, "air": 0}),
    ]
    c = channels(keys, phase, period=True)
    c |= {"l.rot": -80 + 0 * phase, "r.rot": -80 + 0 * phase}
    c |= {"l.foot": -260 * c["air"], "r.foot": -260 * c["air"]}
    return Motion(c)


def squatting(take: Take) -> Motion:
    """Squat deeply with arms held out in front."""
    deep = 0.50 * take.vary(0.1)
    keys: list[KeyPose] = [
        (0.0, {"hip": 0.985, "root": 0, "pelvis.pitch": 4, "spine.pitch": 0, "b.flex": 40,
               "neck.pitch": 0}),
        (0.36, {"hip": deep, "root": -0.13, "pelvis.pitch": 38, "spine.pitch": -4, "b.flex": 122,
                "neck.pitch": -22}),
        (0.62, {"hip": deep + 0.01, "root": -0.13, "pelvis.pitch": 37, "b.flex": 121}),
        (0.9, {"hip": 0.96, "root": 0.0, "pelvis.pitch": 8, "spine.pitch": 0, "b.flex": 62}),
    ]  # fmt: skip
    c = channels(keys, take.cycle(0.6), period=True)
    stance = 0.105 * take.vary(0.1)
    for side in "lr":
        c[f"{side}.al"] = np.full_like(take.clock, stance)
        c[f"{side}.kout"] = np.full_like(take.clock, 0.45)
        c[f"{side}.turn"] = np.full_like(take.clock, 20.0)
        c[f"{side}.elbow"] = np.full_like(take.clock, 6.0)
    return Motion(c, feet="floor")


def push_ups(take: Take) -> Motion:
    """Do push-ups: a straight body turns about the toes, hands stay on the floor."""
    phase, body = take.cycle(0.75), take.body
    keys: list[KeyPose] = [
        (0.0, {"tilt": 17, "neck.pitch": -22}),
        (0.15, {"tilt": 17.5}),
        (0.5, {"tilt": 4.0, "neck.pitch": -32}),
        (0.6, {"tilt": 4.5}),
    ]
    c = channels(keys, phase, period=True)
    tilt = np.deg2rad(c.pop("tilt"))
    leg = (body.thigh + body.shank) * 0.997
    heel = 0.055  # the ankles' lift on the toes
    c["root"] = np.cos(tilt) * leg
    c["hip"] = (np.sin(tilt) * leg + body.ankle + heel) / body.standing
    c["pelvis.pitch"] = 90 - np.rad2deg(tilt) - 2
    reach = (leg + body.lumbar + body.thorax) * np.cos(np.deg2rad(17)) - 0.015
    ones = np.ones_like(take.clock)
    for side in "lr":
        c |= {f"{side}.au": heel * ones, f"{side}.foot": -78 * ones, f"{side}.wrist": 62 * ones}
        c |= {f"{side}.hf": reach * ones, f"{side}.hu": 0.028 * ones, f"{side}.hl": 0.15 * ones}
        c |= {f"{side}.pf": -1 * ones, f"{side}.pu": 0.5 * ones, f"{side}.pl": 0.45 * ones}
        c[f"{side}.kup"] = -0.3 * ones
    return Motion(c, hands="floor", feet="floor")


def crawling(take: Take) -> Motion:
    """Crawl on hands and knees."""
    phase, body = take.cycle(0.9), take.body
    root = take.travel(0.34 * take.vary(0.15))
    ones = np.ones_like(phase)
    c: dict[str, Float] = {"root": root, "hip": ones * (0.262 / body.standing)}
    c |= {"pelvis.pitch": 78 + 2 * np.sin(4 * np.pi * phase), "neck.pitch": -42 * ones}
    c |= {"pelvis.yaw": 5 * np.sin(2 * np.pi * phase), "spine.roll": 4 * np.sin(2 * np.pi * phase)}
    for side, late in (("r", 0.0), ("l", 0.5)):
        step = channels(
            [(0.0, {"x": 1, "y": 0}), (0.6, {"x": -1, "y": 0}), (0.8, {"x": 0.1, "y": 1})],
            (phase + late) % 1,
            period=True,
        )
        knee = channels([(0.0, {"x": 1}), (0.6, {"x": -1})], (phase + late + 0.5) % 1, period=True)
        c[f"{side}.hf"] = root + 0.325 + 0.095 * step["x"]
        c[f"{side}.hu"] = 0.028 + 0.05 * step["y"]
        c[f"{side}.hl"], c[f"{side}.wrist"] = 0.13 * ones, 62 * ones
        c[f"{side}.af"] = root + 0.03 + 0.085 * knee["x"] - body.shank * 0.985
        c[f"{side}.kup"], c[f"{side}.foot"] = -1.2 * ones, 190 * ones
        c[f"{side}.pf"], c[f"{side}.pu"], c[f"{side}.pl"] = -1 * ones, 0.3 * ones, 0.3 * ones
    return Motion(c, hands="floor", feet="floor")


def waving(take: Take) -> Motion:
    """Wave with one raised arm, the weight on one leg."""
    phase = take.cycle(1.25)
    wave, slow = np.cos(2 * np.pi * phase), np.cos(2 * np.pi * phase / 2)
    ones = np.ones_like(wave)
    abd = take.rng.uniform(100, 128)
    c = {"r.abd": abd + 5 * wave, "r.flex": 8 * ones, "r.elbow": 62 + 36 * wave}
    c |= {"r.rot": -90 * ones, "spine.roll": 5 + 3 * wave, "neck.roll": -6 * ones - 3 * wave}
    if take.rng.random() < 0.5:  # the other hand on the hip
        c |= {"l.abd": 46 * ones, "l.flex": -16 * ones, "l.elbow": 96 * ones}
        c["l.rot"] = 74 * ones
    else:
        c |= {"l.abd": 10 + 2 * slow, "l.elbow": 14 * ones}
    stance = 0.07 * take.vary(0.2)
    c |= {"l.al": stance * ones, "r.al": stance * ones, "sway": 0.018 * wave}
    c |= {"hip": 0.985 * ones, "l.turn": 16 * ones, "r.turn": 16 * ones}
    return Motion(c, feet="floor")


def clapping(take: Take) -> Motion:
    """Clap in front of the chest."""
    phase, wide = take.cycle(1.7), take.vary(0.15)
    keys: list[KeyPose] = [
        (0.0, {"b.hl": 0.035, "b.hu": -0.16, "neck.pitch": 6}),
        (0.16, {"b.hl": 0.05, "b.hu": -0.17}),
        (0.5, {"b.hl": 0.55 * wide, "b.hu": -0.20, "neck.pitch": 0}),
        (0.66, {"b.hl": 0.58 * wide, "b.hu": -0.20}),
    ]
    c = channels(keys, phase, period=True)
    ones = np.ones_like(phase)
    for side in "lr":
        c |= {f"{side}.hf": 0.66 * ones, f"{side}.pl": 0.9 * ones, f"{side}.wrist": 42 * ones}
        c |= {f"{side}.al": 0.062 * ones, f"{side}.turn": 14 * ones}
    c |= {"hip": 0.98 - 0.012 * np.cos(2 * np.pi * phase), "pelvis.pitch": 2 * ones}
    return Motion(c, hands="chest", feet="floor")


def punching(take: Take) -> Motion:
    """Box: jab and cross from a guard in a staggered stance."""
    guard = {"hf": 0.40, "hu": 0.10, "hl": 0.16}
    low, out = {"l." + k: v for k, v in guard.items()}, {"r." + k: v for k, v in guard.items()}
    jab = {"l.hf": 1.02, "l.hu": 0.06, "l.hl": -0.05, "pelvis.yaw": -38, "spine.yaw": -14}
    cross = {"r.hf": 1.04, "r.hu": 0.05, "r.hl": -0.20, "pelvis.yaw": 10, "spine.yaw": 26}
    rest = {"pelvis.yaw": -26, "spine.yaw": 0, "pelvis.pitch": 8, "root": 0.0, "r.foot": -12}
    keys: list[KeyPose] = [
        (0.0, {**low, **out, **rest}),
        (0.08, {"l.hf": 0.32, "spine.yaw": 8}),
        (0.18, {**jab, "pelvis.pitch": 13, "root": 0.05, **out}),
        (0.28, {"l.hf": 1.0, "l.hl": -0.05}),
        (0.42, {**low, **out, **rest}),
        (0.50, {"r.hf": 0.28, "spine.yaw": -10}),
        (0.62, {**cross, "pelvis.pitch": 16, "root": 0.07, "r.foot": -38, **low}),
        (0.74, {"r.hf": 1.02, "r.hl": -0.2, "spine.yaw": 24, "pelvis.yaw": 8}),
        (0.88, {**low, **out, **rest}),
    ]
    phase = take.cycle(0.72)
    c = channels(keys, phase, period=True)
    ones, bounce = np.ones_like(phase), np.cos(4 * np.pi * phase)
    c |= {"l.af": 0.19 * ones, "r.af": -0.17 * ones, "l.al": 0.07 * ones, "r.al": 0.10 * ones}
    c |= {"hip": 0.915 + 0.015 * bounce, "r.au": 0.0022 * np.abs(c["r.foot"])}
    c |= {"neck.yaw": -(c["pelvis.yaw"] + c["spine.yaw"]) * 0.9, "neck.pitch": 4 * ones}
    c |= {"l.pl": 0.7 * ones, "r.pl": 0.8 * ones, "r.turn": 40 * ones}
    return Motion(c, hands="chest", feet="floor", grip=True)


def bowing(take: Take) -> Motion:
    """Bow from the hips and come up again."""
    deep = 78 * take.vary(0.12)
    keys: list[KeyPose] = [
        (0.0, {"pelvis.pitch": -3, "spine.pitch": 0, "root": 0, "neck.pitch": -4, "b.flex": 0}),
        (0.3, {"pelvis.pitch": deep, "spine.pitch": 22, "root": -0.085, "neck.pitch": 14,
               "b.flex": 14}),
        (0.42, {"pelvis.pitch": deep - 4, "spine.pitch": 18, "root": -0.08, "b.flex": 18}),
        (0.72, {"pelvis.pitch": deep - 2, "spine.pitch": 20, "root": -0.08, "neck.pitch": 16}),
        (1.0, {"pelvis.pitch": 14, "spine.pitch": 2, "root": -0.01, "neck.pitch": 0, "b.flex": 3}),
    ]  # fmt: skip
    phase = take.once()
    c = channels(keys, phase)
    ones = np.ones_like(phase)
    if take.rng.random() < 0.5:  # one hand on the belly, the other behind the back
        c |= {"r.flex": 22 * ones, "r.elbow": 102 * ones, "r.rot": 62 * ones}
        c |= {"l.flex": -30 * ones, "l.elbow": 62 * ones, "l.rot": 50 * ones}
    c |= {"hip": 0.985 * ones, "l.al": 0.05 * ones, "r.al": 0.05 * ones}
    return Motion(c, feet="floor")


def falling(take: Take) -> Motion:
    """Slip or trip, fall and lie on the floor."""
    back = take.rng.random() < 0.6
    reach = {"b.flex": 150, "b.abd": 30} if back else {"b.flex": 125, "b.abd": 20}
    sign = -1.0 if back else 1.0
    keys: list[KeyPose] = [
        (0.0, {"tumble": 0, "r.thigh": 8, "l.thigh": -8, "b.knee": 8, "b.flex": 10, "b.abd": 14,
               "air": 0, "root": 0, "b.elbow": 20, "neck.pitch": 0, "b.foot": 0}),
        (0.14, {"tumble": 14 * sign, "r.thigh": 34, "l.thigh": -4, "r.knee": 30, "l.knee": 16,
                "l.abd": 84, "r.abd": 56, "b.flex": 30 * -sign, "spine.pitch": -8 * sign}),
        (0.32, {"tumble": 42 * sign, "r.thigh": 62 if back else 20, "r.knee": 34, "air": 0.05,
                "l.thigh": 30 if back else -14, **reach, "b.elbow": 26, "neck.pitch": 22 * -sign}),
        (0.50, {"tumble": 84 * sign, "r.thigh": 58 if back else 4, "r.knee": 40, "air": 0.0,
                "l.thigh": 40 if back else 0, "l.knee": 22, "root": 0.34 * sign, **reach}),
        (0.58, {"tumble": 93 * sign, "r.thigh": 40 if back else 2, "l.thigh": 10, "air": 0.012,
                "b.foot": -20, "spine.pitch": 6}),
        (0.68, {"tumble": 90 * sign, "r.thigh": 46 if back else 0, "r.knee": 82 if back else 12,
                "l.thigh": 2, "l.knee": 6, "air": 0, "spine.pitch": 0, "neck.pitch": 4,
                "l.flex": 160 if back else 150, "r.flex": 60 if back else 168, "b.abd": 26}),
        (1.0, {"tumble": 90 * sign, "r.thigh": 44 if back else 0, "l.thigh": 2, "root": 0.36 * sign,
               "r.flex": 38 if back else 160, "r.elbow": 30, "neck.pitch": 10 if back else -14,
               "l.elbow": 10, "r.knee": 88 if back else 16, "b.foot": -24}),
    ]  # fmt: skip
    return Motion(channels(keys, take.once(0.02, 0.92)))
