"""Stores of clips of images: the frames of their videos, what is told, and when they are built."""

import logging
import os
import shutil

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import FrameStore, store_key
from clip_har.data.sampling import FrameSettings
from tests.damage import truncate
from tests.data.made import write_images, write_video

SETTINGS = FrameSettings(count=3, size=32)


def pictures(seed, count):
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (count, 40, 56, 3), np.uint8))


def clip_set(*paths, fps=None):
    """Clips with the ids of their names, whatever they are made of."""
    clips = tuple(Clip(path.stem, path, i % 2, "g", fps=fps) for i, path in enumerate(paths))
    return ClipSet("made", ("run", "jump"), clips, licence="none", citation="")


@pytest.fixture
def folders(tmp_path):
    return [
        write_images(tmp_path / "images" / f"c{i}", pictures(i, n)) for i, n in enumerate((5, 9))
    ]


def test_stores_of_images_and_of_their_videos_hold_the_same(tmp_path, folders):
    videos, zips = [], []
    for number, folder in enumerate(folders):
        video = tmp_path / "videos" / f"{folder.name}.mkv"
        found = pictures(number, len(list(folder.iterdir())))
        videos.append(write_video(video, found, codec="ffv1", pix_fmt="bgr0", rate=10))
        zips.append(shutil.make_archive(str(tmp_path / folder.name), "zip", folder))
    sets = (
        clip_set(*videos),
        clip_set(*folders, fps=10),
        clip_set(*map(folders[0].joinpath, zips), fps=10),
    )
    stores = [FrameStore.open(one, SETTINGS, cache_dir=tmp_path) for one in sets]
    assert len({store.digest for store in stores}) == 1
    assert len({store.path for store in stores}) == 3
    for store in stores:
        assert store.seconds.tolist() == [0.5, 0.9]
        view = store.view(1)
        assert (view.width, view.height, view.fps, view.frame_count) == (56, 40, 10.0, 9)
        np.testing.assert_array_equal(view.others([0, 8]), stores[0].view(1).others([0, 8]))


def test_a_store_is_built_anew_when_an_image_or_the_rate_changes(tmp_path, folders):
    def key(**more):
        return store_key(clip_set(*folders, **more), SETTINGS)

    keys = [key(), key(fps=10), key(fps=20)]
    write_images(folders[0], pictures(7, 1), first=6)
    keys.append(key())
    (folders[1] / "000009.png").unlink()
    keys.append(key())
    assert len(set(keys)) == 5
    (folders[1] / "notes.txt").touch()
    os.utime(folders[1])  # the folder's own time says nothing about its images
    assert key() == keys[-1]


def test_a_clip_with_a_damaged_image_is_left_out(tmp_path, folders):
    truncate(folders[0] / "000003.png")
    (tmp_path / "empty").mkdir()
    made = clip_set(*folders, tmp_path / "empty", tmp_path / "none.png")
    store = FrameStore.open(
        made, SETTINGS.model_copy(update={"on_error": "skip"}), cache_dir=tmp_path
    )
    assert store.ok == [1]
    reasons = [failure.reason for failure in store.failures]
    assert reasons[0].startswith("000003.png: damaged or cut off")
    assert reasons[1:] == ["a folder without videos and images", "the file does not exist"]


def test_what_is_missing_and_what_is_repeated_is_told_once(tmp_path, folders, caplog):
    (folders[1] / "000004.png").unlink()
    write_images(folders[1], 2, name="flow_x_{}")
    single = write_images(tmp_path / "one", 2) / "000001.png"
    made = clip_set(*folders, single)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            FrameStore.open(made, SETTINGS, cache_dir=tmp_path)
    gaps, repeated = caplog.messages
    assert gaps == (
        "1 of 3 clips of images have gaps, or other images beside them: c1: missing images: 1 (4);"
        " images of other series, such as optical flow: 2, not used"
    )
    assert repeated.startswith("1 of 3 clips are one image, which is shown 3 times")


def test_a_rate_that_is_not_known_stops_the_run_in_one_line(tmp_path, folders):
    by_rate = FrameSettings(sampler="fps", fps=5, size=32)
    with pytest.raises(ClipHarError, match=r"dataset\.fps=<frames per second>"):
        FrameStore.open(clip_set(*folders), by_rate, cache_dir=tmp_path)
    store = FrameStore.open(clip_set(*folders, fps=10), by_rate, cache_dir=tmp_path)
    assert [entry.indices for entry in store.entries] == [(0, 2, 4), (0, 2, 4, 6, 8)]
