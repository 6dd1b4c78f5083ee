"""Turn key poses into smooth trajectories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
KeyPose = tuple[float, Mapping[str, float]]


@dataclass
class Motion:
    """What a body does over a clip.

    Attributes:
        channels: Named trajectories, each ``(T,)``; angles in degrees, lengths in statures.
            Channels of one side start with ``l.`` or ``r.``. Missing channels are 0.
        hands: How the arms are driven: by joint angles, by hand targets relative to the
            shoulders (in arm lengths), or by hand targets on the floor plan (in statures).
        feet: How the legs are driven: by joint angles (the body then rests on its lowest
            point) or by ankle targets on the floor plan.
        grip: The hands are closed.
    """

    channels: dict[str, Float]
    hands: Literal["joint", "chest", "floor"] = "joint"
    feet: Literal["joint", "floor"] = "joint"
    grip: bool = False
    frames: int = field(init=False)

    def __post_init__(self) -> None:
        self.frames = len(next(iter(self.channels.values())))

    def __getitem__(self, channel: str) -> Float:
        """Return a channel ``(T,)``, zeros if no key pose names it."""
        found = self.channels.get(channel)
        return np.zeros(self.frames) if found is None else found

    def get(self, channel: str, default: float) -> Float:
        """Return a channel ``(T,)``, or a constant if no key pose names it."""
        found = self.channels.get(channel)
        return np.full(self.frames, default) if found is None else found


_LOOSE = ("pitch", "roll", "yaw", "flex", "abd", "elbow")


def loosen(motion: Motion, rng: np.random.Generator, amount: float = 4.0) -> Motion:
    """Vary the posture of a motion by offsets and slow swaying of its angles.

    The legs do not change, so that the feet stay in place.

    Args:
        motion: What the body does.
        rng: The clip's generator for the motion.
        amount: Standard deviation of the offsets, degrees.
    """
    time = np.linspace(0, 2 * np.pi, motion.frames)
    found = dict(motion.channels)
    for name in ("spine.pitch", "spine.roll", "spine.yaw", "neck.pitch", "neck.roll", "neck.yaw"):
        found.setdefault(name, np.zeros(motion.frames))
    for name in sorted(found):
        if name.rpartition(".")[2] in _LOOSE:
            scale = amount * (0.5 if name.startswith(("pelvis", "spine")) else 1.0)
            sway = 0.35 * scale * np.sin(time * rng.uniform(0.5, 1.5) + rng.uniform(0, 2 * np.pi))
            found[name] = found[name] + np.clip(rng.normal(0, scale), -2 * scale, 2 * scale) + sway
    return Motion(found, motion.hands, motion.feet, motion.grip)


def ease(times: Sequence[float], values: Sequence[float], at: Float, *, period: bool) -> Float:
    """Interpolate keys with a monotone cubic that never overshoots them.

    The slope at extremes is zero, so that a limb slows down before a key pose and speeds up after
    it (Fritsch and Butland, A method for constructing local monotone piecewise cubic interpolants,
    1984).

    Args:
        times: Key times, ascending, within [0, 1].
        values: Value at each key.
        at: Times to interpolate at, ``(T,)`` within [0, 1].
        period: Whether the last key leads back to the first.

    Returns:
        Values ``(T,)``.
    """
    x, y = np.asarray(times, float), np.asarray(values, float)
    if period:  # two keys of the neighbouring periods on each side give periodic slopes
        x = np.concatenate([x[-2:] - 1, x, x[:2] + 1])
        y = np.concatenate([y[-2:], y, y[:2]])
        if len(times) == 1:
            return np.full(at.shape, y[0])
    elif len(times) == 1:
        return np.full(at.shape, y[0])
    step = np.maximum(np.diff(x), 1e-6)
    secant = np.diff(y) / step
    slope = np.zeros_like(y)
    product = secant[:-1] * secant[1:]
    same = product > 0
    total = np.where(same, secant[:-1] + secant[1:], 1.0)
    slope[1:-1] = np.where(same, 2 * product / total, 0.0)
    where = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(step) - 1)
    s = np.clip((at - x[where]) / step[where], 0, 1)
    h = step[where]
    cubic = (1 + 2 * s) * (1 - s) ** 2 * y[where] + s * (1 - s) ** 2 * h * slope[where]
    cubic += s**2 * (3 - 2 * s) * y[where + 1] - s**2 * (1 - s) * h * slope[where + 1]
    return np.asarray(cubic)


def channels(keys: Sequence[KeyPose], phase: Float, *, period: bool = False) -> dict[str, Float]:
    """Interpolate key poses channel by channel.

    A channel that starts with ``b.`` is for both sides. Not every key pose must have every
    channel.

    Args:
        keys: ``(time, {channel: value})``, times ascending within [0, 1].
        phase: Time in the movement, ``(T,)`` within [0, 1].
        period: Whether the movement repeats.

    Returns:
        Trajectories ``(T,)`` by channel.
    """
    found: dict[str, tuple[list[float], list[float]]] = {}
    for time, pose in keys:
        for name, value in pose.items():
            sides = ("l." + name[2:], "r." + name[2:]) if name.startswith("b.") else (name,)
            for side in sides:
                times, values = found.setdefault(side, ([], []))
                times.append(time)
                values.append(value)
    return {name: ease(t, v, phase, period=period) for name, (t, v) in found.items()}
