"""The analysis of made-up studies: the right number, the right interval, the right sentence."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.noise.learned.arms import GATED, LIFT, STACKED
from clip_har.noise.variants import NONE, RANDOM, SHUFFLED, UNIVERSAL
from experiments.class_noise import analysis
from experiments.class_noise.analysis import ENDPOINTS, words
from experiments.class_noise.cells import Fit, Grid
from experiments.class_noise.effects import ALL, effects_table, measure_arms
from experiments.class_noise.endpoints import (
    BY_RULE,
    NOT_CONFIRMED,
    OPPOSITE,
    conclusion,
    endpoints_table,
)
from experiments.class_noise.figure import _in_points
from experiments.class_noise.pilot import components_of_grid
from experiments.pages import study_page, take
from experiments.study import EFFECTS, FOLDER, PAGE, SETTINGS
from tests.experiments.class_noise.made import BASE, FITS, MASKS, made_grid, with_cards

NAME = "class_noise"
MODELS = ("model 0", "model 1", "model 2")
ORACLE = "oracle (leaks the label)"


def endpoints(grid: Grid) -> pd.DataFrame:
    models = list(dict.fromkeys(fit.model for fit in grid.fits))
    return endpoints_table(measure_arms(grid, draws=300), models, rendered=grid.rendered)


def first_sentence(page: str) -> str:
    return page.split("\n\n")[1].splitlines()[0]


def page_of(grid: Grid, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the page that the command writes from the cells of a grid."""
    place = folder / NAME
    place.mkdir()
    for name in (SETTINGS, PAGE):
        shutil.copy(FOLDER / NAME / name, place)
    carded = with_cards(grid, folder / "cells", kept=(150, 75, 100))
    monkeypatch.setattr(analysis, "read_grid", lambda _: carded)
    take(place, [])
    return study_page(place)


def test_the_primary_endpoint_is_the_mean_over_masks_fits_and_clips() -> None:
    grid = made_grid(0.03)
    top1 = {
        (mask, fit, arm): float((one.table.predictions() == one.table.labels).mean())
        for (mask, fit), cell in grid.cells.items()
        for arm, one in cell.variant_scores[1].items()
    }
    expected = np.mean([top1[m, f, LIFT] - top1[m, f, STACKED] for m in MASKS for f in FITS])
    row = endpoints(grid).iloc[0]
    assert row["difference"] == pytest.approx(expected)
    assert row["low"] < expected < row["high"]
    assert (row["fits"], row["models"], row["groups"], row["clips"]) == (12, 3, 32, 320)
    assert row["high"] - row["low"] < 0.03
    assert row["low_models"] < row["low"]


@pytest.mark.parametrize(
    ("lift", "said", "verdict"),
    [
        (0.04, "helps", "**noise per class helps**."),
        (0.0, "equivalent", "TOST p < 0.001)."),
        (-0.04, "harms", "**noise per class harms**."),
    ],
)
def test_the_first_sentence_is_the_primary_endpoint(
    lift: float, said: str, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(made_grid(lift, spread=0.001), tmp_path, monkeypatch)
    sentence = first_sentence(page)
    row = pd.read_csv(tmp_path / NAME / ENDPOINTS).iloc[0]
    assert row["conclusion"] == said
    assert sentence.endswith(verdict)
    number = f"{100 * row['difference']:+.2f}".replace("-", "−")
    assert f"**{number} points** (95 % interval" in sentence
    assert "mean over 4 masks, 12 fits of 3 models and 320 clips of 32 subjects" in sentence
    because = "so the gain depends on each class having its own noise." in page
    assert because == (said == "helps"), "shuffled is as good as stacked universal here"
    assert "**Model model 0, model 1, model 2, rendered data.** This page" in page
    base = "all classes: of 500 steps validation kept the last one in 0 of 12 fits, and at the"
    assert f"{base} earliest step 475; learning stopped early in 0." in page
    own = "per class: of 150 steps validation kept the last one in 4 of 12 fits, and at the"
    assert f"{own} earliest step 75; learning stopped early in 8." in page
    assert (tmp_path / NAME / "effects.png").stat().st_size < 150_000


def test_a_gain_that_the_placebo_has_too_is_not_said_to_be_of_the_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BASE, SHUFFLED, 0.6)
    page = page_of(made_grid(0.04, spread=0.001), tmp_path, monkeypatch)
    said = "**lift helps, but not shown to be because of the class**."
    assert first_sentence(page).endswith(said)
    place = tmp_path / NAME
    assert f"{words(place)['verdict']()}." == said, "the index says it, too"
    assert "so it is **not shown** that the gain depends on each class" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| **noise per class** (pri")]
    assert said.rstrip(".") in row, "the table does not say more than the sentence"


def test_a_study_that_is_not_the_protocols_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = "was fixed before the test subjects were drawn"
    for number, departures in enumerate((["dataset.seed is 0 instead of 100"], [])):
        monkeypatch.setattr(analysis, "departures", lambda _, found=departures: found)
        (tmp_path / str(number)).mkdir()
        page = page_of(made_grid(0.03), tmp_path / str(number), monkeypatch)
        said = "**Not the fixed protocol:** dataset.seed is 0 instead of 100." in page
        assert said == bool(departures)
        assert (fixed in page) == (not departures)


def test_an_endpoint_that_is_missing_is_refused() -> None:
    for masks, fault in (
        (("none", "shape 0.3"), "under swap, an endpoint"),
        (("shape 0.3", "swap"), "under none, an endpoint"),
    ):
        with pytest.raises(ClipHarError, match=fault):
            endpoints(made_grid(0.03, masks=masks))


def test_real_clips_without_swapped_ones_do_not_ease_the_other_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = made_grid(0.05, masks=("none", "shape 0.3"), dataset="Ucf101")
    page = page_of(grid, tmp_path, monkeypatch)
    rows = pd.read_csv(tmp_path / NAME / ENDPOINTS).set_index("endpoint")
    bias = rows.loc["errors that name the background"]
    assert bias["conclusion"] == "not measured"
    assert np.isnan(bias["p_holm"])
    smallest = rows[rows["order"] == "secondary"]["p"].min()
    assert rows["p_holm"].min() == pytest.approx(3 * smallest, rel=1e-4), "of three tests"
    assert "**Not the fixed protocol:**" in page
    assert "dataset is Ucf101 instead of Synthetic" in page
    assert "**Model model 0, model 1, model 2, data Ucf101.** This page" in page
    assert "rendered" not in page.lower().split("## commands")[0]


def test_no_clean_clip_that_changes_is_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standard error of 0 would else be that of a few clips that could have changed."""
    grid = made_grid(0.05)
    for fit in FITS:
        scores = grid.cells["none", fit].variant_scores[1]
        scores[GATED] = scores[NONE]
    found = endpoints(grid).set_index("endpoint").loc["loss on clean clips at most 0.5 points"]
    assert (found["difference"], found["low"], found["high"]) == (0, 0, 0)
    assert found["conclusion"] == BY_RULE
    assert np.isnan(found["p"]), "nothing was tested"


def test_fits_that_disagree_leave_it_undecided() -> None:
    row = endpoints(made_grid(0.005, spread=0.06)).iloc[0]
    assert row["low"] < 0 < row["high"]
    assert row["conclusion"] == "undecided"


def test_conclusions_follow_the_protocol() -> None:
    assert conclusion(0.001, 0.006, 0.001) == "helps a little"
    assert conclusion(-0.006, -0.001, 0.001) == "harms"
    assert conclusion(-0.02, 0.03, 0.4) == "undecided"


def test_secondary_endpoints_are_corrected_and_need_the_primary_one() -> None:
    scene = {LIFT: 0.1, STACKED: 0.5, SHUFFLED: 0.5}
    helped = endpoints(made_grid(0.05, to_scene=scene)).set_index("endpoint")
    rows = helped[helped["order"] == "secondary"]
    assert rows["conclusion"].tolist() == ["shown", "shown", "shown"]
    assert rows["p_holm"].min() == pytest.approx(3 * rows["p"].min()), "of three tests"
    bias = rows.loc["errors that name the background"]
    assert bias["difference"] == pytest.approx(-0.4, abs=0.06)
    assert bias["high"] < -0.3
    more = endpoints(made_grid(0.05, to_scene={LIFT: 0.6, STACKED: 0.2})).set_index("endpoint")
    assert more.loc["errors that name the background", "conclusion"] == OPPOSITE
    failed = endpoints(made_grid(0.0, to_scene=scene)).set_index("endpoint")
    seen = str(failed.loc["errors that name the background", "conclusion"])
    assert seen == NOT_CONFIRMED
    assert failed.loc["against the noise of another class", "conclusion"] == "not shown"


def test_a_clean_loss_is_not_hidden_by_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "loss on clean clips at most 0.5 points"
    for gated, said in ((BASE[NONE] - 0.03, OPPOSITE), (BASE[NONE] + 0.02, "shown")):
        monkeypatch.setitem(BASE, GATED, gated)
        found = endpoints(made_grid(0.05)).set_index("endpoint").loc[name]
        assert found["conclusion"] == said
        assert found["mask"] == "none"


def test_arms_of_some_fits_are_compared_over_these_and_the_oracle_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = made_grid(0.03, more={RANDOM: 0.5, "linear probe": 0.7, ORACLE: 0.95})
    found = effects_table(measure_arms(grid, draws=300))
    row = found[(found["control"] == RANDOM) & (found["mask"] == ALL)].iloc[0]
    assert (row["fits"], row["models"]) == (3, 3)
    assert row["difference"] == pytest.approx(0.09, abs=0.03)
    page = page_of(grid, tmp_path, monkeypatch)
    assert "lift − linear probe" in page
    assert (
        "it does not beat a head from the same labels, which needs one: lift − linear probe is −"
        in page
    )
    assert "In 3 of the 12 fits only: random, linear probe, oracle **(leaks the label)**." in page
    lines = [line for line in page.splitlines() if "oracle" in line and line.startswith("|")]
    assert lines
    assert all("**(leaks the label)**" in line for line in lines)
    assert "oracle" not in pd.read_csv(tmp_path / NAME / ENDPOINTS).to_csv()
    costs = pd.read_csv(tmp_path / NAME / "costs.csv").set_index("part")["hours"]
    assert costs["noise"] == pytest.approx(12 * len(MASKS) / 2)


def test_ticks_keep_their_decimals() -> None:
    shown = [_in_points(value, 0) for value in (-0.075, -0.0025, 0.0, 0.005, 0.1)]
    assert shown == ["−7.5", "−0.25", "0", "+0.5", "+10"]


def test_a_page_changes_with_its_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page_of(made_grid(0.03), tmp_path, monkeypatch)
    for name in (EFFECTS, ENDPOINTS):
        table = pd.read_csv(tmp_path / NAME / name)
        table.assign(difference=0.123).to_csv(tmp_path / NAME / name, index=False)
    page = study_page(tmp_path / NAME)
    assert "**+12.30 points**" in first_sentence(page)
    assert page.count("+12.3") > 30


def test_attention_is_compared_where_both_arms_have_it() -> None:
    """A head has none, and must not take it from the others."""
    grid = made_grid(0.03, masks=("none", "swap"), more={"linear probe": 0.7})
    looked = np.where(np.arange(320) % 4 == 0, 0.25, np.nan)
    for cell in grid.cells.values():
        scores = cell.variant_scores[1]
        for name in (NONE, STACKED, LIFT):
            more = 0.125 if name == LIFT else 0.0
            scores[name] = replace(scores[name], attention=looked + more)
    found = effects_table(measure_arms(grid, draws=100))
    rows = found[found["measure"] == "attention/mass"].set_index(["condition", "control"])
    assert rows.loc[(LIFT, STACKED), "difference"] == 0.125
    assert rows.loc[(LIFT, STACKED), "clips"] == 80
    assert set(rows.index) == {(STACKED, NONE), (LIFT, NONE), (LIFT, STACKED)}
    assert ((found["condition"] == LIFT) & (found["control"] == "linear probe")).any()


def test_attention_of_some_arms_only_leaves_gaps_in_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a real sweep measures it: without noise, under universal noise, and under lift."""
    grid = made_grid(0.03, more={UNIVERSAL: 0.55})
    for cell in grid.cells.values():
        scores = cell.variant_scores[1]
        for name in {NONE, LIFT, UNIVERSAL} & set(scores):
            scores[name] = replace(scores[name], attention=np.full(320, 0.25))
    page = page_of(grid, tmp_path, monkeypatch)
    (line,) = [line for line in page.splitlines() if line.startswith("| attribution inside")]
    cells = [one.strip() for one in line.split("|")[2:-1]]
    assert [cell == "–" for cell in cells] == [True, True, False, True]


@pytest.mark.parametrize("arm", [STACKED, SHUFFLED, GATED])
def test_a_cell_without_the_arms_of_the_endpoints_is_refused(arm: str) -> None:
    grid = made_grid(0.03, masks=("none",))
    del grid.cells["none", FITS[5]].variant_scores[1][arm]
    with pytest.raises(ClipHarError, match=f"noise seed 5 lacks {arm}"):
        measure_arms(grid)


def test_one_model_says_nothing_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on real video."""
    grid = made_grid(0.03, fits=tuple(Fit("ViT-B-32", n) for n in range(4)))
    page = page_of(grid, tmp_path, monkeypatch)
    assert "4 fits of 1 model and 320 clips of 32 subjects" in first_sentence(page)
    assert "One model: nothing is said of other models." in page


def test_a_pilot_gives_the_components_of_the_endpoint() -> None:
    calm, wild = (components_of_grid(made_grid(0.03, spread=spread)) for spread in (0.0, 0.08))
    assert wild.fit > calm.fit + 3
    assert calm.clip_by_fit > 5
    placebo = components_of_grid(made_grid(0.03, spread=0.08), LIFT, SHUFFLED)
    assert placebo.fit > calm.fit + 3
    with pytest.raises(ClipHarError, match="a cell of none lacks random"):
        components_of_grid(made_grid(0.03), LIFT, RANDOM)
    few = made_grid(0.03, fits=(Fit("model", 0),), masks=("none",))
    with pytest.raises(ClipHarError, match="too small for variance components"):
        components_of_grid(few)


def test_models_get_a_row_each() -> None:
    given: dict[str, Any] = dict(zip(MODELS, (0.0, 0.03, 0.06), strict=True))
    rows = endpoints(made_grid(given, spread=0.001))
    single = rows[rows["order"] == "one model"].set_index("endpoint")["difference"]
    assert list(single.index) == list(MODELS)
    of_models = rows[rows["order"] == "one model"]
    assert set(of_models["conclusion"]) == {""}, "a single model is no test"
    assert single.to_dict() == pytest.approx(given, abs=0.015)
    assert single.mean() == pytest.approx(rows.iloc[0]["difference"])
