"""The section that compares models, on the page and in the files beside it."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from clip_har.core.errors import ClipHarError
from clip_har.figures.models import Point, Span, cost_figure, robustness_figure
from clip_har.report.model_text import model_answers
from clip_har.report.models import ModelsPart
from clip_har.report.page import MARKDOWN, MODELS_LATEX, PAGE, write_report, write_sweep_tables
from clip_har.report.selection import of_sweep
from clip_har.sweeps.files import TABLE
from clip_har.sweeps.model_tables import MEAN, MODELS, PAIRS, model_tables
from clip_har.sweeps.models import UNCHANGED
from tests.report.models import Noted, made_models

GOOD, POOR, VIDEO = "a/good", "a/poor$1$", "b/video"
LEAKS = "percent r=0.5"
MASKS = ("percent r=0.1", "percent r=0.3", LEAKS)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_models(
        tmp_path_factory.mktemp("models"),
        {GOOD: (0.8, 0.4), POOR: (0.5, 0.4), VIDEO: (0.125, 0.0)},
        masks=MASKS,
        milliseconds={GOOD: 4, POOR: 16, VIDEO: 2},
        leaking=[LEAKS],
        options={VIDEO: "xclip"},
    )


@pytest.fixture(scope="module")
def drawing() -> Noted:
    return Noted()


@pytest.fixture(scope="module")
def report(sweep: Path, drawing: Noted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "out"
    return write_report(of_sweep(sweep), out, printed=True, drawing=drawing).parent


def test_a_picture_that_fails_is_an_error_also_where_nothing_else_draws(
    sweep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ClipHarError("no room")

    monkeypatch.setattr("clip_har.sweeps.files.save_whole", fail)
    with pytest.raises(ClipHarError, match="no room"):
        write_sweep_tables(of_sweep(sweep))


def test_a_sweep_that_cannot_be_written_has_the_same_tables_beside_the_page(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = write_sweep_tables(of_sweep(sweep))
    assert written is not None
    within = {file.name: file.read_text() for file in written.files if file.suffix == ".csv"}
    monkeypatch.setattr("clip_har.report.selection.os.access", lambda *_: False)
    page = write_report(of_sweep(sweep), tmp_path / "out")
    beside = {file.name: file.read_text() for file in page.parent.glob("*.csv")}
    assert beside.keys() == within.keys() >= {MODELS, PAIRS, "measures.csv"}
    assert {**beside, TABLE: ""} == {**within, TABLE: ""}  # that of the cells also has the jobs


@pytest.fixture(scope="module")
def part(sweep: Path) -> ModelsPart:
    (tables,) = model_tables(of_sweep(sweep).comparisons)
    return ModelsPart.of(tables, 0)


def test_the_section_is_at_the_front_and_replaces_the_matrix(report: Path) -> None:
    page = (report / PAGE).read_text()
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert titles[0] == "3 models on made"
    assert titles[1:3] == ["What differs", "1. good on made"]
    assert 'id="matrix"' not in page, "it says the same, without intervals"
    rows = re.findall(r'<tr data-model="([^"]+)">(.*?)</tr>', page, re.DOTALL)
    assert [name for name, _ in rows] == ["good", "poor$1$", "video"]
    assert [text.count("leak-row") for _, text in rows] == [1, 1, 1]
    assert "video model" in rows[2][1]
    assert "video model" not in rows[0][1]


def test_all_files_hold_the_comparison(report: Path, drawing: Noted, sweep: Path) -> None:
    note = (report / MARKDOWN).read_text()
    assert note.index("## 3 models on made") < note.index("## 1. good on made")
    assert note.count("**leaks the label**") >= 1
    latex = (report / MODELS_LATEX).read_text()
    assert latex.index("good") < latex.index(r"poor\$1\$") < latex.index("video")
    assert latex.count("uses the true label") == 1
    assert {name for name in drawing.files if name.startswith("models")} == {
        "models_over_ratio_percent.pdf", "models_robustness.pdf", "models_cost.pdf",
    }  # fmt: skip
    with (sweep / "models.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["mask"] for row in rows} == {UNCHANGED, MEAN, *MASKS}
    assert {row["rank"] for row in rows if row["mask"] == LEAKS} == {""}
    with (sweep / "model_pairs.csv").open(newline="") as file:
        assert LEAKS not in {row["mask"] for row in csv.DictReader(file)}


def test_the_page_works_in_a_browser(report: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((report / PAGE).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "a phone"
    page.locator("table[data-table=models] th button").first.click()
    assert page.locator("tr[data-model]").count() == 3
    for link in page.locator("#models nav a").all():
        assert page.locator(str(link.get_attribute("href"))).count() == 1
    page.close()


def test_pairs_are_read_as_row_minus_column(part: ModelsPart) -> None:
    assert part.models == ["good", "poor$1$", "video"]
    for pairs in part.pairs[:2]:
        assert [[cell is None for cell in row["cells"]] for row in pairs.rows] == [
            [False, False], [True, False],
        ]  # fmt: skip
        cell = pairs.rows[0]["cells"][1]
        assert (cell["model"], cell["other"]) == ("good", "video")
        assert cell["low"] < cell["difference"] < cell["high"]
        assert cell["difference"] > 0.3
        assert cell["sure"]


def test_a_mean_of_two_masks_leaves_the_leaking_one_out(part: ModelsPart) -> None:
    assert [str(one["name"]) for one in part.masks] == [UNCHANGED, MEAN, *MASKS]
    assert [one["leaks"] for one in part.masks] == [False, False, False, False, True]
    cells = part.rows[0]["cells"]
    assert cells[1]["top1"] == pytest.approx((cells[2]["top1"] + cells[3]["top1"]) / 2)


def test_a_model_at_chance_is_no_robust_model(part: ModelsPart) -> None:
    answers = {one.question: one.sentences for one in part.answers}
    losses, unable, *_ = answers["Which loses least?"][0], answers["Which loses least?"][-1]
    assert "video" not in losses
    assert unable.startswith("video is not surely above chance")


def test_a_model_at_chance_retains_nothing(part: ModelsPart, report: Path) -> None:
    retained = {row["model"]: row["change"]["retained"] for row in part.rows}
    assert np.isnan(retained["video"])
    assert retained["good"] > 0.5
    assert part.is_retained_unknown
    text = (report / PAGE).read_text()
    (row,) = re.findall(r'<tr data-model="video">(.*?)</tr>', text, re.DOTALL)
    assert '<td>– <span class="what">–</span></td>' in row
    assert "has nothing to retain" in text


def test_models_that_are_equal_are_equal_in_words(tmp_path: Path) -> None:
    folder = made_models(tmp_path, {"one": (1.0, 1.0), "other": (1.0, 1.0)}, masks=MASKS[:1])
    (tables,) = model_tables(of_sweep(folder).comparisons)
    equal = ModelsPart.of(tables, 0)
    said = {one.question: " ".join(one.sentences) for one in equal.answers}
    assert (
        "On unchanged clips: one and other are equal, with 100.0 %."
        in (said["Which is most accurate?"])
    )
    ranked = equal.ranked[0]["rows"]
    assert [row["rank"] for row in ranked] == [1.5, 1.5]


def test_what_differs_is_said(part: ModelsPart) -> None:
    differing = {row["key"]: row["texts"] for row in part.protocol}
    assert differing["clip"] == ["mean over frames", "mean over frames", "model over frames"]
    assert "precision" not in differing


def test_ranks_are_left_out_if_nothing_can_be_ranked(part: ModelsPart) -> None:
    rows = part.tables.rows.assign(rank=np.nan, front=np.nan)
    unranked = replace(part.tables, rows=rows)
    found = model_answers(unranked, part.models, cautions=["careful"])
    assert [one.question for one in found] == ["Which loses least?", "What to distrust"]


def test_points_keep_inside_their_axes() -> None:
    points = {
        "one": Point(Span(0.9, 0.8, 0.95), Span(-0.3, -0.4, -0.2)),
        "two": Point(Span(0.05, 0.0, 0.1), Span(0.02, np.nan, np.nan)),
    }
    (axes,) = robustness_figure(points, chance=0.05).axes
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert 0 <= left <= 0.0 < 0.95 < right
    assert bottom < -0.4 < 0.02 < top
    points = {name: Point(Span(10**place, np.nan, np.nan), one.x) for place, (name, one) in
              enumerate(points.items())}  # fmt: skip
    (axes,) = cost_figure(points, front=["one"], measure="top-1", chance=0.05).axes
    assert axes.get_xlim()[0] < 1 < 10 < axes.get_xlim()[1]
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert len(hollow) == 1
