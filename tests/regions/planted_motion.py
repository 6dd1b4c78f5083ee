"""Clips whose camera and subject move along known paths, at 25 frames per second."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from clip_har.data.clips import Clip
from clip_har.data.frames.store import ClipFrames

SIZE = 160
COUNT = 33
SAMPLED = range(6, COUNT - 6, 4)
_CENTRE = 240  # of the ground, in either direction
_SHOT = 1 / 4  # of the steps of a path pass between two frames

PATHS: dict[str, dict[str, Any]] = {
    "pan": {"pan": (9.0, 3.0)},
    "zoom": {"zoom": 1.06},
    "roll": {"roll": 2.5},
    "all": {"pan": (6.0, -4.0), "zoom": 0.97, "roll": -1.5},
}


def ground(seed: int = 0, edge: int = 480) -> NDArray[np.uint8]:
    """Return a picture ``(edge, edge, 3)`` with detail of every size."""
    draws = np.random.default_rng(seed)
    layers = [
        cv2.resize(draws.normal(0, 1, (edge // cell, edge // cell, 3)), (edge, edge)) * cell**0.5
        for cell in (3, 6, 12, 24)
    ]
    return np.clip(110 + 14 * sum(layers), 0, 255).astype(np.uint8)


def view(
    time: float, pan: tuple[float, float] = (0.0, 0.0), zoom: float = 1.0, roll: float = 0.0
) -> NDArray[np.float64]:
    """Return ``(3, 3)``: what takes points of the ground to a frame of a steady camera path."""
    scale, turn = zoom**time, np.deg2rad(roll) * time
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    turned = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    start, end = np.eye(3), np.eye(3)
    start[:2, 2] = -_CENTRE - np.multiply(pan, time)
    end[:2, 2] = SIZE / 2
    to: NDArray[np.float64] = end @ turned @ start
    return to


def filmed(path: Sequence[NDArray[np.float64]], picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the frames ``(T, SIZE, SIZE, 3)`` that a camera path sees of a picture."""
    size = (SIZE, SIZE)
    return np.stack(
        [np.asarray(cv2.warpAffine(picture, to[:2], size, flags=cv2.INTER_AREA)) for to in path]
    )


def path_of(name: str) -> list[NDArray[np.float64]]:
    """Return a camera path of ``COUNT`` frames; ``rest`` and ``shake`` have no steady one."""
    shake = np.random.default_rng(5).normal(0, 3 if name == "shake" else 0, (COUNT, 2))
    path = [view(time * _SHOT, **PATHS.get(name, {})) for time in range(COUNT)]
    for to, off in zip(path, shake, strict=True):
        to[:2, 2] += off
    return path


def walk(
    frames: NDArray[np.uint8],
    side: int = 24,
    start: tuple[int, int] = (50, 115),
    step: float = -3.25,
) -> NDArray[np.bool_]:
    """Let a textured body walk over frames ``(T, S, S, 3)``; return the truth ``(T, S, S)``."""
    body = ground(seed=9)[:side, :side] // 2 + 90
    truth = np.zeros(frames.shape[:3], bool)
    for time, (frame, true) in enumerate(zip(frames, truth, strict=True)):
        top, left = start[0] + int(0.75 * time), start[1] + int(step * time)
        place = np.s_[max(0, top) : top + side, max(0, left) : left + side]
        true[place] = True
        frame[place] = body[-frame[place].shape[0] :, : frame[place].shape[1]]
    return truth


def around(
    frames: NDArray[np.uint8], time: int, steps: Sequence[int] = (2, 5, 10)
) -> tuple[NDArray[np.uint8], list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Return a frame with those before and after it."""
    last = len(frames) - 1
    before = sorted({max(0, time - step) for step in steps} - {time}, reverse=True)
    after = sorted({min(last, time + step) for step in steps} - {time})
    return frames[time], [frames[place] for place in before], [frames[place] for place in after]


def overlap(soft_mask: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """Return intersection over union of the region with the truth."""
    either = ((soft_mask >= 0.5) | truth).sum()
    return float(((soft_mask >= 0.5) & truth).sum() / either)


def clip_of(
    frames: NDArray[np.uint8], indices: Sequence[int], fps: float | None = 25.0
) -> ClipFrames:
    """Return sampled frames of a video ``(N, S, S, 3)`` as the store gives them."""
    pictures = np.ascontiguousarray(frames.transpose(0, 3, 1, 2))
    pixels = pictures[list(indices)]
    pixels.flags.writeable = False
    return ClipFrames(
        clip=Clip(id="c", path=Path("c.mp4"), label=0, group="g"),
        pixels=pixels,
        indices=tuple(indices),
        height=frames.shape[1],
        width=frames.shape[2],
        fit="crop",
        fps=fps,
        frame_count=len(frames),
        others=lambda places: pictures[list(places)],
    )
