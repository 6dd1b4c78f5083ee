"""What a model answers over the time of one video."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WHAT_IT_IS = (
    "Probabilities are the model's softmax over these {classes} classes:"
    " a class that is not in the list cannot win."
)
"""What must be said beside probabilities."""


@dataclass(frozen=True, eq=False)
class Tile:
    """One frame of the video as the model saw it.

    Attributes:
        time: in the video, seconds.
        picture: ``(S, S, 3)`` uint8 RGB; None if the model was not shown its window.
    """

    time: float
    picture: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class Prediction:
    """The class probabilities of the windows of one video.

    Attributes:
        path: the video, or the images.
        class_names: C names.
        frames: of the video.
        fps: of the video; None if its container does not state it.
        edges: ``W + 1`` times at which the windows begin and the last one ends, seconds; the last
            is NaN for images whose rate is not known.
        probabilities: ``(W, C)`` float64; each row is the model's softmax over the classes, or NaN
            for a window that was left out.
        frames_seen: of each window; 0 for one that was left out.
        tiles: frames as the model saw them, evenly spread over the time; empty if none were asked
            for.
        notes: what must be known to read it.
    """

    path: Path
    class_names: tuple[str, ...]
    frames: int
    fps: float | None
    edges: Sequence[float]
    probabilities: NDArray[np.float64]
    frames_seen: Sequence[int]
    tiles: Sequence[Tile] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def shown(self) -> NDArray[np.bool_]:
        """The windows that the model was shown, ``(W,)``; at least one."""
        return np.asarray(np.isfinite(self.probabilities).all(axis=1))

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """The mean probability of each class over the windows that were shown, ``(C,)``."""
        means: NDArray[np.float64] = self.probabilities[self.shown].mean(axis=0)
        return means

    @cached_property
    def winners(self) -> list[int | None]:
        """The most probable class of each window; None for one that was left out."""
        return [
            int(row.argmax()) if known else None
            for row, known in zip(self.probabilities, self.shown, strict=True)
        ]

    def top(self, count: int) -> list[int]:
        """Return the classes of the highest mean, highest first.

        Args:
            count: of classes.
        """
        order = np.argsort(-self.mean, kind="stable")
        return [int(label) for label in order[:count]]

    def peak(self, label: int) -> tuple[float, float]:
        """Return the highest probability of a class, and when its window begins, seconds."""
        window = int(np.nanargmax(self.probabilities[:, label]))
        return float(self.probabilities[window, label]), float(self.edges[window])

    def also(self, listed: Sequence[int]) -> list[int]:
        """Return the classes that win a window and are not listed, the highest peak first.

        Args:
            listed: classes.
        """
        others = {label for label in self.winners if label is not None} - set(listed)
        return sorted(others, key=lambda label: -self.peak(label)[0])
