"""Published boxes in every layout become the same table, which the package reads."""

import json
import pickle
import sys

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.regions.boxes import read_boxes
from experiments.ucf101_24.convert import convert, main
from tests.regions.test_boxes import BIKING, FENCING, TRUTH, UCF


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
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_layout_gives_the_same_boxes(tmp_path, name):
    WRITERS[name](tmp_path / name)
    assert convert(tmp_path / name, tmp_path / "boxes.csv", size=UCF) == 6
    file = read_boxes(tmp_path / "boxes.csv", size=(1, 1))
    assert sorted(file.videos) == [BIKING, FENCING]
    for video, rows in TRUTH.items():
        found = file.videos[video].boxes
        order = np.lexsort(found.T[::-1])
        np.testing.assert_array_equal(found[order], rows[np.lexsort(rows.T[::-1])])
    own = (256, 340) if name.startswith("tubes") else UCF
    assert file.videos[BIKING].size == UCF
    assert file.videos[FENCING].size == own


def test_the_command_says_how_to_use_the_table(tmp_path, monkeypatch, capsys):
    WRITERS["tubes.pkl"](tmp_path / "tubes.pkl")
    typed = [str(tmp_path / "tubes.pkl"), str(tmp_path / "boxes.csv")]
    monkeypatch.setattr(sys, "argv", ["convert", *typed])
    main()
    assert capsys.readouterr().out == f"6 boxes: region.boxes={typed[1]}\n"
    (tmp_path / "tubes.pkl").write_bytes(b"no pickle")
    with pytest.raises(SystemExit, match="cannot be read as a pickle of arrays"):
        main()


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
        convert(path, tmp_path / "boxes.csv")
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)


def test_what_is_no_json_is_refused(tmp_path):
    path = tmp_path / "boxes.json"
    for text in ('{"a": ', "[" * 100_000):
        path.write_text(text)
        with pytest.raises(ClipHarError, match="is not a JSON file"):
            convert(path, tmp_path / "boxes.csv")


def test_lists_that_contain_each_other_are_refused_at_once(tmp_path):
    lists: list[object] = [1.0]
    for _ in range(60):
        lists = [lists] * 4  # 4 ** 60 numbers for whoever unfolds them
    path = tmp_path / "boxes.pkl"
    path.write_bytes(pickle.dumps({BIKING: {0: lists}}, 2))
    with pytest.raises(ClipHarError, match="boxes of 4 numbers"):
        convert(path, tmp_path / "boxes.csv")
