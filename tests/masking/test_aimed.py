"""Feature and isolation masks: exact areas, whole regions, controls."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.masking.area import Canvas, hidden_count
from clip_har.masking.feature import FeatureMask
from clip_har.masking.isolation import IsolationMask
from clip_har.masking.mask import clip_mask
from tests.masking.made import effect_of

HOLES = ("exact", "grown", "box", "ellipse")


def walker(frames=4, height=48, width=64):
    """Return maps of a target that walks to the right, of another size in each frame."""
    maps = np.zeros((frames, height, width), np.float32)
    for time in range(frames):
        maps[time, 12 : 30 + time, 6 + 7 * time : 14 + 7 * time] = 1
        maps[time, 16:18, 6 + 7 * time : 19 + 7 * time] = 0.6
    return maps


def canvas(maps, seed=0, clip_id="clip 1"):
    frames, height, width = maps.shape
    return Canvas(
        clip_id=clip_id, seed=seed, frames=frames, height=height, width=width,
        feature=maps, subject=maps,
    )  # fmt: skip


@pytest.mark.parametrize("hole", HOLES)
@pytest.mark.parametrize("kind", [FeatureMask, IsolationMask])
@pytest.mark.parametrize("static", [False, True])
@given(ratio=st.floats(0, 1))
def test_the_area_is_exact_in_every_frame(kind, hole, static, ratio):
    mask = clip_mask(kind(ratio=ratio, hole=hole, static=static), canvas(walker()))
    assert len(mask) == (1 if static else 4)
    assert (mask.sum(axis=(1, 2)) == hidden_count(ratio, 48, 64)).all()


@pytest.mark.parametrize("hole", HOLES)
def test_without_a_ratio_hiding_and_keeping_are_each_other_s_rest(hole):
    hidden = clip_mask(FeatureMask(ratio=None, hole=hole), canvas(walker()))
    kept = clip_mask(IsolationMask(ratio=None, hole=hole), canvas(walker()))
    np.testing.assert_array_equal(kept, ~hidden)
    assert hidden[walker() >= 0.5].all()


def test_keeping_is_exact_and_hiding_a_box_by_default():
    maps = walker()
    np.testing.assert_array_equal(clip_mask(IsolationMask(ratio=None), canvas(maps)), maps < 0.5)
    assert FeatureMask(ratio=None).shape == "box"
    assert FeatureMask(ratio=None, feature="background").shape == "exact"
    assert not FeatureMask(ratio=None).keeps_silhouette
    assert FeatureMask(ratio=None, hole="exact").keeps_silhouette
    assert FeatureMask(ratio=0.1).keeps_silhouette, "the ratio may be the target's own size"
    assert not FeatureMask(ratio=None, feature="background").keeps_silhouette


def test_the_background_is_hidden_from_far_to_near():
    background = 1 - (walker() >= 0.5).astype(np.float32)
    mask = FeatureMask(ratio=0.3, feature="background")
    hidden = clip_mask(mask, canvas(background))
    assert not hidden[background == 0].any()
    assert hidden[0, :, -1].all(), "the far side goes first"
    assert not hidden[0, 12:30, 15].any(), "what is next to the subject goes last"


@pytest.mark.parametrize("hole", HOLES)
@pytest.mark.parametrize("kind", [FeatureMask, IsolationMask])
@given(ratio=st.floats(0, 1))
def test_the_target_is_hidden_first_and_kept_longest(kind, hole, ratio):
    maps = walker()
    hidden = clip_mask(kind(ratio=ratio, hole=hole), canvas(maps))
    first = maps >= 0.5 if kind is FeatureMask else maps < 0.5
    for shown, target in zip(hidden, first, strict=True):
        if shown.sum() >= target.sum():
            assert shown[target].all()
        else:
            assert target[shown].all()


def test_isolation_keeps_the_target_while_the_ratio_allows_it():
    maps = walker()
    for ratio in (0.1, 0.5, 0.85):
        assert not clip_mask(IsolationMask(ratio=ratio), canvas(maps))[maps >= 0.5].any()
    bitten = clip_mask(IsolationMask(ratio=0.97), canvas(maps))
    relevant = [maps[0][~bitten[0]].min(), maps[0][bitten[0]].max()]
    assert relevant == [1, 1], "the faint arm goes before the trunk"
    assert bitten[maps == np.float32(0.6)].all()


def test_masks_are_nested_over_the_ratio():
    for kind in (FeatureMask, IsolationMask):
        masks = [clip_mask(kind(ratio=r), canvas(walker())) for r in (0.05, 0.2, 0.6)]
        assert (masks[0] <= masks[1]).all()
        assert (masks[1] <= masks[2]).all()


def test_static_is_the_union_over_time():
    maps = walker()
    (hidden,) = clip_mask(FeatureMask(ratio=None, hole="exact", static=True), canvas(maps))
    np.testing.assert_array_equal(hidden, (maps >= 0.5).any(axis=0))


def test_frames_without_the_target():
    maps = walker()
    maps[1] = 0
    assert not clip_mask(FeatureMask(ratio=None), canvas(maps))[1].any()
    assert clip_mask(IsolationMask(ratio=None), canvas(maps))[1].all()
    hidden = clip_mask(FeatureMask(ratio=0.1), canvas(maps))
    assert hidden[1].sum() == hidden_count(0.1, 48, 64)
    rows, columns = np.nonzero(hidden[1])
    near = np.argwhere(hidden[0]).mean(axis=0)
    assert (rows.mean(), columns.mean()) == pytest.approx(tuple(near)), "where it was before"


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_away_of_nothing_and_of_everything(ratio):
    mask = clip_mask(FeatureMask(ratio=ratio, place="away"), canvas(walker()))
    assert mask.mean() == ratio


@pytest.mark.parametrize("hole", HOLES)
@pytest.mark.parametrize("ratio", [None, 0.05])
def test_away_is_the_same_hole_off_the_subject(hole, ratio):
    maps = walker(height=64, width=112)
    grow = 2 if hole == "grown" else None
    on, off = (
        clip_mask(FeatureMask(ratio=ratio, hole=hole, place=place, grow=grow), canvas(maps))
        for place in ("feature", "away")
    )
    np.testing.assert_array_equal(on.sum(axis=(1, 2)), off.sum(axis=(1, 2)))
    frames = np.zeros((4, 3, 64, 112), np.uint8)
    hidden = [effect_of(frames, mask, subject=maps).subject_hidden or 0.0 for mask in (on, off)]
    assert hidden[0] > (0.99 if ratio is None else 0.5)
    assert hidden[1] < 0.02


def test_away_from_an_object_is_away_from_the_subject_too():
    target, subject = (np.zeros((2, 30, 90), np.float32) for _ in range(2))
    target[:, 10:20, 5:15] = 1
    subject[:, :, 40:] = 1  # only the strip between the two is free
    for number in range(5):
        given = Canvas(
            clip_id=f"clip {number}", seed=0, frames=2, height=30, width=90,
            feature=target, subject=subject,
        )  # fmt: skip
        hidden = clip_mask(FeatureMask(ratio=None, feature="object", place="away"), given)
        assert hidden.sum() == 2 * 100
        assert not hidden[(target + subject) > 0].any()


def test_away_takes_no_more_than_what_the_border_left_of_the_hole():
    maps = np.zeros((1, 60, 60), np.float32)
    maps[0, :8, :8] = 1
    on, off = (
        clip_mask(FeatureMask(ratio=None, grow=5, place=place), canvas(maps))
        for place in ("feature", "away")
    )
    assert on.sum() == off.sum() == 13 * 13, "not the 18 x 18 of a box that is free on all sides"


def test_away_depends_on_the_clip_and_the_seed_alone():
    maps, mask = walker(), FeatureMask(ratio=None, place="away")
    first = clip_mask(mask, canvas(maps))
    np.testing.assert_array_equal(first, clip_mask(mask, canvas(maps)))
    others = [clip_mask(mask, canvas(maps, clip_id=f"clip {n}")) for n in range(5)]
    others += [clip_mask(mask, canvas(maps, seed=1))]
    assert any((first != other).any() for other in others)


def test_a_target_as_large_as_the_frame_has_no_other_place():
    maps = np.ones((2, 20, 30), np.float32)
    assert clip_mask(FeatureMask(ratio=None, place="away"), canvas(maps)).all()
    assert clip_mask(FeatureMask(ratio=0.5, place="away"), canvas(maps)).mean() == 0.5


def test_nothing_found_hides_by_the_ratio_alone():
    nothing = np.zeros((2, 20, 30), np.float32)
    for kind in (FeatureMask, IsolationMask):
        assert clip_mask(kind(ratio=0.25), canvas(nothing)).mean() == 0.25
    assert not clip_mask(FeatureMask(ratio=None), canvas(nothing)).any()


def test_a_canvas_without_the_feature_says_what_to_add():
    bare = Canvas(clip_id="a", seed=0, frames=1, height=4, width=4)
    for mask in (FeatureMask(ratio=None), IsolationMask(ratio=None)):
        with pytest.raises(ClipHarError, match="use region=auto"):
            clip_mask(mask, bare)


@pytest.mark.parametrize(
    ("kind", "fault", "message"),
    [
        (FeatureMask, {"hole": "exact", "grow": 3}, "use masking.hole=grown"),
        (FeatureMask, {"feature": "background", "hole": "box"}, "is the whole frame"),
        (FeatureMask, {"feature": "background", "place": "away"}, "nothing is away"),
        (IsolationMask, {"feature": "background", "hole": "ellipse"}, "is the whole frame"),
        (IsolationMask, {"feature": ""}, "at least 1 character"),
        (FeatureMask, {"soft": -1}, "greater than or equal to 0"),
        (FeatureMask, {"ratio": 1.5}, "less than or equal to 1"),
    ],
)
def test_wrong_settings_are_refused(kind, fault, message):
    with pytest.raises(ValidationError, match=message):
        kind(**{"ratio": None} | fault)


@pytest.mark.parametrize("mask", [FeatureMask, IsolationMask])
@pytest.mark.parametrize("ratio", [0.05, 0.2, 0.41])
def test_a_box_of_a_ratio_has_no_notch(mask, ratio):
    target = np.zeros((1, 60, 60), np.float32)
    target[:, 20:40, 20:40] = 1
    shown = clip_mask(mask(ratio=ratio, hole="box"), canvas(target))[0]
    for turned in (shown[::-1], shown[:, ::-1], shown.T):
        assert (shown != turned).sum() <= 14  # of the last pixels some have no counterpart
