"""The page of clips as a file: its answers, its pictures, what it says where they are gone."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import clip_har
from clip_har.cli.report import main
from clip_har.data.clips import clips_of
from clip_har.engine.clips import open_frames
from clip_har.figures.style import STYLE
from clip_har.report.clips.links import DATA, PAGE, clips_link
from clip_har.report.clips.sheets import SIDE, sheet
from clip_har.report.page import FIGURES, write_report
from clip_har.report.selection import of_sweep
from clip_har.results.result import Result
from tests.report.clips.conftest import page_data
from tests.report.made import usual
from tests.report.test_page import EVIL


def sheets(page: Path) -> list[Image.Image]:
    found = re.findall(r'<script type="text/plain" id="sheet\d+">(.*?)</script>', page.read_text())
    return [Image.open(io.BytesIO(base64.b64decode(text))) for text in found]


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"), float)


def alike(first: Image.Image, second: Image.Image) -> float:
    return float(np.abs(pixels(first) - pixels(second)).mean())


def test_every_answer_is_on_the_page_and_in_the_table(clips_results, clips_page):
    (comparison,) = page_data(clips_page)["comparisons"]
    rows = pd.read_parquet(clips_page.with_name(DATA))
    assert len(rows) == sum(len(cell["clips"]) for cell in comparison["cells"]) == 60
    for cell in comparison["cells"]:
        one = Result(clips_results / "cells" / cell["result"])
        ids = [comparison["clips"][clip] for clip in cell["clips"]]
        assert ids == list(one.table.clip_ids)
        names = [comparison["classes"][answer] for answer in cell["predicted"]]
        own = rows[rows["result"] == cell["result"]]
        assert names == own["predicted"].tolist()
        assert cell["predicted"] == one.table.predictions().tolist()
        best = one.table.probabilities().max(axis=1)
        assert np.allclose(np.array(cell["confidence"]) / 10_000, best, atol=1e-4)
        assert np.allclose(own["confidence"], best)
    assert {"clip_id", "class", "change", "hidden", "drift", "pictured"} <= set(rows)
    assert rows["pictured"].sum() == 40


def test_the_frames_are_those_that_the_model_saw(clips_results, clips_page):
    """Recomputed by hand: the store's own frames, and black where the mask hides."""
    (comparison,) = page_data(clips_page)["comparisons"]
    (masked,) = (cell for cell in comparison["cells"] if cell["name"].startswith("percent"))
    pictures = sheets(clips_page)
    one = Result(clips_results / "cells" / masked["result"])
    store = open_frames(one.cell, clips_of(one.cell.dataset, one.cell.limit))
    place = {clip.id: index for index, clip in enumerate(store.clip_set.clips)}
    assert masked["strips"]
    for clip, (seen, whole, frames, of) in masked["strips"].items():
        original = store.clip(place[comparison["clips"][int(clip)]])
        assert (frames, of) == (4, 4)
        assert pictures[seen].size == (4 * SIDE, SIDE)
        assert alike(pictures[whole], Image.open(io.BytesIO(sheet(original)))) < 0.1
        black = (pixels(pictures[seen]).sum(axis=2) < 60).mean()
        assert black > 0.4, "half of each frame is hidden"
        assert (pixels(pictures[whole]).sum(axis=2) < 60).mean() < 0.3


def test_a_swapped_scene_is_shown(clips_page):
    (comparison,) = page_data(clips_page)["comparisons"]
    (swap,) = (cell for cell in comparison["cells"] if cell["name"].startswith("swap"))
    assert min(swap["scene"]) >= 0
    pictures = sheets(clips_page)
    for seen, whole, *_ in swap["strips"].values():
        assert alike(pictures[seen], pictures[whole]) > 10


def test_a_picture_is_kept_once(clips_page):
    (comparison,) = page_data(clips_page)["comparisons"]
    strips = [strip for cell in comparison["cells"] for strip in cell["strips"].values()]
    assert len(strips) == 40
    assert len(sheets(clips_page)) == 60, "two masks of 20 clips, and these clips themselves"


def report(results: Path, out: Path, *more: str) -> Path:
    folder = next((results / "sweeps").iterdir())
    main([str(folder), "--out", str(out), *more])
    return out / PAGE


def test_figures_for_print_are_written_when_they_are_asked_for(clips_results, clips_page, tmp_path):
    assert not clips_page.with_name(FIGURES).exists()
    assert not list(clips_results.rglob("*.pdf"))
    folder = report(clips_results, tmp_path / "out", "--clips", "0", "--print").with_name(FIGURES)
    names = {path.name for path in folder.iterdir()}
    assert {"mask_gallery.pdf", STYLE.name, "confusion_percent_r=0.5.pdf"} <= names
    assert (folder / "mask_gallery.pdf").read_bytes().count(b"/Subtype /Image") >= 6


def test_zero_shows_no_frames_and_opens_no_clip(clips_results, tmp_path, monkeypatch):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the frames were opened")

    monkeypatch.setattr("clip_har.report.clips.strips.find_whole", never)
    page = report(clips_results, tmp_path, "--clips", "0")
    assert sheets(page) == []
    assert "report.clips=0" in page.read_text()
    assert not pd.read_parquet(page.with_name(DATA))["pictured"].any()


def test_clips_that_cannot_be_opened_leave_the_answers(
    clips_results, tmp_path, monkeypatch, caplog
):
    def gone(*_: object, **__: object) -> None:
        raise clip_har.ClipHarError("no videos in /data/gone")

    monkeypatch.setattr("clip_har.report.clips.strips.clips_of", gone)
    page = report(clips_results, tmp_path)
    assert sheets(page) == []
    assert len(pd.read_parquet(page.with_name(DATA))) == 60
    assert "no videos in /data/gone" in page.read_text()
    assert caplog.text.count("no videos in /data/gone") == 1


def test_frames_of_other_clips_are_never_shown(clips_results, tmp_path, monkeypatch):
    monkeypatch.setattr("clip_har.data.frames.store.FrameStore.digest", "another")
    page = report(clips_results, tmp_path)
    assert sheets(page) == []
    assert "the clips have changed" in page.read_text()


def test_frames_that_are_gone_are_decoded_again(clips_results, tmp_path, clips_page, monkeypatch):
    monkeypatch.setattr("clip_har.report.clips.strips.find_whole", lambda *_, **__: None)
    page = report(clips_results, tmp_path, "--clips", "6")
    (comparison,), (before,) = (page_data(one)["comparisons"] for one in (page, clips_page))
    old, new = sheets(clips_page), sheets(page)
    compared = 0
    for cell, known in zip(comparison["cells"], before["cells"], strict=True):
        for clip, strip in cell["strips"].items():
            for place in (0, 1):
                assert alike(new[strip[place]], old[known["strips"][clip][place]]) < 0.1
            compared += 1
    assert compared == 6


def test_names_cannot_leave_their_place(tmp_path):
    page = write_report(of_sweep(usual(tmp_path, names=EVIL)), tmp_path / "report")
    text = page.with_name(PAGE).read_text()
    assert text.count("<script") == text.count("</script>") == 2
    assert page_data(page.with_name(PAGE))["comparisons"][0]["classes"] == list(EVIL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "script-src 'sha256-" in policy[1]


def test_the_report_leads_to_the_clips(tmp_path):
    page = write_report(of_sweep(usual(tmp_path)), tmp_path / "report")
    text = page.read_text().replace("&amp;", "&")
    rows = pd.read_parquet(page.with_name(DATA))
    for (cell, change), own in rows.groupby(["result", "change"]):
        if change in ("right_to_wrong", "wrong_to_right"):
            link = clips_link(0, str(cell), change=str(change))
            assert f'<a href="{link}">{len(own)}</a>' in text
    for cell, true, predicted in zip(
        *(rows[name] for name in ("result", "class", "predicted")), strict=True
    ):
        if cell == "clean":
            assert clips_link(0, cell, **{"class": true, "predicted": predicted}) in text
