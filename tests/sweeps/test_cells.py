"""Which cells of a sweep belong together, and what sets groups of them apart."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from clip_har.results.files import PROTOCOL, write_json
from clip_har.results.result import Result
from clip_har.sweeps.cells import clean_twins, labels, metric_words
from clip_har.sweeps.noise import effect_metrics, mask_name, noise_label
from tests.noise.cells import cell_of


def finished(*overrides: str, **named: Any) -> Result:
    return Result(Path("-".join(overrides)), named, cell_of(*overrides))


def test_settings_of_noise_set_apart_what_is_of_one_kind() -> None:
    groups = [
        [finished("noise=none")],
        [finished("noise=universal")],
        [finished("noise=class_specific")],
        [finished("noise=class_specific", "noise.epsilon=8")],
    ]
    found = labels(groups)
    assert found == [
        "noise=NoNoise",
        "noise=UniversalNoise epsilon=16.0",
        "noise=ClassSpecificNoise epsilon=16.0",
        "noise=ClassSpecificNoise epsilon=8.0",
    ]
    assert labels(groups[:3]) == [
        "noise=NoNoise", "noise=UniversalNoise", "noise=ClassSpecificNoise",
    ]  # fmt: skip


def test_long_settings_are_told_by_the_name_of_their_option() -> None:
    groups = [
        [finished(f"prompts={name}", *more, prompts=name)]
        for name, *more in (["plain"], ["clinical"], ["clinical", "prompts.templates=['{}!']"])
    ]
    assert labels(groups) == [
        "templates=['a video of {}.'] prompts=plain",
        "templates=['{}.'] prompts=clinical",
        "templates=['{}!'] prompts=clinical",
    ]
    assert labels(groups[:2]) == ["prompts=plain", "prompts=clinical"]
    short = [[finished(f"prompts={name}", prompts=name)] for name in ("bare", "single")]
    assert labels(short) == ["templates=['{}']", "templates=['a photo of a person doing {}.']"]
    pattern = ("dataset.root=.", "classes=null")
    sets = [[finished(f"dataset={name}", *pattern, dataset=name)] for name in ("ntu60", "urfall")]
    assert labels(sets) == ["dataset=ntu60", "dataset=urfall"]
    assert labels([]) == []


def test_two_keys_with_one_end_have_different_names() -> None:
    groups = [[finished("seed=0", "dataset.seed=0")], [finished("seed=1", "dataset.seed=2")]]
    assert labels(groups) == ["dataset.seed=0 seed=0", "dataset.seed=2 seed=1"]


def test_what_varies_of_the_noise_is_not_the_masks(tmp_path: Path) -> None:
    write_json(tmp_path / PROTOCOL, {"notes": []})
    varies = {
        "masking": "percent", "ratio": 0.3, "masking.patch": 8, "noise": "residual",
        "noise.epsilon": 8, "learning.steps": 9, "noise_seed": 1,
        "train_masking": ["none", "shape"], "fill": "mean",
    }  # fmt: skip
    one = Result(tmp_path, varies, cell_of("noise=residual"))
    assert mask_name(one) == "percent r=0.3 patch=8 fill=mean"
    assert noise_label(one) == "residual epsilon=8 steps=9 train_masking=none+shape"


def test_the_name_of_an_effect_says_its_noise_and_that_it_leaks() -> None:
    row: dict[str, Any] = {
        "mask": "percent r=0.3", "noise": "residual epsilon=8", "against": "none",
        "measure": "top1", "difference": 0.25, "headline": True,
        "variant": "oracle (leaks the label)",
    }  # fmt: skip
    others = [{**row, "headline": False}, {**row, "against": "universal"}]
    found = effect_metrics(pd.DataFrame([row, *others]))
    assert found == {
        "noise/residual_epsilon_8/oracle_leaks_the_label/percent_r_0.3/top1_difference": 0.25
    }


def test_names_of_metrics_stay_different() -> None:
    texts = ["a/b", "a b", "A b", "x" * 250 + "1", "y" * 50 + "x" * 200 + "1", "alone"]
    words = metric_words(texts)
    assert len({text.casefold() for text in words.values()}) == len(texts)
    assert all(len(text) <= 200 for text in words.values())
    assert words["alone"] == "alone"


def test_several_clean_twins_are_named_by_what_sets_them_apart() -> None:
    first, second = (
        replace(finished("frames.count=2", f"frames.order={order}"), is_twin=True)
        for order in ("forward", "shuffled")
    )
    cells: list[Any] = [SimpleNamespace(clean=twin) for twin in (first, second, first, None)]
    assert [twin.name for twin in clean_twins(cells)] == [
        "none (clean twin) order=forward",
        "none (clean twin) order=shuffled",
    ]
    assert [twin.name for twin in clean_twins(cells[:1])] == ["none (clean twin)"]
