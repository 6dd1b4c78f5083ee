"""From choices to the words of the command."""

import shlex

import pytest

from clip_har.config.compose import cell_from_config
from clip_har.config.one_cell import composed
from clip_har.core.errors import ClipHarError
from clip_har.engine.job import command
from clip_har.explore.choices import offer, on_other_data
from clip_har.explore.controls import Value


def test_only_what_was_set_is_typed():
    offered = offer(["limit=4"], {"masking": "shape", "noise": "none"})
    values: dict[str, Value] = {
        "ratio": 0.3,
        "masking.shape": "star",
        "fill": "black",
        "seed": 1,
        "unknown": 2,
    }
    assert offered.with_values(values) == (
        "limit=4", "masking=shape", "masking.shape=star", "seed=1",
    )  # fmt: skip


def test_keys_of_a_replaced_option_are_dropped_and_others_kept():
    start = ["masking=percent", "masking.patch=8", "ratio=0.5", "++region.min_frames=0.1"]
    assert offer(start).chosen["masking"] == "percent"
    assert offer(start).with_values({"masking.patch": 32}) == (
        "masking=percent", "ratio=0.5", "++region.min_frames=0.1", "masking.patch=32",
    )  # fmt: skip
    replaced = offer(start, {"masking": "shape"})
    assert replaced.words == ("ratio=0.5", "++region.min_frames=0.1", "masking=shape")
    ratios = [one.value for one in replaced.controls["masking"] if one.key == "ratio"]
    assert ratios == [0.5]


@pytest.mark.parametrize(
    ("chosen", "values"),
    [
        ({"masking": "shape"}, {"fill": "#80a080", "masking.rotation": -45.0}),
        ({"masking": "feature", "region": "prompted"}, {"feature": "a dog's ball", "ratio": 0.25}),
        ({"masking": "percent", "noise": "gaussian"}, {"masking.static": False, "noise_seed": 3}),
    ],
)
def test_the_shell_reads_the_command_as_it_was_meant(chosen, values):
    words = offer([], chosen).with_values(values)
    python, flag, package, *read = shlex.split(command(words))
    assert (python, flag, package) == ("python", "-m", "clip_har")
    cell = cell_from_config(composed(read)[0])
    for key, value in values.items():
        node, _, name = key.rpartition(".")
        found = cell
        for part in filter(None, node.split(".")):
            found = getattr(found, part)
        assert getattr(found, name) == value


@pytest.mark.parametrize("text", ["${oc.env:SECRET}", "a ${oc.env:SECRET} ball", "\\${seed}", "${"])
def test_a_text_of_the_page_is_not_resolved(monkeypatch, text):
    monkeypatch.setenv("SECRET", "hunter2")
    for key in ("fill", "feature", "ratio", "seed"):
        with pytest.raises(ClipHarError, match=rf"{key}: .*must not contain \$") as caught:
            offer([], {"masking": "feature"}).with_values({key: text})
        assert "hunter2" not in str(caught.value)
    started = offer(["masking=shape", "fill='${oc.env:SECRET}'"])
    assert started.with_values({"ratio": 0.5})[1:] == ("fill='${oc.env:SECRET}'", "ratio=0.5")


@pytest.mark.parametrize(
    "name", ["${oc.env:SECRET}", "none,shape", "none ratio=2", "../config", ""]
)
def test_only_an_option_can_be_chosen(monkeypatch, name):
    monkeypatch.setenv("SECRET", "hunter2")
    with pytest.raises(ClipHarError, match="no such option as the chosen one"):
        offer([], {"masking": name})


def test_other_data_replace_the_data_set_and_its_limits():
    words = ["dataset=ucf101", "dataset.root=/data", "limit=4", "shard=1/2", "frames.count=4"]
    assert on_other_data(words, ["dataset=manifest", "dataset.path=a.csv"]) == (
        "dataset=manifest", "dataset.path=a.csv", "frames.count=4",
    )  # fmt: skip
