"""What cells over ratios and seeds tell together."""

import statistics
from pathlib import Path

import pytest

from clip_har.report.selection import of_sweep
from clip_har.results.result import Result
from clip_har.sweeps.measures import sweep_measures
from clip_har.sweeps.robustness import corruption_errors
from tests.report.made import made_cell, made_sweep, table, usual


def rows(sweep: Path) -> dict[tuple[str, str], float]:
    found = sweep_measures(of_sweep(sweep).cells).rows
    return {(row["measure"], row["of"]): row["value"] for row in found.to_dict("records")}


def test_a_strategy_over_its_ratios(tmp_path):
    sweep = usual(tmp_path)
    cells = {one.name: one.metrics["top1"] for one in of_sweep(sweep).cells}
    found = rows(sweep)
    for strategy in ("percent", "shape"):
        clean, *tops = [cells["none"]] + [cells[f"{strategy} r={r}"] for r in (0.1, 0.3, 0.5)]
        by_hand = 0.1 * (clean + tops[0]) / 2 + 0.2 * (tops[0] + tops[1]) / 2
        by_hand += 0.2 * (tops[1] + tops[2]) / 2
        of = f"{strategy} at 0.1, 0.3, 0.5"
        assert found["robustness/area", of] == pytest.approx(by_hand / 0.5)
        left = sum(tops) / 3 / clean
        assert found["robustness/resilience", of] == pytest.approx(left)
    assert tops[-1] < cells["percent r=0.5"]


def test_one_ratio_is_no_curve(tmp_path):
    clean = table(0.9)
    cells = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "shape r=0.3": made_cell(
            tmp_path, "shape", table(0.5), "masking=shape", "ratio=0.3", clean=clean
        ),
    }
    assert rows(made_sweep(tmp_path, cells)) == {}


def test_seeds_of_one_mask_agree_or_not(tmp_path):
    answers = [table(0.6, seed=0), table(0.6, seed=0), table(0.6, seed=1)]
    cells = {
        f"percent r=0.3 seed={seed}": made_cell(
            tmp_path, f"seed {seed}", found, "masking=percent", f"seed={seed}"
        )
        for seed, found in enumerate(answers)
    }
    alike = (answers[0].predictions() == answers[2].predictions()).mean()
    found = rows(made_sweep(tmp_path, cells))
    top1 = [(one.predictions() == one.labels).mean() for one in answers]
    values = {
        "robustness/seed_consistency": (1 + 2 * alike) / 3,
        "seeds/top1_mean": statistics.mean(top1),
        "seeds/top1_sd": statistics.stdev(top1),
        "seeds/count": 3,
    }
    assert found == {(name, "percent r=0.3"): pytest.approx(v) for name, v in values.items()}


def test_other_drawings_are_no_other_seed_of_the_mask(tmp_path):
    cells = {
        f"percent seed={seed}": made_cell(
            tmp_path, f"seed {seed}", table(0.6), "masking=percent", f"seed={seed}",
            f"dataset.seed={seed}",
        )
        for seed in (0, 1)
    }  # fmt: skip
    assert rows(made_sweep(tmp_path, cells)) == {}


def of_two_models(results: Path, *overrides: str) -> list[Result]:
    """Return cells of two models; the second one's are under one more ratio of shape."""
    found = []
    falls = {"first": {"percent": 0.1, "shape": 0.8}, "second": {"percent": 0.4, "shape": 0.8}}
    for model, strategies in falls.items():
        for strategy, fall in strategies.items():
            for ratio in (0.1, 0.3, 0.5)[: 2 if (model, strategy) == ("first", "shape") else 3]:
                name = f"{model} {strategy} {ratio}"
                at = (f"masking={strategy}", f"ratio={ratio}", f"model.checkpoint=some/{model}")
                folder = made_cell(results, name, table(0.9 - fall * ratio), *at, *overrides)
                found.append(Result(folder, {"masking": name}))
    return found


def test_models_are_compared_with_the_base_under_what_both_were_shown(tmp_path):
    cells = of_two_models(tmp_path)
    errors = {
        one.name: 1 - (lambda t: (t.predictions() == t.labels).mean())(one.table)
        for one in cells
    }  # fmt: skip
    sums = [sum(errors[f"{m} percent {r}"] for r in (0.1, 0.3, 0.5)) for m in ("first", "second")]
    (row,) = sweep_measures(cells, base_model="first").rows.query(
        "measure == 'robustness/mean_corruption_error'"
    ).to_dict("records")  # fmt: skip
    assert row["of"] == "second against first"
    assert row["value"] == pytest.approx(sums[1] / sums[0])
    assert 1 < row["low"] < row["value"] < row["high"]
    (back,) = corruption_errors(cells, "second").to_dict("records")
    assert back["value"] == pytest.approx(sums[0] / sums[1])
    assert corruption_errors(cells, None).empty


def test_the_base_model_is_a_setting_and_a_missing_one_gives_a_warning(tmp_path, caplog):
    cells = of_two_models(tmp_path, "base_model=second")
    measures = set(sweep_measures(cells).rows["measure"])
    assert "robustness/mean_corruption_error" in measures
    assert corruption_errors(cells, "third").empty
    assert "base_model=third: no masked cell has this model; there are first, second" in caplog.text


def test_a_model_in_two_settings_is_no_model(tmp_path, caplog):
    cells = of_two_models(tmp_path)
    twice = of_two_models(tmp_path / "b", "model.pooling=max")
    assert corruption_errors([*cells, *twice], "first").empty
    assert "first, second has several settings" in caplog.text


def test_models_are_compared_within_a_data_set(tmp_path):
    cells = of_two_models(tmp_path)
    others = of_two_models(tmp_path / "b", "dataset.count=50")
    found = corruption_errors([*cells, *others], "first")
    assert found["of"].tolist() == ["second against first"] * 2


@pytest.mark.parametrize("card", [{"data_digest": "other"}, {"prompts_digest": "other"}])
def test_models_are_compared_within_the_same_content(tmp_path, card):
    names = tuple(f"renamed {number}" for number in range(8))
    base = made_cell(
        tmp_path, "base", table(0.5), "masking=percent", "model.checkpoint=first",
        data_digest="data", prompts_digest="texts",
    )  # fmt: skip
    other = made_cell(
        tmp_path, "other", table(0.5, names=names), "masking=percent", "model.checkpoint=second",
        **{"data_digest": "data", "prompts_digest": "texts", **card},
    )  # fmt: skip
    cells = [Result(folder, {"masking": folder.name}) for folder in (base, other)]
    assert corruption_errors(cells, "first").empty


def test_a_model_of_two_weights_is_no_model(tmp_path, caplog):
    cells = [
        Result(
            made_cell(
                tmp_path, name, table(0.5), "masking=percent", f"model.checkpoint={name[:-1]}",
                f"ratio=0.{name[-1]}", weights_digest=name,
            ),
            {"masking": name},
        )
        for name in ("first1", "first3", "second1", "second3")
    ]  # fmt: skip
    assert corruption_errors(cells, "first").empty
    assert "first, second has several settings" in caplog.text


def test_noise_does_not_pass_for_a_mask(tmp_path):
    clean = table(0.9)
    cells = {
        f"percent r={ratio}": made_cell(
            tmp_path, f"noisy {ratio}", table(0.5), "masking=percent", f"ratio={ratio}",
            "noise=gaussian", clean=clean,
        )
        for ratio in (0.1, 0.3)
    }  # fmt: skip
    cells["none"] = made_cell(tmp_path, "clean", clean, "masking=none")
    assert rows(made_sweep(tmp_path, cells)) == {}
