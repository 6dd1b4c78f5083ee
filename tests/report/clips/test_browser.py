"""The page of clips in a real browser: filter, sort, link, keyboard, phone."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, quote

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from clip_har.report.clips.links import DATA, PAGE
from clip_har.report.page import write_report
from clip_har.report.selection import of_sweep
from tests.report.made import made_cell, made_sweep, table, usual
from tests.report.test_browser import opened
from tests.report.test_page import EVIL


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("evil")
    page = write_report(of_sweep(usual(results, names=EVIL)), results / "report")
    return page.with_name(PAGE)


@pytest.fixture(scope="module")
def rows(clips_page: Path) -> pd.DataFrame:
    """The masked answers of the page."""
    found = pd.read_parquet(clips_page.with_name(DATA))
    return found[~found["is_clean"]]


def shown(page: Page) -> int:
    """Return the number of answers that the page says it shows."""
    found = re.match(r"([\d,]+) answer", page.locator("#count").inner_text())
    return int(found[1].replace(",", "")) if found else 0


def hash_of(page: Page) -> str:
    return str(page.evaluate("location.hash"))


def test_names_do_no_harm_and_nothing_is_fetched(browser: Browser, evil):
    page, messages = opened(browser, evil, 1200)
    page.locator("a.row").first.click()
    assert [line for line in messages if not line.startswith("blob:")] == []
    assert page.title().startswith("Clips: a sweep")
    assert page.get_by_text("<script>document.title='broken'</script> 0").count() > 0


def test_pictures_are_shown(browser: Browser, clips_page):
    page, messages = opened(browser, clips_page, 1200)
    assert page.locator("a.row").first.locator(".frame").count() == 3
    sizes = page.evaluate(
        """async () => {
          const url = document.querySelector('.frame').style.backgroundImage.slice(5, -2);
          const image = new Image(); image.src = url; await image.decode();
          return [image.naturalWidth, image.naturalHeight]; }"""
    )
    assert sizes == [4 * 128, 128]
    assert not [line for line in messages if not line.startswith(("blob:", "file:"))]


def test_filters_keep_what_they_say(browser: Browser, clips_page, rows):
    page, _ = opened(browser, clips_page, 1200)
    assert shown(page) == len(rows)
    name = str(rows["class"].iloc[0])
    page.select_option("[name=class]", name)
    assert shown(page) == (rows["class"] == name).sum()
    page.select_option("[name=class]", "")
    for change, count in rows["change"].value_counts().items():
        page.select_option("[name=change]", str(change))
        assert shown(page) == count
    page.select_option("[name=change]", "scene")
    assert shown(page) == rows["to_scene"].sum()
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("location.hash === ''  || location.hash === '#'")
    assert shown(page) == len(rows)
    page.fill("[name=from]", "60")
    assert shown(page) == (rows["confidence"].mul(10_000).round() >= 6000).sum()
    page.fill("[name=from]", "")
    page.select_option("[name=cell]", str(rows["result"].iloc[0]))
    assert shown(page) == (rows["result"] == rows["result"].iloc[0]).sum()
    page.select_option("[name=attribute]", label=str(rows["attribute/scene"].iloc[0]))
    kept = rows[rows["result"] == rows["result"].iloc[0]]
    assert shown(page) == (kept["attribute/scene"] == rows["attribute/scene"].iloc[0]).sum()


def test_rows_are_sorted(browser: Browser, clips_page, rows):
    page, _ = opened(browser, clips_page, 1200)
    page.select_option("[name=sort]", "drift")
    drifts = [float(text) for text in page.locator("a.row dd:last-child").all_inner_texts()]
    assert drifts == sorted(drifts, reverse=True)
    assert drifts[0] == pytest.approx(rows["drift"].max(), abs=6e-4)


def test_a_link_opens_the_same_clip_and_filters(browser: Browser, clips_page):
    page, _ = opened(browser, clips_page, 1200)
    page.select_option("[name=change]", "right_to_wrong")
    page.select_option("[name=sort]", "drift")
    found = shown(page)
    page.locator("a.row").nth(2).click()
    title = page.locator("#one-title").inner_text()
    address = page.url
    other = page.context.new_page()
    other.goto(address)
    assert other.locator("#one-title").inner_text() == title
    other.keyboard.press("Escape")
    assert not other.locator("dialog").is_visible()
    other.wait_for_function("!location.hash.includes('show=')")  # `close` is sent a little later
    assert shown(other) == found
    assert other.locator("[name=sort]").input_value() == "drift"


def test_a_link_of_the_report_shows_the_clips_that_it_counts(browser: Browser, clips_page, rows):
    page, _ = opened(browser, clips_page.with_name("report.html"), 1200)
    links = page.locator("table[data-table=cells] a[href*='change=right_to_wrong']")
    count = int(links.first.inner_text())
    assert count > 0
    links.first.click()
    page.wait_for_selector("#count")
    assert shown(page) == count
    page.go_back()
    square = page.locator(".confusion a").last
    title = square.locator("title").text_content()
    assert title is not None
    square.click()
    page.wait_for_selector("#count")
    assert f": {shown(page)} of " in title


def test_a_value_of_an_attribute_leads_to_its_clips(browser: Browser, clips_page, rows):
    page, _ = opened(browser, clips_page.with_name("report.html"), 1200)
    link = page.locator("a[href*='attribute=']").last
    accuracy = float(link.inner_text())
    link.click()
    page.wait_for_selector("#count")
    words = parse_qs(hash_of(page)[1:])
    name, value = json.loads(words["attribute"][0])
    own = rows[(rows["result"] == words["cell"][0]) & (rows[f"attribute/{name}"] == value)]
    assert shown(page) == len(own) > 0
    right = (own["predicted"] == own["class"]).mean()
    assert accuracy == pytest.approx(100 * right, abs=0.05)


def test_the_keyboard_reaches_every_clip_and_every_cell(browser: Browser, clips_page, rows):
    page, _ = opened(browser, clips_page, 1200)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    first = page.locator("#one-title").inner_text()
    opened_in = hash_of(page)
    page.keyboard.press("ArrowRight")
    assert page.locator("#one-title").inner_text() != first or hash_of(page) != opened_in
    page.keyboard.press("ArrowLeft")
    assert hash_of(page) == opened_in
    cells = page.locator("dialog tr.here a")
    before = cells.inner_text()
    page.keyboard.press("ArrowUp")
    assert page.locator("#one-title").inner_text() == first
    assert cells.inner_text() != before
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type(str(rows["clip_id"].iloc[0]))
    expected = int((rows["clip_id"] == rows["clip_id"].iloc[0]).sum())
    # The page filters a moment after the last letter.
    page.wait_for_function(
        "start => document.querySelector('#count').innerText.startsWith(start)",
        arg=f"{expected} answer",
    )


def test_the_class_that_suffers_most_is_found_by_a_click(browser: Browser, clips_page, rows):
    page, _ = opened(browser, clips_page, 1200)
    was_right = rows[rows["change"].isin(["right_to_wrong", "stays_right"])]
    lost = was_right["change"] == "right_to_wrong"
    worst = lost.groupby(was_right["class"]).mean().max()
    first = page.locator("#facets .facet").first
    name, count = first.locator("span").all_inner_texts()
    share = lost[was_right["class"] == name]
    assert share.mean() == worst
    assert count == f"{share.sum()} of {len(share)}"
    first.click()
    assert shown(page) == share.sum()


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("which", ["clips_page", "evil"])
def test_the_page_never_scrolls_sideways(browser: Browser, request, which, width):
    page, _ = opened(browser, request.getfixturevalue(which), width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("a.row").first.click()
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= width
    folded = page.locator("#folded")
    assert (folded.get_attribute("open") is None) == (width < 800)


def test_comparisons_are_never_mixed(browser: Browser, tmp_path):
    clean = table(0.9)
    cells: dict[str, Path | str] = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "percent": made_cell(tmp_path, "percent", table(0.6), "masking=percent", clean=clean),
        "other": made_cell(tmp_path, "other", table(0.5), "masking=percent", data_digest="another"),
    }
    chosen = of_sweep(made_sweep(tmp_path, cells))
    page_file = write_report(chosen, tmp_path / "report").with_name(PAGE)
    page, _ = opened(browser, page_file, 1200)
    assert page.locator("[name=cell] option").count() == 4
    page.select_option("[name=comparison]", "2")
    assert page.locator("[name=cell] option").count() == 2
    page.goto(f"{page_file.as_uri()}#comparison=2&class={quote('class 3')}")
    assert page.locator("[name=comparison]").input_value() == "2"
    assert shown(page) == 20


def test_a_leaking_cell_is_marked(browser: Browser, tmp_path):
    clean = table(0.9)
    cells: dict[str, Path | str] = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "p": made_cell(tmp_path, "p", table(1.0), "masking=percent", clean=clean, leaks=True),
    }
    chosen = of_sweep(made_sweep(tmp_path, cells))
    page, _ = opened(browser, write_report(chosen, tmp_path / "report").with_name(PAGE), 1200)
    assert page.locator("a.row .leak").count() == page.locator("a.row").count() > 0
    page.locator("a.row").first.click()
    assert page.locator("dialog .leak").count() == 2
