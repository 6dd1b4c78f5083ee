"""Box files in every layout against the same planted boxes."""

import json
import os
import pickle
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


def tubes(of=list):
    """UCF101v2-GT.pkl: frames from 1; the Fencing clip has two actors, and its own resolution."""
    (one,), two = (TRUTH[BIKING],), [TRUTH[FENCING][[0, 2]], TRUTH[FENCING][[1]]]
    from_1 = np.array([1, 0, 0, 0, 0])
    return {
        "labels": ["Basketball", "Biking", "Fencing"],
        "train_videos": [[BIKING]],
        "test_videos": [[FENCING]],
        "nframes": {BIKING: 151, FENCING: 174},
        "resolution": {BIKING: (240, 320), FENCING: (256, 340)},
        "gttubes": {
            BIKING: {1: [of((one + from_1).astype(np.float32))]},
            FENCING: {2: [of((tube + from_1).astype(np.float32)) for tube in two]},
        },
    }


def tracks(of=list):
    """pyannot.pkl: x, y, w, h with the first pixel at (1, 1), ef exclusive."""

    def track(rows, label):
        corner, far = rows[:, 1:3], rows[:, 3:]
        boxes = np.column_stack([corner + 1, far - corner])
        first = int(rows[0, 0])
        return {"label": label, "sf": first, "ef": first + len(rows), "boxes": of(boxes)}

    return {
        BIKING: {"annotations": [track(TRUTH[BIKING], 2)], "numf": 151, "label": 2},
        FENCING: {
            "annotations": [track(TRUTH[FENCING][[0, 2]], 6), track(TRUTH[FENCING][[1]], 6)],
            "numf": 174,
            "label": 6,
        },
    }


def frames():
    return {
        video: {
            str(int(frame)): [row[1:].tolist() for row in rows if row[0] == frame]
            for frame in rows[:, 0]
        }
        for video, rows in TRUTH.items()
    }


def table(path: Path) -> None:
    rows = [
        f"{video},{int(frame)},{','.join(map(str, box))}"
        for video, boxes in TRUTH.items()
        for frame, *box in boxes.tolist()
    ]
    path.write_text("\n".join(["video,frame,x1,y1,x2,y2", *rows]) + "\n")


def plain(array):
    return array.tolist()


WRITERS = {
    "tubes.pkl": lambda path: path.write_bytes(pickle.dumps(tubes(np.asarray), 2)),
    "tubes5.pkl": lambda path: path.write_bytes(pickle.dumps(tubes(np.asarray), 5)),
    "tubes.json": lambda path: path.write_text(json.dumps(tubes(plain))),
    "tracks.pkl": lambda path: path.write_bytes(pickle.dumps(tracks(np.asarray), 2)),
    "tracks5.pickle": lambda path: path.write_bytes(pickle.dumps(tracks(np.asarray), 5)),
    "tracks.json": lambda path: path.write_text(json.dumps(tracks(plain))),
    "db.pkl": lambda path: path.write_bytes(
        pickle.dumps({"db": tracks(np.asarray), "trainvideos": [BIKING], "classes": ["a"]}, 4)
    ),
    "frames.json": lambda path: path.write_text(json.dumps(frames())),
    "boxes.csv": table,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_layout_gives_the_same_boxes(tmp_path, name):
    WRITERS[name](tmp_path / name)
    file = read_boxes(tmp_path / name, size=UCF)
    assert sorted(file.videos) == [BIKING, FENCING]
    for video, rows in TRUTH.items():
        found = file.videos[video].boxes
        order = np.lexsort(found.T[::-1])
        np.testing.assert_array_equal(found[order], rows[np.lexsort(rows.T[::-1])])
    own = (256, 340) if name.startswith("tubes") else UCF
    assert file.videos[BIKING].size == UCF
    assert file.videos[FENCING].size == own


def test_a_file_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(frames()))
    first = read_boxes(path, size=UCF)
    assert read_boxes(path, size=UCF) is first
    path.write_text(json.dumps({BIKING: {"0": [[1, 2, 3, 4]]}}))
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


def changed(content, *keys, to):
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    return content


FAULTS = {
    "a list": ([1], r"expected \{video: …\} in the file, got list"),
    "no frames": ({BIKING: [[1, 2, 3, 4]]}, f"in {BIKING}, got list"),
    "three numbers": ({BIKING: {"0": [[1, 2, 3]]}}, "boxes of 4 numbers in Biking.*, frame 0"),
    "text": ({BIKING: {"0": [[1, 2, 3, "4"]]}}, "boxes of 4 numbers"),
    "turned": ({BIKING: {"0": [[9, 2, 3, 4]]}}, "frame 0: expected x1 <= x2"),
    "not finite": ({BIKING: {"0": [[0, 0, 1, float("nan")]]}}, "finite boxes"),
    "no frame": ({BIKING: {"first": [[1, 2, 3, 4]]}}, "whole number in Biking.*'first'"),
    "before the first": ({BIKING: {"-1": [[1, 2, 3, 4]]}}, "frames of Biking.*whole numbers"),
    "frame 0 of 1": (
        changed(tubes(plain), "gttubes", BIKING, 1, to=[[[0, 1, 2, 3, 4]]]),
        "frames of Biking.*whole numbers",
    ),
    "tube of 4": (changed(tubes(plain), "gttubes", BIKING, 1, to=[[[1, 2, 3, 4]]]), "5 numbers"),
    "resolution": (changed(tubes(plain), "resolution", BIKING, to=[0, 3]), "as the resolution of"),
    "short track": (
        changed(tracks(plain), BIKING, "annotations", 0, "ef", to=9),
        "frame 3 to before 9: expected 6 boxes, got 3",
    ),
    "half a track": (changed(tracks(plain), BIKING, "annotations", 0, to={"sf": 1}), "no sf, ef"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FAULTS)
def test_other_layouts_are_refused(tmp_path, kind):
    content, message = FAULTS[kind]
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ClipHarError, match=message) as refused:
        read_boxes(path, size=UCF)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


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


def test_what_is_no_json_is_refused(tmp_path):
    path = tmp_path / "boxes.json"
    for text in ('{"a": ', "[" * 100_000):
        path.write_text(text)
        with pytest.raises(ClipHarError, match="is not a JSON file"):
            read_boxes(path, size=UCF)


def test_lists_that_contain_each_other_are_refused_at_once(tmp_path):
    lists: list[object] = [1.0]
    for _ in range(60):
        lists = [lists] * 4  # 4 ** 60 numbers for whoever unfolds them
    path = tmp_path / "boxes.pkl"
    path.write_bytes(pickle.dumps({BIKING: {0: lists}}, 2))
    with pytest.raises(ClipHarError, match="boxes of 4 numbers"):
        read_boxes(path, size=UCF)
