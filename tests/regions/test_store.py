"""Region maps are located once, kept whole, and made anew when what shapes them changes."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from clip_har.core import cache, checked_file
from clip_har.core.errors import ClipHarError
from clip_har.data.frames.store import ClipFrames, FrameStore
from clip_har.regions.source import INSIDE, Estimate, Locator, SureRegionSettings
from clip_har.regions.store import RegionMaps, _resized, open_regions
from tests.planted import open_planted, planted_clips


class Counting(SureRegionSettings):
    """Find the brightest channel's value as soft mask; nothing in clips named in ``blind``."""

    level: float = 1.0
    blind: tuple[str, ...] = ()
    sure: tuple[float, ...] = (1.0,) * 8

    finds_regions: ClassVar[bool] = True
    exact: ClassVar[bool] = False
    person_is_subject: ClassVar[bool] = False
    asks_model: ClassVar[bool] = False
    calls: ClassVar[list[list[str]]] = []
    identities: ClassVar[dict[str, str]] = {"now": "weights 1"}

    def check(self, target: str) -> None:
        if target == "unicorn":
            raise ClipHarError("feature=unicorn: there is none")

    def uses_label(self, target: str) -> bool:  # noqa: ARG002
        return False

    def identity(self, clips: Any) -> str:  # noqa: ARG002
        return self.identities["now"]

    def locator(self, zero_shot: Any) -> Locator:  # noqa: ARG002
        def locate(clips: Sequence[ClipFrames], target: str) -> list[Estimate]:
            self.calls.append([view.clip.id for view in clips])
            return [Estimate(self._map(view), np.array(self.sure, np.float32)) for view in clips]

        return locate

    def _map(self, view: ClipFrames) -> NDArray[np.float32]:
        if view.clip.id in self.blind:
            return np.zeros(view.pixels[:, 0].shape, np.float32)
        bright: NDArray[np.float32] = view.pixels.max(axis=1).astype(np.float32) / 255 * self.level
        return bright


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> FrameStore:
    folder = tmp_path_factory.mktemp("clips")
    return open_planted(planted_clips(folder, per_class=2), folder, size=224)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Counting.calls.clear()
    Counting.identities["now"] = "weights 1"


def located(
    frames: FrameStore, cache_dir: Path, target: str = "subject", **settings: Any
) -> RegionMaps:
    def zero_shot() -> Any:
        return None

    return open_regions(
        Counting(**settings), target, frames, zero_shot=zero_shot, cache_dir=cache_dir
    )


def test_maps_are_what_the_source_said_in_steps_of_one_255th(frames, tmp_path):
    maps = located(frames, tmp_path, level=0.9)
    for index in frames.ok:
        expected = frames.clip(index).max(axis=1) / 255 * 0.9
        found = maps.soft_mask(index)
        assert found.dtype == np.float32
        assert np.abs(found - expected).max() <= 0.5 / 255 + 1e-6
    assert maps.found.all()


def test_a_target_is_located_once_in_batches_of_whole_clips(frames, tmp_path):
    first = located(frames, tmp_path)
    assert [len(batch) for batch in Counting.calls] == [4, 4, 2]  # of 8 frames, 32 at once
    again = located(frames, tmp_path, on_empty="error")
    assert len(Counting.calls) == 3
    assert again.path == first.path


def test_other_settings_targets_weights_and_frames_are_other_maps(frames, tmp_path):
    paths = {located(frames, tmp_path).path, located(frames, tmp_path, level=0.5).path}
    paths |= {located(frames, tmp_path, target="background").path}
    Counting.identities["now"] = "weights 2"
    paths |= {located(frames, tmp_path).path}
    other = open_planted(planted_clips(tmp_path / "other", per_class=1), tmp_path)
    paths |= {located(other, tmp_path).path}
    assert len(paths) == 5


def test_maps_that_ask_the_model_follow_it(frames: FrameStore, tmp_path: Path) -> None:
    class Asking(Counting):
        asks_model: ClassVar[bool] = True

    def opened(model: str) -> Path:
        classifier: Any = SimpleNamespace(digest=model, model=None)
        maps = open_regions(
            Asking(), "subject", frames, zero_shot=lambda: classifier, cache_dir=tmp_path
        )
        return maps.path

    assert opened("model 1") == opened("model 1")
    assert opened("model 1") != opened("model 2")


def test_clips_without_the_target_are_known(frames: FrameStore, tmp_path: Path) -> None:
    maps = located(frames, tmp_path, blind=("clip 2", "clip 5"))
    assert np.flatnonzero(~maps.found).tolist() == [2, 5]
    assert not maps.soft_mask(2).any()


H, L, N = 0.9, 0.3, 0.1  # sure; half as sure as needed; not sure


@pytest.mark.parametrize(
    ("sure", "settings", "taken"),
    [
        ((H, H, H, H, H, H, H, H), {}, range(8)),
        ((H, N, N, N, H, H, N, H), {}, [0, 0, 0, 4, 4, 5, 5, 7]),
        ((H, L, N, N, H, H, N, H), {}, [0, 1, 1, 4, 4, 5, 5, 7]),
        ((H, H, H, N, N, N, N, N), {}, None),
        ((H, H, H, N, N, N, N, N), {"min_frames": 0.3}, [0, 1, 2, 2, 2, 2, 2, 2]),
        ((L, L, L, L, L, L, L, L), {}, None),
        ((L, L, L, L, L, L, L, L), {"confidence": 0.2}, range(8)),
        ((H, H, H, H, H, H, H, N), {"min_frames": 1.0}, None),
        ((0, 0, 0, 0, 0, 0, 0, 0), {"min_frames": 0.0, "confidence": 0.0}, None),
    ],
)
def test_frames_without_a_region_take_the_nearest_and_clips_with_few_are_not_found(
    sure: tuple[float, ...],
    settings: dict[str, Any],
    taken: Sequence[int] | None,
    frames: FrameStore,
    tmp_path: Path,
) -> None:
    every = located(frames, tmp_path).soft_mask(0)
    maps = located(frames, tmp_path, sure=sure, **settings)
    assert maps.found.tolist() == [taken is not None] * 10
    least = settings.get("confidence", 0.5)
    assert maps.frames_found(0).tolist() == [0 < value >= least for value in sure]
    np.testing.assert_allclose(maps.confidence(0), sure)
    expected = np.zeros_like(every) if taken is None else every[list(taken)]
    np.testing.assert_array_equal(maps.soft_mask(0), expected)


def test_other_thresholds_use_the_same_maps(frames: FrameStore, tmp_path: Path) -> None:
    one = located(frames, tmp_path, sure=(L,) * 8)
    other = located(frames, tmp_path, sure=(L,) * 8, confidence=0.2, min_frames=0.9)
    assert one.path == other.path
    assert not one.found.any()
    assert other.found.all()


def test_clips_that_a_person_marked_are_not_found(frames: FrameStore, tmp_path: Path) -> None:
    before = located(frames, tmp_path)
    table = tmp_path / "clips.csv"
    table.write_text("clip,wrong\nclip 2,yes\nclip 3,\n")
    maps = located(frames, tmp_path, wrong=table)
    assert maps.path == before.path, "nothing is located again"
    assert np.flatnonzero(~maps.found).tolist() == [2]
    assert not maps.frames_found(2).any()
    assert not maps.soft_mask(2).any()
    np.testing.assert_array_equal(maps.soft_mask(3), before.soft_mask(3))
    np.testing.assert_array_equal(maps.confidence(2), before.confidence(2))


def test_every_model_is_asked_about_the_same_clips(tmp_path: Path) -> None:
    clips = planted_clips(tmp_path, per_class=1)
    small, large = (open_planted(clips, tmp_path, size=size) for size in (64, 160))
    of_small, of_large = (located(frames, tmp_path) for frames in (small, large))
    assert of_small.path == of_large.path, "estimated once"
    assert of_small.soft_mask(0).shape == (8, 64, 64)
    assert of_large.soft_mask(0).shape == (8, 160, 160)
    assert of_small.soft_mask(0).mean() == pytest.approx(of_large.soft_mask(0).mean(), abs=0.01)


@pytest.mark.parametrize("size", [32, 64, 112, 160, 336])
def test_what_is_found_is_there_at_every_size(size: int) -> None:
    soft_mask = np.zeros((2, 224, 224), np.float32)
    soft_mask[0, 31:33, 40:48] = 0.5  # thin, and only just inside
    soft_mask[1, 51:171, 60:180] = 0.6
    found = _resized(soft_mask, size)
    assert found.shape == (2, size, size)
    shares = (found >= INSIDE).mean(axis=(1, 2))
    assert shares[0] >= 1 / size**2
    assert shares[1] == pytest.approx((120 / 224) ** 2, rel=0.05)
    assert not _resized(0.4 * soft_mask, size).max() >= INSIDE


def test_damaged_maps_are_made_again(frames: FrameStore, tmp_path: Path) -> None:
    whole = located(frames, tmp_path)
    before = whole.soft_mask(0)
    (whole.path / "maps.bin").write_bytes(b"half")
    np.testing.assert_array_equal(located(frames, tmp_path).soft_mask(0), before)
    index = whole.path / "index.json"
    index.write_text(json.dumps({"format": 1, "found": [True]}))
    assert len(located(frames, tmp_path).found) == 10
    found = index.read_text()
    index.write_text(found.replace("1.0", "0.0", 1))
    assert located(frames, tmp_path).frames_found(0).all()
    assert len(Counting.calls) == 12


def test_damaged_maps_of_a_clip_are_located_again_in_their_place(
    frames: FrameStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = [located(frames, tmp_path).soft_mask(index) for index in frames.ok]
    path = located(frames, tmp_path).path / "maps.bin"
    content = bytearray(path.read_bytes())
    content[5 * len(content) // 10 + 7] ^= 16  # in the sixth of ten clips
    path.write_bytes(content)
    checked_file._verified.clear()
    Counting.calls.clear()
    maps = located(frames, tmp_path)
    for index in frames.ok:
        np.testing.assert_array_equal(maps.soft_mask(index), before[index])
    assert [len(batch) for batch in Counting.calls] == [4], "in the same batch as before"
    assert "the region maps of clip 5 were damaged: made again" in caplog.text
    assert path.read_bytes() != content


def test_a_locator_that_fails_leaves_nothing(frames, tmp_path, monkeypatch):
    too_much = np.full((8, 224, 224), 2, np.float32)
    monkeypatch.setattr(Counting, "_map", lambda *_: too_much)
    with pytest.raises(ValueError, match=r"expected maps \(8, 224, 224\) in \[0, 1\]"):
        located(frames, tmp_path)
    assert [path for path in (tmp_path / "regions").iterdir() if path.is_dir()] == []


def test_a_target_that_the_source_does_not_know_is_refused(frames, tmp_path):
    with pytest.raises(ClipHarError, match="there is none"):
        located(frames, tmp_path, target="unicorn")


def test_a_cache_that_cannot_be_written_gets_one_line(frames: FrameStore, tmp_path: Path) -> None:
    (tmp_path / "regions").write_text("a file")
    with pytest.raises(ClipHarError, match=r"region maps of subject cannot be kept in .*cache_dir"):
        located(frames, tmp_path)


def test_other_code_locates_anew(frames, tmp_path, monkeypatch):
    first = located(frames, tmp_path).path
    monkeypatch.setattr(cache, "code_of", lambda *_: "other")
    assert located(frames, tmp_path).path != first


@pytest.mark.parametrize("size", [64, 112, 128, 336])
def test_a_whole_map_is_whole_at_every_size(size):
    whole = np.ones((2, 224, 224), np.float32)
    resized = _resized(whole, size)
    assert resized.shape == (2, size, size)
    assert resized.min() == pytest.approx(1)
    assert resized.max() <= 1, "masks refuse more than 1"
