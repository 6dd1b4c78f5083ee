"""A report over cells that cannot be compared: each comparison stands by itself."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from clip_har.core.checksum import write_manifest
from clip_har.figures import over_ratio
from clip_har.report import charts
from clip_har.report.page import LATEX, MARKDOWN, PAGE, write_report
from clip_har.report.selection import Chosen
from clip_har.results.files import METRICS_CODE
from clip_har.results.result import Result, metrics_code
from clip_har.sweeps.files import TABLE
from tests.report.made import made_cell, table


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Chosen:
    """Two data sets of 8 and of 4 classes, one of them under two models: no sweep is named."""
    results = tmp_path_factory.mktemp("mixed")
    cells = []
    for data, checkpoint, names, accuracy in (
        ("synthetic/test", "tiny", 8, 0.9),
        ("synthetic-x/test/split1", "runs/r1/final", 4, 0.6),
        ("synthetic-x/test/split1", "runs/r2/final", 4, 0.7),
    ):
        classes = tuple(f"class {number}" for number in range(names))
        key: dict[str, Any] = {"data": data, "data_digest": data, "weights_digest": checkpoint}
        key["data_caution"] = "the clips are rendered" if data == "synthetic/test" else ""
        clean = table(accuracy, names=classes)
        twin = made_cell(
            results, f"none {data} {checkpoint}", clean, f"model.checkpoint={checkpoint}", **key
        )
        cells.append(twin)
        for ratio in (0.1, 0.3):
            answers = table(accuracy - ratio, names=classes, ratio=ratio)
            cells.append(
                made_cell(
                    results, f"percent r={ratio} {data} {checkpoint}", answers, "masking=percent",
                    f"ratio={ratio}", f"model.checkpoint={checkpoint}", clean=clean,
                    clean_twin=twin.name, **key,
                )
            )  # fmt: skip
    for folder in cells:  # as the sweeps name them: by the mask alone
        protocol = json.loads((folder / "protocol.json").read_text())
        protocol["varies"] = {"masking": protocol["varies"]["masking"].split()[0]}
        (folder / "protocol.json").write_text(json.dumps(protocol))
        write_manifest(folder, {METRICS_CODE: metrics_code()})
    return Chosen("an experiment", tuple(map(Result, cells)))


@pytest.fixture(scope="module")
def report(mixed: Chosen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(mixed, tmp_path_factory.mktemp("report") / "out").parent


def test_every_comparison_has_its_own_lines_and_chance(
    mixed: Chosen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def note(lines, *, measure, chance=None, title=""):
        if measure == "top-1":
            drawn.append(({name: len(points) for name, points in lines.items()}, chance))
        return over_ratio.over_ratio_figure(lines, measure=measure, chance=chance, title=title)

    monkeypatch.setattr(charts, "over_ratio_figure", note)
    write_report(mixed, tmp_path / "out")
    expected = [({"percent": 3}, 1 / 8), ({"percent": 3}, 1 / 4), ({"percent": 3}, 1 / 4)]
    assert drawn == expected, "once, for print and for light and dark screens"


def test_chance_and_cautions_stand_by_their_comparison(report: Path) -> None:
    page = (report / PAGE).read_text()
    parts = page.split('class="comparison"')[1:]
    assert len(parts) == 3
    for part, model, chance in zip(
        parts, ("tiny on synthetic/test", "r1/final on synthetic-x", "r2/final on synthetic-x"),
        ("12.5", "25.0", "25.0"), strict=True,
    ):  # fmt: skip
        assert model in part.split("</h2>")[0]
        assert f"Guessing would give {chance}" in part
        assert ("the clips are rendered" in part.lower()) == (chance == "12.5")
    head = page.split('id="models"')[0]
    assert "rendered" not in head
    assert "Guessing" not in head
    text = (report / MARKDOWN).read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "2 models on synthetic-x/test/split1",
        "1. tiny on synthetic/test", "2. r1/final on synthetic-x/test/split1",
        "3. r2/final on synthetic-x/test/split1",
    ]  # fmt: skip


def test_tables_say_which_comparison_a_cell_is_of(report: Path) -> None:
    with (report / TABLE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["comparison"], row["cell"]) for row in rows}) == len(rows) == 9
    assert (report / LATEX).read_text().count("r1/final on synthetic-x") == 3


def test_anchors_are_unique_and_it_fits_a_telephone(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((report / PAGE).as_uri())
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert page.locator("#comparisons + p + .scroll tbody tr").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for row in page.locator("#comparisons + p + .scroll tbody tr").all():
        assert (row.bounding_box() or {"height": 999})["height"] < 60  # a line or two
    for link in page.locator("#comparisons + p + .scroll a").all():
        assert (link.get_attribute("href") or "").removeprefix("#") in ids


def test_one_class_is_no_recognition(tmp_path: Path) -> None:
    folder = made_cell(tmp_path, "clean", table(1.0, names=("only",)), "masking=none")
    out = write_report(Chosen("one", (Result(folder),)), tmp_path / "out").parent
    for name in (PAGE, MARKDOWN):
        assert "only one class: every prediction is right" in (out / name).read_text()
