"""Folders with one image per frame, in the layout of HAT."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip
from clip_har.regions.frame_images import (
    check_aspect,
    find_images,
    image_files,
    images_mark,
    places_of,
)

HERE: dict[str, Any] = {"path": Path("seg/run/a"), "setting": "region=annotation"}


def made(folder: Path, numbers, name="{:06}.jpg") -> Path:
    folder.mkdir(parents=True)
    for number in numbers:
        Image.new("L", (4, 3), number).save(folder / name.format(number))
    return folder


def test_the_layout_of_hat(tmp_path):
    clip = Clip("bending back/05mZ_000007.mp4", Path("val/bending back/05mZ_000007.mp4"), 0, "g")
    assert find_images(tmp_path, clip) is None
    folder = made(tmp_path / "bending back" / "05mZ_000007", range(1, 4))
    assert find_images(tmp_path, clip) == folder
    (tmp_path / "empty" / "bending back" / "05mZ_000007").mkdir(parents=True)
    assert find_images(tmp_path / "empty", clip) is None


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", ["{:06}.jpg", "img_{}.png"])
def test_the_first_image_is_the_first_frame(tmp_path, first, name):
    folder = made(tmp_path / "a", range(first, first + 12), name)
    files = image_files(folder, setting="region=annotation")
    assert [file.name for file in files] == [name.format(first + n) for n in range(12)]


def test_a_missing_number(tmp_path):
    folder = made(tmp_path / "a", [1, 2, 4])
    with pytest.raises(ClipHarError, match=r"masking\.backgrounds: .* after number 2 comes 4"):
        image_files(folder, setting="masking.backgrounds")


@pytest.mark.parametrize(
    ("count", "length", "expected"),
    [
        (100, 100, [0, 50, 99]),
        (99, 100, [0, 50, 98]),
        (98, 100, [0, 50, 97]),
        (102, 100, [0, 50, 99]),
        (200, None, [0, 50, 99]),
    ],
)
def test_pictures_of_the_same_numbers(count, length, expected):
    assert places_of([0, 50, 99], count, length, **HERE) == expected


@pytest.mark.parametrize(("count", "length"), [(97, 100), (103, 100), (50, 100), (99, None)])
def test_pictures_of_another_rate_or_part(count, length):
    with pytest.raises(ClipHarError, match=rf"region=annotation: expected .* {count}") as error:
        places_of([0, 50, 99], count, length, **HERE)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("picture", [(240, 320), (256, 340), (120, 160), (256, 342)])
def test_whole_frames_of_any_size(picture):
    check_aspect(picture, (240, 320), **HERE)
    check_aspect(picture, None, **HERE)


@pytest.mark.parametrize("picture", [(224, 224), (320, 240), (240, 300)])
def test_parts_of_frames(picture):
    with pytest.raises(ClipHarError, match="320x240 or another size with that aspect ratio, got"):
        check_aspect(picture, (240, 320), **HERE)


def test_the_mark_follows_the_content(tmp_path):
    marks = {images_mark(made(tmp_path / str(n) / "a", range(n, n + 3))) for n in (0, 1)}
    folder = tmp_path / "0" / "a"
    (folder / "notes.txt").write_text("x")
    assert images_mark(folder) in marks
    Image.new("L", (4, 3), 99).save(folder / "000001.jpg")
    assert images_mark(folder) not in marks
    assert len(marks) == 2
