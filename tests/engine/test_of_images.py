"""Masks and scores of clips of images are those of their videos, to the bit."""

import shutil

import numpy as np
import pytest

from clip_har.config.compose import cell_from_config
from clip_har.config.one_cell import composed
from clip_har.data.clips import clips_of
from clip_har.engine.evaluate import evaluate
from tests.data.made import write_images, write_video
from tests.planted import planted_frames

CLASSES = ("Archery", "Rowing")


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """One data set as lossless videos, folders of images, and zips of images."""
    place = tmp_path_factory.mktemp("copies")
    index = "".join(f"{number} {name}\n" for number, name in enumerate(CLASSES, 1))
    stems = [(name, f"v_{name}_g{group:02}_c01") for name in CLASSES for group in (1, 2)]
    listed = "".join(f"{name}/{stem}.avi\n" for name, stem in stems)
    for kind in ("videos", "folders", "zips"):
        lists = place / kind / "ucfTrainTestlist"
        lists.mkdir(parents=True)
        (lists / "classInd.txt").write_text(index)
        (lists / "testlist01.txt").write_text(listed)
    for number, (name, stem) in enumerate(stems):
        frames = list(planted_frames(number, number, seed=number)[0])
        video = place / "videos" / "UCF-101" / name / f"{stem}.mkv"
        write_video(video, frames, codec="ffv1", pix_fmt="bgr0", rate=8)
        folder = write_images(place / "folders" / "rawframes" / name / stem, frames)
        there = place / "zips" / "rawframes" / name / stem
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.make_archive(str(there), "zip", folder)
    return place


@pytest.mark.parametrize(
    "settings",
    [
        ("masking=percent", "ratio=0.4", "frames.sampler=fps", "frames.fps=4"),
        ("masking=feature", "region=motion", "ratio=null", "frames.count=3"),
    ],
    ids=["drawn", "motion"],
)
def test_a_data_set_gives_the_same_scores_as_videos_and_as_images(
    copies, small_clip, tmp_path, settings
):
    found = {}
    for kind in ("videos", "folders", "zips"):
        words = ["model=clip", f"model.checkpoint={small_clip}", "attention_clips=0"]
        data = ["dataset=ucf101", f"dataset.root={copies / kind}"]
        rate = [] if kind == "videos" else ["dataset.fps=8"]
        places = [f"cache_dir={tmp_path / kind}"]
        cell = cell_from_config(composed([*words, *data, *rate, *places, *settings])[0])
        evaluated = evaluate(cell, clips_of(cell.dataset))
        found[kind] = evaluated.table
    videos = found.pop("videos")
    assert np.ptp(videos.scores) > 0
    assert (videos.mask_ratio > 0).all()
    for table in found.values():
        assert table.clip_ids == videos.clip_ids
        for name in ("scores", "mask_ratio", "subject_hidden", "native_black", "seconds"):
            np.testing.assert_array_equal(getattr(table, name), getattr(videos, name))
