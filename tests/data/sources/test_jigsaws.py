"""JIGSAWS: gestures of trials, surgeons as groups, what is held out."""

import pytest
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.data.parts import check_apart
from clip_har.data.sources.jigsaws import GESTURES, JIGSAWS
from tests.data.sources.healthcare import lay_jigsaws


@pytest.fixture
def root(tmp_path):
    return lay_jigsaws(tmp_path / "jigsaws")


def test_gestures_are_clips(root):
    clips = JIGSAWS(root=root).clips()
    assert clips.name == "jigsaws/Suturing/all"
    assert clips.class_names == tuple(GESTURES[gesture] for gesture in ("G1", "G2", "G3", "G11"))
    assert [(c.id, c.label, c.group, c.start, c.end) for c in clips.clips] == [
        ("Suturing_B001_capture1#0-1", 0, "B", None, 1.0),
        ("Suturing_B001_capture1#1-2.5", 1, "B", 1.0, 2.5),
        ("Suturing_B001_capture1#2.5-3", 2, "B", 2.5, 3.0),
        ("Suturing_B002_capture1#0.3-2", 0, "B", 0.3, 2.0),
        ("Suturing_B002_capture1#2-3", 3, "B", 2.0, 3.0),
        ("Suturing_C001_capture1#0-1.5", 1, "C", None, 1.5),
        ("Suturing_C001_capture1#1.5-3", 0, "C", 1.5, 3.0),
    ]
    assert clips.clips[0].path == root / "Suturing/video/Suturing_B001_capture1.avi"
    assert clips.clips[0].attributes == {"camera": "1", "skill": "novice"}
    assert clips.clips[6].attributes == {"camera": "1", "skill": "expert"}


@pytest.mark.parametrize(
    ("held_out", "test", "train"),
    [("B", ["B001", "B002"], ["C001"]), ("2", ["B002"], ["B001", "C001"]), (2, ["B002"], None)],
)
def test_a_surgeon_or_a_repetition_is_held_out(root, held_out, test, train):
    source = JIGSAWS(root=root, held_out=held_out, subset="test")
    trials = [clip.id.split("_")[1] for clip in source.clips().clips]
    assert list(dict.fromkeys(trials)) == test
    assert source.clips().name == f"jigsaws/Suturing/test/{held_out}"
    assert source.clips().class_names == JIGSAWS(root=root).clips().class_names
    if train:
        trials = [clip.id.split("_")[1] for clip in source.training().clips().clips]
        assert list(dict.fromkeys(trials)) == train


def test_surgeons_are_apart_and_repetitions_are_not(root, caplog):
    for held_out in ("B", "2"):
        source = JIGSAWS(root=root, held_out=held_out, subset="test")
        check_apart(source.training().clips(), source.clips(), what="noise")
    (message,) = [record.getMessage() for record in caplog.records]
    assert "1: B), because leave-one-supertrial-out" in message
    with pytest.raises(ClipHarError, match=r"set dataset\.held_out="):
        JIGSAWS(root=root).training()


@pytest.mark.parametrize(
    "settings",
    [
        {"subset": "test"},
        {"held_out": "Z"},
        {"held_out": 7},
        {"captures": [1, 1]},
        {"captures": []},
    ],
)
def test_settings_that_make_no_sense_are_refused(root, settings):
    with pytest.raises(ValidationError):
        JIGSAWS(root=root, **settings)


def test_both_cameras(root):
    clips = JIGSAWS(root=root, captures=(1, 2)).clips()
    assert len(clips.clips) == 14
    assert {clip.attributes["camera"] for clip in clips.clips} == {"1", "2"}


def test_a_task_may_lie_in_a_folder_of_its_own_name(root):
    before = JIGSAWS(root=root).clips().digest
    (root / "Suturing").rename(root / "inner")
    (root / "Suturing").mkdir()
    (root / "inner").rename(root / "Suturing/Suturing")
    assert JIGSAWS(root=root).clips().digest == before


def test_missing_videos_are_counted(root):
    (root / "Suturing/video/Suturing_B002_capture1.avi").unlink()
    with pytest.raises(ClipHarError, match=r"1 of 3 videos of jigsaws/Suturing/all are missing"):
        JIGSAWS(root=root).clips()
    left = JIGSAWS(root=root, allow_missing=True).clips()
    assert left.title == "jigsaws/Suturing/all (5 of 7 clips)"
    assert len(left.class_names) == 4


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("transcriptions/Suturing_B002.txt", "70 80 G16", "line 3: expected a gesture, G1 to G15"),
        ("transcriptions/Suturing_B002.txt", "70 60 G1", "line 3: expected 'end' after 'start'"),
        ("transcriptions/Suturing_B002.txt", "70 G1", r"line 3: expected 3 values \(start end ges"),
        ("transcriptions/Suturing_B002.txt", "a 80 G1", "line 3: expected 'start' as a whole numb"),
        ("transcriptions/Suturing_B002.txt", "-4 80 G1", "line 3: expected 'start' as a frame"),
        ("transcriptions/Suturing_B002.txt", "10 60 G2", "listed twice, first in line 1"),
        ("meta_file_Suturing.txt", "Suturing_D001 X 9 1 1 2 2 2 1", "line 4: expected the skill N"),
        ("meta_file_Suturing.txt", "Suturing_B001 N 9 1 1 2 2 2 1", "line 4: .* is listed twice"),
        ("meta_file_Suturing.txt", "Suturing_D001 N 9", "line 4: expected 9 values"),
        ("transcriptions/Suturing_notes.txt", "1 2 G1", "expected a name such as Suturing_B001"),
    ],
)
def test_faulty_lists_are_named(root, file, line, fault):
    with (root / "Suturing" / file).open("a") as table:
        table.write(f"{line}\n")
    with pytest.raises(ClipHarError, match=fault) as caught:
        JIGSAWS(root=root).clips()
    assert str(root / "Suturing" / file).removesuffix(".txt") in str(caught.value)


def test_what_is_missing_is_said(root):
    with pytest.raises(ClipHarError, match=r"transcriptions does not exist.*dataset\.root="):
        JIGSAWS(root=root, task="Knot_Tying").clips()
    (root / "Suturing/meta_file_Suturing.txt").unlink()
    with pytest.raises(ClipHarError, match=r"meta_file_Suturing\.txt does not exist"):
        JIGSAWS(root=root).clips()
