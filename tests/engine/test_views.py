"""Several views of a frame: against a loop over crops, and under a mask."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from clip_har.config.cell import Cell
from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.engine.clips import frame_settings, open_frames
from clip_har.engine.evaluate import evaluate
from clip_har.engine.load_model import load_zero_shot
from clip_har.engine.preflight import preflight
from tests.config.test_cell import composed
from tests.data.made import write_video
from tests.models.open_clip.made import write as write_open_clip

TEST_VIDEOS = {"walking": (96, 64), "waving": (64, 112)}  # wide and tall


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, (width, height) in TEST_VIDEOS.items():
        (folder / name).mkdir()
        write_video(folder / name / f"{name}.mp4", 12, width=width, height=height)
    return folder


@pytest.fixture(scope="module")
def open_clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_open_clip(tmp_path_factory.mktemp("open_clip") / "model", "vit")


def cell_of(videos: Path, *keys: str) -> Cell:
    return cell_from_config(
        composed("dataset=folder", f"dataset.root={videos}", "frames.count=3", "clean_twin=false",
                 "tracking=none", "attention_clips=0", *keys)
    )  # fmt: skip


def test_each_view_is_a_square_along_the_longer_side(videos: Path) -> None:
    one, three = (cell_of(videos, f"frames.crops={crops}") for crops in (1, 3))
    clips = one.dataset.clips()
    centre, views = (open_frames(cell, clips) for cell in (one, three))
    size = views.size
    for index, clip in enumerate(clips.clips):
        pixels = views.view(index).pixels  # (9, 3, S, S)
        assert views.lengths[index] == 9
        np.testing.assert_array_equal(pixels[3:6], centre.view(index).pixels)
        width, height = TEST_VIDEOS[clip.path.stem]
        long = int(size * max(width, height) / min(width, height))
        gap = int((long - size) / 2)  # the middle view begins here
        first, middle, last = pixels[:3], pixels[3:6], pixels[6:]
        if width < height:
            first, middle, last = (part.swapaxes(2, 3) for part in (first, middle, last))
        np.testing.assert_array_equal(first[..., gap:], middle[..., : size - gap])
        rest = long - size - gap
        np.testing.assert_array_equal(middle[..., rest:], last[..., : size - rest])


def hidden_pixels(frames: torch.Tensor) -> int:
    return round(0.3 * frames[0, 0].numel())


@pytest.mark.parametrize("mask", [(), ("masking=percent", "ratio=0.3"), ("masking=shape",)])
def test_scores_are_those_of_a_loop_over_the_views(videos: Path, mask: tuple[str, ...]) -> None:
    cell = cell_of(videos, "frames.crops=3", *mask)
    clips = cell.dataset.clips()
    found = evaluate(cell, clips)
    zero_shot = load_zero_shot(cell, clips)
    for row, index in enumerate(found.masked.evaluated):
        masked = found.masked.clip(index)
        frames = torch.as_tensor(masked.frames)
        embeddings = [zero_shot.model.encode_frames([frames[one : one + 1]])[0] for one in range(9)]
        mean = normalize(torch.stack(embeddings).float().mean(dim=0), dim=-1)
        scale = zero_shot.model.logit_scale
        scores = scale * mean @ zero_shot.class_embeddings.float().T + zero_shot.model.logit_bias
        np.testing.assert_allclose(found.table.scores[row], scores.cpu().numpy(), atol=1e-4)
        if mask:
            whole = torch.as_tensor(found.masked.frames.view(index).pixels.copy())
            changed = (frames != whole).any(dim=1).flatten(1).sum(dim=1)  # of each view
            assert (changed > 0).all()
            assert (changed <= hidden_pixels(frames)).all(), "black pixels stay black"
            exact = hidden_pixels(frames) / frames[0, 0].numel()
            assert found.table.mask_ratio[row] == pytest.approx(exact)


def test_views_and_the_centre_alone_are_kept_apart(videos: Path) -> None:
    one, three = (frame_settings(cell_of(videos, f"frames.crops={crops}")) for crops in (1, 3))
    assert "crops" not in one.sampling_key(), "stores of earlier versions are found"
    assert three.sampling_key() != one.sampling_key()
    assert (one.kept_frames(), three.kept_frames()) == (3, 9)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (("frames.fit=squash",), "crops=3 needs fit=crop"),
        (("frames.order=reversed",), "several views have no order=reversed"),
        (("masking=feature", "region=motion"), "a target of a mask is looked for in the centre"),
        (("masking=percent", "fill=background"), "fill=background takes pixels from other frames"),
        (("noise=class_specific",), "noise is learned for one view"),
    ],
)
def test_what_knows_one_view_only_is_refused(
    videos: Path, keys: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ClipHarError, match=said):
        cell_of(videos, "frames.crops=3", *keys)


@pytest.mark.parametrize("name", ["xclip", "videoprism", "open_vclip", "pe_video"])
def test_a_model_of_whole_clips_has_one_view(videos: Path, tmp_path: Path, name: str) -> None:
    weights = ("model.weights=x.safetensors",) if name == "open_vclip" else ()
    model = (f"model={name}", f"model.checkpoint={tmp_path}", *weights)
    cell_of(videos, *model)
    with pytest.raises(ClipHarError, match=r"crops=3: the model sees the frames of a clip as one"):
        cell_of(videos, "frames.crops=3", *model)


@pytest.mark.parametrize(
    ("mode", "fits"), [("shortest", True), ("squash", False), ("longest", False)]
)
def test_what_a_model_of_open_clip_was_trained_with_has_views_if_it_crops(
    videos: Path, open_clip_folder: Path, mode: str, fits: bool
) -> None:
    config = open_clip_folder / "open_clip_config.json"
    settings = json.loads(config.read_text())
    settings["preprocess_cfg"]["resize_mode"] = mode
    config.write_text(json.dumps(settings))
    own = ("frames.fit=null", "frames.resample=null", "frames.crops=3")
    cell = cell_of(videos, "model=open_clip", f"model.checkpoint={open_clip_folder}", *own)
    if not fits:
        with pytest.raises(ClipHarError, match=r"crops=3: the model was trained with fit="):
            preflight(cell)
        return
    clips = preflight(cell)
    views = open_frames(cell, clips)
    assert views.settings.resample == "pillow_bicubic"
    assert [views.lengths[index] for index in range(len(clips.clips))] == [9, 9]
