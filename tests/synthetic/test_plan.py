"""Plans have exact shares and keep subjects apart."""

from collections import Counter

import pytest

from clip_har.synthetic import ACTIONS, SCENES, caption, plan_clips
from clip_har.synthetic.actions import BY_NAME

CLASSES = len(ACTIONS)


def test_every_action_has_a_scene_of_its_own():
    own = [action.scene for action in ACTIONS]
    assert len(set(own)) == CLASSES
    assert set(own) <= set(SCENES)
    assert len({action.name for action in ACTIONS}) == CLASSES


@pytest.mark.parametrize("bias", [0.0, 1 / CLASSES, 0.29, 0.5, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("clips", [7, 100, 400, 437])
def test_share_of_own_scenes_is_exact(bias, clips):
    plan = plan_clips(seed=3, clips=clips, scene_bias=bias, split="train")
    counts = Counter(spec.action for spec in plan)
    assert len(plan) == clips
    assert max(counts.values()) - min(counts.get(a.name, 0) for a in ACTIONS) <= 1
    assert abs(sum(spec.biased for spec in plan) - bias * clips) <= 0.5 + 1e-9
    for action in ACTIONS:
        own = sum(spec.biased for spec in plan if spec.action == action.name)
        assert abs(own - bias * counts[action.name]) < 1


def test_unbiased_point_has_every_action_in_every_scene_equally_often():
    plan = plan_clips(seed=0, clips=CLASSES * CLASSES * 2, scene_bias=1 / CLASSES, split="test")
    pairs = Counter((spec.action, spec.scene) for spec in plan)
    assert len(pairs) == CLASSES**2
    assert set(pairs.values()) == {2}


def test_scenes_stay_balanced_at_any_bias():
    plan = plan_clips(seed=0, clips=CLASSES * 30, scene_bias=0.8, split="train")
    assert set(Counter(spec.scene for spec in plan).values()) == {30}


def test_subjects_of_splits_never_meet_and_take_turns():
    groups = {}
    for split in ("train", "val", "test"):
        plan = plan_clips(seed=0, clips=800, scene_bias=0.5, split=split, subjects=8)
        groups[split] = {spec.subject for spec in plan}
        assert len(groups[split]) == 8
        pairs = Counter((spec.action, spec.subject) for spec in plan)
        assert max(pairs.values()) - min(pairs.values()) <= 1
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["val"]
    assert not groups["val"] & groups["test"]


def test_plan_repeats_with_its_seed_and_differs_with_another():
    plans = [plan_clips(seed=s, clips=80, scene_bias=0.5, split="val") for s in (0, 0, 1)]
    assert plans[0] == plans[1]
    assert [p.scene for p in plans[0]] != [p.scene for p in plans[2]]
    assert len({spec.clip_id for spec in plans[0]}) == 80


@pytest.mark.parametrize("bad", [{"scene_bias": 1.1}, {"clips": -1}, {"subjects": 0}])
def test_bad_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="Expected"):
        plan_clips(**{"seed": 0, "clips": 10, "scene_bias": 0.5, "split": "train", **bad})


def test_captions_read_as_sentences():
    assert caption("waving", "station") == "a person waving in a railway station"
    assert caption("kicking", "beach") == "a person kicking a ball on a beach"
    assert BY_NAME["drinking"].object == "cup"
