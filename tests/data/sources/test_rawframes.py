"""Lists of raw frames, as mmaction2 and HAT write them."""

import logging

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import clips_of
from clip_har.data.parts import check_apart
from clip_har.data.sources.rawframes import RawFrames
from tests.data.made import write_images, write_video


@pytest.fixture
def root(tmp_path):
    """The layout of HAT's copy of Kinetics-400: class folders with spaces, numbers from 1."""
    for name in ("archery/01xSt", "archery/02abc", "bending back/05mZD"):
        write_images(tmp_path / "ori" / name, 3, kind="jpg")
    return tmp_path / "ori"


def write_list(root, *lines):
    path = root.parent / "val_list_rawframes.txt"
    path.write_text("".join(f"{line}\r\n" for line in lines))
    return path


LINES = ("archery/01xSt 3 0", "bending back/05mZD 3 1", "archery/02abc 3 0")


def test_lines_become_clips(root):
    clips = RawFrames(path=write_list(root, *LINES), root=root, fps=30).clips()
    assert clips.name == "val_list_rawframes"
    assert clips.class_names == ("archery", "bending back")
    assert [(clip.id, clip.label, clip.group, clip.fps) for clip in clips.clips] == [
        ("archery/01xSt", 0, "archery/01xSt", 30.0),
        ("bending back/05mZD", 1, "bending back/05mZD", 30.0),
        ("archery/02abc", 0, "archery/02abc", 30.0),
    ]
    assert clips.title == clips.name


def test_videos_may_be_listed_too(root):
    write_video(root / "12.mp4", 2)
    write_images(root / "13", 2)
    (root / "classes.txt").write_text("0 archery\n1 bending back\n")
    path = write_list(root, "12.mp4 1", "13 2 0")
    clips = RawFrames(path=path, root=root, classes=root / "classes.txt").clips()
    assert [(clip.id, clip.label) for clip in clips.clips] == [("12.mp4", 1), ("13", 0)]
    assert clips.class_names == ("archery", "bending back")


def test_a_video_with_two_numbers_has_two_labels(root):
    """mmaction2's lists of several labels: the second number is not the number of frames."""
    write_video(root / "archery" / "a.mp4", 2)
    path = write_list(root, "archery/a.mp4 0 1")
    (root / "classes.txt").write_text("archery\nbending back\n")
    with pytest.raises(ClipHarError, match=r"line 1: expected '<video> <label>'.*several labels"):
        RawFrames(path=path, root=root, classes=root / "classes.txt").clips()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("archery\nbending back\n", ("archery", "bending back")),
        ("1 archery\n2 bending back\n", ("archery", "bending back")),
        ("1\tarchery\n2\tbending back\n", ("archery", "bending back")),
        ("1 bending back\n0 archery\n", ("archery", "bending back")),
    ],
)
def test_classes_may_be_numbered(root, text, names):
    (root / "classes.txt").write_text(text)
    source = RawFrames(path=write_list(root, *LINES), root=root, classes=root / "classes.txt")
    assert source.clips().class_names == names


@pytest.mark.parametrize("text", ["0 archery\n2 bending back\n", "1 archery\n1 bow\n", ""])
def test_broken_lists_of_classes_are_named(root, text):
    (root / "classes.txt").write_text(text)
    source = RawFrames(path=write_list(root, *LINES), root=root, classes=root / "classes.txt")
    with pytest.raises(ClipHarError, match=r"classes\.txt"):
        source.clips()


def test_tabs_are_blanks(root):
    lines = [line.replace(" 3 ", "\t3\t") for line in LINES]
    clips = RawFrames(path=write_list(root, *lines), root=root).clips()
    assert [clip.id for clip in clips.clips][1] == "bending back/05mZD"


def test_a_clip_that_is_listed_in_two_spellings_is_refused(root):
    write_video(root / "archery" / "v.mp4", 2)
    path = write_list(root, "archery/v 0", "archery/v.mp4 0")
    with pytest.raises(ClipHarError, match=r"archery/v and archery/v\.mp4 .* are one"):
        clips_of(RawFrames(path=path, root=root))


def test_numbers_of_frames_are_compared(root, caplog):
    caplog.set_level(logging.INFO)
    fewer = [line.replace(" 3 ", " 4 ") for line in LINES]
    with pytest.raises(
        ClipHarError, match=r"line 1: expected 4 images in .*, got 3 \(2 more clips"
    ):
        RawFrames(path=write_list(root, *fewer), root=root).clips()
    more = [line.replace(" 3 ", " 2 ") for line in LINES]
    assert len(RawFrames(path=write_list(root, *more), root=root).clips().clips) == 3
    assert "3 clips have more images than the list says" in caplog.text


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["archery/01xSt 3 0 4"], "line 1: expected .* got 3 numbers .*several labels"),
        (["archery/01xSt"], "line 1: expected '<folder> <frames> <label>'"),
        ([LINES[0], "archery/01xSt 3 0"], "line 2: archery/01xSt stands in line 1, too"),
        (["../ori/archery/01xSt 3 0"], r"line 1: expected a path below .* without '\.\.'"),
        (["/archery/01xSt 3 0"], "line 1: expected a path below"),
        (
            [LINES[0], "bending back/05mZD 3 0"],
            "line 2: label 0 is in the folders archery and bend",
        ),
        (["archery/01xSt 3 2"], r"no clip of the label 0.*dataset\.classes="),
        (["01xSt 3 0"], r"line 1: no class is in the path.*dataset\.classes="),
        (["archery/none 3 0"], r"1 of 1 clips .* are missing in .*dataset\.root="),
        ([LINES[0], "archery/none 3 0"], r"1 of 2 clips .*archery/none; dataset\.allow_missing"),
        ([], "is empty"),
        (["archery/01xSt 3 0", "bending back/05mZD 3 999999999"], "no clip of the label 1"),
        ([f"archery/01xSt {'1' * 5000}"], "line 1: .* got a number of 5000 digits"),
    ],
)
def test_faulty_lists_are_named(root, lines, fault):
    with pytest.raises(ClipHarError, match=fault):
        RawFrames(path=write_list(root, *lines), root=root).clips()


def test_unknown_labels_and_missing_clips_and_files(root):
    (root / "classes.txt").write_text("archery\n")
    path = write_list(root, *LINES, "archery/none 3 0")
    with pytest.raises(ClipHarError, match="line 2: label 1, but there are 1 classes"):
        RawFrames(path=path, root=root, classes=root / "classes.txt").clips()
    some = RawFrames(path=path, root=root, allow_missing=True).clips()
    assert some.title == "val_list_rawframes (3 of 4 clips)"
    with pytest.raises(ClipHarError, match=r"does not exist.*dataset\.path="):
        RawFrames(path=root / "none.txt").clips()
    with pytest.raises(ClipHarError, match=r"does not exist.*dataset\.classes="):
        RawFrames(path=path, root=root, classes=root / "none.txt").clips()


def test_noise_is_learned_on_a_list_of_its_own(root):
    source = RawFrames(path=write_list(root, *LINES[:2]), root=root)
    with pytest.raises(ClipHarError, match=r"dataset\.train="):
        source.training()
    train = root / "train.txt"
    write_images(root / "bending back" / "t", 1)
    train.write_text("archery/02abc 3 0\nbending back/t 1 1\n")
    source = source.model_copy(update={"train": train})
    check_apart(source.training().clips(), source.clips(), what="noise")
