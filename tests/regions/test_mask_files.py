"""Files of maps in every layout, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip
from clip_har.regions.mask_files import find_maps, maps_mark, read_maps

STEM = "v_Biking_g01_c01"
CLIP = Clip(STEM, Path("UCF-101/Biking") / f"{STEM}.avi", 0, "g")


@pytest.fixture
def masks() -> np.ndarray:
    """Twelve frames, so that natural and alphabetic order differ; another square in each."""
    masks = np.zeros((12, 24, 32), bool)
    for frame in range(12):
        masks[frame, 4:16, frame : frame + 9] = True
    return masks


def saved(path: Path, **arrays: np.ndarray) -> Path:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


def images(folder: Path, pictures, name="{}.png") -> Path:
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures, 1):
        Image.fromarray(picture).save(folder / name.format(number))
    return folder


@pytest.mark.parametrize("dtype", ["bool", "uint8 of 1", "uint8 of 255", "float32", "float64"])
def test_masks_of_a_person_in_an_npz(tmp_path, masks, dtype):
    name, _, full = dtype.partition(" of ")
    file = saved(tmp_path / "a.npz", masks=(masks * int(full or 1)).astype(name))
    maps = read_maps(file, (9, 0, 9))
    np.testing.assert_array_equal(maps.person, masks[[9, 0, 9]])
    assert maps.person.dtype == np.float32
    for target in ("person", "subject"):
        np.testing.assert_array_equal(maps.of(target), masks[[9, 0, 9]])
    np.testing.assert_array_equal(maps.of("background"), ~masks[[9, 0, 9]])
    assert maps.of("object") is None


def test_grey_levels_and_fractions_are_relevance(tmp_path):
    levels = np.array([[[0, 51, 255]]], np.uint8)
    file = saved(tmp_path / "a.npz", masks=levels)
    np.testing.assert_allclose(read_maps(file, (0,)).person, [[[0, 0.2, 1]]])
    file = saved(tmp_path / "b.npz", masks=np.array([[[0, 0.25, 1]]]))
    maps = read_maps(file, (0,))
    np.testing.assert_array_equal(maps.person, np.array([[[0, 0.25, 1]]], np.float32))
    np.testing.assert_array_equal(maps.of("background"), [[[1, 0.75, 0]]])


def test_what_a_level_means_does_not_depend_on_the_frames_that_are_shown(tmp_path):
    levels = np.array([[[0, 1]], [[0, 255]]], np.uint8)
    maps = read_maps(saved(tmp_path / "a.npz", masks=levels), (0,))
    np.testing.assert_allclose(maps.person, [[[0, 1 / 255]]])


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_labels_tell_objects_from_background(tmp_path, dtype):
    labels = np.array([[[0, 1, 2]], [[2, 2, 0]]], dtype)
    maps = read_maps(saved(tmp_path / "a.npz", labels=labels), (0, 1))
    for target, number in {"background": 0, "person": 1, "subject": 1, "object": 2}.items():
        np.testing.assert_array_equal(maps.of(target), labels == number)


@pytest.mark.parametrize("name", ["{}.png", "frame_{}.PNG", "{:05d}.png"])
def test_a_folder_of_images(tmp_path, masks, name):
    folder = images(tmp_path / "a", (masks * 255).astype(np.uint8), name)
    (folder / ".DS_Store").write_text("x")
    (folder / "notes.txt").write_text("x")
    np.testing.assert_array_equal(read_maps(folder, (1, 9, 10)).person, masks[[1, 9, 10]])


def test_every_kind_of_grey_image(tmp_path, masks):
    grey = Image.fromarray((masks[3] * 255).astype(np.uint8))
    indexed = Image.fromarray(masks[3].astype(np.uint8) * 2)
    indexed.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    kinds = {
        "bits": grey.convert("1"), "grey": grey, "alpha": grey.convert("LA"),
        "rgb": grey.convert("RGB"), "rgba": grey.convert("RGBA"), "palette": indexed,
        "ones": Image.fromarray(masks[3].astype(np.uint8)),
    }  # fmt: skip
    for kind, image in kinds.items():
        (tmp_path / kind).mkdir()
        image.save(tmp_path / kind / "0.png")
        np.testing.assert_array_equal(read_maps(tmp_path / kind, (0,)).person[0], masks[3], kind)
    (tmp_path / "jpeg").mkdir()
    grey.convert("RGB").save(tmp_path / "jpeg" / "0.jpg", quality=90)
    found = read_maps(tmp_path / "jpeg", (0,)).person[0]
    np.testing.assert_array_equal(found, masks[3])  # no grey that compression made


def test_levels_of_1_are_a_person_only_if_the_whole_clip_has_no_more(tmp_path, masks):
    """Masks of 0 to 255 of which a few frames show nobody, as those of a network do."""
    nobody, ones = np.zeros((24, 32), np.uint8), masks[3].astype(np.uint8)
    nobody[5, 5] = 1
    folder = images(tmp_path / "grey", [nobody, nobody, ones * 255])
    np.testing.assert_allclose(read_maps(folder, (0, 1)).person, np.stack([nobody, nobody]) / 255)
    folder = images(tmp_path / "ones", [nobody, ones])
    np.testing.assert_array_equal(read_maps(folder, (0, 1)).person, np.stack([nobody, ones]))


@pytest.mark.parametrize("name", [f"Biking/{STEM}", STEM])
def test_maps_lie_as_the_clips_do(tmp_path, masks, name):
    assert find_maps(tmp_path, CLIP) is None
    folder = images(tmp_path / name, (masks * 255).astype(np.uint8))
    assert find_maps(tmp_path, CLIP) == folder
    file = saved(tmp_path / f"{name}.npz", masks=masks)
    assert find_maps(tmp_path, CLIP) == file


def test_a_folder_without_images_is_none_of_masks(tmp_path):
    (tmp_path / STEM).mkdir()
    assert find_maps(tmp_path, CLIP) is None


def test_a_stretch_has_maps_of_its_own(tmp_path, masks):
    path = Path("videos/Biking/long.mp4")
    stretch = Clip("Biking/long.mp4#1-2", path, 0, "g", start=1.0, end=2.0)
    (tmp_path / "Biking").mkdir()
    saved(tmp_path / "Biking/long.npz", masks=masks)
    assert find_maps(tmp_path, stretch) is None
    assert find_maps(tmp_path, Clip("Biking/long.mp4", path, 0, "g")) is not None
    own = saved(tmp_path / "Biking/long.mp4#1-2.npz", masks=masks)
    assert find_maps(tmp_path, stretch) == own


def refused(path: Path, frames=(0,)) -> str:
    with pytest.raises(ClipHarError, match="region=annotation") as error:
        read_maps(path, frames)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_too_few_maps(tmp_path, masks):
    file = saved(tmp_path / "a.npz", masks=masks)
    assert "12 are there and frame 13 is shown" in refused(file, (0, 12))
    folder = images(tmp_path / "a", (masks * 255).astype(np.uint8))
    assert "12 are there and frame 20 is shown" in refused(folder, (19,))


def test_maps_that_do_not_fit_the_clip(tmp_path, masks):
    file = saved(tmp_path / "a.npz", masks=masks)
    folder = images(tmp_path / "a", (masks * 255).astype(np.uint8))
    for path in (file, folder):
        for length in (11, 12, 13, 14):
            found = read_maps(path, (0, length - 1), length=length, size=(48, 64)).person
            np.testing.assert_array_equal(found, masks[[0, min(length - 1, 11)]])
        for wrong in ({"length": 24}, {"size": (24, 24)}):
            with pytest.raises(ClipHarError, match=r"region=annotation: expected .*, got"):
                read_maps(path, (0, 1), **wrong)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"masks": np.zeros((4, 8), bool)}, "expected 'masks' of shape (T, H, W)"),
        ({"masks": np.zeros((4, 8, 8), np.int32)}, "bool, uint8 or float"),
        ({"masks": np.full((4, 8, 8), 2.0)}, "expected masks in [0, 1]"),
        ({"masks": np.full((4, 8, 8), np.nan)}, "expected masks in [0, 1]"),
        ({"labels": np.full((4, 8, 8), 255, np.uint8)}, "uint8 up to 255"),
        ({"labels": np.full((4, 8, 8), 1.0)}, "whole numbers"),
        ({"person": np.zeros((4, 8, 8), bool)}, "no .npz with 'labels' or 'masks'"),
        ({"masks": np.array([{"a": 1}], object)}, "no .npz with 'labels' or 'masks'"),
    ],
)
def test_other_arrays(tmp_path, arrays, message):
    assert message in refused(saved(tmp_path / "a.npz", **arrays))


def test_damaged_files(tmp_path, masks):
    whole = saved(tmp_path / "whole.npz", masks=masks).read_bytes()
    broken = bytearray(whole)
    broken[len(whole) // 3] ^= 255
    contents = {"half": whole[: len(whole) // 2], "flip": bytes(broken), "empty": b"", "text": b"a"}
    for name, content in contents.items():
        (tmp_path / f"{name}.npz").write_bytes(content)
        assert "is damaged or no .npz" in refused(tmp_path / f"{name}.npz")
    with (tmp_path / "bare.npz").open("wb") as file:
        np.save(file, masks)
    assert "is damaged or no .npz" in refused(tmp_path / "bare.npz")
    assert "is damaged or no .npz" in refused(tmp_path / "missing.npz")


def test_pictures_that_are_no_masks(tmp_path, masks):
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[2:5, 2:5, 0] = 255
    assert "expected a grey picture" in refused(images(tmp_path / "colour", [picture]))
    deep = images(tmp_path / "deep", [np.full((8, 8), 40_000, np.uint16)])
    assert "expected a grey picture of 8 bits" in refused(deep)
    sizes = images(tmp_path / "sizes", [np.zeros((8, 8), np.uint8), np.zeros((8, 9), np.uint8)])
    assert "different sizes (8x8, 9x8)" in refused(sizes, (0, 1))
    broken = images(tmp_path / "broken", [np.zeros((8, 8), np.uint8)])
    (broken / "1.png").write_bytes((broken / "1.png").read_bytes()[:40])
    assert "is not a picture" in refused(broken)


def test_the_mark_changes_with_the_content(tmp_path, masks):
    assert maps_mark(tmp_path / "none.npz") == ""
    marks = set()
    for change in range(3):
        masks[6, change, change] ^= True
        marks.add(maps_mark(saved(tmp_path / "a.npz", masks=masks)))
        pictures = (masks * 255).astype(np.uint8)
        marks.add(maps_mark(images(tmp_path / str(change) / "a", pictures)))
    assert len(marks) == 6
    assert maps_mark(images(tmp_path / "again" / "a", pictures)) in marks
