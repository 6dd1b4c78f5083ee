"""What varies between cells, and the names that are made from it."""

from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given
from hypothesis import strategies as st

from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR
from clip_har.results.names import Words, cell_name, what_varies


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ("feature", "feature fill=mean feature=person"),
        ("percent", "percent r=0.3 fill=mean"),
        ("person_only", "person_only fill=grey feature=person"),  # its fill is fixed
        ("none", "none"),
    ],
)
def test_the_fill_in_a_name_is_the_one_that_is_painted(mask: str, expected: str) -> None:
    register_schema()
    overrides = [f"masking={mask}", "fill=mean", "feature=person"]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", overrides=overrides)
    varies = what_varies(config, {"masking": mask}, ("masking", "fill", "feature"))
    assert cell_name(varies) == expected


def test_names_are_made_from_full_keys() -> None:
    register_schema()
    overrides = ["noise=universal", "noise.epsilon=3", "train_masking=[none,shape]"]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", overrides=[*overrides, "masking=percent", "masking.patch=8"])
    keys = ("masking.patch", "noise.epsilon", "learning.steps", "train_masking", "masking.ratio")
    varies = what_varies(config, {"masking": "percent"}, keys)
    assert varies == {
        "masking": "percent", "ratio": 0.3, "masking.patch": 8, "noise.epsilon": 3,
        "learning.steps": 300, "train_masking": ["none", "shape"],
    }  # fmt: skip
    assert cell_name(varies) == "percent r=0.3 patch=8 epsilon=3 steps=300 train_masking=none+shape"


def test_two_keys_that_end_alike_have_different_names() -> None:
    varies = {"masking": "none", "dataset.seed": 1, "seed": 0, "prompts.file": "/a/b.txt"}
    assert cell_name(varies) == "none dataset.seed=1 seed=0 file=b.txt"
    assert cell_name(varies, without={"seed"}) == "none dataset.seed=1 file=b.txt"
    both = {"masking": "percent", "masking.patch": 8, "noise.patch": 4}
    assert cell_name(both) == "percent masking.patch=8 noise.patch=4"


def names_of(key: str, *values: Any) -> list[str]:
    cells = [{"masking": "none", key: value} for value in values]
    words = Words.of(cells)
    return [cell_name(varies, words).removeprefix("none ") for varies in cells]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("r1/final", "r2/final", "r3/best"), ["r1/final", "r2/final", "best"]),
        (("a/r1/final", "b/r1/final"), ["a/r1/final", "b/r1/final"]),
        (("/a/final", "a/final"), ["/a/final", '"a/final"']),
        (("a/final", "a/final/"), ['"a/final"', "a/final/"]),
        ((None, "null"), ["null", '"null"']),
        ((True, "true"), ["true", '"true"']),
        ((0.1, "0.1"), ["0.1", '"0.1"']),
        ((["none", "shape"], "none+shape"), ['["none", "shape"]', '"none+shape"']),
        (("person", "Person"), ["person", "Person"]),
        ((0.123456789, 0.123456788), ["0.123456789", "0.123456788"]),
        (("a" * 300, "a" * 299 + "b"), ["a" * 300, "a" * 299 + "b"]),
        (("x fill=mean",), ['"x fill=mean"']),
    ],
)
def test_values_are_shortened_only_as_far_as_they_stay_different(
    values: tuple[Any, ...], expected: list[str]
) -> None:
    assert names_of("model.checkpoint", *values) == [f"checkpoint={text}" for text in expected]


def test_a_key_that_is_shortened_in_one_cell_is_not_that_of_another() -> None:
    cells: list[dict[str, Any]] = [
        {"masking": "percent", "masking.patch": 8}, {"masking": "percent", "noise.patch": 8},
    ]  # fmt: skip
    words = Words.of(cells)
    assert [cell_name(varies, words) for varies in cells] == [
        "percent masking.patch=8", "percent noise.patch=8",
    ]  # fmt: skip


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
    | st.text('aA/" =+n', max_size=6)
)  # fmt: skip
VALUES = st.recursive(LEAVES, lambda items: st.lists(items, max_size=3), max_leaves=3)


@given(st.lists(VALUES, min_size=2, max_size=6, unique_by=repr))
def test_different_values_have_different_names(values: list[Any]) -> None:
    assert len(set(names_of("model.checkpoint", *values))) == len(values)
