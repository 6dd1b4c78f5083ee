"""Files hold what was rendered."""

import csv
import os
import subprocess
import sys

import av
import numpy as np
import pytest

from clip_har.synthetic import ClipSpec, encode_video, plan_clips, render_clip
from clip_har.synthetic.write import fill_folder


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
    steps: list[int] = []
    fill_folder(tmp_path, plan, workers=workers, advance=steps.append)
    assert steps == [1] * 10
    with (tmp_path / "clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip_id"] for row in rows] == [spec.clip_id for spec in plan]
    for row, spec in zip(rows, plan, strict=True):
        assert (row["label"], row["group"], row["scene"]) == (spec.action, spec.subject, spec.scene)
        assert row["path"] == f"videos/{spec.action}/{spec.clip_id}.mp4"
        clip = render_clip(spec)
        with np.load(tmp_path / row["map"]) as archive:
            np.testing.assert_array_equal(archive["labels"], clip.labels)
        frames, rate = decoded(tmp_path / row["path"])
        assert rate == 8
        assert np.abs(frames.astype(int) - clip.frames).mean() < 12


def test_two_clips_of_one_id_are_refused(tmp_path):
    twice = [ClipSpec("a", "waving", "office", "train-000", "train", 0)] * 2
    with pytest.raises(ValueError, match="unique"):
        fill_folder(tmp_path, twice)


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
