"""OmniFall: sections of ten data sets, their splits, people, and columns of looks."""

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.decode.video import decode_clip
from clip_har.data.parts import check_apart
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.omnifall import CLASSES, OmniFall
from tests.data.made import numbers
from tests.data.sources.healthcare import drawn, lay_omnifall


@pytest.fixture
def root(tmp_path):
    return lay_omnifall(tmp_path / "omnifall")


def summary(source):
    return [(c.id, c.label, c.group, c.start, c.end) for c in source.clips().clips]


def test_sections_of_a_split(root, caplog):
    source = OmniFall(root=root, part="le2i")
    assert summary(source) == [
        ("le2i/Home_01/video_1#0-1.5", 0, "le2i/1", None, 1.5),
        ("le2i/Home_01/video_1#1.5-2.4", 1, "le2i/1", 1.5, 2.4),
        ("le2i/Home_01/video_1#2.4-9.75", 2, "le2i/1", 2.4, 9.75),
        ("le2i/Coffee_room_01/video_1#0-2", 4, "le2i/2", None, 2.0),
    ]
    clips = source.clips()
    assert (clips.name, clips.class_names) == ("omnifall/le2i/cs/test", CLASSES)
    assert clips.title == "omnifall/le2i/cs/test"
    assert clips.clips[3].path == root / "le2i/video/Coffee_room_01/video_1.avi"
    assert clips.clips[3].attributes == {"component": "le2i", "camera": "1"}
    assert "1 sections end before the video begins: left out" in caplog.text
    assert [clip.group for clip in source.training().clips().clips] == ["le2i/3"]


def test_names_of_data_sets_may_differ_in_case(root):
    (root / "GMDCSA24").rename(root / "gmdcsa24")
    assert summary(OmniFall(root=root, part="GMDCSA24")) == [
        ("GMDCSA24/Subject_1/Fall/01#0.5-2.5", 1, "GMDCSA24/1", 0.5, 2.5)
    ]


def test_sections_without_people_count_by_video(root, caplog):
    clips = OmniFall(root=root, part="wild").clips()
    assert clips.groups.tolist() == ["OOPS/falls/Best1"] * 2 + ["OOPS/falls/Oh, no"]
    assert clips.labels.tolist() == [14, 1, 15]
    assert clips.clips[0].attributes == {"component": "OOPS"}
    assert "no labels for 1 of the 3 videos of the split: falls/unlabelled" in caplog.text


def test_the_staged_setting_has_ten_classes(root):
    clips = OmniFall(root=root, part="wild", setting="staged").clips()
    assert clips.class_names == CLASSES[:10]
    assert clips.class_names[clips.labels[0]] == "other"
    assert clips.labels.tolist() == [9, 1, 9]
    assert clips.name == "omnifall/wild/cs/test/10 classes"


def test_further_columns_of_the_synthetic_part_are_attributes(root):
    clips = OmniFall(root=root, part="synthetic", protocol="cv").clips()
    assert clips.name == "omnifall/synthetic/random/test"
    assert clips.clips[0].attributes == {
        "component": "of-syn",
        "age_group": "children_5_12",
        "gender_presentation": "female",
        "camera_elevation": "top",
    }
    old = OmniFall(root=root, part="synthetic", synthetic_split="cross_age").clips()
    assert [clip.id for clip in old.clips] == ["of-syn/walk/walk_el_002#0-5.0625"]


def test_all_sections_need_no_split(root):
    clips = OmniFall(root=root, part="le2i", subset="all").clips()
    assert (len(clips.clips), clips.name) == (5, "omnifall/le2i/all")
    with pytest.raises(ClipHarError, match=r"omnifall/mcfd/cs/test has no sections"):
        OmniFall(root=root, part="mcfd").clips()


def test_the_cross_view_protocol_shares_people(root, caplog):
    source = OmniFall(root=root, part="le2i", protocol="cv")
    check_apart(source.training().clips(), source.clips(), what="noise")
    assert not caplog.records[-1].getMessage().startswith("noise")  # other people in this copy
    table = root / "labels/le2i.csv"
    table.write_text(table.read_text().replace(",2,1,le2i", ",1,2,le2i"))
    check_apart(source.training().clips(), source.clips(), what="noise")
    assert "1: le2i/1), because the cross-view protocol" in caplog.text


def test_missing_videos_are_counted(root):
    (root / "le2i/video/Home_01/video_1.mp4").unlink()
    source = OmniFall(root=root, part="le2i")
    with pytest.raises(
        ClipHarError, match=r"1 of 2 videos of omnifall/le2i/cs/test are missing .*: le2i/Home_01"
    ):
        source.clips()
    left = source.model_copy(update={"allow_missing": True}).clips()
    assert left.title == "omnifall/le2i/cs/test (1 of 4 clips)"
    (root / "le2i/video").rename(root / "le2i/videos")
    with pytest.raises(ClipHarError, match=r"2 of 2 videos .*set dataset\.root="):
        OmniFall(root=root, part="le2i", allow_missing=True).clips()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("Home_01/video_1,16,0,1,1,1,le2i", "expected 'label' from 0 to 15, got 16"),
        ("Home_01/video_1,fall,0,1,1,1,le2i", "expected 'label' as a whole number, got 'fall'"),
        ("Home_01/video_1,1,3,3,1,1,le2i", "expected 'end' after 'start', got start 3 and end 3"),
        ("Home_01/video_1,1,0,x,1,1,le2i", "expected 'end' as a number, got 'x'"),
        ("Home_01/video_1,1,nan,2,1,1,le2i", "expected 'start' as a number, got 'nan'"),
        ("Home_01/video_1,1,0,1.5,1,1,le2i", "listed twice, first in line 2"),
        ("Home_01/video_1,1,0,1", "expected 7 values as in the header, got 4"),
        ("Home_01/video_1,1,0,1,,1,le2i", "'subject' is empty"),
        ("Home_01/video_1,1111111111111111111,0,1,1,1,le2i", "expected 'label' as a whole number"),
        ("../../video_1,1,0,1,1,1,le2i", r"expected a path below .*video without '\.\.'"),
    ],
)
def test_faulty_labels_are_named(root, row, fault):
    with (root / "labels/le2i.csv").open("a") as table:
        table.write(f"{row}\n")
    with pytest.raises(ClipHarError, match=rf"labels/le2i\.csv, line 8: .*{fault}") as caught:
        OmniFall(root=root, part="le2i").clips()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("splits/cs/le2i/test.csv", None, r"test\.csv does not exist.*the test videos of le2i"),
        ("splits/cs/le2i/test.csv", "path\na\na\n", "line 3: a is listed twice"),
        ("splits/cs/le2i/test.csv", "name\na\n", "has no column path"),
        ("labels/le2i.csv", None, r"le2i\.csv does not exist"),
        ("labels/le2i.csv", "path,label\na,1\n", "has no column start, end, subject"),
    ],
)
def test_lists_that_are_missing_or_of_another_kind(root, file, text, fault):
    (root / file).unlink() if text is None else (root / file).write_text(text)
    with pytest.raises(ClipHarError, match=fault):
        OmniFall(root=root, part="le2i").clips()


def test_two_videos_of_one_name_are_refused(root):
    (root / "le2i/video/Home_01/video_1.mkv").touch()
    with pytest.raises(ClipHarError, match=r"video_1 may be video_1\.(mp4|mkv) or .*: remove"):
        OmniFall(root=root, part="le2i").clips()


def test_a_section_that_ends_after_its_video_ends_with_it(tmp_path):
    video = drawn(tmp_path / "drawn.mp4")
    clips = OmniFall(root=lay_omnifall(tmp_path / "set", video), part="le2i").clips().clips
    settings = FrameSettings(count=3)
    late = decode_clip(clips[2].path, settings, start=clips[2].start, end=clips[2].end)
    assert [60 <= number < 75 for number in numbers(late)] == [True] * 3
    early = decode_clip(clips[3].path, settings, start=clips[3].start, end=clips[3].end)
    assert max(numbers(early)) < 50
