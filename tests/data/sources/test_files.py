"""Which files and folders are clips."""

import zipfile
from collections import Counter

import pytest

from clip_har.data.sources.files import (
    clip_files,
    clip_files_of,
    listed_clips,
    subfolders,
    text_lines,
)
from clip_har.data.sources.named import named_clips


def lay(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("1.png" if "images" in name else "1.txt", "x")
        else:
            path.touch()
    return root


OF_IMAGES = ("one.jpg", "clip/img_1.jpg", "clip/img_2.jpg", "deep/er/1.png", "images.zip")
OTHERS = ("notes.txt", "text.zip", ".hidden/1.jpg", "clip/.1.jpg", "clip/Thumbs.db")


def found(root, paths):
    return [path.relative_to(root).as_posix() for path in paths]


def test_clips_of_images_are_folders_zips_and_single_images(tmp_path):
    root = lay(tmp_path, *OF_IMAGES, *OTHERS)
    unused: Counter[str] = Counter()
    clips = found(root, clip_files(root, unused=unused))
    assert clips == ["clip", "deep/er", "images.zip", "one.jpg"]
    assert unused == {".txt": 1, ".zip": 1, "hidden": 2, ".db": 1}


def test_a_picture_beside_videos_is_no_clip(tmp_path):
    root = lay(tmp_path, *OF_IMAGES, *OTHERS, "walk/a.mp4")
    unused: Counter[str] = Counter()
    assert found(root, clip_files(root, unused=unused)) == ["walk/a.mp4"]
    assert unused == {".txt": 1, ".zip": 2, "hidden": 2, ".db": 1, ".jpg": 3, ".png": 1}
    folders = [root / "clip", root / "walk"]
    assert clip_files_of(folders) == {root / "clip": [], root / "walk": [root / "walk" / "a.mp4"]}


def test_a_damaged_zip_is_a_clip_so_that_it_is_not_lost(tmp_path):
    (tmp_path / "cut.zip").write_bytes(b"PK")
    assert found(tmp_path, clip_files(tmp_path)) == ["cut.zip"]


def test_a_linked_folder_counts_once(tmp_path):
    root = lay(tmp_path, "clip/1.jpg")
    (root / "again").symlink_to("clip")
    assert found(root, clip_files(root)) == ["clip"]


@pytest.mark.parametrize(
    "names",
    [
        ["Walk/v_a.jpg", "Walk/v_b.jpg", "Walk/v_c.jpg"],  # an image of each clip
        ["Walk/V_A/1.jpg", "Walk/V_A/2.jpg", "v_b/1.jpg", "Walk/v_c/1.jpg"],
        ["v_a_images.zip", "v_b_images.zip"],
    ],
)
def test_a_list_tells_clips_from_frames_and_classes(tmp_path, names):
    root = lay(tmp_path, *names)
    suffix = "_images" if names[0].endswith("zip") else ""
    clips = listed_clips(root, {f"v_a{suffix}", f"v_b{suffix}"})
    assert sorted(clips) == [f"v_a{suffix}", f"v_b{suffix}"]


def test_a_name_of_a_list_may_be_of_any_kind(tmp_path):
    root = lay(
        tmp_path, "a/1.jpg", "b.mp4", "b.jpg", "b/1.jpg", "c.zip", "d.png", "d.jpg", "e/x.txt"
    )
    names = {name: found(root, named_clips(root, name)) for name in ("a", "b", "c", "d", "e", "f")}
    assert names == {
        "a": ["a"], "b": ["b.mp4"], "c": ["c.zip"], "d": ["d.jpg", "d.png"], "e": [], "f": [],
    }  # fmt: skip
    assert found(root, named_clips(root, "b.jpg")) == ["b.jpg"]


@pytest.mark.parametrize("target", ["..", "../walk", "../walk/deep", "."])
def test_a_link_into_another_folder_of_clips_is_not_followed(target, tmp_path):
    for name in ("run/a.avi", "walk/deep/b.avi"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "run" / "link").symlink_to(target)
    (tmp_path / "walks").symlink_to("walk")
    unused: Counter[str] = Counter()
    found = clip_files_of(subfolders(tmp_path), unused=unused)
    assert [path.name for paths in found.values() for path in paths] == ["a.avi", "b.avi"]
    assert unused["link to another folder of clips"] == 1 + (target != ".")


def test_lines_keep_their_numbers_and_names(tmp_path):
    """A tab is a blank; what only Python takes for an end of a line is part of a name."""
    (tmp_path / "l.txt").write_text("\ufeffa\t1\r\n\r\nb\u2028c 2\n", encoding="utf-8")
    assert text_lines(tmp_path / "l.txt") == [(1, "a 1"), (3, "b\\u2028c 2")]
