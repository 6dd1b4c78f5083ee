"""Files hold what was rendered, and appear all at once."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import av
import numpy as np
import pytest

from clip_har.synthetic import ClipSpec, VideoFormat, encode_video, plan_clips, render_clip
from clip_har.synthetic import write as writing
from clip_har.synthetic.write import write_clips

SMALL = VideoFormat(size=32, frames=4)


def decoded(path):
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        rate = container.streams.video[0].average_rate
    return np.stack(frames), rate


def test_video_round_trip(tmp_path):
    spec = ClipSpec("a", "kicking", "football_field", "train-000", "train", 0)
    clip = render_clip(spec)
    for name in ("a.mp4", "b.mp4"):
        encode_video(tmp_path / name, clip.frames, 8)
    frames, rate = decoded(tmp_path / "a.mp4")
    assert rate == 8
    assert frames.shape == clip.frames.shape
    # colours lose resolution in 4:2:0, brightness hardly anything
    bright = [v.astype(float) @ [0.299, 0.587, 0.114] for v in (frames, clip.frames)]
    assert np.abs(bright[0] - bright[1]).mean() < 2.5
    assert np.abs(frames.astype(int) - clip.frames).mean() < 6
    assert np.abs((frames.astype(int) - clip.frames).mean(axis=(0, 1, 2))).max() < 1.5
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize("shape", [(2, 33, 32, 3), (2, 32, 32), (0, 32, 32, 3)])
def test_frames_that_cannot_be_encoded_are_refused(tmp_path, shape):
    with pytest.raises(ValueError, match=r"even sides|Expected uint8"):
        encode_video(tmp_path / "a.mp4", np.zeros(shape, np.uint8), 8)


@pytest.mark.parametrize("workers", [1, 2])
def test_data_set_on_disk(tmp_path, workers):
    plan = plan_clips(seed=1, clips=10, scene_bias=0.5, split="val")
    calls = []
    root = write_clips(
        tmp_path / "new" / "set", plan, workers=workers, video=SMALL,
        progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    assert calls == [(n, 10) for n in range(1, 11)]
    with (root / "clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip_id"] for row in rows] == [spec.clip_id for spec in plan]
    for row, spec in zip(rows, plan, strict=True):
        assert (row["label"], row["group"], row["scene"]) == (spec.action, spec.subject, spec.scene)
        assert row["path"] == f"videos/{spec.action}/{spec.clip_id}.mp4"
        clip = render_clip(spec, size=32, frames=4)
        with np.load(root / row["map"]) as archive:
            np.testing.assert_array_equal(archive["labels"], clip.labels)
        frames, _ = decoded(root / row["path"])
        assert np.abs(frames.astype(int) - clip.frames).mean() < 12
    assert [p.name for p in root.parent.iterdir()] == ["set"]


def test_nothing_is_left_of_a_data_set_that_failed(tmp_path, monkeypatch):
    plan = plan_clips(seed=1, clips=4, scene_bias=0.5, split="val")
    seen = []

    def fail(path, *args, **kwargs):
        seen.append((tmp_path / "set").exists())
        if len(seen) == 3:
            raise RuntimeError("disk full")
        path.write_bytes(b"")

    monkeypatch.setattr(writing, "encode_video", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        write_clips(tmp_path / "set", plan, video=SMALL)
    assert seen == [False, False, False]
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_never_touched(tmp_path):
    (tmp_path / "set").mkdir()
    with pytest.raises(FileExistsError, match="exists"):
        write_clips(tmp_path / "set", [])
    twice = [ClipSpec("a", "waving", "office", "train-000", "train", 0)] * 2
    with pytest.raises(ValueError, match="unique"):
        write_clips(tmp_path / "other", twice)


@pytest.mark.parametrize("filling", ["1", "90", "165"])
def test_the_same_bytes_whatever_lay_in_memory_before(filling, tmp_path):
    code = (
        "import sys; from clip_har.synthetic import plan_clips, render_clip, encode_video\n"
        "spec = plan_clips(seed=0, clips=20, scene_bias=0.9, split='test')[0]\n"
        "encode_video(sys.argv[1], render_clip(spec).frames, 8)"
    )
    paths = [tmp_path / "plain.mp4", tmp_path / "filled.mp4"]
    for path, extra in zip(paths, ({}, {"MALLOC_PERTURB_": filling}), strict=True):
        subprocess.run([sys.executable, "-c", code, str(path)], env=os.environ | extra, check=True)
    assert paths[0].read_bytes() == paths[1].read_bytes()
