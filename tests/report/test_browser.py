"""The page in a real browser: readable wide and narrow, light and dark, and harmless."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from clip_har.report.page import write_report
from clip_har.report.selection import of_sweep
from tests.report.made import made_cell, made_sweep, table, usual
from tests.report.test_page import EVIL


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("evil")
    return write_report(of_sweep(usual(results, names=EVIL)), results / "report")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred and one classes, and three hundred cells that share a few results' answers."""
    results = tmp_path_factory.mktemp("large")
    names = tuple(f"ClassNumber{number}" for number in range(101))
    clean = table(0.7, names=names, clips=404)
    cells: dict[str, Path | str] = {"none": made_cell(results, "clean", clean, "masking=none")}
    first = made_cell(
        results, "percent r=0.3", table(0.4, names=names, clips=404, ratio=0.3),
        "masking=percent", "ratio=0.3", clean=clean,
    )  # fmt: skip
    for seed in range(299):
        folder = first.with_name(f"seed {seed}")
        shutil.copytree(first, folder)
        cells[f"percent r=0.3 seed={seed}"] = folder
    return write_report(of_sweep(made_sweep(results, cells)), results / "report")


def opened(
    browser: Browser, path: Path, width: int, scheme: str = "light"
) -> tuple[Page, list[str]]:
    """Return a page that was opened, and all that the browser complained of or asked for."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page, messages = context.new_page(), []  # type: tuple[Page, list[str]]
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("dialog", lambda dialog: messages.append(dialog.message))
    page.on("request", lambda request: messages.append(request.url[:60]))
    page.goto(path.as_uri())
    return page, [line for line in messages if not line.startswith(("data:", path.as_uri()[:60]))]


def test_names_do_no_harm_and_nothing_is_fetched(browser, evil):
    page, message = opened(browser, evil, 1200)
    assert message == []
    assert page.title().startswith("clip_har: a sweep")
    assert page.locator("script").count() == 1
    assert page.get_by_text("<script>document.title='broken'</script> 0").count() > 0


@pytest.mark.parametrize("width", [390, 768, 1400])
@pytest.mark.parametrize("which", ["evil", pytest.param("large", marks=pytest.mark.slow)])
def test_the_page_never_scrolls_sideways(browser, request, which, width):
    page, _ = opened(browser, request.getfixturevalue(which), width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for picture in page.locator("img:not(figure.wide img)").all():  # wide ones scroll by themselves
        assert picture.evaluate("i => i.complete && i.naturalWidth > 0")
        box = picture.bounding_box()
        assert box is None or box["width"] <= width


def test_light_and_dark_have_their_own_ink(browser, evil):
    shades = {}
    for scheme in ("light", "dark"):
        page, _ = opened(browser, evil, 1000, scheme)
        ink, paper = page.evaluate(
            "(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))"
        )
        shades[scheme] = [sum(map(int, c[4:-1].split(", "))) for c in (ink, paper)]
        picture = page.locator("picture img").first
        shades[scheme].append(len(picture.evaluate("i => i.currentSrc")))
    assert shades["light"][0] < 200 < 600 < shades["light"][1]
    assert shades["dark"][1] < 200 < 600 < shades["dark"][0]
    light, dark = (
        opened(browser, evil, 1000, scheme)[0]
        .locator("picture img").first.evaluate("i => i.currentSrc")
        for scheme in ("light", "dark")
    )  # fmt: skip
    assert light != dark


def test_a_square_of_the_confusion_matrix_tells_its_classes(browser, evil):
    page, _ = opened(browser, evil, 1000)
    title = page.locator(".confusion title").first.text_content()
    assert title is not None
    assert "→" in title
    assert " of 20" in title


def test_it_is_printed_on_white_with_all_commands(browser, evil, tmp_path):
    page, _ = opened(browser, evil, 1000, "dark")
    page.emulate_media(media="print")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    page.pdf(path=tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").stat().st_size > 20_000


def column(page: Page, table: str, place: int) -> list[str]:
    """Return the shown texts of a column, from the top."""
    cells = page.locator(f"[data-table={table}] tbody tr:visible td:nth-child({place})")
    return [text.strip() for text in cells.all_inner_texts()]


def test_tables_are_sorted_filtered_and_their_columns_hidden(browser, evil):
    page, message = opened(browser, evil, 1200)
    before = column(page, "cells", 4)
    title = page.locator("[data-table=cells] th:nth-child(4) button")
    title.focus()
    page.keyboard.press("Enter")
    values = [float(text.replace("−", "-")) for text in column(page, "cells", 4) if text != "–"]
    assert values == sorted(values)
    assert len(set(values)) > 4
    assert column(page, "cells", 4)[-1] == "–", "what is unknown comes last"
    assert page.locator("[data-table=cells] th[aria-sort=ascending]").count() == 1
    title.click()
    falling = [float(text.replace("−", "-")) for text in column(page, "cells", 4) if text != "–"]
    assert falling == sorted(values, reverse=True)
    title.click()
    assert column(page, "cells", 4) == before

    page.locator(".toolbar input[type=search]").first.fill("shape 0.5")
    assert [name.split("\n")[0] for name in column(page, "cells", 1)] == ["shape r=0.5"]
    assert page.get_by_text("1 of 7 rows").is_visible()
    page.locator(".toolbar input[type=search]").first.fill("")
    assert len(column(page, "cells", 1)) == 7

    drift = page.locator("[data-table=cells] th", has_text="drift")
    assert not drift.is_visible(), "columns of detail are hidden at first"
    menu = page.locator(".toolbar details").first
    menu.locator("summary").click()
    menu.get_by_label("drift").check()
    assert drift.is_visible()
    menu.get_by_label("ECE").uncheck()
    assert not page.locator("[data-table=cells] th", has_text="ECE").is_visible()
    assert message == []


def test_without_scripts_all_columns_are_there(browser, evil):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(evil.as_uri())
    assert page.locator("[data-table=cells] th", has_text="drift").is_visible()
    assert page.locator(".toolbar").count() == 0


def test_a_narrow_picture_is_not_blown_up(browser, evil):
    page, _ = opened(browser, evil, 1200)
    picture = page.locator("figure.wide img").first
    natural = picture.evaluate("i => i.naturalWidth")
    assert (picture.bounding_box() or {"width": 0})["width"] == natural


def test_the_tables_of_the_print_fit_a4(browser, evil):
    page, _ = opened(browser, evil, 700)  # 186 mm between the margins, at 96 dots per inch
    page.emulate_media(media="print")
    for shown in page.locator(".scroll > table").all():
        assert shown.evaluate("t => t.scrollWidth <= t.parentElement.clientWidth + 1")
    for name in page.locator("[data-table=cells] td:first-child").all():
        assert (name.bounding_box() or {"height": 999})["height"] < 60


@pytest.mark.slow
def test_three_hundred_cells_stay_readable(browser, large):
    page, message = opened(browser, large, 1200)
    assert message == []
    assert page.locator("[data-table=cells] tbody tr").count() == 300
    assert page.evaluate("document.documentElement.scrollHeight") < 14_000
    assert large.stat().st_size < 3_000_000
