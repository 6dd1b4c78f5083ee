"""Our batched normalisation against transformers' own image processor, on real frames."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CLIPImageProcessor

from clip_har.data.decode.video import decode_clip
from clip_har.data.geometry import fit_frames
from clip_har.data.sampling import FrameSettings
from clip_har.models.preprocess import normalise
from clip_har.models.processor import PixelScale

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def grey_levels(difference: torch.Tensor) -> torch.Tensor:
    """Turn a difference of normalised values into grey levels of 255."""
    return difference.abs() * torch.tensor(STD).view(3, 1, 1) * 255


@pytest.mark.sample_data
@pytest.mark.parametrize(
    "clip", ["Punch/v_Punch_g03_c01.avi", "Basketball/v_Basketball_g01_c02.mp4"]
)
def test_equals_the_processor_on_real_frames(sample_data: Path, clip: str) -> None:
    path = sample_data / "ucf101-sample" / "UCF-101" / clip
    frames = decode_clip(path, FrameSettings(count=4))
    ours = normalise(
        fit_frames(torch.from_numpy(frames).permute(0, 3, 1, 2), 224, "crop"),
        PixelScale(MEAN, STD),
        dtype=torch.float32,
    )
    processor = CLIPImageProcessor()
    theirs = processor(list(frames), return_tensors="pt")["pixel_values"]
    assert grey_levels(ours - theirs).max() < 1e-2


def test_every_grey_level_by_hand() -> None:
    frames = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(2, 3, 16, 16)
    got = normalise(frames, PixelScale(MEAN, STD), dtype=torch.float32)
    expected = (np.arange(256).reshape(16, 16) / 255 - MEAN[1]) / STD[1]
    np.testing.assert_allclose(got[1, 1].numpy(), expected, atol=2e-6)


def test_dtype() -> None:
    frames = torch.zeros((1, 3, 2, 2), dtype=torch.uint8)
    assert normalise(frames, PixelScale(MEAN, STD), dtype=torch.bfloat16).dtype == torch.bfloat16


def test_constants_are_sent_to_a_device_once_since_it_would_be_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scale, other = PixelScale((0.1, 0.2, 0.3), STD), torch.device("meta")
    frames = [torch.zeros((2, 3, 2, 2), dtype=torch.uint8, device=other) for _ in range(3)]
    with torch.inference_mode():
        assert normalise(frames, scale, dtype=torch.float32).shape == (6, 3, 2, 2)
    monkeypatch.setattr(torch, "tensor", None)
    noisy = torch.zeros((2, 3, 2, 2), device=other, requires_grad=True)
    assert normalise(noisy, scale, dtype=torch.float32).requires_grad
    assert normalise(frames, scale, dtype=torch.bfloat16).dtype == torch.bfloat16
