"""The saved views: a tag in MLflow's own form, which the UI of the locked version opens."""

import json
import os
import signal
import subprocess
import sys
import zlib
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from clip_har.tracking.mlflow import MLflowTracking, default_uri
from clip_har.tracking.saved_views import CELLS, SWEEPS, save_views
from clip_har.tracking.tracker import RunInfo, SweepInfo, SweepSummary
from tests.servers import free_port

LOCKED = "3.17"
CURVES = {
    f"{measure}_over_ratio/{mask}": {0: 0.9, 10: 0.8, 30: 0.5}
    for measure in ("top1", "confidence", "ece")
    for mask in ("percent", "shape")
}


def state(client: MlflowClient, view: str) -> Any:
    """What a view shows, read as MLflow's own script reads it."""
    text = client.get_experiment("1").tags[f"mlflow.sharedViewState.{view}"]
    packed = json.loads(text)["state"]
    assert packed.startswith("deflate;")
    return json.loads(zlib.decompress(b64decode(packed.removeprefix("deflate;"))))


@pytest.fixture
def client(tmp_path: Path) -> MlflowClient:
    MLflowTracking().has(tmp_path, "0" * 32, None)  # makes the store
    return MlflowClient(default_uri(tmp_path))


def drawn(client: MlflowClient) -> list[str]:
    charts = state(client, SWEEPS)["compareRunCharts"]
    return [key for chart in charts for key in chart.get("selectedMetricKeys", [])]


def test_curves_of_earlier_sweeps_stay_in_the_charts(client: MlflowClient) -> None:
    save_views(client, "1", ["top1_over_ratio/shape", "ece_over_ratio/shape"])
    save_views(client, "1", ["top1_over_ratio/percent", "top1_over_ratio/shape"])
    assert drawn(client) == [
        "top1_over_ratio/shape", "top1_over_ratio/percent", "ece_over_ratio/shape",
    ]  # fmt: skip


def test_a_view_that_shows_the_same_is_not_written_again(client: MlflowClient) -> None:
    save_views(client, "1", CURVES)
    before = client.get_experiment("1").tags
    save_views(client, "1")
    assert client.get_experiment("1").tags == before


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"state": 3}', '{"state": "deflate;AAAA"}'])
def test_a_view_in_another_format_is_written_anew(client: MlflowClient, text: str) -> None:
    client.set_experiment_tag("1", f"mlflow.sharedViewState.{SWEEPS}", text)
    save_views(client, "1", CURVES)
    assert set(drawn(client)) == set(CURVES)


def test_very_many_curves_still_fit_into_the_tag(client: MlflowClient) -> None:
    many = [f"top1_over_ratio/{'a long name ' * 15}{number}" for number in range(300)]
    save_views(client, "1", many)
    assert drawn(client) == many[-40:]


def test_an_older_mlflow_gets_no_view(client: MlflowClient, monkeypatch) -> None:
    monkeypatch.setattr("mlflow.version.VERSION", "3.14.2")
    save_views(client, "1", CURVES)
    assert not [key for key in client.get_experiment("1").tags if "sharedViewState" in key]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that ``clip-har-ui`` prints for a results folder with a sweep of two cells."""
    if not version("mlflow").startswith(f"{LOCKED}."):
        pytest.skip(f"the views are known to work with MLflow {LOCKED} only")
    results = tmp_path_factory.mktemp("the results") / "results"
    tracking = MLflowTracking()
    params = {"model": "tiny", "swept.masking": "percent, shape"}
    parent = tracking.open_sweep(
        results, SweepInfo("masking=percent,shape", "k", params), fresh=False
    )
    cell = results / "cell"
    cell.mkdir()
    Image.new("RGB", (400, 300), "#336699").save(cell / "masked_clips.png")
    for number, mask in enumerate(("percent", "shape")):
        info = RunInfo(f"{mask} r=0.3", f"{number:032x}", {"ratio": "0.3"}, parent=parent)
        numbers = {"top1": 0.5, "confidence": 0.4, "ece": 0.1, "bias/skew_kl": 0.2}
        with tracking.run(results, info) as sent:
            pictures = {"pictures/masked clips": cell / "masked_clips.png"}
            sent.log_results(cell, numbers, pictures=pictures)
    cells = {f"{0:032x}": {"top1_change": -0.125, "top1_change_low": -0.25}}
    summary = SweepSummary(curves=CURVES, cells=cells, note="# A report")
    tracking.close_sweep(results, parent, summary, status="FINISHED")
    log = results.with_name("ui.log")
    with log.open("w") as errors:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "clip_har.cli.ui", str(results), "--no-browser"),
                *("--port", str(free_port())),
            ],
            env={name: text for name, text in os.environ.items() if "MLFLOW" not in name},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address, log.read_text()
    yield address
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_context(viewport={"width": 1900, "height": 1400}).new_page()
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page.goto(address)
    return page


@pytest.mark.slow
def test_the_view_of_the_sweeps_opens_with_a_chart_of_all_masks(browser, served) -> None:
    page = opened(browser, served)
    expect(page.get_by_text("You're viewing a shared view")).to_be_visible()
    both = page.get_by_role("heading", name="top1_over_ratio/percent vs top1_over_ratio/shape")
    expect(both).to_be_visible()
    lines = page.locator(".js-line")
    expect(lines.nth(5)).to_be_attached()  # two masks in each of three charts
    assert "masking=percent,shape" in page.inner_text("body")
    page.goto(served.replace("CHART", "TABLE"))
    expect(page.locator("[col-id='params.`swept.masking`'][role=columnheader]")).to_be_attached()


@pytest.mark.long
def test_the_view_of_the_cells_has_the_front_columns_and_the_pictures(browser, served) -> None:
    address = served.replace(SWEEPS, CELLS)
    page = opened(browser, address.replace("CHART", "TABLE"))
    expect(page.get_by_role("link", name="shape r=0.3")).to_be_visible()
    for name in ("top1", "top1_change", "top1_change_low", "confidence", "ece", "ratio"):
        expect(page.locator(f"[col-id$='.`{name}`'][role=columnheader]")).to_be_attached()
    assert page.locator("[col-id='metrics.`bias/skew_kl`']").count() == 0
    expect(page.get_by_text("-0.125")).to_be_visible()
    page = opened(browser, address)
    expect(page.get_by_role("heading", name="top1", exact=True)).to_be_visible()
    heading = page.get_by_role("heading", name="pictures/masked clips")
    heading.scroll_into_view_if_needed()
    picture = page.locator("img[src*='masked']").first
    expect(picture).to_be_visible()
    assert picture.evaluate("i => i.naturalWidth") > 0


@pytest.mark.long
def test_the_note_of_a_sweep_leads_to_its_cells(browser, served) -> None:
    base, _, _ = served.partition("#")
    runs = MlflowClient(base.rstrip("/")).search_runs(["1"])
    (parent,) = [run for run in runs if run.data.tags["clip_har.kind"] == "sweep"]
    page = opened(browser, f"{base}#/experiments/1/runs/{parent.info.run_id}")
    link = page.get_by_role("listitem").get_by_role("link", name="shape r=0.3")
    page.goto(link.evaluate("a => a.href"))  # as the browser resolves it
    expect(page.get_by_role("heading", name="shape r=0.3")).to_be_visible()


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    environment = {name: text for name, text in os.environ.items() if "MLFLOW" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "clip_har.cli.ui", str(tmp_path / "nothing")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert f"{tmp_path / 'nothing'}: no mlflow.db is in this folder" in line
    assert not (tmp_path / "nothing").exists()
