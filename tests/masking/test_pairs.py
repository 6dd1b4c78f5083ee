"""Pairs for the scene swap."""

from pathlib import Path

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip
from clip_har.masking.pairs import listed_scene_clips, read_pairs, sample_scene_clips


def made(labels):
    return [
        Clip(f"clip {n}", Path(f"{label}/{n}.avi"), int(label), "g")
        for n, label in enumerate(labels)
    ]


LABELS = np.repeat(np.arange(5), 40)
CLIPS = made(LABELS)


def test_every_pair_is_of_two_classes_sampled_evenly():
    sampled = sample_scene_clips(CLIPS, CLIPS, seed=0)
    scenes = LABELS[sampled]
    assert (scenes != LABELS).all()
    counts = np.bincount(scenes, minlength=5)
    assert counts.min() > 20  # 40 expected, sd about 5.6
    assert len(set(sampled)) > 100, "not the same background again and again"


def test_classes_of_unequal_size_are_sampled_alike():
    labels = np.array([0] * 100 + [1] * 90 + [2] * 10)
    clips = made(labels)
    scenes = labels[sample_scene_clips(clips, clips, seed=0)][:100]
    assert 30 < (scenes == 2).sum() < 70


def test_pairs_depend_on_seed_and_id_not_on_the_order():
    sampled = sample_scene_clips(CLIPS, CLIPS, seed=0)
    shuffled = [CLIPS[n] for n in np.random.default_rng(0).permutation(200)]
    named = {
        clip.id: shuffled[pick].id
        for clip, pick in zip(shuffled, sample_scene_clips(shuffled, shuffled, seed=0), strict=True)
    }
    assert named == {clip.id: CLIPS[pick].id for clip, pick in zip(CLIPS, sampled, strict=True)}
    assert sampled != sample_scene_clips(CLIPS, CLIPS, seed=1)


def test_only_scenes_are_shown():
    scenes = [CLIPS[n] for n in (3, 50, 170)]
    picks = sample_scene_clips(CLIPS, scenes, seed=0)
    assert set(picks) == {0, 1, 2}
    labels = np.array([scenes[pick].label for pick in picks])
    assert (labels != LABELS).all()


def test_one_class_has_no_other_scene():
    for count in (40, 0):
        with pytest.raises(ClipHarError, match=f"at least 2 classes, got {min(count, 1)}"):
            sample_scene_clips(CLIPS[:2], CLIPS[:count], seed=0)


FEW = [
    Clip("run/a.avi", Path("data/run/a.avi"), 0, "g"),
    Clip("run/b.avi", Path("data/run/b.avi"), 0, "g"),
    Clip("swim/a.avi", Path("data/swim/a.avi"), 1, "g"),
]


def listed(folder, *rows, scenes=FEW, clips=FEW):
    file = folder / "pairs.csv"
    file.write_text("\n".join(["clip,scene", *rows]), encoding="utf-8")
    return listed_scene_clips(clips, scenes, file)


def test_a_list_names_clips_by_id_or_by_folder_and_file(tmp_path):
    rows = ["run/a.avi,swim/a", "run/b,swim/a.avi", "swim/a,run/b", "away/x,away/y"]
    assert listed(tmp_path, *rows) == [2, 2, 1]
    assert listed(tmp_path, "swim/a,b", clips=FEW[2:]) == [1]


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        ("run/b", r"1 of 1 clips \(run/a.avi before run/b\) have a scene of their own class"),
        ("run/a", "own class"),
        ("a", "fits several clips"),
        ("dive/a", "have a scene that cannot be shown: it is not among the clips"),
    ],
)
def test_a_scene_that_cannot_be_shown(tmp_path, scene, message):
    with pytest.raises(ClipHarError, match=message):
        listed(tmp_path, f"run/a,{scene}", clips=FEW[:1])


def test_a_clip_that_the_list_lacks(tmp_path):
    message = r"2 of 3 clips \(run/b.avi, swim/a.avi\) are not in the list"
    with pytest.raises(ClipHarError, match=message):
        listed(tmp_path, "run/a,swim/a")
    with pytest.raises(ClipHarError, match="have a scene that cannot be shown"):
        listed(tmp_path, "run/a,swim/a", clips=FEW[:1], scenes=FEW[:2])


def test_lists_that_cannot_be_read(tmp_path):
    with pytest.raises(ClipHarError, match=r"set masking.pairs=<the file>"):
        read_pairs(tmp_path / "none.csv")
    for rows, message in {
        "clip,scene\na,b\na,c": "line 3: a has two scenes, b and c",
        "clip,scene\na,": "'scene' is empty",
        "a,b\nc,d": "has no column clip, scene",
        "clip,scene": "has no rows",
    }.items():
        (tmp_path / "pairs.csv").write_text(rows)
        with pytest.raises(ClipHarError, match=message):
            read_pairs(tmp_path / "pairs.csv")
