"""The selfie source: planted networks, and the published one on a real clip."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.data.decode.video import decode_clip
from clip_har.data.geometry import fit_frames
from clip_har.data.sampling import FrameSettings
from clip_har.models import selfie_segmenter
from clip_har.regions.selfie import SelfieRegion
from clip_har.regions.source import INSIDE, Estimate, Locator
from tests.regions.made import CLIPS, no_model, shown
from tests.selfie import real_network_file

SIZE = 64
PERSON = (slice(16, 32), slice(8, 24))


def source(folder: Path, **settings: Any) -> SelfieRegion:
    return SelfieRegion(cache_dir=folder, **settings)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that takes red for a person.

    In pictures with green it finds a corner, too: by chance, since not where it is in the others.
    """

    def network(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        mask = np.float32(0.9) * picture[..., 0]
        if picture[..., 1].any():
            mask[:40, :40] = 0.9
        return mask

    model = SimpleNamespace(sha256="digest", content=lambda *_: b"")
    monkeypatch.setattr(selfie_segmenter, "MODEL", model)
    monkeypatch.setattr(selfie_segmenter, "load_network", lambda _: network)


def clip(kinds: str) -> NDArray[np.uint8]:
    """Return a frame for each letter: p a person, u both (unsure), c a chance find, n nothing."""
    frames = np.zeros((len(kinds), 3, SIZE, SIZE), np.uint8)
    for time, kind in enumerate(kinds):
        if kind == "u":  # confidence 0.34: between half and all of the default
            frames[time, 0, 28:36, 28:36] = 255
        if kind == "p":
            frames[time, 0, PERSON[0], PERSON[1].start + 4 * time : PERSON[1].stop + 4 * time] = 255
        if kind in "cu":
            frames[time, 1] = 1
    return frames


def estimate(kinds: str, target: str, folder: Path) -> Estimate:
    locate: Locator = source(folder).locator(no_model)
    (found,) = locate([shown(clip(kinds))], target)
    assert found.soft_mask.dtype == found.confidence.dtype == np.float32
    return found


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("target", ["person", "subject"])
def test_people_are_found_with_a_confidence(target: str, tmp_path: Path) -> None:
    found = estimate("pucn", target, tmp_path)
    inside = found.soft_mask >= INSIDE
    np.testing.assert_array_equal(inside[0], clip("p")[0, 0] > 0)
    assert inside[1, 28:36, 28:36].all()
    assert not inside[3].any()
    assert found.confidence.round(2) == pytest.approx([1, 0.34, 0, 0], abs=0.1)


@pytest.mark.usefixtures("planted")
def test_the_background_is_the_rest_in_each_frame(tmp_path: Path) -> None:
    people, background = (estimate("ppn", name, tmp_path) for name in ("person", "background"))
    np.testing.assert_array_equal(background.soft_mask[:2], 1 - people.soft_mask[:2])
    assert not background.soft_mask[2].any(), "no one found: what all else is stays unknown"
    np.testing.assert_array_equal(background.confidence, people.confidence)


@pytest.mark.parametrize("target", ["object", "a ball"])
def test_other_targets_are_refused(target: str, tmp_path: Path) -> None:
    with pytest.raises(ClipHarError, match="region=selfie knows subject, person, background"):
        source(tmp_path).check(target)


@pytest.mark.parametrize(
    "wrong", [{"confidence": 1.1}, {"min_frames": -0.1}, {"on_empty": "keep"}, {"score": 0.5}]
)
def test_wrong_settings(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        source(tmp_path, **wrong)


@pytest.mark.usefixtures("planted")
def test_maps_are_kept_for_other_places_of_the_same_file_only(tmp_path: Path) -> None:
    def described(**settings: Any) -> dict[str, Any]:
        return source(**{"folder": tmp_path, **settings}).described(
            without={Role.RUN, Role.CONTENT}
        )

    assert described() == described(folder=tmp_path / "other", model=tmp_path / "own.tflite")
    assert source(tmp_path).identity(CLIPS).startswith("digest opencv ")


def test_what_is_missing_is_known_before_a_sweep_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClipHarError, match="install npm"):
        source(tmp_path).identity(CLIPS)
    (tmp_path / "own").touch()
    with pytest.raises(ClipHarError, match=r"region\.model=.*own: expected .*, got another file"):
        source(tmp_path, model=tmp_path / "own").identity(CLIPS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("SoccerJuggling/v_SoccerJuggling_g23_c01", True),
        ("CliffDiving/v_CliffDiving_g03_c01", False),
    ],
)
def test_real_people_are_found_and_rocks_are_not(
    name: str, found: bool, sample_data: Path, tmp_path: Path
) -> None:
    """A boy on a lawn fills 3 to 6 % of the frames; the diver is lost before a cliff."""
    model = real_network_file(tmp_path)
    (video,) = (sample_data / "ucf101-sample" / "UCF-101").glob(f"{name}.*")
    pictures = torch.from_numpy(decode_clip(video, FrameSettings(count=8))).permute(0, 3, 1, 2)
    frames = fit_frames(pictures, 224, "crop").numpy()
    (people,) = source(tmp_path, model=model).locator(no_model)([shown(frames)], "person")
    assert ((people.confidence >= 0.5).mean() >= 0.5) == found
    if found:
        shares = (people.soft_mask >= INSIDE).mean(axis=(1, 2))
        assert shares.min() > 0.02
        assert shares.max() < 0.08
