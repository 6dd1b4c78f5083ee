"""Data sets whose clips are images: labels, groups and rates, from copies as they are published."""

import shutil

import pytest

from clip_har.config.compose import build
from clip_har.config.one_cell import composed
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSource
from clip_har.data.sources.folder import Folder
from clip_har.data.sources.hmdb51 import HMDB51
from clip_har.data.sources.manifest import Manifest
from clip_har.data.sources.ucf101 import UCF101
from clip_har.results.sweep import read_outcomes
from tests.command import run_command
from tests.data.made import write_images, write_video
from tests.data.sources import test_hmdb51, test_ucf101


@pytest.fixture
def root(tmp_path):
    """Two classes: folders, a zip and single images."""
    for name, first in (("walk/a", 1), ("walk/deep/b", 1), ("sit/c", 7)):
        write_images(tmp_path / "set" / name, 3, first=first)
    shutil.make_archive(str(tmp_path / "set" / "sit" / "d"), "zip", tmp_path / "set" / "sit", "c")
    write_images(tmp_path / "set" / "sit", 2, kind="jpg", name="photo{}")
    return tmp_path / "set"


def test_a_folder_of_classes_may_hold_clips_of_images(root):
    source = Folder(root=root, fps=12)
    clips = source.clips()
    assert clips.class_names == ("sit", "walk")
    assert [(clip.id, clip.label, clip.fps) for clip in clips.clips] == [
        ("sit/c", 0, 12.0),
        ("sit/d.zip", 0, 12.0),
        ("sit/photo1.jpg", 0, 12.0),
        ("sit/photo2.jpg", 0, 12.0),
        ("walk/a", 1, 12.0),
        ("walk/deep/b", 1, 12.0),
    ]
    assert Folder(root=root).clips().digest != clips.digest  # the rate decides what is sampled
    assert len(Folder(root=root).clips().digest) == 32
    table = root / "split.csv"
    table.write_text("path,split,group\nsit/photo1,test,anna\nwalk/a,test,\n")
    some = Folder(root=root, split_csv=table, subset="test").clips()
    assert [clip.id for clip in some.clips] == ["sit/photo1.jpg", "walk/a"]
    write_video(root / "walk" / "v.mp4", 2)
    assert [clip.id for clip in Folder(root=root).clips().clips] == ["walk/v.mp4"]
    with pytest.raises(ClipHarError, match=r"dataset\.fps=12 is the rate of clips of images"):
        source.clips()


def test_the_middle_frames_of_ucf101_are_read_by_its_lists(tmp_path):
    """As CoOp publishes them: class names with underscores, one image for each clip."""
    expected = UCF101(root=test_ucf101.lay_out(tmp_path)).clips()
    spelt = {"Archery": "Archery", "HandstandPushups": "Handstand_Pushups"}
    for folder in (tmp_path / "UCF-101").iterdir():
        for clip in folder.iterdir():
            there = tmp_path / "UCF-101-midframes" / spelt[folder.name] / f"{clip.stem}.jpg"
            there.parent.mkdir(parents=True, exist_ok=True)
            there.touch()
    both = UCF101(root=tmp_path).clips()
    assert both == expected  # the videos are taken if both are there
    shutil.rmtree(tmp_path / "UCF-101")
    clips = UCF101(root=tmp_path).clips()
    assert clips.clips[0].path.name == "v_Archery_g01_c01.jpg"
    for name in ("id", "label", "group", "attributes", "fps"):
        assert [getattr(clip, name) for clip in clips.clips] == [
            getattr(clip, name) for clip in expected.clips
        ]


@pytest.mark.parametrize("videos", [None, "flat"])
def test_raw_frames_of_ucf101_are_read_by_its_lists(tmp_path, videos):
    test_ucf101.lay_out(tmp_path)
    for clip in [*(tmp_path / "UCF-101").rglob("*.avi")]:
        folder = tmp_path / (videos or f"rawframes/{clip.parent.name}") / clip.stem
        write_images(folder, 2, kind="jpg", name="img_{:05}")
        write_images(folder, 2, kind="jpg", name="flow_x_{:05}")
    shutil.rmtree(tmp_path / "UCF-101")
    source = UCF101(root=tmp_path, videos=videos and tmp_path / videos, fps=25)
    clips = source.clips()
    assert [clip.path.name for clip in clips.clips] == [clip.id for clip in clips.clips]
    assert {clip.fps for clip in clips.clips} == {25.0}
    shutil.rmtree(clips.clips[2].path)
    with pytest.raises(ClipHarError, match=r"1 of 4 clips .* are missing"):
        source.clips()


def test_raw_frames_of_hmdb51_are_read_by_its_lists(tmp_path):
    test_hmdb51.lay_out(tmp_path)
    settings = {"root": tmp_path / "videos", "splits": tmp_path / "splits"}
    expected = HMDB51(**settings).clips()
    for clip in [*(tmp_path / "videos").rglob("*.avi")]:
        clip.unlink()
        write_images(clip.with_suffix(""), 2)
    clips = HMDB51(**settings, fps=30).clips()
    for name in ("id", "label", "group", "attributes"):
        assert [getattr(clip, name) for clip in clips.clips] == [
            getattr(clip, name) for clip in expected.clips
        ]
    assert {clip.fps for clip in clips.clips} == {30.0}
    whole = HMDB51(**settings, split=None, subset="all").clips()
    assert len(whole.clips) == 6


def test_a_table_gives_each_clip_of_images_its_rate(root):
    write_video(root / "v.mp4", 2)
    table = root / "clips.csv"
    table.write_text(
        "path,label,fps,start,end\nwalk/a,walk,10,0.1,0.2\nsit/d,sit,,,\nv.mp4,sit,29.97 fps,,\n"
    )
    clips = Manifest(path=table, fps=5).clips()
    assert [(clip.id, clip.fps, clip.start) for clip in clips.clips] == [
        ("walk/a#0.1-0.2", 10.0, 0.1),
        ("sit/d.zip", 5.0, None),
        ("v.mp4", None, None),
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("walk/a,walk,,1,", "line 2: start and end of images need their frames per second"),
        ("walk/a,walk,0,,", "line 2: expected 'fps' in frames per second, got '0'"),
        ("walk/a,walk,fast,,", "line 2: expected 'fps' in frames per second"),
        ("walk,walk,,,", "line 2: no video 'walk'"),
    ],
)
def test_faulty_rows_of_images_are_named(root, row, fault):
    table = root / "clips.csv"
    table.write_text(f"path,label,fps,start,end\n{row}\n")
    with pytest.raises(ClipHarError, match=fault):
        Manifest(path=table).clips()


@pytest.mark.slow
def test_a_masked_sweep_runs_on_each_kind_of_images(root, small_clip, tmp_path):
    """One command: two masks on folders and zips, on middle frames, and on a list of raw frames."""
    test_ucf101.lay_out(tmp_path / "ucf")
    for clip in [*(tmp_path / "ucf" / "UCF-101").rglob("*.avi")]:
        place = tmp_path / "ucf" / "UCF-101-midframes" / clip.parent.name
        write_images(place, 1, kind="jpg", name=clip.stem)
        clip.unlink()
    shutil.rmtree(tmp_path / "ucf" / "UCF-101")
    raw = root / "list.txt"
    raw.write_text("walk/a 3 1\nsit/c 3 0\nwalk/deep/b 3 1\n")
    data = {  # the options, their root and path, by the title of the clips
        "set": ("folder", root, ""),
        "ucf101/test/split1": ("ucf101", tmp_path / "ucf", ""),
        "list": ("rawframes", root, raw),
    }
    keys = ("dataset", "dataset.root", "dataset.path")
    rows = [
        ",".join(map(str, (mask, *values)))
        for values in data.values()
        for mask in ("percent", "shape")
    ]
    (tmp_path / "cells.csv").write_text("\n".join([",".join(("masking", *keys)), *rows]))
    done = run_command(
        tmp_path, "-m", "hydra/sweeper=table", "hydra.sweeper.file=cells.csv", "ratio=0.2",
        "frames.count=2", "model=clip", f"model.checkpoint={small_clip}", "attention_clips=0",
        "clean_twin=false", "tracking=none",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert done.stderr.count("4 of 4 clips are one image, which is shown 2 times") == 1
    assert done.stderr.count("2 of 6 clips are one image, which is shown 2 times") == 1
    (sweep,) = (tmp_path / "results" / "sweeps").iterdir()
    results = [outcome.result for outcome in read_outcomes(sweep).values()]
    tables = {(one.protocol["data"], one.mask): one.table for one in results if one}
    assert set(tables) == {(title, mask) for title in data for mask in ("percent", "shape")}
    for (title, _), table in tables.items():
        words = [f"{key}={value}" for key, value in zip(keys, data[title], strict=True) if value]
        source: ClipSource = build(composed(words)[0].dataset, "dataset")  # type: ignore[assignment]
        clips = source.clips()
        assert table.class_names == clips.class_names
        assert table.clip_ids == tuple(clip.id for clip in clips.clips)
        assert table.labels.tolist() == clips.labels.tolist()
        assert list(table.groups) == clips.groups.tolist()
        assert set(table.attributes) == ({"action_type"} if title.startswith("ucf") else set())
