"""Pairs for the scene swap."""

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.masking.pairs import sample_scene_clips

LABELS = np.repeat(np.arange(5), 40)
IDS = [f"clip {number}" for number in range(200)]


def test_every_pair_is_of_two_classes_sampled_evenly():
    sampled = sample_scene_clips(IDS, LABELS, seed=0)
    scenes = LABELS[sampled]
    assert (scenes != LABELS).all()
    counts = np.bincount(scenes, minlength=5)
    assert counts.min() > 20  # 40 expected, sd about 5.6
    assert len(set(sampled.tolist())) > 100, "not the same background again and again"


def test_classes_of_unequal_size_are_sampled_alike():
    labels = np.array([0] * 100 + [1] * 90 + [2] * 10)
    scenes = labels[sample_scene_clips(IDS, labels, seed=0)][:100]
    assert 30 < (scenes == 2).sum() < 70


def test_pairs_depend_on_seed_and_id_not_on_the_order():
    sampled = sample_scene_clips(IDS, LABELS, seed=0)
    order = np.random.default_rng(0).permutation(200)
    shuffled = sample_scene_clips([IDS[n] for n in order], LABELS[order], seed=0)
    named = {IDS[n]: IDS[order[pick]] for n, pick in zip(order, shuffled, strict=True)}
    assert named == {IDS[n]: IDS[pick] for n, pick in enumerate(sampled)}
    assert (sampled != sample_scene_clips(IDS, LABELS, seed=1)).any()


def test_one_class_has_no_other_scene():
    with pytest.raises(ClipHarError, match="at least 2 classes, got 1"):
        sample_scene_clips(["a", "b"], np.zeros(2, np.int64), seed=0)
