"""The samplers, against their formulas."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clip_har.data.sampling import FrameSettings, SamplingError, frame_order, sample_indices

clip_times = st.lists(st.floats(0.001, 2.0), min_size=1, max_size=200).map(
    lambda gaps: [sum(gaps[:i]) for i in range(len(gaps))]
)
settings = st.one_of(
    st.builds(FrameSettings, count=st.integers(1, 64)),
    st.just(FrameSettings(sampler="middle")),
    st.builds(
        FrameSettings,
        sampler=st.just("every"),
        step=st.integers(1, 50),
        max_frames=st.none() | st.integers(1, 20),
    ),
    st.builds(
        FrameSettings,
        sampler=st.just("fps"),
        fps=st.floats(0.1, 60),
        max_frames=st.none() | st.integers(1, 20),
    ),
)


@given(settings, clip_times)
def test_indices_are_sorted_and_in_range(settings, times):
    indices = sample_indices(settings, times)
    assert indices == sorted(indices)
    assert indices
    assert all(0 <= i < len(times) for i in indices)
    if settings.sampler in {"every", "fps"} and settings.max_frames is not None:
        assert len(indices) <= settings.max_frames


@given(st.integers(1, 500), st.integers(1, 64))
def test_uniform_is_the_exact_formula(n, count):
    exact = [math.floor((i + Fraction(1, 2)) * n / count) for i in range(count)]
    assert sample_indices(FrameSettings(count=count), [0.04 * i for i in range(n)]) == exact


@given(st.integers(1, 500), st.integers(1, 50))
def test_every_and_middle(n, step):
    times = [0.04 * i for i in range(n)]
    every = sample_indices(FrameSettings(sampler="every", step=step), times)
    assert every == [i for i in range(n) if i % step == 0]
    assert sample_indices(FrameSettings(sampler="middle"), times) == [n // 2]


@given(
    # whole milliseconds, so that the oracle can be exact
    st.lists(st.integers(1, 2000), min_size=1, max_size=60),
    st.sampled_from([1, 2, 4, 5, 10, 25]),
    st.integers(0, 5000),
)
def test_fps_takes_the_frame_on_screen_at_each_tick(gaps, fps, origin):
    stamps = [origin + sum(gaps[:i]) for i in range(len(gaps))]
    expected = []
    tick = Fraction(stamps[0])
    while tick <= stamps[-1]:
        expected.append(max(i for i, stamp in enumerate(stamps) if stamp <= tick))
        tick += Fraction(1000, fps)
    times = [stamp / 1000 for stamp in stamps]
    assert sample_indices(FrameSettings(sampler="fps", fps=fps), times) == expected


def test_fps_at_the_own_rate_keeps_every_frame_once():
    for first in (0, 1, 7):
        times = [float(Fraction(first + i, 25)) for i in range(250)]
        assert sample_indices(FrameSettings(sampler="fps", fps=25), times) == list(range(250))


def test_cap_thins_over_the_whole_clip():
    times = [0.04 * i for i in range(100)]
    capped = sample_indices(FrameSettings(sampler="every", step=1, max_frames=4), times)
    assert capped == [12, 37, 62, 87]


def test_short_clips_repeat_frames():
    assert sample_indices(FrameSettings(count=5), [0.0, 0.04]) == [0, 0, 1, 1, 1]


def test_no_frames_are_refused():
    with pytest.raises(ValueError, match="at least one frame"):
        sample_indices(FrameSettings(), [])


@pytest.mark.parametrize(
    "fields",
    [
        {"sampler": "random"},
        {"count": 0},
        {"step": 0},
        {"fps": 0},
        {"fps": float("nan")},
        {"max_frames": 0},
        {"fit": "stretch"},
        {"size": 0},
        {"on_error": "ignore"},
        {"max_failed": 1.5},
        {"max_failed": -0.1},
        {"workers": 0},
        {"counts": 3},
    ],
)
def test_wrong_settings_are_refused(fields):
    with pytest.raises(ValidationError):
        FrameSettings(**fields)


def test_key_holds_only_what_decides():
    assert FrameSettings(count=8, fps=3).sampling_key() == FrameSettings(fps=5).sampling_key()
    assert FrameSettings(order="single").sampling_key() == FrameSettings().sampling_key()
    assert FrameSettings(count=4).sampling_key() != FrameSettings(count=8).sampling_key()
    every = FrameSettings(sampler="every")
    assert every.sampling_key() != FrameSettings(sampler="every", max_frames=9).sampling_key()


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_orders_are_of_the_same_frames(count):
    def shown(order, clip_id="clip 1", seed=0):
        return frame_order(order, count, seed=seed, clip_id=clip_id).tolist()

    forward = list(range(count))
    assert shown("forward") == forward
    assert shown("reversed") == forward[::-1]
    assert shown("single") == [count // 2] * count
    clips = [f"clip {number}" for number in range(50)]
    shuffled = [shown("shuffled", clip) for clip in clips]
    assert all(sorted(order) == forward for order in shuffled)
    assert shuffled == [shown("shuffled", clip) for clip in clips]
    if count > 1:
        assert forward not in shuffled, "1 of 2 clips would be unchanged with two frames"
    if count > 2:
        assert len(set(map(tuple, shuffled))) > 3
        assert shuffled != [shown("shuffled", clip, seed=1) for clip in clips]


@pytest.mark.parametrize(
    "one", [{"sampler": "middle"}, {"count": 1}, {"sampler": "every", "max_frames": 1}]
)
def test_a_single_frame_has_no_order(one):
    with pytest.raises(
        ValidationError, match=r"order=reversed needs several frames .*frames.count"
    ):
        FrameSettings(order="reversed", **one)
    FrameSettings(order="reversed", count=1, sampler="fps", max_frames=2)
    FrameSettings(**one)


def test_a_frame_that_is_shown_for_years_does_not_fill_the_memory():
    times = [0.0, 1.0, 3e9]
    with pytest.raises(SamplingError, match=r"shown for 3e\+09 s.*frames\.max_frames"):
        sample_indices(FrameSettings(sampler="fps", fps=1000), times)
    kept = sample_indices(FrameSettings(sampler="fps", fps=1000, max_frames=4), times)
    assert kept == [1, 1, 1, 1]
