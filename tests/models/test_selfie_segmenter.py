"""The segmenter of people: planted networks, and the real file where it can be had."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.models.selfie_segmenter import SIDE, SelfieSegmenter, load_network
from tests.selfie import real_network_file

CORNER = (slice(0, 40), slice(0, 40))


def red(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take what is red for a person, wherever it is."""
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.dtype == np.float32
    return picture[..., 0]


def biased(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the upper left corner of any picture for a person."""
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[CORNER] = 0.9
    return mask


def frames(count: int = 3, size: int = 64) -> NDArray[np.uint8]:
    """Return frames with a red square that moves to the right."""
    pictures = np.zeros((count, 3, size, size), np.uint8)
    for time_, picture in enumerate(pictures):
        picture[0, size // 4 : size // 2, 4 * time_ : 4 * time_ + size // 4] = 255
    return pictures


@pytest.mark.parametrize("size", [32, 64, 256, 336])
def test_the_mask_lies_on_the_frame(size: int) -> None:
    pictures = frames(size=size)
    soft_mask, confidence = SelfieSegmenter([red]).find_people(pictures)
    assert soft_mask.dtype == np.float32
    assert soft_mask.min() >= 0
    assert soft_mask.max() <= 1
    wanted = pictures[:, 0] > 0
    overlap = ((soft_mask >= 0.5) & wanted).sum() / ((soft_mask >= 0.5) | wanted).sum()
    assert overlap > 0.8
    assert confidence.min() > 0.9


def test_what_the_other_picture_does_not_confirm_has_no_confidence() -> None:
    soft_mask, confidence = SelfieSegmenter([biased]).find_people(frames(size=SIDE))
    assert confidence.max() < 0.1
    np.testing.assert_allclose(soft_mask[:, *CORNER], 0.45)


def test_the_other_picture_is_smaller_too() -> None:
    def upright(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Find the middle, unless the picture is smaller: then its border is continued."""
        mask = np.zeros((SIDE, SIDE), np.float32)
        mask[64:-64, 64:-64] = picture[0, 0, 1] != picture[31, 31, 1]
        return mask

    pictures = np.zeros((1, 3, SIDE, SIDE), np.uint8)
    pictures[0, 1] = np.arange(SIDE)[:, None]  # the same in the mirror image
    _, confidence = SelfieSegmenter([upright]).find_people(pictures)
    np.testing.assert_array_equal(confidence, 0)


def test_nothing_found_has_no_confidence() -> None:
    soft_mask, confidence = SelfieSegmenter([red]).find_people(np.zeros((2, 3, 64, 64), np.uint8))
    assert not soft_mask.any()
    np.testing.assert_array_equal(confidence, 0)


def test_no_network_is_used_by_two_threads_at_once_and_frames_keep_their_order() -> None:
    clashes = []

    def network() -> object:
        alone = threading.Lock()

        def answer(picture: NDArray[np.float32]) -> NDArray[np.float32]:
            clashes.append(not alone.acquire(blocking=False))
            time.sleep(0.002)
            alone.release()
            return red(picture)

        return answer

    pictures = frames(12)
    got = SelfieSegmenter([network() for _ in range(3)]).find_people(pictures)  # type: ignore[misc]
    wanted = SelfieSegmenter([red]).find_people(pictures)
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(clashes) == 24
    assert not any(clashes)


def test_a_file_that_is_no_network() -> None:
    with pytest.raises(ClipHarError, match=r"^OpenCV .* cannot load package/selfie_segmentation"):
        load_network(b"TFL3" * 64)


@pytest.mark.slow
def test_the_published_network_finds_people_and_answers_alike_each_time(
    real_frames: dict[str, NDArray[np.uint8]], tmp_path: Path
) -> None:
    model = real_network_file(tmp_path).read_bytes()
    networks = [load_network(model) for _ in range(2)]
    pictures = real_frames["v_Biking_g05_c02"][:3]
    one, confidence = SelfieSegmenter(networks[:1]).find_people(pictures)
    two, again = SelfieSegmenter(networks).find_people(pictures)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(confidence, again)
