"""Contrasts over all masks of a sweep."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_har.report.selection import of_sweep
from clip_har.results.result import Result
from clip_har.sweeps.measures import sweep_measures
from clip_har.sweeps.pooled import _names, differences, mean_changes
from clip_har.sweeps.robustness import corruption_errors
from tests.report.made import made_cell, made_sweep, table

MASKS = {"percent r=0.1": 0.85, "percent r=0.3": 0.7, "shape r=0.3": 0.6}


def finished(results: Path) -> list[Result]:
    """Return the results of two models under three masks, and one that uses the label."""
    cells: dict[str, Path | str] = {}
    for model, worse in (("first", 0.0), ("second", 0.2)):
        clean, key = table(0.9), f"model.checkpoint={model}"
        twin = made_cell(results, f"none {model}", clean, "masking=none", key)
        for mask, accuracy in MASKS.items():
            name = f"{mask} model={model}"
            kind, ratio = mask.split(" r=")
            cells[name] = made_cell(
                results, name, table(accuracy - worse), f"masking={kind}", f"ratio={ratio}",
                key, clean=clean, clean_twin=twin.name,
            )  # fmt: skip
    cells["oracle"] = made_cell(
        results, "oracle", table(1.0), "masking=percent", "ratio=0.5", "model.checkpoint=first",
        clean=table(0.9), clean_twin="none_first", leaks=True,
    )  # fmt: skip
    return list(of_sweep(made_sweep(results, cells)).jobs)


def test_changes_are_means_over_the_masks_of_each_model(tmp_path: Path) -> None:
    cells = finished(tmp_path)
    rows = mean_changes(cells)
    assert len(rows) == 2, "a row per model, without the cell that uses the label"
    for of, row in rows.set_index("of").iterrows():
        model = "first" if "first" in str(of) else "second"
        own = [one for one in cells if model in one.name and not one.leaks]
        lost = [one.metrics["top1"] - one.clean.metrics["top1"] for one in own if one.clean]
        assert str(of).startswith("3 cells")
        assert row["value"] == pytest.approx(sum(lost) / 3)
        assert row["low"] < row["value"] < row["high"] < 0
    logged = sweep_measures(cells).metrics()
    assert sum(name.startswith("robustness/mean_change/") for name in logged) == 2


def test_a_difference_of_two_models_is_over_the_cells_that_are_otherwise_alike(
    tmp_path: Path,
) -> None:
    cells = finished(tmp_path)
    (row,) = differences(cells).to_dict("records")
    assert row["of"] == "model: second minus first"
    tops = {one.name: one.metrics["top1"] for one in cells}
    by_hand = [tops[f"{mask} model=second"] - tops[f"{mask} model=first"] for mask in MASKS]
    assert row["value"] == pytest.approx(sum(by_hand) / 3)
    assert row["low"] < row["value"] < row["high"] < 0


def test_one_mask_is_no_mean_and_one_model_no_difference(tmp_path: Path) -> None:
    cells = [one for one in finished(tmp_path) if "percent r=0.1 model=first" in one.name]
    assert len(cells) == 1
    assert mean_changes(cells).empty
    assert differences(cells).empty


def of_content(results: Path, name: str, accuracy: float, *keys: str, **card: Any) -> Result:
    folder = made_cell(results, name, table(accuracy), "masking=percent", *keys, **card)
    return Result(folder, {"masking": "percent"})


def test_a_setting_is_compared_within_the_same_content(tmp_path: Path) -> None:
    """Other data, or prompts of another text under the same settings, are no other model."""
    first, second = "model.checkpoint=first", "model.checkpoint=second"
    cells = [
        of_content(tmp_path, "a", 0.9, first, prompts_digest="1"),
        of_content(tmp_path, "b", 0.5, first, prompts_digest="2"),
        of_content(tmp_path, "c", 0.3, second, prompts_digest="2"),
        of_content(tmp_path, "d", 0.1, second, prompts_digest="2", data_digest="other"),
    ]
    (row,) = differences(cells).to_dict("records")
    top1 = [one.metrics["top1"] for one in cells]
    assert row["value"] == pytest.approx(top1[2] - top1[1])
    assert differences(cells[:2]).empty, "the settings of the prompts are the same"


def test_noise_seeds_that_follow_are_one_difference(tmp_path: Path) -> None:
    cells = [
        of_content(
            tmp_path, f"{model} {seed}", accuracy, "noise=gaussian", f"seed={seed}",
            f"model.checkpoint={model}",
        )
        for model, accuracy in (("first", 0.9), ("second", 0.5))
        for seed in (0, 1)
    ]  # fmt: skip
    (row,) = differences(cells).to_dict("records")
    assert row["of"] == "model: second minus first"


def test_each_order_of_the_frames_is_compared_with_the_forward_one(tmp_path: Path) -> None:
    accuracy = {"reversed": 0.7, "forward": 0.9, "single": 0.5}
    cells: dict[str, Path | str] = {}
    for order, share in accuracy.items():
        for ratio in (0.1, 0.3):
            name = f"percent r={ratio} frames.order={order}"
            keys = "masking=percent", f"ratio={ratio}", f"frames.order={order}"
            cells[name] = made_cell(tmp_path, name, table(share - ratio), *keys)
    found = list(of_sweep(made_sweep(tmp_path, cells)).jobs)
    rows = differences(found).set_index("of")
    assert set(rows.index) == {
        "frames.order: reversed minus forward", "frames.order: single minus forward",
    }  # fmt: skip
    tops = {one.name: one.metrics["top1"] for one in found}
    lost = [
        tops[f"percent r={r:g} order=single"] - tops[f"percent r={r:g} order=forward"]
        for r in (0.1, 0.3)
    ]
    assert rows["value"]["frames.order: single minus forward"] == pytest.approx(sum(lost) / 2)


@pytest.mark.parametrize(
    ("hidden", "partly", "marked"), [(0.3, 0.0, False), (0.0, 0.3, True), (0.3, 0.2, True)]
)
def test_models_that_see_other_masks_are_marked(
    tmp_path: Path, hidden: float, partly: float, marked: bool
) -> None:
    cells: dict[str, Path | str] = {}
    for model, tokens in (("first", (0.3, 0.0)), ("second", (hidden, partly))):
        shown = table(0.7)
        whole, part = (np.full(len(shown.clip_ids), share) for share in tokens)
        shown = replace(shown, tokens_hidden=whole, tokens_partly=part)
        cells[model] = made_cell(
            tmp_path, model, shown, "masking=percent", "ratio=0.3", f"model.checkpoint={model}"
        )
    found = list(of_sweep(made_sweep(tmp_path, cells)).jobs)
    (row,) = differences(found).to_dict("records")
    assert ("other shares of the tokens" in row["of"]) == marked
    (row,) = corruption_errors(found, "first").to_dict("records")
    assert ("other shares of the tokens" in row["of"]) == marked


def test_models_of_one_checkpoint_are_named_by_what_differs(tmp_path: Path) -> None:
    words = ("masking=none", "model=clip", "model.checkpoint=folder")
    plain, tuned = (
        Result(made_cell(tmp_path, name, table(0.9), *words, *more))
        for name, more in {"plain": (), "tuned": ("model.weights=a.safetensors",)}.items()
    )
    assert _names(plain, tuned, "model") == (
        "model.weights=null", "model.weights=a.safetensors",
    )  # fmt: skip
