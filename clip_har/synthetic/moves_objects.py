"""Trajectories of the actions that use an object."""

import numpy as np

from clip_har.synthetic.motion import Float, KeyPose, Motion, channels
from clip_har.synthetic.moves import legs
from clip_har.synthetic.take import Take

SEAT = 0.255  # height of a chair's seat in statures
RUNG = 0.135  # distance of a ladder's rungs in statures
LADDER_FOOT, LADDER_LEAN = 0.20, 0.16  # where it stands and how far it leans per height
KICK, RELEASE = 0.46, 0.60  # progress at which the ball leaves the foot or the hand
_LADDER_STEPS: tuple[KeyPose, ...] = ((0.0, {"y": 0}), (0.45, {"y": 0}), (1.0, {"y": 1}))
STRIDE_PUSH: tuple[KeyPose, ...] = (
    (0.00, {"thigh": 30, "knee": 8, "foot": 14}),
    (0.12, {"thigh": 22, "knee": 20, "foot": 0}),
    (0.30, {"thigh": 0, "knee": 10, "foot": 0}),
    (0.48, {"thigh": -26, "knee": 10, "foot": -26}),
    (0.60, {"thigh": -18, "knee": 44, "foot": -60}),
    (0.74, {"thigh": 16, "knee": 62, "foot": -24}),
    (0.88, {"thigh": 34, "knee": 30, "foot": 8}),
)


def kicking(take: Take) -> Motion:
    """Kick a ball: back swing, strike, high follow-through."""
    keys: list[KeyPose] = [
        (0.0, {"r.af": -0.12, "r.au": 0.02, "r.foot": -12, "pelvis.pitch": 6, "root": -0.03,
               "pelvis.yaw": -8, "l.flex": 20, "l.abd": 22, "r.flex": -14, "r.abd": 22}),
        (0.28, {"r.af": -0.40, "r.au": 0.27, "r.foot": -95, "pelvis.pitch": 16, "root": 0.0,
                "pelvis.yaw": -26, "l.flex": 66, "l.abd": 44, "r.flex": -50, "r.abd": 40}),
        (0.40, {"r.af": -0.18, "r.au": 0.11, "r.foot": -60, "pelvis.pitch": 8, "pelvis.yaw": -8}),
        (0.46, {"r.af": 0.17, "r.au": 0.03, "r.foot": -22, "pelvis.pitch": -2, "root": 0.02,
                "pelvis.yaw": 8}),
        (0.58, {"r.af": 0.52, "r.au": 0.36, "r.foot": 20, "pelvis.pitch": -16, "root": 0.03,
                "pelvis.yaw": 20, "l.flex": -34, "l.abd": 50, "r.flex": 44, "r.abd": 46}),
        (0.76, {"r.af": 0.49, "r.au": 0.33, "r.foot": 14, "pelvis.pitch": -13, "l.flex": -30}),
        (1.0, {"r.af": 0.22, "r.au": 0.04, "r.foot": -4, "pelvis.pitch": 2, "root": 0.06,
               "pelvis.yaw": 4, "l.flex": 0, "l.abd": 22, "r.flex": 8, "r.abd": 22}),
    ]  # fmt: skip
    phase = take.once(0.02, 0.96)
    c = channels(keys, phase)
    ones = np.ones_like(phase)
    c |= {"phase": phase, "hip": 0.955 * ones, "r.al": 0.05 * ones, "l.al": 0.055 * ones}
    c |= {"spine.yaw": -1.7 * c["pelvis.yaw"], "neck.pitch": 16 - 0.6 * c["pelvis.pitch"]}
    c |= {"l.elbow": 26 * ones, "r.elbow": 26 * ones, "l.kout": 0.1 * ones}
    return Motion(c, feet="floor")


def throwing(take: Take) -> Motion:
    """Throw a ball overarm: wind up, stride, release, follow through."""
    keys: list[KeyPose] = [
        (0.0, {"r.hf": 0.1, "r.hu": 0.30, "r.hl": 0.72, "l.hf": 0.55, "l.hu": -0.1, "l.hl": 0.2,
               "l.af": 0.06, "l.au": 0, "pelvis.yaw": -40, "spine.yaw": -10, "pelvis.pitch": -4,
               "root": -0.05, "hip": 0.97, "r.foot": 0, "r.af": -0.16, "r.au": 0}),
        (0.28, {"r.hf": -0.42, "r.hu": 0.52, "r.hl": 0.62, "l.hf": 0.86, "l.hu": 0.22, "l.hl": 0.1,
                "l.af": 0.26, "l.au": 0.26, "pelvis.yaw": -62, "spine.yaw": -16,
                "pelvis.pitch": -18, "root": -0.08, "hip": 0.965}),
        (0.46, {"r.hf": -0.5, "r.hu": 0.46, "r.hl": 0.66, "l.hf": 0.9, "l.af": 0.34, "l.au": 0.06,
                "pelvis.pitch": -15, "pelvis.yaw": -52, "r.foot": -10, "r.af": -0.16, "r.au": 0}),
        (0.60, {"r.hf": 0.50, "r.hu": 0.86, "r.hl": 0.35, "l.hf": 0.4, "l.hu": -0.3, "l.hl": 0.4,
                "l.af": 0.34, "l.au": 0, "pelvis.yaw": 4, "spine.yaw": 14, "pelvis.pitch": 8,
                "root": 0.08, "hip": 0.91, "r.foot": -34, "r.af": -0.14, "r.au": 0.05}),
        (0.72, {"r.hf": 0.86, "r.hu": -0.10, "r.hl": -0.05, "l.hf": -0.45, "l.hu": -0.2,
                "l.hl": 0.62, "pelvis.yaw": 24, "spine.yaw": 22, "pelvis.pitch": 40,
                "root": 0.20, "hip": 0.88, "r.foot": -80, "r.af": -0.26, "r.au": 0.20}),
        (0.84, {"r.hf": 0.74, "r.hu": -0.42, "r.hl": -0.2, "pelvis.pitch": 44, "root": 0.22,
                "hip": 0.87, "r.af": -0.24, "r.au": 0.24}),
        (1.0, {"r.hf": 0.66, "r.hu": -0.40, "r.hl": 0.0, "l.hf": -0.4, "l.hu": -0.3, "l.hl": 0.6,
               "pelvis.pitch": 34, "pelvis.yaw": 14, "spine.yaw": 12, "hip": 0.89, "r.foot": -60,
               "r.af": -0.12, "r.au": 0.12}),
    ]  # fmt: skip
    phase = take.once(0.02, 0.95)
    c = channels(keys, phase)
    ones = np.ones_like(phase)
    c |= {"phase": phase, "r.al": 0.08 * ones, "l.al": 0.05 * ones}
    c |= {"r.turn": 30 * ones, "r.pf": -0.4 * ones}
    c |= {"r.pu": -0.5 * ones, "r.pl": 0.9 * ones}
    c["neck.yaw"] = -0.85 * (c["pelvis.yaw"] + c["spine.yaw"])
    c["neck.pitch"] = -0.5 * c["pelvis.pitch"]
    return Motion(c, hands="chest", feet="floor", grip=True)


def sitting_down(take: Take) -> Motion:
    """Reach back for a chair, sit down and lean back with the legs stretched out."""
    seated = (SEAT + 0.062) / take.body.standing
    keys: list[KeyPose] = [
        (0.0, {"hip": 0.99, "root": -0.03, "pelvis.pitch": 10, "neck.yaw": 48, "neck.pitch": 14,
               "b.hf": -0.14, "b.hu": -0.92, "b.hl": 0.42, "b.af": 0.0, "b.au": 0, "b.foot": 0}),
        (0.16, {"hip": 0.90, "root": -0.10, "pelvis.pitch": 30, "neck.yaw": 52, "b.hf": -0.48,
                "b.hu": -0.74}),
        (0.34, {"hip": seated + 0.06, "root": -0.24, "pelvis.pitch": 34, "neck.yaw": 10,
                "b.hf": -0.40, "b.hu": -0.76, "b.af": 0.0, "spine.pitch": 8}),
        (0.42, {"hip": seated, "root": -0.27, "pelvis.pitch": 24, "neck.pitch": 6, "b.hl": 0.42}),
        (0.60, {"hip": seated, "root": -0.28, "pelvis.pitch": -22, "spine.pitch": 2, "b.hf": 0.30,
                "b.hu": -0.72, "b.hl": 0.34, "b.af": 0.11, "b.foot": 12, "neck.yaw": 0,
                "b.au": 0.01}),
        (0.72, {"pelvis.pitch": -18, "b.hf": 0.46, "b.hu": -0.62, "b.hl": 0.16, "neck.pitch": 10}),
        (1.0, {"hip": seated, "root": -0.28, "pelvis.pitch": -21, "b.hf": 0.46, "b.hu": -0.60,
               "b.hl": 0.12, "b.af": 0.12, "b.foot": 16, "neck.pitch": 14, "b.au": 0.012}),
    ]  # fmt: skip
    c = channels(keys, take.once(0.02, 0.9))
    return _seat_legs(c)


def standing_up(take: Take) -> Motion:
    """Push up from a chair with the hands on the knees, then stretch the arms."""
    seated = (SEAT + 0.062) / take.body.standing
    keys: list[KeyPose] = [
        (0.0, {"hip": seated, "root": -0.25, "pelvis.pitch": 40, "spine.pitch": 14, "b.hf": 0.92,
               "b.hu": -0.34, "b.hl": 0.34, "neck.pitch": -26, "b.af": -0.05}),
        (0.16, {"hip": seated, "root": -0.23, "pelvis.pitch": 52, "b.hf": 0.84, "b.hu": -0.50}),
        (0.40, {"hip": 0.80, "root": -0.13, "pelvis.pitch": 54, "spine.pitch": 14, "b.hf": 0.52,
                "b.hu": -0.74, "b.hl": 0.36, "neck.pitch": -20}),
        (0.56, {"hip": 0.965, "root": -0.05, "pelvis.pitch": 20, "spine.pitch": 4, "b.hf": 0.30,
                "b.hu": -0.86, "neck.pitch": -4}),
        (0.74, {"hip": 0.995, "root": -0.03, "pelvis.pitch": -6, "spine.pitch": -12,
                "b.hf": 0.12, "b.hu": 0.95, "b.hl": 0.46, "neck.pitch": -14}),
        (1.0, {"hip": 0.99, "root": -0.03, "pelvis.pitch": -4, "spine.pitch": -10, "b.hf": 0.02,
               "b.hu": 0.93, "b.hl": 0.56, "neck.pitch": -18, "b.af": -0.05}),
    ]  # fmt: skip
    c = channels(keys, take.once(0.02, 0.96))
    ones = np.ones_like(take.clock)
    c |= {"l.pl": 0.9 * ones, "r.pl": 0.9 * ones, "l.pu": -0.3 * ones, "r.pu": -0.3 * ones}
    return _seat_legs(c)


def _seat_legs(c: dict[str, Float]) -> Motion:
    for side in "lr":
        c[f"{side}.al"] = np.full_like(c["root"], 0.07)
        c[f"{side}.kup"] = np.full_like(c["root"], 0.6)
    return Motion(c, hands="chest", feet="floor")


def lifting(take: Take) -> Motion:
    """Press a barbell from the shoulders over the head."""
    keys: list[KeyPose] = [
        (0.0, {"b.hf": 0.34, "b.hu": 0.10, "hip": 0.975, "pelvis.pitch": -2, "neck.pitch": -4}),
        (0.14, {"b.hf": 0.34, "b.hu": 0.06, "hip": 0.87, "pelvis.pitch": 2}),
        (0.36, {"b.hf": 0.08, "b.hu": 0.93, "hip": 0.995, "pelvis.pitch": -3, "neck.pitch": -10}),
        (0.44, {"b.hf": 0.04, "b.hu": 0.95, "hip": 0.985, "pelvis.pitch": 1}),
        (0.74, {"b.hf": 0.05, "b.hu": 0.94, "hip": 0.985}),
        (0.92, {"b.hf": 0.32, "b.hu": 0.13, "hip": 0.95, "pelvis.pitch": 0, "neck.pitch": -2}),
    ]
    phase = take.cycle(0.5)
    c = channels(keys, phase, period=True)
    grip, stance = 0.58 * take.vary(0.1), 0.10 * take.vary(0.2)
    ones = np.ones_like(phase)
    for side in "lr":
        c |= {f"{side}.hl": grip * ones, f"{side}.al": stance * ones}
        c |= {f"{side}.kout": 0.6 * ones, f"{side}.turn": 22 * ones, f"{side}.pl": 0.4 * ones}
    return Motion(c, hands="chest", feet="floor", grip=True)


def drinking(take: Take) -> Motion:
    """Raise a cup to the mouth and tip it, the other hand on the hip or hanging."""
    down = {"r.hf": 0.60, "r.hu": -0.34, "r.hl": 0.20, "neck.pitch": 4, "tip": 0, "r.pl": 0.5}
    sip = {"r.hf": 0.50, "r.hu": 0.10, "r.hl": 0.06, "neck.pitch": -16, "tip": 62, "r.pl": 1.6}
    keys: list[KeyPose] = [
        (0.0, down),
        (0.24, {**sip, "tip": 34, "neck.pitch": -6}),
        (0.44, {**sip, "tip": 78, "neck.pitch": -24}),
        (0.72, {**sip, "neck.pitch": -20, "tip": 84}),
        (0.82, {**sip, "tip": 30, "neck.pitch": -4}),
        (1.0, {**down, "r.hu": -0.26}),
    ]
    phase = take.once(0.0, 1.0)
    c = channels(keys, phase)
    ones = np.ones_like(phase)
    if take.rng.random() < 0.6:
        c |= {"l.hf": 0.02 * ones, "l.hu": -0.66 * ones, "l.hl": 0.46 * ones}
        c |= {"l.pl": 2 * ones, "l.pf": -0.5 * ones, "l.pu": -0.2 * ones}
    else:
        c |= {"l.hf": 0.08 * ones, "l.hu": -0.97 * ones, "l.hl": 0.46 * ones}
    c |= {"hip": 0.988 * ones, "l.al": 0.06 * ones, "r.al": 0.06 * ones}
    c |= {"spine.pitch": -0.25 * c["tip"] / 4, "l.turn": 14 * ones, "r.turn": 14 * ones}
    return Motion(c, hands="chest", feet="floor", grip=True)


def mopping(take: Take) -> Motion:
    """Push and pull a mop with both hands, bent forward."""
    phase = take.cycle(0.8)
    push, side = np.cos(2 * np.pi * phase), np.sin(2 * np.pi * phase)
    ones = np.ones_like(phase)
    lean = 26 + 9 * push
    c: dict[str, Float] = {"pelvis.pitch": lean, "spine.pitch": 12 * ones, "root": 0.05 * push}
    top = np.stack([0.20 + 0.10 * push, 0.80 - 0.03 * push, -0.06 * ones])
    foot = np.stack([0.56 + 0.17 * push, 0.03 * ones, 0.02 + 0.06 * side])
    for hand, share in (("r", 0.07), ("l", 0.46)):
        f, u, left = top + (foot - top) * share
        c |= {f"{hand}.hf": f, f"{hand}.hu": u, f"{hand}.hl": left * (1 if hand == "l" else -1)}
    c |= {f"top.{n}": v for n, v in zip("ful", top, strict=True)}
    c |= {f"mop.{n}": v for n, v in zip("ful", foot, strict=True)}
    c |= {"hip": 0.90 - 0.02 * push, "l.af": 0.17 * ones, "r.af": -0.15 * ones}
    c |= {"r.foot": -14 - 12 * push, "r.au": 0.0022 * (14 + 12 * push), "neck.pitch": 6 * ones}
    c |= {"l.al": 0.07 * ones, "r.al": 0.07 * ones, "r.pl": 1.0 * ones, "r.pu": 0.1 * ones}
    return Motion(c, hands="floor", feet="floor", grip=True)


def pushing_wheelchair(take: Take) -> Motion:
    """Walk behind a wheelchair with both hands on its handles."""
    phase = take.cycle(0.85)
    swing, ones = np.cos(2 * np.pi * phase), np.ones_like(phase)
    c = legs(STRIDE_PUSH, phase, take.vary(0.1))
    c |= {"pelvis.pitch": 15 * ones, "spine.pitch": 5 * ones, "neck.pitch": -12 * ones}
    c |= {"pelvis.yaw": 5 * swing, "spine.yaw": -5 * swing}
    for side in "lr":
        c |= {f"{side}.hf": 0.80 * ones, f"{side}.hu": -0.30 * ones, f"{side}.hl": 0.42 * ones}
    c["root"] = take.travel(0.55 * take.vary(0.1))
    return Motion(c, hands="chest", grip=True)


def climbing(take: Take) -> Motion:
    """Climb a ladder, hands and feet in turn."""
    pace = min(1.3, 2.6 / take.duration) * take.vary(0.12)
    climbed = take.rng.uniform(0.5, 2.0) + take.clock * pace
    ones = np.ones_like(climbed)

    def stair(count: Float) -> Float:
        return np.floor(count) + channels(_LADDER_STEPS, count % 1)["y"]

    c: dict[str, Float] = {"hip": (climbed * RUNG + 0.395) / take.body.standing}
    hip = climbed * RUNG + 0.395
    c["root"] = LADDER_FOOT + LADDER_LEAN * hip - 0.215
    for side, late in (("r", 0.0), ("l", 1.0)):
        rung = 2 * stair((climbed + late) / 2) - late
        height = rung * RUNG + 0.012
        lift = 0.05 * np.sin(np.pi * ((climbed + late) / 2 % 1)) ** 4
        c[f"{side}.au"] = height
        c[f"{side}.af"] = LADDER_FOOT + LADDER_LEAN * height - 0.085 - lift
        grasp = (2 * stair((climbed + 1 - late) / 2) - (1 - late)) * RUNG + 6 * RUNG
        c[f"{side}.hu"] = grasp
        c[f"{side}.hf"] = LADDER_FOOT + LADDER_LEAN * grasp - 0.045
        c |= {f"{side}.hl": 0.115 * ones, f"{side}.al": 0.07 * ones, f"{side}.kout": 0.5 * ones}
        c |= {f"{side}.pl": 1.0 * ones, f"{side}.pf": -0.6 * ones, f"{side}.turn": 8 * ones}
    c |= {"pelvis.pitch": 8 * ones, "spine.pitch": 4 * ones, "neck.pitch": -20 * ones}
    c["sway"] = 0.02 * np.sin(np.pi * climbed)
    return Motion(c, hands="floor", feet="floor", grip=True)
