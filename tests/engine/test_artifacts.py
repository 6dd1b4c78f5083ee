"""The pictures of a finished cell show what the model saw."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from clip_har.engine import artifacts
from clip_har.engine.score_clips import seen_frames
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.percent import PercentMask
from clip_har.noise.learned.settings import UniversalNoise
from clip_har.noise.none import NoNoise
from clip_har.noise.random import GaussianNoise, SaltPepperNoise, UniformNoise
from tests.planted import open_planted, planted_clips


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> MaskedClips:
    folder = tmp_path_factory.mktemp("planted")
    frames = open_planted(planted_clips(folder, per_class=1), folder / "cache")
    return MaskedClips(masking=PercentMask(ratio=0.3), seed=0, frames=frames, patch=16)


def pictures(noise: Any, masked: MaskedClips) -> list[Any]:
    """Return the pictures of a cell's clips."""
    found: list[Any] = []
    cell: Any = SimpleNamespace(noise=noise)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artifacts, "masked_clips_sheet", lambda shown, *_, **__: found.extend(shown))
        artifacts._masked_clips(cell, masked, "title")
    return found


@pytest.mark.parametrize(
    "noise",
    [GaussianNoise(), UniformNoise(), SaltPepperNoise()],
    ids=lambda noise: type(noise).__name__,
)
def test_pictures_of_clips_show_random_noise(masked: MaskedClips, noise: Any) -> None:
    found = pictures(noise, masked)
    assert len(found) == 5
    for index, picture in enumerate(found):
        clip = masked.clip(index)
        expected = seen_frames(clip, noise)[4].permute(1, 2, 0).numpy()
        assert np.array_equal(picture, expected)
        assert not np.array_equal(picture, clip.frames[4].permute(1, 2, 0).numpy())


@pytest.mark.parametrize("noise", [NoNoise(), UniversalNoise()], ids=["none", "learned"])
def test_other_pictures_of_clips_show_the_mask_alone(masked: MaskedClips, noise: Any) -> None:
    found = pictures(noise, masked)
    for index, picture in enumerate(found):
        assert np.array_equal(picture, masked.clip(index).frames[4].permute(1, 2, 0).numpy())
