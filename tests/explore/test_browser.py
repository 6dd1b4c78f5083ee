"""The page in a real browser: a mask, an own video, the command; nothing leaves this machine."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from clip_har.config.compose import cell_from_config
from clip_har.config.one_cell import composed
from tests.data.made import write_video

pytestmark = pytest.mark.slow
pytest.importorskip("gradio", reason="the extra explore is not installed")

_PATIENCE = 60_000  # ms


@pytest.fixture(scope="module")
def address(words: tuple[str, ...]) -> Iterator[str]:
    """The address that the command prints."""
    settings = [word for word in words if not word.startswith("region")]
    command = [sys.executable, "-m", "clip_har.cli.explore", "--port", "0", "--no-browser"]
    with subprocess.Popen([*command, *settings], stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout is not None
            line = served.stdout.readline().strip()
            assert line.startswith("http://127.0.0.1:"), line
            yield line
        finally:
            served.terminate()
            served.wait(20)


@pytest.fixture
def asked() -> list[str]:
    """The hosts that the browser asked for anything."""
    return []


@pytest.fixture
def page(browser: Browser, address: str, asked: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    context.set_default_timeout(_PATIENCE)
    opened = context.new_page()
    opened.on("request", lambda request: asked.append(urlsplit(request.url).hostname or ""))
    opened.goto(address)
    opened.locator(".answer").wait_for()
    yield opened
    context.close()


def choose(page: Page, key: str, option: str) -> None:
    page.get_by_label(key, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def wait_for_command(page: Page, *parts: str) -> None:
    page.wait_for_function(
        "parts => parts.every(p => document.querySelector('#command').innerText.includes(p))",
        arg=list(parts),
    )


def set_ratio(page: Page, number: str, hidden: str) -> None:
    """Type a ratio until it is shown: an answer on its way draws the controls anew."""
    ratio = page.locator("#ratio input[type=number]")
    for last in (False, False, False, True):
        ratio.fill(number)
        ratio.blur()
        try:
            page.get_by_text(re.compile(hidden)).wait_for(timeout=15_000)
        except PlaywrightTimeout:
            if last:
                raise
        else:
            return


def probabilities(page: Page) -> dict[str, tuple[str, str]]:
    rows = page.locator(".bars tbody tr").all()
    return {
        row.locator("th").inner_text().split()[0]: tuple(
            row.locator(".numbers span").all_inner_texts()
        )  # type: ignore[misc]
        for row in rows
    }


def test_a_mask_changes_the_answer_and_the_copied_command_names_it(page, asked):
    before = probabilities(page)
    assert all(first == second for first, second in before.values())
    choose(page, "masking", "percent")
    wait_for_command(page, "masking=percent")
    set_ratio(page, "5", r"\b100\.0 % hidden")  # out of its range
    set_ratio(page, "", r"\b0\.0 % hidden")
    set_ratio(page, "0.9", r"\b90\.0 % hidden")
    wait_for_command(page, "ratio=0.9")
    after = probabilities(page)
    assert any(first != second for first, second in after.values())
    assert {name: before[name][0] for name in before} == {name: after[name][0] for name in before}
    choose(page, "fill", "mean")
    wait_for_command(page, "fill=mean")

    page.locator("#command button").last.click()
    page.wait_for_timeout(300)
    copied = page.evaluate("navigator.clipboard.readText()")
    cell = cell_from_config(composed(shlex.split(copied)[3:])[0])
    assert (type(cell.masking).__name__, cell.masking.ratio, cell.masking.fill) == (
        "PercentMask", 0.9, "mean",
    )  # fmt: skip

    choose(page, "masking", "shape")  # it keeps what was set
    wait_for_command(page, "masking=shape", "ratio=0.9", "fill=mean")
    assert set(asked) == {"127.0.0.1"}


def test_an_own_video_is_judged_and_a_bad_one_is_said(page, asked, tmp_path: Path):
    choose(page, "masking", "shape")
    page.locator("#masking-shape").wait_for()
    page.get_by_role("tab", name="Own video").click()
    page.get_by_text("choose a video").wait_for()
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    page.set_input_files("input[type=file]", tmp_path / "broken.mp4")
    fault = page.get_by_text("broken.mp4 cannot be decoded")
    fault.wait_for()
    assert "Traceback" not in page.content()
    page.get_by_label("Clear").or_(page.get_by_label("Remove this file")).first.click()
    page.get_by_text("choose a video").wait_for()

    page.set_input_files(
        "input[type=file]", write_video(tmp_path / "mine.mp4", 30, codec="libx264")
    )
    page.get_by_text("true class not given").wait_for()
    page.locator("#classes textarea").fill("opening a door, closing a door")
    page.locator("#classes textarea").press("Enter")
    page.locator(".bars th", has_text="closing a door").wait_for()
    found = probabilities(page)
    assert set(found) == {"opening", "closing"}
    assert any(first != second for first, second in found.values())
    wait_for_command(page, "dataset=manifest", "masking=shape")
    assert set(asked) == {"127.0.0.1"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser, address, scheme):
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(address)
    opened.locator(".answer img").first.wait_for(timeout=_PATIENCE)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    ink, paper = opened.evaluate(
        "[getComputedStyle(document.querySelector('.said')).color,"
        " getComputedStyle(document.body).backgroundColor]"
    )
    ink_is_light, paper_is_light = (
        sum(map(float, shade[shade.index("(") + 1 : -1].split(",")[:3])) > 382
        for shade in (ink, paper)
    )
    assert (ink_is_light, paper_is_light) == (scheme == "dark", scheme == "light")
    context.close()
