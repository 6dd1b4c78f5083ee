"""Tables of boxes against planted boxes."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip
from clip_har.regions.boxes import BoxFile, VideoBoxes, read_boxes

UCF = (240, 320)
BIKING, FENCING = "Biking/v_Biking_g01_c01", "Fencing/v_Fencing_g01_c06"
# frame from 0, x1, y1, x2, y2
TRUTH = {
    BIKING: np.array([[3, 10, 20, 60, 200], [4, 11, 20, 61, 200], [5, 12.5, 20, 62.5, 200]]),
    FENCING: np.array([[0, 0, 0, 100, 240], [0, 200, 30, 320, 240], [1, 1, 0, 101, 240]]),
}


def table(path: Path) -> None:
    rows = [
        f"{video},{int(frame)},{','.join(map(str, box))}"
        for video, boxes in TRUTH.items()
        for frame, *box in boxes.tolist()
    ]
    path.write_text("\n".join(["video,frame,x1,y1,x2,y2", *rows]) + "\n")


def test_the_boxes_of_a_table(tmp_path):
    table(tmp_path / "boxes.csv")
    file = read_boxes(tmp_path / "boxes.csv", size=UCF)
    assert sorted(file.videos) == [BIKING, FENCING]
    for video, rows in TRUTH.items():
        np.testing.assert_array_equal(file.videos[video].boxes, rows)
        assert file.videos[video].size == UCF


def test_a_table_may_say_how_large_the_pictures_were(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(
        "video,frame,x1,y1,x2,y2,height,width\na,0,1,2,3,4,256,340\na,1,1,2,3,4,256,340\n"
    )
    assert read_boxes(path, size=UCF).videos["a"].size == (256, 340)
    for row, message in (
        ("a,2,1,2,3,4,240,320", "the same height and width in all rows of a"),
        ("b,0,1,2,3,4,0,320", "height and width of 1 to 16384 pixels"),
        ("b,0,1,2,3,4,2.5,320", "height and width of 1 to 16384 pixels"),
        ("b,0,1,2,3,4,x,320", "in 'height', got 'x'"),
    ):
        wrong = tmp_path / "wrong.csv"
        wrong.write_text(f"{path.read_text()}{row}\n")
        with pytest.raises(ClipHarError, match=message):
            read_boxes(wrong, size=UCF)


def test_a_file_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "boxes.csv"
    table(path)
    first = read_boxes(path, size=UCF)
    assert read_boxes(path, size=UCF) is first
    path.write_text(f"video,frame,x1,y1,x2,y2\n{BIKING},0,1,2,3,4\n")
    os.utime(path, ns=(1, 1))
    assert [*read_boxes(path, size=UCF).videos] == [BIKING]
    assert read_boxes(path, size=(100, 100)).videos[BIKING].size == (100, 100)


@given(
    st.lists(
        st.tuples(*[st.floats(-20, 60)] * 4).map(
            lambda e: (min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]), max(e[1], e[3]))
        ),
        max_size=3,
    )
)
def test_coverage_is_the_area_inside(boxes):
    rows = np.array([[5, *box] for box in boxes]).reshape(-1, 5)
    planes = VideoBoxes(rows, (24, 32)).coverage((5, 6))
    assert planes.shape == (2, 24, 32)
    assert planes.dtype == np.float32
    assert 0 <= planes.min() <= planes.max() <= 1
    assert not planes[1].any()
    areas = [
        max(0, min(x2, 32) - max(x1, 0)) * max(0, min(y2, 24) - max(y1, 0))
        for x1, y1, x2, y2 in boxes
    ]
    total = float(planes.sum(dtype=np.float64))
    assert max(areas, default=0) - 1e-3 <= total <= sum(areas) + 1e-3


def test_coverage_is_where_the_box_is():
    plane = VideoBoxes(np.array([[0, 2, 1, 4.25, 3]]), (4, 6)).coverage([0])[0]
    expected = np.zeros((4, 6))
    expected[1:3, 2:4] = 1
    expected[1:3, 4] = 0.25
    np.testing.assert_array_equal(plane, expected)


def clip(name, folder="Biking", suffix=".avi", **extra):
    return Clip(
        name, Path("UCF-101") / folder / f"{name.rpartition('/')[2]}{suffix}", 0, "g", **extra
    )


def test_clips_are_found_by_id_folder_and_name():
    video = VideoBoxes(np.zeros((0, 5)), UCF)
    file = BoxFile(Path("b.csv"), dict.fromkeys([BIKING, "v_Surfing_g01_c02", "a/1", "b/1"], video))
    assert file.name_of(clip("v_Biking_g01_c01")) == BIKING
    assert file.name_of(clip("v_BIKING_g01_c01")) == BIKING
    assert file.name_of(clip("elsewhere", folder="x")) is None
    assert file.name_of(clip("v_Biking_g01_c01", folder="flat")) == BIKING
    assert file.name_of(clip("Surfing/v_Surfing_g01_c02", folder="Surfing")) == "v_Surfing_g01_c02"
    assert file.name_of(clip("a/1.mp4", folder="a")) == "a/1"
    assert file.name_of(clip("1", folder="b")) == "b/1"
    assert file.name_of(clip("1", folder="c")) is None  # two videos have that name
    stretch = Clip("v_Biking_g01_c01.avi#1-2", Path(f"{BIKING}.avi"), 0, "g", start=1, end=2)
    assert file.name_of(stretch) is None  # its frames are not those of the whole video


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("v,0,1,2,3", "line 3: expected 6 values"),
        ("v,0,1,2,3,x", "line 3: expected a number of pixels or frames in 'y2', got 'x'"),
        ("v,0,1,2,3,inf", "line 3: expected a number"),
        ("v,-1,1,2,3,4", "line 3: expected 'frame' to count from 0, got '-1'"),
        ("v,0.5,1,2,3,4", "line 3: expected 'frame'"),
        ("v,0,4,2,3,4", "line 3: expected x1 <= x2"),
        (",0,1,2,3,4", "line 3: 'video' is empty"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, message):
    path = tmp_path / "boxes.csv"
    path.write_text(f"video,frame,x1,y1,x2,y2\nv,0,1,2,3,4\n{row}\n")
    with pytest.raises(ClipHarError, match=message):
        read_boxes(path, size=UCF)
