"""The settings of the measures: which classes are the event."""

import pytest
from pydantic import ValidationError

from clip_har.config.compose import checked
from clip_har.config.measures import MeasureSettings
from clip_har.core.errors import ClipHarError

CLASSES = ("Falling", "running", "sitting down", "walking")


def test_a_target_is_its_labels_in_class_order() -> None:
    assert MeasureSettings(target=("walking", "Falling", "walking")).target_labels(CLASSES) == (
        0,
        3,
    )
    assert MeasureSettings(target="running").target_labels(CLASSES) == (1,), "one class, no list"
    assert MeasureSettings().target_labels(CLASSES) is None


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (("falling",), "did you mean Falling"),
        (("walking", "siting down"), "did you mean sitting down"),
        (("swimming pool",), "the data set has 4"),
        (CLASSES, "all 4 classes"),
    ],
)
def test_an_unknown_class_or_no_other_class_is_refused(target: tuple[str, ...], said: str) -> None:
    with pytest.raises(ClipHarError, match=said):
        MeasureSettings(target=target).target_labels(CLASSES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": ()},
        {"sensitivity": 0},
        {"sensitivity": 1.1},
        {"coverage": 1},
        {"coverage": 0},
        {"reference": ""},
        {"probe": ("all",)},
        {"reference": "train", "probe": ()},
        {"reference": "train", "probe": (0,)},
        {"reference": "train", "probe": ("some",)},
        {"reference": "train", "probe": (1, 1)},
        {"reference": "train", "probe_seeds": 0},
    ],
)
def test_an_empty_target_and_an_impossible_share_are_refused(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(ValidationError):
        MeasureSettings(**wrong)


def test_wrong_shots_are_one_message() -> None:
    with pytest.raises(ClipHarError) as caught:
        checked(MeasureSettings, {"reference": "train", "probe": [0]}, "measures")
    assert str(caught.value) == (
        "measures.probe=[0]: expected numbers of clips of each class from 1, or all, such as"
        " [1,4,16,all]; got 0"
    )


def test_one_number_of_shots_needs_no_list() -> None:
    assert MeasureSettings(reference="train", probe=4).probe == (4,)
    assert MeasureSettings(reference="train", probe="all").probe == ("all",)
    assert (
        MeasureSettings(reference="train", probe=["1", "all"]).tags()["measures.probe"] == "1, all"
    )
