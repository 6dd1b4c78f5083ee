"""Frames as transformers' own image processor of a checkpoint makes them, for every setting."""

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import interpolate
from transformers import AutoImageProcessor

from clip_har.core.errors import ClipHarError
from clip_har.data.geometry import fit_frames
from clip_har.models.checkpoint import REGION
from clip_har.models.preprocess import normalise
from clip_har.models.processor import PixelScale, fitting, pixel_scale

SIDE = 64
SIZES = {"4:3": (120, 160), "16:9": (90, 160), "portrait": (160, 90), "small": (40, 31)}
FAMILIES = {
    "clip": "CLIPImageProcessor",
    "siglip": "SiglipImageProcessor",
    "metaclip_2": "CLIPImageProcessor",
    "xclip": "VideoMAEImageProcessor",
}
SQUARE = {"height": SIDE, "width": SIDE}
FITS: dict[str, dict[str, Any]] = {
    "crop": {"size": {"shortest_edge": SIDE}, "crop_size": SQUARE, "do_center_crop": True},
    "old spelling": {"size": SIDE, "crop_size": SIDE, "do_center_crop": True},
    "margin": {"size": {"shortest_edge": 73}, "crop_size": SQUARE, "do_center_crop": True},
    "black bars": {"size": {"shortest_edge": 50}, "crop_size": SQUARE, "do_center_crop": True},
    "squash": {"size": SQUARE, "do_center_crop": False},
    "squash, then a crop that cuts nothing": {
        "size": SQUARE,
        "crop_size": SQUARE,
        "do_center_crop": True,
    },
    "squash and cut": {
        "size": {"height": 72, "width": 72},
        "crop_size": SQUARE,
        "do_center_crop": True,
    },
    "not resized": {
        "do_resize": False,
        "size": SQUARE,
        "crop_size": SQUARE,
        "do_center_crop": True,
    },
}
PIXELS: list[dict[str, Any]] = [
    {},
    {"do_normalize": False},
    {"do_rescale": False, "image_mean": [120.0, 110.0, 100.0], "image_std": [60.0, 61.0, 62.0]},
    {"do_rescale": False, "do_normalize": False},
    {"rescale_factor": 1 / 127.5, "image_mean": [1.0, 1.0, 1.0], "image_std": [1.0, 0.9, 1.1]},
    {"rescale_factor": 1 / 127.5, "do_normalize": False},
]


def write(folder: Path, family: str, content: Mapping[str, Any]) -> Path:
    """Write a checkpoint's configuration and its image processor, without weights."""
    config = {"model_type": family, "vision_config": {"image_size": SIDE}}
    (folder / "config.json").write_text(json.dumps(config))
    described = {"image_processor_type": FAMILIES[family], **content}
    (folder / "preprocessor_config.json").write_text(json.dumps(described))
    return folder


def pictures(height: int, width: int) -> torch.Tensor:
    """Return three frames ``(3, 3, H, W)`` with large areas, edges and grain, as videos have."""
    made = torch.Generator().manual_seed(height)
    coarse = torch.randint(0, 256, (3, 3, 6, 8), generator=made).float()
    areas = interpolate(coarse, (height, width), mode="bicubic")
    areas[..., height // 3 :, : width // 4] = 250
    grain = 8 * torch.randn(areas.shape, generator=made)
    return (areas + grain).clamp(0, 255).to(torch.uint8)


def ours(folder: Path, frames: torch.Tensor) -> torch.Tensor:
    fitted = fit_frames(frames, SIDE, *fitting(folder))
    return normalise(fitted, pixel_scale(folder), dtype=torch.float32)


def theirs(folder: Path, frames: torch.Tensor) -> torch.Tensor:
    processor: Any = AutoImageProcessor.from_pretrained(folder)
    images: Any = list(frames)
    if type(processor).__name__ == "VideoMAEImageProcessor":
        images = [images]
    found: torch.Tensor = processor(images, return_tensors="pt")["pixel_values"]
    return found.reshape(len(frames), 3, SIDE, SIDE).float()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fit", FITS)
def test_pixels_are_those_of_transformers(family: str, fit: str, tmp_path: Path) -> None:
    for pixels, resample in itertools.product(PIXELS, (2, 3)):
        folder = write(tmp_path, family, {**FITS[fit], **pixels, "resample": resample})
        for height, width in SIZES.values():
            frames = pictures(height, width)
            # 1e-5 of a standard deviation where pixels are normalised; exact grey levels else
            torch.testing.assert_close(
                ours(folder, frames), theirs(folder, frames), atol=1e-5, rtol=1e-6
            )


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_not_written_is_the_default_of_transformers(family: str, tmp_path: Path) -> None:
    folder = write(tmp_path, family, FITS["crop"])
    frames = pictures(120, 160)
    torch.testing.assert_close(ours(folder, frames), theirs(folder, frames), atol=1e-5, rtol=0)


def test_the_newer_file_wins_as_in_transformers(tmp_path: Path) -> None:
    folder = write(tmp_path, "clip", FITS["crop"])
    newer = {"image_processor_type": "CLIPImageProcessor", **FITS["squash"], "resample": 2}
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": newer}))
    assert fitting(folder) == ("squash", "bilinear", None)
    frames = pictures(120, 160)
    torch.testing.assert_close(ours(folder, frames), theirs(folder, frames), atol=1e-5, rtol=0)
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": "CLIPProcessor"}))
    assert fitting(folder) == ("crop", "bicubic", None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**FITS["crop"], "crop_size": 56}, "gives frames of 56 px, and the model takes 64 px"),
        ({**FITS["squash"], "size": {"height": 72, "width": 72}}, "gives frames of 72 px"),
        ({"do_resize": False, "do_center_crop": False}, "frames keep their own size"),
        ({**FITS["crop"], "do_center_crop": False}, "size of equal height and width, got"),
        ({**FITS["squash"], "size": {"height": 64, "width": 48}}, "size of equal height and width"),
        (
            {**FITS["crop"], "crop_size": {"height": 64, "width": 60}},
            "crop_size of equal height and width, got .*60",
        ),
        (
            {**FITS["crop"], "size": {"shortest_edge": 64, "longest_edge": 90}},
            "or a shortest_edge, got .*longest_edge",
        ),
        ({**FITS["crop"], "resample": 0}, r"expected resample 2 \(bilinear\) or 3 .*, got"),
        ({**FITS["crop"], "do_pad": True}, "expected do_pad false"),
        ({**FITS["crop"], "size": {"shortest_edge": 10**9}}, "expected sizes of 1 to"),
        ({"image_processor_type": "Siglip2ImageProcessor"}, "got Siglip2ImageProcessor"),
        ({"image_processor_type": "ConvNextImageProcessor"}, "got ConvNextImageProcessor"),
    ],
    ids=str,
)
def test_what_cannot_be_followed_is_refused(
    content: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, "clip", content)
    with pytest.raises(ClipHarError, match=message) as caught:
        fitting(folder)
    assert "preprocessor_config.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [{"image_std": [1]}, {"image_std": [0.2, 0.0, 0.2]}, {"image_mean": "0.5"}]
    + [{"rescale_factor": factor} for factor in (0, -1, "x")],
    ids=str,
)
def test_numbers_that_cannot_be_used(content: dict[str, Any], tmp_path: Path) -> None:
    folder = write(tmp_path, "clip", content)
    with pytest.raises(ClipHarError, match=rf"^{REGION}=.*(three channels|damaged)") as caught:
        pixel_scale(folder, setting=REGION)
    assert "\n" not in str(caught.value)


def test_grey_levels_of_openais_processor(tmp_path: Path) -> None:
    scale = pixel_scale(write(tmp_path, "clip", {}))
    assert scale == PixelScale(
        (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711), 255.0
    )
