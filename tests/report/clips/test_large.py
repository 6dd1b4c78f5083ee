"""The page for UCF-101's test split under nine masks: small enough, and quick to open."""

import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser

from clip_har.report.clips import page as page_of_clips
from clip_har.report.clips.links import DATA, PAGE
from clip_har.report.clips.sheets import FRAMES, sheet
from clip_har.report.clips.strips import Strip, Strips
from clip_har.report.page import write_report
from clip_har.report.selection import of_sweep
from tests.report.made import made_cell, made_sweep, table

NAMES = tuple(f"ClassNumber{number}" for number in range(101))
CLIPS, CELLS, SHOWN = 3783, 9, 400
MEGABYTE = 1_000_000


def made_strips(chosen) -> Strips:
    """Return pictures as rich as those of real clips (about 25 KB), two for each answer."""
    draws = np.random.default_rng(0)
    found = Strips()
    for one, ids in chosen:
        for clip_id in ids:
            for _ in range(2):
                coarse = draws.integers(0, 256, (14, 14, 3), dtype=np.uint8)
                smooth = cv2.resize(coarse, (224, 224), interpolation=cv2.INTER_CUBIC)
                noise = draws.normal(0, 9, (FRAMES, 224, 224, 3))
                frames = (smooth[None] + noise).clip(0, 255).astype(np.uint8)
                found.sheets.append(sheet(frames.transpose(0, 3, 1, 2)))
            last = len(found.sheets)
            found.strips[one.folder.name, clip_id] = Strip(last - 2, last - 1, FRAMES, FRAMES)
    return found


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("large")

    def answers(accuracy: float, seed: int):
        made = table(accuracy, names=NAMES, clips=CLIPS, groups=707, ratio=0.3, seed=seed)
        ids = tuple(f"v_{NAMES[label]}_g{clip % 25:02}_c{clip:04}"
                    for clip, label in enumerate(made.labels))  # fmt: skip
        kinds = tuple(str(label % 5) for label in made.labels)
        return replace(made, clip_ids=ids, attributes={"kind": kinds}, drift=made.mask_ratio)

    clean = answers(0.75, 0)
    cells: dict[str, Path | str] = {"none": made_cell(results, "clean", clean, "masking=none")}
    for number in range(1, CELLS):
        name = f"percent r={number / 10}"
        cells[name] = made_cell(
            results, name, answers(0.75 - 0.05 * number, 0),
            "masking=percent", f"ratio={number / 10}", clean=clean,
        )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_of_clips, "strips_of", made_strips)
        page = write_report(of_sweep(made_sweep(results, cells)), results / "report")
    return page.with_name(PAGE)


@pytest.mark.long
def test_the_page_of_a_large_sweep_is_small_and_opens_at_once(browser: Browser, large):
    size, data = (path.stat().st_size / MEGABYTE for path in (large, large.with_name(DATA)))
    assert size < 60
    assert data < 5
    seconds = []
    for _ in range(3):
        page = browser.new_page()
        started = time.perf_counter()
        page.goto(large.as_uri())
        page.locator("a.row .frame").first.wait_for()
        seconds.append(time.perf_counter() - started)
        assert page.locator("#count").inner_text().startswith(f"{CLIPS * (CELLS - 1):,} answers")
        started = time.perf_counter()
        page.select_option("[name=change]", "right_to_wrong")
        page.locator("#count").inner_text()
        filtered = time.perf_counter() - started
        page.close()
    print(f"{size:.1f} MB, {data:.2f} MB of data, opens in {min(seconds):.2f} s", end=", ")  # noqa: T201
    print(f"filters in {filtered:.2f} s")  # noqa: T201
    assert min(seconds) < 4, "2 s on an idle machine"
    assert filtered < 2
