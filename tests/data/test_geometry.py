"""The model's square, bit for bit that of transformers' processor."""

from pathlib import Path
from typing import Any, get_args

import av
import numpy as np
import pytest
import torch
from transformers import CLIPImageProcessor, SiglipImageProcessor
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from clip_har.data.geometry import fit_frames, fit_maps, fit_views, placement
from clip_har.data.sampling import FITS_WITH_VIEWS, Fit, Resample

SIZES = [(240, 320), (256, 340), (320, 240), (97, 131), (131, 97), (224, 224), (225, 223), (50, 9)]


def real_frames(path: Path, count: int = 4) -> torch.Tensor:
    with av.open(path, metadata_errors="replace") as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    kept = np.stack(pictures[:: len(pictures) // count][:count])
    return torch.from_numpy(kept).permute(0, 3, 1, 2)  # (T, 3, H, W)


def processed(frames: torch.Tensor, size: int, kind: type = CLIPImageProcessor) -> torch.Tensor:
    processor = kind(
        do_normalize=False,
        do_rescale=False,
        size={"shortest_edge": size},
        crop_size={"height": size, "width": size},
    )
    out: torch.Tensor = processor(images=list(frames), return_tensors="pt")["pixel_values"]
    return out


def noise(height: int, width: int) -> torch.Tensor:
    made = torch.Generator().manual_seed(height * 1000 + width)
    return torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8, generator=made)


@pytest.mark.sample_data
@pytest.mark.parametrize(
    "clip",
    [
        "ucf101-sample/UCF-101/Biking/v_Biking_g05_c02.avi",  # 240x320
        "ucf101-sample/UCF-101/Fencing/v_Fencing_g01_c06.mp4",  # 256x340
        "hmdb51-sample/wave/RATRACE_wave_f_nm_np1_fr_goo_37.avi",  # 240x560
    ],
)
def test_crop_is_the_processor_on_real_frames(sample_data, clip):
    frames = real_frames(sample_data / clip)
    for size in (224, 336, 64):
        fitted = fit_frames(frames, size, "crop")
        assert torch.equal(fitted, processed(frames, size))
    pil = processed(frames, 224, CLIPImageProcessorPil)
    difference = (fit_frames(frames, 224, "crop").int() - pil.int()).abs()
    assert difference.max() <= 2
    assert difference.float().mean() < 0.005


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("size", [224, 63])
def test_crop_is_the_processor_at_odd_sizes(height, width, size):
    frames = noise(height, width)
    assert torch.equal(fit_frames(frames, size, "crop"), processed(frames, size))


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("fit", ["crop", "squash", "letterbox"])
def test_memory_layout_changes_nothing(height, width, fit):
    frames = noise(height, width)
    channels_last = frames.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    fitted = fit_frames(channels_last, 224, fit)
    assert fitted.shape == (2, 3, 224, 224)
    assert fitted.is_contiguous()
    assert torch.equal(fitted, fit_frames(frames, 224, fit))


def test_letterbox_keeps_the_whole_frame_between_black_bars():
    frames = torch.full((1, 3, 240, 320), 200, dtype=torch.uint8)
    fitted = fit_frames(frames, 224, "letterbox")
    lit = fitted[0, 0] == 200
    assert lit[28:196].all()  # 168 rows of the frame, 28 of black on either side
    assert not lit[:28].any()
    assert not lit[196:].any()
    tall = fit_frames(frames.transpose(2, 3), 224, "letterbox")
    assert torch.equal(tall, fitted.transpose(2, 3))
    assert fit_frames(frames[..., :1], 224, "letterbox").shape == (1, 3, 224, 224)


@pytest.mark.parametrize(("resample", "number"), [("bicubic", 3), ("bilinear", 2)])
@pytest.mark.parametrize(("height", "width"), [(90, 120), (240, 320)])
def test_squash_is_the_processor_of_siglip(height, width, resample, number):
    frames = noise(height, width)
    processor: Any = SiglipImageProcessor(
        do_normalize=False, do_rescale=False, size={"height": 64, "width": 64}, resample=number
    )
    expected = processor(images=list(frames), return_tensors="pt")["pixel_values"]
    assert torch.equal(fit_frames(frames, 64, "squash", resample), expected)


def test_squash_shows_all_edges():
    frames = torch.zeros(1, 3, 60, 200, dtype=torch.uint8)
    frames[..., -1:] = frames[..., :1] = frames[..., -1:, :] = 255
    fitted = fit_frames(frames, 60, "squash")[0, 0]
    assert (fitted[:, 0] > 60).all()
    assert (fitted[:, -1] > 60).all()
    assert (fitted[-1] > 200).all()


@pytest.mark.parametrize("fit", ["crop", "squash", "letterbox"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_maps_land_where_frames_land(height, width, fit):
    maps = torch.zeros(1, height, width)
    maps[:, height // 4 : -(height // 4), width // 3 :] = 1
    frames = (maps * 255).to(torch.uint8).unsqueeze(1).expand(1, 3, -1, -1)
    fitted = fit_maps(maps, 112, fit)
    assert fitted.shape == (1, 112, 112)
    assert fitted.min() >= 0
    assert fitted.max() <= 1
    seen = fit_frames(frames, 112, fit)[:, 0] / 255
    assert ((fitted > 0.5) == (seen > 0.5)).float().mean() > 0.98


def test_placement_never_leaves_a_gap_in_a_crop():
    for height in range(1, 60):
        for width in range(1, 60):
            place = placement(height, width, 17, "crop")
            assert min(place.height, place.width) == 17
            assert place.top <= 0
            assert place.left <= 0
            assert place.top + place.height >= 17
            assert place.left + place.width >= 17


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="uint8"):
        fit_frames(torch.zeros(1, 3, 8, 8), 4, "crop")
    with pytest.raises(TypeError, match="floating"):
        fit_maps(torch.zeros(1, 8, 8, dtype=torch.uint8), 4, "crop")


@pytest.mark.parametrize("resample", get_args(Resample))
@pytest.mark.parametrize("fit", FITS_WITH_VIEWS)
def test_views_are_resized_as_the_centre_is(fit: Fit, resample: Resample) -> None:
    frames = noise(96, 161)
    place = placement(96, 161, 64, fit)
    views = fit_views(frames, 64, fit, resample, crops=3).split(2)
    assert torch.equal(views[1], fit_frames(frames, 64, fit, resample))
    left, rest = -place.left, place.width - 64 + place.left
    assert torch.equal(views[0][..., left:], views[1][..., : 64 - left])
    assert torch.equal(views[1][..., rest:], views[2][..., : 64 - rest])
