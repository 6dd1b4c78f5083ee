"""The leaderboard: protocols are kept apart, warnings stay, and it works in a browser."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from clip_har.cli.report import main
from clip_har.core.errors import ClipHarError
from clip_har.report.leaderboard import public_command, write_leaderboard
from clip_har.report.selection import of_results
from tests.report.made import made_cell, table
from tests.report.test_browser import opened
from tests.report.test_page import EVIL

REAL = ("model=clip_vit_b32", "dataset=folder", "dataset.root=/home/me/kinetics")


def cells(results: Path) -> None:
    """Write three parts: two protocols of one data set, and drawn clips."""
    clean = table(0.9, names=EVIL)
    made_cell(results, "clean", clean, "masking=none", *REAL, varies={"masking": "none"})
    for mask, ratio, accuracy in (
        ("percent", 0.1, 0.8),
        ("percent", 0.3, 0.7),
        ("shape", 0.3, 0.3),
    ):
        answers = table(accuracy, names=EVIL, ratio=ratio)
        words = (f"masking={mask}", f"ratio={ratio}", *REAL, "results_dir=/home/me/results")
        made_cell(results, f"{mask} r={ratio:g}", answers, *words, clean=clean)
    leak: dict[str, Any] = {
        "notes": ["uses the true label"],
        "varies": {"masking": "percent", "ratio": 0.2},
        "leaks": True,
    }
    right = table(1.0, names=EVIL)
    made_cell(results, "leaky", right, "masking=percent", "ratio=0.2", *REAL, clean=clean, **leak)
    none: dict[str, Any] = {"varies": {"masking": "none"}}
    for name, setting in (("one frame", "frames.sampler=middle"), ("bf16", "precision=bf16")):
        answers = table(0.5, names=EVIL)
        made_cell(results, name, answers, "masking=none", setting, *REAL, **none)
    drawn = {"data": "drawn", "data_caution": "the clips are rendered", **none}
    made_cell(results, "drawn", table(0.6), "masking=none", **drawn)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("board")
    cells(results)
    return write_leaderboard(of_results(results), results / "leaderboard")


@pytest.fixture
def page(browser: Browser, board: Path) -> Page:
    found, complaints = opened(browser, board, 1280)
    assert complaints == []
    return found


def test_each_result_has_its_row(board: Path) -> None:
    rows = pd.read_csv(board.with_name("leaderboard.csv")).set_index("cell")
    assert len(rows) == 8
    answers = table(0.7, names=EVIL)
    right = (answers.predictions() == answers.labels).mean()
    assert rows.loc["percent r=0.3", "top1"] == pytest.approx(right)
    row = rows.loc["shape r=0.3"]
    assert row["top1_low"] < row["top1"] < row["top1_high"]
    assert row["top1_change_high"] < 0
    assert row["verdict"] == "lower"


def test_a_page_for_others_shows_no_path_of_this_machine(board: Path) -> None:
    text = board.read_text() + board.with_name("leaderboard.csv").read_text()
    assert "/home/me" not in text
    assert (
        "masking=shape ratio=0.3 model=clip_vit_b32 dataset=folder dataset.root=…/kinetics" in text
    )
    told = public_command("python -m clip_har 'fill=#ff0000' cache_dir=/a tracking.uri=http://b")
    assert told == "python -m clip_har 'fill=#ff0000'"


def test_protocols_are_kept_apart(page: Page) -> None:
    boards = page.locator("section.board")
    counts = [boards.nth(number).locator("tbody tr").count() for number in range(4)]
    assert counts == [5, 1, 1, 1]
    told = boards.locator(".protocol").all_inner_texts()
    assert sum("the middle one" in text for text in told) == 1
    assert sum("bf16" in text for text in told) == 1
    assert all("chance" in text and "prompts" in text for text in told)


def test_warnings_stand_where_they_hold(page: Page) -> None:
    drawn = page.locator("section.board", has=page.get_by_role("heading", name="drawn"))
    expect(drawn.locator(".problem")).to_contain_text("The clips are rendered and the model is")
    others = page.locator("section.board:not(:has(h2:text('drawn'))) .problem")
    expect(others).to_have_count(0)
    expect(page.locator("tr.leak-row")).to_have_count(1)
    expect(page.locator("tr.leak-row")).to_contain_text("uses the true label")
    page.check("#leaks")
    expect(page.locator("tr.leak-row")).to_be_hidden()
    expect(page.locator("#shown")).to_have_text("7 of 8 results")


def test_rows_are_filtered_and_the_address_keeps_it(page: Page) -> None:
    page.select_option("#mask", "percent")
    expect(page.locator("#shown")).to_have_text("3 of 8 results")
    expect(page.locator("section.board:visible")).to_have_count(1)
    page.fill("#search", "R=0.3")
    expect(page.locator("tbody tr:visible")).to_have_count(1)
    page.reload()
    expect(page.locator("tbody tr:visible")).to_have_count(1)
    expect(page.locator("#mask")).to_have_value("percent")


def test_rows_are_sorted_within_their_part(page: Page) -> None:
    first = page.locator("section.board").first

    def column(place: int) -> list[str]:
        return first.locator(f"tbody td:nth-child({place})").all_inner_texts()

    values = [float(text) for text in column(3)]
    assert values == sorted(values, reverse=True)
    first.get_by_role("button", name="top-1").click()
    assert [float(text) for text in column(3)] == sorted(values)
    first.get_by_role("button", name="mask").click()
    assert column(2)[0].startswith("none")
    first.get_by_role("button", name="flips").click()
    assert column(9)[-1] == "–"  # what is not known comes last, whichever way
    first.get_by_role("button", name="flips").click()
    assert column(9)[-1] == "–"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser: Browser, board: Path, scheme: str) -> None:
    page, complaints = opened(browser, board, 390, scheme)
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells(tmp_path)
    (tmp_path / "cells" / "one_frame" / "scores.parquet").unlink()
    main(["--leaderboard", "--results-dir", str(tmp_path)])
    told = capsys.readouterr()
    assert told.out.strip() == str(tmp_path / "leaderboard" / "leaderboard.html")
    assert "one_frame: files are missing or damaged" in told.err


def test_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(ClipHarError, match="no cell has a result"):
        of_results(tmp_path)


def test_models_stand_below_each_other_under_each_mask(tmp_path: Path, browser: Browser) -> None:
    found = {}
    for model, accuracy in (("clip_vit_b32", 0.6), ("clip_vit_b16", 0.8)):
        own = (f"model={model}", *REAL[1:])
        clean = table(accuracy)
        made_cell(
            tmp_path, f"{model} clean", clean, "masking=none", *own, varies={"masking": "none"}
        )
        for fill in ("black", "mean") if model == "clip_vit_b32" else ("mean",):
            answers = found[model, fill] = table(accuracy - 0.2 - 0.1 * (fill == "mean"), seed=1)
            words = ("masking=percent", "ratio=0.3", f"fill={fill}", *own)
            named = {"masking": "percent", "ratio": 0.3}
            made_cell(tmp_path, f"{model} {fill}", answers, *words, varies=named)
    page, _ = opened(browser, write_leaderboard(of_results(tmp_path), tmp_path / "board"), 1280)
    titles = page.locator(".matrix th").all_inner_texts()
    assert len(titles) == 3, "the mask of one model alone has no column"
    lines = [line.split() for line in page.locator(".matrix tbody tr").all_inner_texts()]
    assert [line[0] for line in lines] == ["clip-vit-base-patch16", "clip-vit-base-patch32"]
    for line, model in zip(lines, ("clip_vit_b16", "clip_vit_b32"), strict=True):
        answers = found[model, "mean"]
        assert f"{100 * (answers.predictions() == answers.labels).mean():.1f}" in line
    page.fill("#search", "percent")
    assert page.locator(".matrix tbody tr:visible").count() == 2
    assert page.get_by_text("3 of 5 results").is_visible()
