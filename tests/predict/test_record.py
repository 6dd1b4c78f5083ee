"""The JSON object of a prediction."""

import json
from pathlib import Path

import pytest

from clip_har.predict.record import failure, record
from tests.predict.test_prediction import prediction


def test_it_holds_all_that_was_found_and_is_json():
    made = record(
        prediction(), top=2, model="tiny", settings=["ratio=0.3"], cautions=["the tiny model"]
    )
    read = json.loads(json.dumps(made, allow_nan=False))
    assert read == made
    assert read["clip"] == "clips/day.mp4"
    assert read["classes"] == ["walk", "run", "fall"]
    assert read["mean"] == pytest.approx([0.4, 0.183333, 0.416667])
    assert read["top"] == [
        {"class": "fall", "mean": 0.416667, "highest": 0.75, "highest_at": 6.0},
        {"class": "walk", "mean": 0.4, "highest": 0.6, "highest_at": 0.0},
    ]
    first, second, *_ = read["windows"]
    assert first == {
        "start": 0.0,
        "end": 2.0,
        "frames_seen": 8,
        "class": "walk",
        "probabilities": [0.6, 0.3, 0.1],
    }
    assert (second["class"], second["probabilities"], second["frames_seen"]) == (None, None, 0)
    assert [window["end"] for window in read["windows"]] == [2.0, 4.0, 6.0, 7.5]
    assert any("cannot win" in note for note in read["notes"])
    assert "the tiny model" in read["notes"]


def test_a_failure_names_the_video_whatever_its_bytes_are():
    made = failure(Path("caf\udce9.mp4"), "cut off")
    assert json.loads(json.dumps(made).encode("ascii")) == made
