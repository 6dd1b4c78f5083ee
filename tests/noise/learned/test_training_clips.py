"""The clips that noise is learned from: split by group, balanced, masked, the same again."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.masking.area import hidden_count
from clip_har.masking.feature import FeatureMask
from clip_har.masking.isolation import IsolationMask
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.noise.learned.learning_settings import LearningSettings
from clip_har.noise.learned.settings import UniversalNoise
from clip_har.noise.learned.training_clips import (
    Batch,
    TrainingClips,
    balanced_clips,
    sample_mask,
    split_groups,
)
from clip_har.regions.source import SUBJECT
from tests.noise.made import subject_maps
from tests.planted import ACTORS, CLASSES, SIDE, open_planted, planted_clips

NOISE = UniversalNoise()


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> FrameStore:
    clips = planted_clips(tmp_path_factory.mktemp("planted"))
    return open_planted(clips, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def training(frames: FrameStore, tmp_path_factory: pytest.TempPathFactory) -> TrainingClips:
    maps = subject_maps(frames, tmp_path_factory.mktemp("maps"))
    clips = MaskedClips(masking=NoMask(), seed=0, frames=frames, patch=16, subject=maps)
    return TrainingClips(clips, *split_groups(frames.clip_set, frames.ok, NOISE))


def without_maps(training: TrainingClips, **changes: Any) -> TrainingClips:
    return replace(training, clips=replace(training.clips, subject=None), **changes)


def under(*masks: Any, ratios: tuple[float, ...] = (0.3,), seed: int = 0) -> UniversalNoise:
    return UniversalNoise(train_masking=masks, train_ratios=ratios, seed=seed)


def same(one: Batch, other: Batch) -> bool:
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


# Two parts


def store(groups: list[str], *, broken: tuple[int, ...] = ()) -> tuple[ClipSet, list[int]]:
    """Return clips of these groups, and the numbers of those that were decoded."""
    clips = tuple(Clip(f"c{number}", Path("c"), 0, group) for number, group in enumerate(groups))
    whole = [index for index in range(len(groups)) if index not in broken]
    return ClipSet("made", ("run",), clips, licence="none", citation=""), whole


def kept(share: float, seed: int = 0) -> UniversalNoise:
    return UniversalNoise(learning=LearningSettings(validation_share=share), seed=seed)


@given(st.integers(2, 20), st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 99))
def test_the_parts_share_no_group_and_together_are_all(groups, clips, share, seed):
    names = [f"g{index % groups}" for index in range(max(clips, groups))]
    learned_from, validated_on, _ = split_groups(*store(names), kept(share, seed))
    assert sorted([*learned_from, *validated_on]) == list(range(len(names)))
    one, other = ({names[index] for index in part} for part in (learned_from, validated_on))
    assert not one & other
    assert one
    assert len(other) == min(max(round(share * groups), 1), groups - 1)


@given(st.integers(3, 20), st.floats(0.01, 0.98), st.floats(0.01, 0.98), st.integers(0, 99))
def test_held_groups_are_in_no_other_set_and_leave_validation_as_it_was(groups, share, held, seed):
    names = [f"g{index % groups}" for index in range(3 * groups)]
    plain = kept(share, seed)
    noise = plain.model_copy(update={"held_share": held})
    sets, without = (split_groups(*store(names), one) for one in (noise, plain))
    assert sorted(np.concatenate(sets)) == list(range(len(names)))
    own = [{names[index] for index in part} for part in sets]
    assert sum(map(len, own)) == groups, "no group is in two sets"
    assert all(own)
    assert len(own[2]) <= max(round(held * groups), 1)
    assert without.held.size == 0
    if share * groups < groups - 1.5:  # else one group less is validated on
        assert np.array_equal(sets.validated_on, without.validated_on)


def test_held_groups_need_a_third_group():
    noise = kept(0.3).model_copy(update={"held_share": 0.3})
    with pytest.raises(ClipHarError, match=r"held out .*at least 3 groups .*got 2$") as caught:
        split_groups(*store(["a", "b", "b"]), noise)
    assert "\n" not in str(caught.value)


def test_labels_are_shuffled_within_the_sets_of_learning(training):
    held, rest = training.learned_from[:6], training.learned_from[6:]
    three = replace(training, held=held, learned_from=rest)
    found, again, other = (three.with_shuffled_labels(seed).labels for seed in (0, 0, 1))
    for part in (three.learned_from, three.validated_on):
        assert sorted(found[part]) == sorted(three.labels[part])
        assert not np.array_equal(found[part], three.labels[part])
    assert np.array_equal(found[held], three.labels[held])
    assert np.array_equal(found, again)
    assert not np.array_equal(found, other)
    shuffled = three.with_shuffled_labels(0)
    batch = shuffled.validation(NOISE)
    assert batch.labels.tolist() == found[shuffled.validation_clips(NOISE)].tolist()
    sampled = {int(label) for step in range(9) for label in shuffled.batch(NOISE, 8, step).labels}
    assert sampled == set(found[rest].tolist())


def test_clips_that_were_not_decoded_are_in_neither_part():
    names = ["a", "a", "b", "b", "c", "c"]
    parts = split_groups(*store(names, broken=(1, 4)), kept(0.3))
    assert sorted(np.concatenate(parts)) == [0, 2, 3, 5]
    with pytest.raises(ClipHarError, match=r"got 1$"):
        split_groups(*store(names, broken=(2, 3, 4, 5)), kept(0.3))


def test_one_group_is_too_few():
    with pytest.raises(ClipHarError, match=r"made .*expected at least 2 groups .*got 1$") as caught:
        split_groups(*store(["a", "a", "a"]), kept(0.2))
    assert "\n" not in str(caught.value)


def test_the_split_is_of_the_seed():
    names = [f"g{index}" for index in range(20)]
    one, again, other = (split_groups(*store(names), kept(0.2, seed))[1] for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    sampled = {int(split_groups(*store(["a", "b"]), kept(0.5, seed))[1][0]) for seed in range(20)}
    assert sampled == {0, 1}


def test_classes_that_a_part_lacks_give_a_warning(caplog):
    clips = tuple(Clip(f"c{n}", Path("c"), n % 3, "ab"[n % 3 == 2]) for n in range(6))
    clip_set = ClipSet("made", ("run", "jump", "row"), clips, licence="none", citation="")
    learned_from, *_ = split_groups(clip_set, range(6), kept(0.5))
    lacking = ["1 of 3 classes have no clip {} (row)", "2 of 3 classes have no clip {} (run, jump)"]
    if len(learned_from) == 2:  # the group of the one class
        lacking.reverse()
    purposes = ("to learn noise from", "to validate noise on")
    expected = [f"made: {text.format(use)}" for text, use in zip(lacking, purposes, strict=True)]
    assert caplog.messages[:2] == expected


# Batches


def test_a_batch_is_of_seed_and_step_alone(training):
    one = training.batch(NOISE, 8, 3)
    training.batch(NOISE, 8, 4)  # what was sampled between does not matter
    assert same(one, training.batch(NOISE, 8, 3))
    assert not same(one, training.batch(NOISE, 8, 4))
    other = training.batch(NOISE.model_copy(update={"seed": 1}), 8, 3)
    assert not torch.equal(one.whole, other.whole), "other clips and frames"
    assert not torch.equal(one.visible, other.visible), "other masks"


def test_classes_count_alike_however_many_clips_they_have(training, frames):
    labels = frames.clip_set.labels
    most = np.flatnonzero(labels == 2)
    few = [int(np.flatnonzero(labels == label)[0]) for label in (0, 1, 4)]
    uneven = without_maps(training, learned_from=np.sort(np.array([*few, *most])))
    sampled = np.concatenate([uneven.batch(under("none"), 100, step).labels for step in range(12)])
    counts = np.bincount(sampled, minlength=len(CLASSES))
    assert counts[3] == 0, "no clip of it is there"
    assert counts.sum() == 1200
    np.testing.assert_allclose(counts[[0, 1, 2, 4]] / 1200, 1 / 4, atol=0.05)


def test_all_clips_and_all_frames_of_a_class_take_part(training, frames):
    batch = training.batch(under("none"), 600, 0)
    seen = set()
    for picture, label, time in zip(batch.whole, batch.labels, batch.times, strict=True):
        candidates = [
            int(index)
            for index in training.learned_from
            if torch.equal(picture, torch.from_numpy(frames.clip(index)[time].copy()))
        ]
        assert candidates, "every frame is one of a clip to learn from, at its time"
        assert {int(frames.clip_set.labels[index]) for index in candidates} == {int(label)}
        seen |= set(candidates)
    assert seen == set(training.learned_from.tolist())
    assert set(batch.times.tolist()) == set(range(8))


def test_hidden_pixels_are_black_and_the_others_those_of_the_whole_frame(training):
    ratios = (0.1, 0.5)
    batch = training.batch(under("none", "percent", "shape", ratios=ratios), 64, 0)
    assert set(batch.visible.unique().tolist()) == {0, 1}
    assert batch.visible.shape == (64, 1, SIDE, SIDE)
    hidden = (batch.visible == 0).expand_as(batch.frames)
    assert not batch.frames[hidden].any()
    assert torch.equal(batch.frames[~hidden], batch.whole[~hidden])
    assert batch.whole[hidden].any(dim=0)
    areas = (batch.visible == 0).sum(dim=(1, 2, 3)).tolist()
    assert set(areas) == {0, *(hidden_count(ratio, SIDE, SIDE) for ratio in ratios)}
    assert (batch.frames.dtype, batch.whole.dtype) == (torch.uint8, torch.uint8)


def test_every_frame_has_a_mask_of_its_own(training):
    batch = training.batch(under("percent"), 16, 0)
    assert len({tuple(mask.flatten().tolist()) for mask in batch.visible}) == 16


def test_the_subject_is_that_of_the_frame(training):
    batch = training.batch(under("percent"), 20, 0)
    assert batch.subject.shape == (20, SIDE, SIDE)
    for picture, label, subject in zip(batch.whole, batch.labels, batch.subject, strict=True):
        colours = picture.permute(1, 2, 0)[subject > 0.99].float()
        assert len(colours) > 100
        assert (colours - torch.tensor(ACTORS[label])).abs().max() <= 12
    assert without_maps(training).batch(NOISE, 4, 0).subject is None


@pytest.mark.parametrize(("mask", "seen"), [("feature", 0.0), ("isolation", 1.0)])
def test_aimed_masks_hide_or_keep_the_subject(training, mask, seen):
    batch = training.batch(under(mask, ratios=(0.3,)), 20, 0)
    inside = batch.subject > 0.99
    assert float(batch.visible[:, 0][inside].mean()) == pytest.approx(seen, abs=0.02)
    areas = (batch.visible == 0).sum(dim=(1, 2, 3))
    assert set(areas.tolist()) == {hidden_count(0.3, SIDE, SIDE)}


class Missed:
    """Maps in which the subject was missed in one frame of each clip."""

    def __init__(self, maps: Any) -> None:
        self.found, self.maps = maps.found, maps
        self.path = Path(type(self).__name__)  # other maps are elsewhere
        self.frames_found = maps.frames_found

    def soft_mask(self, index: int) -> Any:
        found = self.maps.soft_mask(index).copy()
        found[3] = 0
        return found


@pytest.mark.parametrize("kind", [FeatureMask, IsolationMask])
def test_where_the_subject_is_missed_in_a_frame_the_mask_is_that_of_evaluation(training, kind):
    name = "feature" if kind is FeatureMask else "isolation"
    missed: Any = Missed(training.clips.subject)
    some = replace(training, clips=replace(training.clips, subject=missed))
    shown = replace(some.clips, masking=kind(ratio=0.3, feature=SUBJECT), feature=missed)
    ids = [clip.id for clip in training.frames.clip_set.clips]
    batch = some.batch(under(name), 40, 0)
    whole = {index: shown.clip(index).frames[3] for index in map(int, training.learned_from)}
    at_three = [frame for frame, time in zip(batch.frames, batch.times, strict=True) if time == 3]
    assert len(at_three) >= 3
    for frame in at_three:
        assert any(torch.equal(frame, expected) for expected in whole.values()), ids


def test_soft_edges_of_the_cells_own_mask_are_soft_in_training(training):
    soft = FeatureMask(ratio=0.2, feature=SUBJECT, hole="ellipse", soft=True)
    clips = replace(training.clips, masking=soft, feature=training.clips.subject)
    batch = replace(training, clips=clips).batch(under("same"), 6, 0)
    partly = (batch.visible > 0.05) & (batch.visible < 0.95)
    assert partly.any()


class Moved(Missed):
    """Maps of another target: where the subject is, 30 pixels to the side."""

    def soft_mask(self, index: int) -> Any:
        return np.roll(self.maps.soft_mask(index), 30, axis=-1)


def test_the_cells_own_mask_is_aimed_at_its_own_target_and_others_at_the_subject(training):
    person = FeatureMask(ratio=None, feature="person")
    moved: Any = Moved(training.clips.subject)
    clips = replace(training.clips, masking=person, feature=moved)
    own, other = (
        replace(training, clips=clips).batch(under(mask), 12, 0) for mask in ("same", "feature")
    )
    for batch, shift in ((own, 30), (other, 0)):
        aimed = batch.subject.roll(shift, dims=-1) > 0.99
        assert float(batch.visible[:, 0][aimed].mean()) == pytest.approx(0, abs=0.02)


# Validation


def test_validation_is_fixed_and_of_the_other_clips(training, frames):
    batch = training.validation(NOISE)
    training.batch(NOISE, 4, 0)
    assert same(batch, training.validation(NOISE))
    assert batch.times.tolist() == [4] * len(training.validated_on)
    middles = [torch.from_numpy(frames.clip(index)[4].copy()) for index in training.validated_on]
    assert torch.equal(batch.whole, torch.stack(middles))
    assert batch.labels.tolist() == frames.clip_set.labels[training.validated_on].tolist()
    hidden = (batch.visible == 0).expand_as(batch.frames)
    assert not batch.frames[hidden].any()


def test_validation_uses_as_many_clips_of_each_class(training):
    few = UniversalNoise(learning=LearningSettings(validation_clips_per_class=1))
    validated = np.arange(len(training.labels))
    labels = replace(training, validated_on=validated).validation(few).labels.tolist()
    assert sorted(labels) == list(range(len(CLASSES)))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1), st.integers(1, 5))
def test_balanced_clips_are_of_each_class_and_of_many_groups(clips, most):
    labels, groups = (np.array(values) for values in zip(*clips, strict=True))
    part = np.arange(len(clips))[::2]
    found = balanced_clips(labels, groups.astype(str), part, most)
    assert len(set(found)) == len(found)
    assert set(found) <= set(part.tolist())
    for label in np.unique(labels[part]):
        own = [index for index in part if labels[index] == label]
        chosen = [index for index in found if labels[index] == label]
        assert len(chosen) == min(most, len(own))
        counts = Counter(groups[own].tolist())
        if max(counts.values()) == 1:  # no two clips of a group
            assert len({groups[index] for index in chosen}) == len(chosen)
        if most > 1:  # the first and the last group
            assert {groups[own].min(), groups[own].max()} <= set(groups[chosen].tolist())


def test_few_validation_clips_of_a_class_give_a_warning(caplog):
    rows = [("a", 0)] * 6 + [("b", label) for label in [0] * 5 + [1] * 4]
    clips = tuple(Clip(f"c{n}", Path("c"), label, group) for n, (group, label) in enumerate(rows))
    clip_set = ClipSet("made", ("run", "jump"), clips, licence="none", citation="")
    texts = {}
    for seed in range(9):
        validated = split_groups(clip_set, range(15), kept(0.5, seed)).validated_on
        texts[int(validated[0])] = caplog.messages
        caplog.clear()
    few = "made: 1 of 2 classes have fewer than 5 clips to validate noise on (jump)"
    assert few in texts[6]
    assert few not in texts[0]


# Whole clips


def test_a_clip_is_whole_under_one_mask(training, frames):
    index = int(training.learned_from[0])
    noise = under("percent")
    found, whole = training.clip(noise, index), torch.from_numpy(frames.clip(index).copy())
    assert found.shape == (8, 3, SIDE, SIDE)
    hidden = (found == 0).all(dim=1)  # nothing in a planted clip is black
    assert torch.equal(hidden, hidden[:1].expand_as(hidden))
    assert int(hidden[0].sum()) == hidden_count(0.3, SIDE, SIDE)
    kept_ = ~hidden[:, None].expand_as(found)
    assert torch.equal(found[kept_], whole[kept_])
    assert torch.equal(found, training.clip(noise, index))
    assert torch.equal(training.clip(under("none"), index), whole)
    assert not torch.equal(found, training.clip(under("percent", seed=1), index))


# Masks


def test_masks_and_ratios_have_equal_shares():
    noise = under("none", "percent", "shape", "feature", "isolation", ratios=(0.1, 0.2, 0.4))
    draws = np.random.default_rng(0)
    masks = [sample_mask(noise, draws, NoMask()) for _ in range(4000)]
    for kind in (NoMask, PercentMask, ShapeMask, FeatureMask, IsolationMask):
        of_kind = [mask for mask in masks if type(mask) is kind]
        assert len(of_kind) / 4000 == pytest.approx(1 / 5, abs=0.03)
        if kind is NoMask:
            continue
        for ratio in (0.1, 0.2, 0.4):
            share = np.mean([mask.ratio == ratio for mask in of_kind])
            assert share == pytest.approx(1 / 3, abs=0.07)
    assert {mask.fill for mask in masks} == {"black"}
    assert {mask.place for mask in masks if isinstance(mask, ShapeMask)} == {"random"}
    aimed = [mask for mask in masks if isinstance(mask, FeatureMask | IsolationMask)]
    assert {mask.feature for mask in aimed} == {SUBJECT}


def test_the_cells_own_mask_is_shown_as_it_is(training):
    own = ShapeMask(ratio=0.2, shape="circle", fill="white")
    draws = np.random.default_rng(0)
    masks = [sample_mask(under("same", "none"), draws, own) for _ in range(400)]
    assert np.mean([mask is own for mask in masks]) == pytest.approx(0.5, abs=0.1)
    noise = under("same", ratios=(0.5,))
    aimed = replace(training, clips=replace(training.clips, masking=own))
    for batch in (aimed.batch(noise, 6, 0), aimed.validation(noise)):
        hidden = batch.visible == 0
        assert set(hidden.sum(dim=(1, 2, 3)).tolist()) == {hidden_count(0.2, SIDE, SIDE)}
        assert torch.equal(hidden, hidden[:1].expand_as(hidden)), "a circle in the middle"
        assert (batch.frames[hidden.expand_as(batch.frames)] == 255).all(), "in its own paint"
    clip = aimed.clip(noise, int(training.learned_from[0]))
    assert torch.equal((clip == 255).all(dim=1)[0], hidden[0, 0])
