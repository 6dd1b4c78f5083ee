from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from clip_har.data.clips import Clip
from clip_har.data.store import ClipFrames
from clip_har.errors import ClipHarError
from clip_har.regions.annotation import AnnotationRegion


def shown(maps: Path | None, *, size: int = 16, indices: tuple[int, ...] = (0, 2)) -> ClipFrames:
    pixels = np.zeros((len(indices), 3, size, size), np.uint8)
    clip = Clip(id="clip 1", path=Path("clip.mp4"), label=0, group="g", maps=maps)
    return ClipFrames(clip=clip, pixels=pixels, indices=indices, fit="crop")


@pytest.fixture
def labels() -> NDArray[np.uint8]:
    maps = np.zeros((4, 16, 16), np.uint8)
    for frame in range(4):
        maps[frame, 4:12, frame : frame + 4] = 1
    maps[:, 0, :3] = 2
    return maps


@pytest.fixture
def file(labels: NDArray[np.uint8], tmp_path: Path) -> Path:
    np.savez_compressed(tmp_path / "clip.npz", labels=labels)
    return tmp_path / "clip.npz"


@pytest.mark.parametrize(("thing", "number"), [("background", 0), ("person", 1), ("object", 2)])
def test_the_maps_of_the_sampled_frames(file: Path, labels, thing, number: int) -> None:
    found = AnnotationRegion(thing=thing).relevance(shown(file))
    np.testing.assert_array_equal(found, labels[[0, 2]] == number)
    assert found.dtype == np.float32


def test_maps_follow_the_frames_to_another_size(file: Path, labels) -> None:
    found = AnnotationRegion().relevance(shown(file, size=48))
    assert found.shape == (2, 48, 48)
    whole = (labels[[0, 2]] == 1).repeat(3, axis=1).repeat(3, axis=2)
    assert np.abs(found - whole).mean() < 0.03
    assert found[whole].mean() > 0.85


def test_no_maps(file: Path) -> None:
    with pytest.raises(ClipHarError, match="no maps came with clip clip 1"):
        AnnotationRegion().relevance(shown(None))


def test_too_few_maps_and_damaged_ones(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ClipHarError, match="no label map for each of the 10 frames"):
        AnnotationRegion().relevance(shown(file, indices=(0, 9)))
    (tmp_path / "broken.npz").write_bytes(b"PK half a file")
    with pytest.raises(ClipHarError, match="has no label map"):
        AnnotationRegion().relevance(shown(tmp_path / "broken.npz"))


def test_a_pickle_in_place_of_maps_is_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", labels=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ClipHarError, match="has no label map"):
        AnnotationRegion().relevance(shown(tmp_path / "bad.npz", indices=(0,)))
