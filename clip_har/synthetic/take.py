"""Timing of one performance of an action."""

from dataclasses import dataclass

import numpy as np

from clip_har.synthetic.motion import Float
from clip_har.synthetic.skeleton import Body


@dataclass
class Take:
    """One performance.

    Attributes:
        clock: Time of each frame, seconds ``(T,)``.
        body: Proportions of the performer.
        rng: The clip's generator for the motion.
    """

    clock: Float
    body: Body
    rng: np.random.Generator

    @property
    def duration(self) -> float:
        """Seconds from the first to the last frame, at least a tenth."""
        return float(max(self.clock[-1] - self.clock[0], 0.1))

    def cycle(self, rate: float) -> Float:
        """Return the phase ``(T,)`` in [0, 1) of a movement with about ``rate`` cycles a second."""
        return np.asarray((self.clock * rate * self.vary(0.14) + self.rng.random()) % 1)

    def once(self, begin: float = 0.05, end: float = 0.97) -> Float:
        """Return the progress ``(T,)`` in [0, 1] of a movement that happens once in the clip."""
        first = begin * self.rng.uniform(0, 2)
        last = max(first + 0.4, end - self.rng.uniform(0, 0.1))
        share = (self.clock - self.clock[0]) / self.duration
        return np.asarray(np.clip((share - first) / (last - first), 0, 1))

    def vary(self, amount: float) -> float:
        """Return a factor within ``1 - amount`` to ``1 + amount``."""
        return float(self.rng.uniform(1 - amount, 1 + amount))

    def travel(self, speed: float) -> Float:
        """Return the position ``(T,)`` at a constant speed (statures a second), centred at 0.

        The speed is lower in long clips, so that the camera can follow within the scene.
        """
        pace = min(speed, 1.75 / self.duration)
        return np.asarray((self.clock - self.clock.mean()) * pace)
