"""What masks hide and did, kept for later cells: found again only for the same mask and clip."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cachetools import LRUCache

from clip_har.data.frames.store import FrameStore
from clip_har.masking import kept as module
from clip_har.masking.area import Canvas
from clip_har.masking.feature import FeatureMask
from clip_har.masking.kept import kept, kept_mask
from clip_har.masking.masked_clips import MaskedClips
from tests.masking.test_masked_clips import opened
from tests.planted import open_planted, planted_clips


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    module._values.clear()


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[FrameStore, Path]:
    cache = tmp_path_factory.mktemp("kept")
    return open_planted(planted_clips(cache / "videos"), cache), cache


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Canvas]:
    """The canvases that a mask was made for."""
    found: list[Canvas] = []
    own = FeatureMask.hidden

    def hidden(self: FeatureMask, canvas: Canvas) -> Any:
        found.append(canvas)
        return own(self, canvas)

    monkeypatch.setattr(FeatureMask, "hidden", hidden)
    return found


def shown(masked: MaskedClips) -> list[Any]:
    clips = [masked.clip(index) for index in masked.evaluated]
    return [(clip.hidden.tobytes(), clip.frames.numpy().tobytes(), clip.effect) for clip in clips]


def test_a_second_cell_finds_the_masks_of_the_first(
    planted: tuple[FrameStore, Path], made: list[Canvas]
) -> None:
    first = shown(opened(*planted, FeatureMask(ratio=0.2)))
    assert len(made) == len(first) > 3
    assert shown(opened(*planted, FeatureMask(ratio=0.2))) == first
    assert len(made) == len(first)
    white = shown(opened(*planted, FeatureMask(ratio=0.2, fill="white")))
    assert len(made) == len(first), "the fill does not decide what is hidden"
    assert [one[0] for one in white] == [one[0] for one in first]
    assert all(new[1] != old[1] for new, old in zip(white, first, strict=True))


@pytest.mark.parametrize(
    ("mask", "seed"),
    [
        (FeatureMask(ratio=0.3), 0),
        (FeatureMask(ratio=0.2, static=True), 0),
        (FeatureMask(ratio=0.2), 1),
    ],
)
def test_another_mask_is_made_anew(
    planted: tuple[FrameStore, Path], made: list[Canvas], mask: FeatureMask, seed: int
) -> None:
    clips = len(shown(opened(*planted, FeatureMask(ratio=0.2))))
    after = shown(opened(*planted, mask, seed=seed))
    assert len(made) == 2 * clips
    module._values.clear()
    assert shown(opened(*planted, mask, seed=seed)) == after


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 4, 4)])
def test_bits_come_back_as_they_were(shape: tuple[int, ...]) -> None:
    mask = np.random.default_rng(0).random(shape) < 0.4
    kept_mask("a", lambda: mask)
    again = kept_mask("a", lambda: np.zeros(shape, np.bool_))
    assert again.dtype == np.bool_
    assert np.array_equal(again, mask)


def test_a_soft_mask_is_not_kept() -> None:
    kept_mask("a", lambda: np.full((1, 2, 2), 0.5, np.float32))
    assert kept_mask("a", lambda: np.ones((1, 2, 2), np.float32)).min() == 1


def test_nothing_that_was_measured_is_kept_too() -> None:
    assert kept("a", lambda: None) is None
    assert kept("a", lambda: 0.5) is None


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.ones((1, 512, 512), np.bool_)
    few: Any = LRUCache(10 * 2**15, getsizeof=module._bytes)
    monkeypatch.setattr(module, "_values", few)
    for number in range(20):
        kept_mask(number, lambda: mask)
    assert 5 < len(few) < 11
    kept_mask("too large", lambda: np.ones((16, 512, 512), np.bool_))
