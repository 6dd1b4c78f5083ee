"""The off-subject control: the same hole away from the subject, moving as the hole on it does."""

import numpy as np
from numpy.typing import NDArray

from clip_har.core.seeding import generator
from clip_har.masking.holes import bounding_box

Box = tuple[int, int, int, int]  # top, left, bottom, right, the last two exclusive


def moved_away(
    hidden: NDArray[np.bool_], occupied: NDArray[np.float32], *, seed: int, clip_id: str
) -> NDArray[np.bool_]:
    """Return the hole of a clip, moved to where it covers least.

    The hole of the whole clip is shifted by one number of rows and columns, so far that it stays
    in the frame. So its area in each frame, and how it changes from frame to frame, are those of
    the hole on the target: also where an estimated region flickers. Of all shifts the one with the
    least under the hole's bounding boxes is taken; one of several equals is chosen at random.

    A hole that crosses the frame has no room beside itself. So it is also tried mirrored (left and
    right, top and bottom, or both), with the same area and change in each frame; a mirrored one is
    taken only if it covers less.

    If all of these cover more than a window that stands still and is large enough for the hole in
    every frame, the hole stands in the middle of that window: its area and its size in each frame
    stay the same, but it does not move. If the hole fills most of the frame, it still covers some
    of the subject.

    Args:
        hidden: ``(F, H, W)``, the hole on the target; F is 1 for a hole that stands still.
        occupied: ``(T, H, W)`` at least 0, with T = F unless F is 1: what is avoided, such as the
            sum of the soft masks of target and subject.
        seed: the root seed of the run.
        clip_id: selects the clip's own random numbers.

    Example:
        >>> hidden = np.zeros((2, 1, 8), np.bool_)
        >>> hidden[0, 0, 0:2] = hidden[1, 0, 1:3] = True
        >>> away = moved_away(hidden, hidden.astype(np.float32), seed=0, clip_id="a")
        >>> bool((away & hidden).any()), away.sum(axis=(1, 2)).tolist()
        (False, [2, 2])
    """
    if not hidden.any():
        return hidden
    # Sums of whole numbers are exact, so equal places are equal on every machine.
    steps = np.rint(occupied * 255).astype(np.int64)
    if len(hidden) == 1:
        steps = steps.sum(axis=0, keepdims=True)
    draws = generator(seed, "mask/away", clip_id)
    paths = [hidden, hidden[:, :, ::-1], hidden[:, ::-1], hidden[:, ::-1, ::-1]]
    covered = [_covered(path, steps) for path in paths]
    best = int(np.argmin([sums.min() for sums in covered]))  # the first of equals: not mirrored
    standing = _standing(hidden)
    window = np.logical_or.reduce(standing, keepdims=True)
    in_window = _covered(window, steps.sum(axis=0, keepdims=True))
    if covered[best].min() <= in_window.min():
        return _placed(paths[best], covered[best], draws)
    return _placed(standing, in_window, draws)


def _placed(
    path: NDArray[np.bool_], covered: NDArray[np.int64], draws: np.random.Generator
) -> NDArray[np.bool_]:
    """Return a hole, shifted to one of the places where it covers least."""
    places = np.argwhere(covered == covered.min())
    top, left = places[draws.integers(len(places))]
    first_top, first_left, _, _ = bounding_box(np.logical_or.reduce(path))
    moved: NDArray[np.bool_] = np.roll(path, (top - first_top, left - first_left), axis=(1, 2))
    return moved


def _covered(path: NDArray[np.bool_], steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what a hole's bounding boxes cover, summed over the frames, for each place.

    Returns:
        ``(H - h + 1, W - w + 1)`` for the top left corner of the box (h, w) about the whole path.
    """
    top, left, bottom, right = bounding_box(np.logical_or.reduce(path))
    frame_height, frame_width = path.shape[1:]
    rows, columns = frame_height - (bottom - top) + 1, frame_width - (right - left) + 1
    total = np.zeros((rows, columns), np.int64)
    for number, box in _boxes(path).items():
        down, across = box[0] - top, box[1] - left
        sums = _window_sums(steps[number], box[2] - box[0], box[3] - box[1])
        total += sums[down : down + rows, across : across + columns]
    return total


def _standing(hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a hole with each frame's part in the middle of one window, at the top left."""
    boxes = _boxes(hidden)
    height = max(bottom - top for top, _, bottom, _ in boxes.values())
    width = max(right - left for _, left, _, right in boxes.values())
    standing = np.zeros_like(hidden)
    for number, (top, left, bottom, right) in boxes.items():
        down, across = (height - (bottom - top)) // 2, (width - (right - left)) // 2
        part = hidden[number, top:bottom, left:right]
        standing[number, down : down + bottom - top, across : across + right - left] = part
    return standing


def _boxes(hidden: NDArray[np.bool_]) -> dict[int, Box]:
    return {number: bounding_box(frame) for number, frame in enumerate(hidden) if frame.any()}


def _window_sums(values: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """Return the sum over each window, ``(H - height + 1, W - width + 1)``."""
    total = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    rows: NDArray[np.int64] = total[height:] - total[:-height]
    return rows[:, width:] - rows[:, :-width]
