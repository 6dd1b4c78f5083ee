"""Which files are the frames of a clip of images."""

import os
import zipfile

import pytest

from clip_har.data.clips import content_mark
from clip_har.data.image_files import (
    ImagesError,
    image_series,
    images_state,
    is_of_images,
    natural_key,
)


def lay(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def zip_of(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return path


@pytest.mark.parametrize(
    ("names", "frames"),
    [
        (["10.jpg", "9.jpg", "8.jpg"], ["8.jpg", "9.jpg", "10.jpg"]),
        (["img_2.jpg", "img_1.jpg", "flow_x_1.jpg", "flow_y_1.jpg"], ["img_1.jpg", "img_2.jpg"]),
        (["00001.jpg", "00002.jpg", "flow_x_00001.jpg", "y_00001.jpg"], ["00001.jpg", "00002.jpg"]),
        (["img_1.jpg", "thumb_1.jpg", "thumb_2.jpg"], ["img_1.jpg"]),
        (["x_1.jpg", "x_2.jpg"], ["x_1.jpg", "x_2.jpg"]),
        (["frame_1_at_0.04.PNG", "frame_2_at_0.08.png"], None),
        (["fall-01-cam0-rgb-001.png", "fall-01-cam0-rgb-002.png", "Thumbs.db", ".a.png"],
         ["fall-01-cam0-rgb-001.png", "fall-01-cam0-rgb-002.png"]),
        (["v_X_g08_c01.jpg"], None),
        (["cam1.9.jpg", "cam1.10.jpg"], None),
        (["0.80.jpg", "0.92.jpg", "1.04.jpg"], None),
        (["at_4_0.16.jpg", "at_5_0.2.jpg"], None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["folder", "zip"])
def test_frames_come_in_natural_order_without_other_series(tmp_path, names, frames, place):
    if place == "folder":
        path = lay(tmp_path / "clip", *names)
        found = image_series(path).names
    else:
        path = zip_of(
            tmp_path / "clip.zip", *(f"in/{name}" for name in names), "__MACOSX/in/._1.jpg"
        )
        found = tuple(name.removeprefix("in/") for name in image_series(path).names)
    assert list(found) == (names if frames is None else frames)
    left_out = sum(name.startswith(("flow", "thumb", "y_")) for name in names)
    assert image_series(path).left_out == left_out
    assert ("not used" in image_series(path).note) == bool(left_out)


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["a_1.jpg", "b_1.jpg", "b_2.jpg"], r"2 series of images, such as a_1\.jpg \(1\), b_1"),
        (["flow_x_1.jpg", "flow_y_1.jpg"], "2 series of images"),
        (["1.jpg", "1.png"], "2 series of images"),
        (["1.jpg", "001.jpg"], r"two of its images have one number: 001\.jpg and 1\.jpg"),
        (["cam1_1.jpg", "cam1_2.jpg", "cam2_1.jpg", "cam2_2.jpg", "cam2_3.jpg"],
         r"start 2 times, such as at cam1_1\.jpg and cam2_1\.jpg"),
        (["notes.txt", ".1.jpg"], "without"),
        (["0.04.jpg", "0.08.jpg", "0.2.jpg"], r"order of 0\.2\.jpg and 0\.04\.jpg is not clear"),
        (["9.25.jpg", "9.5.jpg", "10.0.jpg"], r"order of 9\.5\.jpg and 9\.25\.jpg is not clear"),
    ],
)  # fmt: skip
def test_a_mixture_is_refused(tmp_path, names, fault):
    for path in (lay(tmp_path / "clip", *names), zip_of(tmp_path / "clip.zip", *names)):
        with pytest.raises(ImagesError, match=fault):
            image_series(path)


@pytest.mark.parametrize(
    ("numbers", "note"),
    [
        ([1, 2, 3], ""),
        ([10, 20, 30], ""),  # every tenth frame
        ([33, 67, 100], ""),  # milliseconds
        ([1, 2, 5], "missing images: 2 (3, 4)"),
        ([0, 10, 30], "missing images: 1 (20)"),
        ([7, 8, 20, 22], "missing images: 12 (9, 10, 11, …)"),
        ([1, 2, 10**15], "missing images: 999999999999997 (3, 4, 5, …)"),
    ],
)
def test_missing_numbers_are_told(tmp_path, numbers, note):
    folder = lay(tmp_path / "clip", *(f"img_{number:03}.jpg" for number in numbers))
    assert image_series(folder).note == note


def test_a_zip_that_cannot_be_used_is_said(tmp_path):
    several = zip_of(tmp_path / "a.zip", "rgb/1.png", "flow/1.png")
    with pytest.raises(ImagesError, match=r"images in 2 folders \(flow, rgb\)"):
        image_series(several)
    locked = zip_of(tmp_path / "b.zip", "1.png")
    content = bytearray(locked.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag of the directory
    locked.write_bytes(content)
    with pytest.raises(ImagesError, match="encrypted"):
        image_series(locked)
    (tmp_path / "c.zip").touch()
    with pytest.raises(ImagesError, match=r"empty \(0 bytes\)"):
        image_series(tmp_path / "c.zip")
    with pytest.raises(ImagesError, match="does not exist"):
        image_series(tmp_path / "d.zip")
    os.mkfifo(tmp_path / "e.zip")
    with pytest.raises(ImagesError, match="pipe"):
        image_series(tmp_path / "e.zip")


def test_strange_names_are_said_in_one_line(tmp_path):
    names = zip_of(tmp_path / "a.zip", "a\n1.png", "b\x1b1.png")
    with pytest.raises(ImagesError, match=r"such as a\\x0a1\.png \(1\), b\\x1b1\.png"):
        image_series(names)
    with pytest.raises(ImagesError, match="too long"):
        image_series(zip_of(tmp_path / "b.zip", f"{'1' * 5000}.png"))


def test_a_pipe_is_no_frame(tmp_path):
    folder = lay(tmp_path / "clip", "1.jpg", "3.jpg")
    os.mkfifo(folder / "2.jpg")
    assert image_series(folder).names == ("1.jpg", "3.jpg")


def test_kinds_of_clips_are_told_apart(tmp_path):
    folder = lay(tmp_path / "clip.mp4", "1.jpg")
    kinds = [folder, tmp_path / "a.JPG", tmp_path / "a.zip", tmp_path / "a.gif", tmp_path / "a"]
    assert [is_of_images(path) for path in kinds] == [True, True, True, False, False]


def test_the_mark_of_a_folder_is_that_of_its_images(tmp_path):
    names = [f"{number:03}.jpg" for number in range(9)]
    folder = lay(tmp_path / "a", *names)
    mark = content_mark(folder)
    assert mark.startswith("63-")
    assert content_mark(lay(tmp_path / "b", *names)) == mark  # wherever and whenever written
    (folder / "notes.txt").touch()
    assert content_mark(folder) == mark
    for change in (
        lambda: (folder / "004.jpg").write_bytes(b"changed"),
        lambda: (folder / "002.jpg").write_bytes(b"longer than before"),
        lambda: (folder / "005.jpg").rename(folder / "050.jpg"),
        lambda: (folder / "006.jpg").unlink(),
    ):
        before = content_mark(folder)
        change()
        assert content_mark(folder) not in {before, ""}
    assert content_mark(lay(tmp_path / "empty")) == ""


def test_the_state_of_a_folder_changes_with_its_images(tmp_path):
    folder = lay(tmp_path / "a", "1.jpg", "2.jpg")
    first = images_state(folder)
    assert first[0] == 10
    (folder / "3.jpg").write_bytes(b"3")
    second = images_state(folder)
    (folder / "2.jpg").chmod(0o600)
    os.utime(folder)  # as if an image was replaced
    assert len({first, second, images_state(folder)}) == 3


def test_natural_order():
    names = ["b1.jpg", "a10.jpg", "a9.jpg", "a09.jpg"]
    assert sorted(names, key=natural_key) == ["a09.jpg", "a9.jpg", "a10.jpg", "b1.jpg"]
