"""The control moves as the hole does: boxes that jitter, cross the frame, or have no room."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clip_har.masking.area import Canvas
from clip_har.masking.away import moved_away
from clip_har.masking.feature import FeatureMask
from clip_har.masking.mask import clip_mask

HEIGHT, WIDTH = 60, 90
Maps = NDArray[np.float32]
Hole = NDArray[np.bool_]


def boxes(*places: tuple[int, int, int, int]) -> Maps:
    """Return soft masks of a target in boxes (top, left, bottom, right), one per frame."""
    maps = np.zeros((len(places), HEIGHT, WIDTH), np.float32)
    for frame, (top, left, bottom, right) in zip(maps, places, strict=True):
        frame[top:bottom, left:right] = 1
    return maps


def jittering(seed: int, frames: int = 6) -> Maps:
    """Return a target whose estimated box jumps and changes its size from frame to frame."""
    draws = np.random.default_rng(seed)
    tops, lefts = draws.integers(5, 12, frames), draws.integers(8, 20, frames)
    sizes = draws.integers(10, 18, (frames, 2))
    return boxes(
        *(
            (int(top), int(left), int(top + height), int(left + width))
            for top, left, (height, width) in zip(tops, lefts, sizes, strict=True)
        )
    )


def pair(target: Maps, subject: Maps | None = None, **mask: object) -> tuple[Hole, Hole]:
    """Return the hole on the target and the one away from it."""
    canvas = Canvas(
        clip_id="clip 1", seed=0, frames=len(target), height=HEIGHT, width=WIDTH,
        feature=target, subject=target if subject is None else subject,
    )  # fmt: skip
    both = (FeatureMask.model_validate({"place": p} | mask) for p in ("feature", "away"))
    on, off = (clip_mask(one, canvas) for one in both)
    return on, off


def changes(mask: Hole) -> list[int]:
    """Return how many pixels change from each frame to the next."""
    found: list[int] = (mask[1:] != mask[:-1]).sum(axis=(1, 2)).tolist()
    return found


@pytest.mark.parametrize("hole", ["exact", "grown", "box", "ellipse"])
@pytest.mark.parametrize("ratio", [None, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_the_control_flickers_as_the_hole_does(hole: str, ratio: float | None, seed: int) -> None:
    target = jittering(seed)
    on, off = pair(target, hole=hole, ratio=ratio)
    assert min(changes(on)) > 0, "the hole on the target flickers"
    assert changes(off) == changes(on)
    assert off.sum(axis=(1, 2)).tolist() == on.sum(axis=(1, 2)).tolist()
    assert not (off & (target > 0)).any()
    shifts = {tuple(np.argwhere(b)[0] - np.argwhere(a)[0]) for a, b in zip(on, off, strict=True)}
    assert len(shifts) == 1, "with room it is the same hole, shifted by one vector"


@pytest.mark.parametrize("ratio", [None, 0.05])
def test_a_static_pair_stands_still(ratio: float | None) -> None:
    on, off = pair(jittering(0), ratio=ratio, static=True)
    assert len(on) == len(off) == 1
    assert on.sum() == off.sum()
    assert not (on & off).any()


def test_the_border_may_cut_the_hole_and_the_control_has_the_same_rest() -> None:
    target = boxes((0, 3, 8, 11), (2, 0, 12, 9))
    on, off = pair(target, ratio=None, grow=5)
    assert on.sum(axis=(1, 2)).tolist() == [13 * 16, 17 * 14]
    assert off.sum(axis=(1, 2)).tolist() == [13 * 16, 17 * 14]
    assert changes(off) == changes(on)


def test_a_target_that_crosses_the_frame_is_met_by_a_mirrored_hole() -> None:
    """There is no room beside its path; the mirrored path meets it in the middle only."""
    target = boxes(*((0, left, HEIGHT, left + 18) for left in range(0, 73, 18)))
    on, off = pair(target, ratio=None)
    np.testing.assert_array_equal(off, on[:, :, ::-1])
    assert (off & on).any(axis=(1, 2)).tolist() == [False, False, True, False, False]


def test_without_room_the_control_stands_still() -> None:
    """An object jumps from the free left into the subject: whatever moves as it does covers it."""
    target = boxes((0, 0, 20, 20), (0, 70, 24, 90))
    subject = np.zeros_like(target)
    subject[:, :, 45:] = 1
    on, off = pair(target, subject, ratio=None, feature="object")
    assert not (off & ((subject + target) > 0)).any()
    assert off.sum(axis=(1, 2)).tolist() == on.sum(axis=(1, 2)).tolist() == [400, 480]
    first, second = (np.argwhere(frame).mean(axis=0) for frame in off)
    assert np.abs(first - second).max() <= 0.5


def test_a_frame_without_the_target_has_no_hole_in_either() -> None:
    target = jittering(1)
    target[2] = 0
    on, off = pair(target, ratio=None)
    assert not on[2].any()
    assert not off[2].any()
    assert changes(off) == changes(on)


def test_the_place_is_one_of_the_equal_ones() -> None:
    hidden = np.zeros((1, 1, 6), np.bool_)
    hidden[0, 0, 0] = True
    occupied = hidden.astype(np.float32)
    moved = [moved_away(hidden, occupied, seed=0, clip_id=str(n)) for n in range(60)]
    assert {int(np.flatnonzero(one)[0]) for one in moved} == {1, 2, 3, 4, 5}


@given(
    places=st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 13), st.integers(1, 6), st.integers(1, 6)),
        min_size=1, max_size=5,
    ),
    other=st.tuples(st.integers(0, 9), st.integers(0, 13), st.integers(0, 10), st.integers(0, 14)),
)  # fmt: skip
def test_it_covers_no_more_than_a_standing_window_and_keeps_each_area(
    places: list[tuple[int, int, int, int]], other: tuple[int, int, int, int]
) -> None:
    """Whatever the boxes, also cut by the border; the window is found here by trying all."""
    hidden = np.zeros((len(places), 10, 14), np.bool_)
    for frame, (top, left, height, width) in zip(hidden, places, strict=True):
        frame[top : top + height, left : left + width] = True
    occupied = hidden.astype(np.float32)
    occupied[:, other[0] : other[2], other[1] : other[3]] += 0.5
    away = moved_away(hidden, occupied, seed=0, clip_id="a")
    assert away.sum(axis=(1, 2)).tolist() == hidden.sum(axis=(1, 2)).tolist()
    rows = max(int(frame.any(axis=1).sum()) for frame in hidden)
    columns = max(int(frame.any(axis=0).sum()) for frame in hidden)
    steps = np.rint(occupied * 255).sum(axis=0)
    least = min(
        steps[y : y + rows, x : x + columns].sum()
        for y in range(10 - rows + 1)
        for x in range(14 - columns + 1)
    )
    assert (away * np.rint(occupied * 255)).sum() <= least
    if changes(away) != changes(hidden):
        centres = [np.argwhere(frame).mean(axis=0) for frame in away]
        assert np.ptp(centres, axis=0).max() <= 0.5, "it stands still"
