"""Which models are compared, over which cells, and the numbers that come of it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests

from clip_har.core.checksum import write_manifest
from clip_har.report.selection import of_sweep
from clip_har.results.files import METRICS_CODE, SCORES, write_json
from clip_har.results.result import Result, metrics_code
from clip_har.sweeps.comparisons import by_content, comparisons_of
from clip_har.sweeps.model_answers import ModelAnswers
from clip_har.sweeps.model_costs import machines_of
from clip_har.sweeps.model_tables import (
    CHANGE,
    EACH,
    MEAN,
    ModelTables,
    model_metrics,
    model_tables,
)
from clip_har.sweeps.models import UNCHANGED, model_sets
from tests.report.models import MASKS, made_models
from tests.sweeps.test_comparisons import made
from tests.tables import rows_of

THREE = {"good": (0.9, 0.5), "fair": (0.7, 0.4), "poor": (0.4, 0.3)}
FAST = {"good": 40.0, "fair": 20.0, "poor": 30.0}


def tables_of(folder: Path) -> ModelTables:
    (found,) = model_tables(of_sweep(folder).comparisons)
    return found


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> ModelTables:
    results = tmp_path_factory.mktemp("three")
    return tables_of(made_models(results, THREE, milliseconds=FAST))


def right(tables: ModelTables, model: str, mask: str) -> NDArray[np.float64]:
    """Return which answers are right, read from the cell without the code under test."""
    place = list(tables.models.names).index(model)
    name = f"{'none' if mask == UNCHANGED else mask} model.checkpoint={model}"
    for one in tables.models.comparisons[place].cells:
        if one.name.split()[: len(mask.split())] == name.split()[: len(mask.split())]:
            answers = one.table.scores.argmax(axis=1)
            found: NDArray[np.float64] = (answers == one.table.labels).astype(float)
            return found
    raise AssertionError(name)


def test_the_numbers_are_means_over_the_same_clips(three: ModelTables) -> None:
    for model in THREE:
        clean = right(three, model, UNCHANGED).mean()
        masked = np.mean([right(three, model, mask).mean() for mask in MASKS])
        assert three.of(UNCHANGED)[model]["top1"] == pytest.approx(clean)
        assert three.of(MASKS[1])[model]["top1"] == pytest.approx(
            right(three, model, MASKS[1]).mean()
        )
        row = three.of(MEAN)[model]
        assert row["top1"] == pytest.approx(masked)
        assert row["change"] == pytest.approx(masked - clean)
        assert row["retained"] == pytest.approx(masked / clean)
        assert row["change_low"] < row["change"] < row["change_high"]
        at = np.mean([right(three, model, mask).mean() for mask in (MASKS[1], MASKS[3])])
        assert three.of("mean of 2 masks at 30 %")[model]["top1"] == pytest.approx(at)
    assert three.headline == three.masked == MEAN


def test_pairs_are_corrected_within_their_question(three: ModelTables) -> None:
    families = three.pairs.groupby("family")
    assert families.size().to_dict() == {UNCHANGED: 3, MEAN: 3, CHANGE: 3, EACH: 12}
    for _, rows in families:
        expected = multipletests(rows["p"], method="holm")[1]
        assert rows["p_holm"].to_numpy() == pytest.approx(expected)
        assert (rows["tests"] == len(rows)).all()
    pairs = three.pairs.to_dict("records")
    known = {(row["mask"], row["model"], row["other"]): row for row in pairs}
    for mask in (UNCHANGED, MEAN):
        first, second = (three.of(mask)[model]["top1"] for model in ("good", "poor"))
        row = known[(mask, "good", "poor")]
        assert row["difference"] == pytest.approx(first - second)
        assert row["p_holm"] < 0.05, "planted"
    changes = [three.of(MEAN)[model]["change"] for model in ("good", "poor")]
    assert known[(CHANGE, "good", "poor")]["difference"] == pytest.approx(-np.diff(changes)[0])


def test_ranks_and_front(three: ModelTables) -> None:
    rows = three.of(MEAN)
    assert [rows[model]["rank"] for model in THREE] == [1, 2, 3]
    assert rows["good"]["rank_1"] > 0.99
    assert [rows[model]["front"] for model in THREE] == [1, 1, 0]
    assert rows["poor"]["dominated_by"] == "fair"
    assert rows["good"]["seconds_per_clip"] == pytest.approx(0.04)
    assert rows["good"]["frames_per_second"] == pytest.approx(200)
    assert rows["good"]["parameters"] == 10**7
    assert model_metrics([three])["models/rank/fair"] == 2
    assert model_metrics([three])["models/front/poor"] == 0


def test_only_masks_of_all_models_count_and_leaks_never_do(tmp_path: Path) -> None:
    two = {model: THREE[model] for model in ("good", "fair")}
    folder = made_models(
        tmp_path, two, without={"fair": ["shape r=0.3"]}, leaking=["percent r=0.3"]
    )
    found = tables_of(folder)
    assert list(found.of("shape r=0.3")) == ["good"]
    for mask in ("shape r=0.3", "percent r=0.3"):
        assert mask not in set(found.pairs["mask"])
        assert not found.is_ranked_by(mask)
    kept = [right(found, "good", mask).mean() for mask in ("percent r=0.1", "shape r=0.1")]
    assert found.of(MEAN)["good"]["top1"] == pytest.approx(np.mean(kept))
    assert found.of("percent r=0.3")["good"]["leaks"] is True
    assert np.isnan(found.of(MEAN)["good"]["front"]), "no cost is known"


def test_clips_that_a_model_does_not_show_count_for_none(tmp_path: Path) -> None:
    folder = made_models(tmp_path, THREE, masks=["percent r=0.3"])
    path = next((tmp_path / "cells").glob("percent*poor"))
    rows_of(Result(path).table, range(100)).write(path / SCORES)
    write_manifest(path, {METRICS_CODE: metrics_code()})
    found = tables_of(folder)
    assert found.of("percent r=0.3")["good"]["clips"] == 100
    assert found.of(UNCHANGED)["good"]["clips"] == 160
    shown = slice(100)
    clean, masked = (right(found, "good", mask)[shown] for mask in (UNCHANGED, "percent r=0.3"))
    row = found.of("percent r=0.3")["good"]
    assert row["top1"] == pytest.approx(masked.mean())
    assert row["change"] == pytest.approx(masked.mean() - clean.mean())
    assert found.masked == found.headline == "percent r=0.3", "one mask is its own mean"


def test_times_of_several_machines_are_not_compared(tmp_path: Path) -> None:
    folder = made_models(tmp_path, THREE, masks=MASKS[:1], milliseconds=FAST)
    cell = next((tmp_path / "cells").glob("none*good"))
    environment = json.loads((cell / "environment.json").read_text())
    write_json(cell / "environment.json", environment | {"processors": 64})
    write_manifest(cell, {METRICS_CODE: metrics_code()})
    found = tables_of(folder)
    assert len(set(found.machines)) == 2, "they read differently"
    assert [len(one.machines) for one in found.costs] == [2, 1, 1]
    assert np.isnan(found.of(UNCHANGED)["good"]["front"])
    assert found.of(UNCHANGED)["good"]["seconds_per_clip"] == pytest.approx(0.04), "still shown"


@pytest.mark.parametrize(
    "setting", ["model.runtime=openvino", "batch_size=7", "precision=bf16"]
)  # fmt: skip
def test_how_the_passes_ran_is_part_of_the_machine(tmp_path: Path, setting: str) -> None:
    own = ("masking=percent", "model=clip", "model.checkpoint=a")
    cells = [made(tmp_path, "a", *own), made(tmp_path, "b", *own, setting)]
    found = machines_of([cells[0], *cells])
    assert len(found) == 2
    assert setting.partition("=")[2] in found[1]


def test_one_seed_counts_for_each_seed_of_the_others() -> None:
    draws = np.random.default_rng(0).random
    many, one, two = draws((2, 3, 5)), draws((2, 1, 5)), draws((2, 2, 5))
    labels = np.zeros(5, np.int64)
    mean = ModelAnswers([many, one], list("abcde"), labels).mean()
    assert mean == pytest.approx((many + one) / 2)
    mean = ModelAnswers([many, one, two], list("abcde"), labels).mean()
    expected = sum(each.mean(axis=1, keepdims=True) for each in (many, one, two)) / 3
    assert mean == pytest.approx(expected)


def test_a_model_that_no_mask_changes_has_an_interval_of_change(tmp_path: Path) -> None:
    folder = made_models(tmp_path, {"same": (1.0, 0.0), "other": (0.8, 0.5)}, masks=MASKS[:1])
    row = tables_of(folder).of(MASKS[0])["same"]
    assert row["change_low"] < row["change"] == 0 < row["change_high"]
    assert np.isnan(row["retained_low"])


def test_seeds_of_a_mask_are_averaged(tmp_path: Path) -> None:
    cells = [
        made(
            tmp_path, f"{model} {seed} {mask}", f"masking={mask}", f"seed={seed}",
            f"model.checkpoint={model}", weights_digest=model,
        )
        for model in ("a", "b") for mask in ("none", "percent") for seed in (0, 1, 2)
    ]  # fmt: skip
    (found,) = model_sets(
        comparisons_of([one for one in cells if one.folder.name != "b_2_percent"])
    )
    seeds = {one.name: (one.seeds, one.seeds_left_out) for one in found.conditions}
    assert seeds == {UNCHANGED: (1, 0), "percent r=0.3": (2, 1)}
    numbers = model_tables(found.comparisons)[0]
    assert numbers.of("percent r=0.3")["a"]["seeds"] == 2
    names = {"a_0_none", "b_0_none", "a_0_percent", "b_1_percent"}  # no seed is common
    (apart,) = model_sets(comparisons_of([one for one in cells if one.folder.name in names]))
    assert [one.is_common for one in apart.conditions] == [True, False]


def test_models_stand_together_by_data_and_protocol(tmp_path: Path) -> None:
    def cell(name: str, model: str, *overrides: str, data: str = "d") -> Result:
        own = ("masking=percent", f"model.checkpoint={model}", *overrides)
        return made(tmp_path, name, *own, data_digest=data * 64, weights_digest=model, data=data)

    first = [cell("1", "a"), cell("2", "b"), cell("3", "a", data="e"), cell("4", "b", data="e")]
    sets = model_sets(comparisons_of(first))
    assert [(one.data, one.protocol, list(one.names)) for one in sets] == [
        ("d", "", ["a", "b"]), ("e", "", ["a", "b"]),
    ]  # fmt: skip
    metrics = model_metrics(model_tables(comparisons_of(first)))
    assert {name for name in metrics if "/rank/" in name} == {
        f"models/rank/{model}/{data}" for model in "ab" for data in "de"
    }
    # Each model has its own protocol: they are compared, and the page says what differs.
    (own,) = model_sets(comparisons_of([first[0], cell("5", "b", "frames.count=4")]))
    assert own.names == ["a", "b"]
    # A model under two protocols is compared within each.
    more = [cell(f"more {model}", model, "frames.count=4") for model in ("a", "b")]
    both = model_sets(comparisons_of([*first[:2], *more]))
    assert [one.protocol for one in both] == ["frames.count=8", "frames.count=4"]
    assert not model_sets(comparisons_of(first[:1])), "one model"


def test_models_of_one_name_are_named_apart(tmp_path: Path) -> None:
    cells = [
        made(
            tmp_path, pooling, "masking=percent", "model=clip", "model.checkpoint=a/final",
            f"model.pooling={pooling}",
        )
        for pooling in ("mean", "max")
    ]  # fmt: skip
    (found,) = model_sets(comparisons_of(cells))
    assert found.names == ["final, model.pooling=mean", "final, model.pooling=max"]


def test_two_masks_of_one_name_stay_apart(tmp_path: Path) -> None:
    cells = [
        made(tmp_path, f"{model} {fill}", "masking=percent", f"fill={fill}",
             f"model.checkpoint={model}", weights_digest=model)
        for model in ("a", "b") for fill in ("black", "mean")
    ]  # fmt: skip
    (found,) = model_sets(comparisons_of(cells))
    assert [one.name for one in found.conditions] == ["percent r=0.3", "percent r=0.3 (2)"]


def test_masks_of_one_name_are_each_in_the_mean_at_a_ratio(tmp_path: Path) -> None:
    cells = [
        replace(
            made(tmp_path, f"{model} {fill} {ratio}", "masking=percent", f"fill={fill}",
                 f"ratio={ratio}", f"model.checkpoint={model}", weights_digest=model),
            named={"masking": "percent", "ratio": ratio},
        )
        for model in ("a", "b") for fill in ("black", "mean") for ratio in (0.1, 0.3)
    ]  # fmt: skip
    (found,) = model_sets(comparisons_of(cells))
    assert [one.strategy for one in found.conditions] == [
        "percent", "percent", "percent (2)", "percent (2)",
    ]  # fmt: skip
    (tables,) = model_tables(comparisons_of(cells))
    assert {"mean of 2 masks at 10 %", "mean of 2 masks at 30 %"} <= set(tables.rows["mask"])


def test_the_same_weights_at_another_place_are_the_same_model(tmp_path: Path) -> None:
    def cell(name: str, *overrides: str, digest: str = "w") -> Result:
        own = ("masking=percent", "model=clip", *overrides)
        return made(tmp_path, name, *own, weights_digest=digest)

    here = cell("1", "model.checkpoint=here")
    there = cell("2", "model.checkpoint=there", "model.weights=tuned.pt", "frames.count=4")
    assert by_content(here) | {"frames.count": "4"} == by_content(there)
    other = [cell("3", "model.checkpoint=c", digest="v")]
    other += [cell("4", "model.checkpoint=c", "frames.count=4", digest="v")]
    sets = model_sets(comparisons_of([here, there, *other]))
    assert [len(one.names) for one in sets] == [2, 2], "one model under two protocols"
