"""The paper's programme in one command: what it asks, what it begins, and what it goes on with."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clip_har.cli import paper
from clip_har.config.measures import MeasureSettings
from clip_har.config.report import ReportSettings
from clip_har.results.sweep import Parts, Sweep
from tests.cli.data.made_sets import ucf_clips, ucf_lists
from tests.cli.sources import hub_of, serve, ucf101_of_sample
from tests.report.made import made_cell, made_sweep, table

CLIP_B32 = ("openai/clip-vit-base-patch32", "c237dc49a33fc61debc9276459120b7eac67e7ef")

SHORT = ("experiment=paper/masking", "masking=none,percent", "ratio=0.1,0.3")


class Began(SystemExit):
    """The sweep would begin now."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "ucf101"
    ucf_clips(root / "UCF-101")
    (root / "ucfTrainTestlist").mkdir()
    for name, text in ucf_lists().items():
        (root / "ucfTrainTestlist" / name).write_text(text)
    return root


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that it became."""
    commands: list[list[str]] = []

    def become(command: list[str]) -> None:
        commands.append(command)
        raise Began(0)

    monkeypatch.setattr(paper, "_become", become)
    return commands


def speed(monkeypatch: pytest.MonkeyPatch, frames: float | None) -> None:
    """Let the measurement find so many frames a second; None: it fails."""

    @contextmanager
    def trial(_: object) -> Iterator[Any]:
        yield lambda rate, *_: frames if rate in ("frames_per_second", "learning") else 0.1

    monkeypatch.setattr("clip_har.sweeps.timing.timing", trial)


def person(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[str]:
    """Let a person sit there who gives the same answer to all questions."""
    questions: list[str] = []

    def ask(question: str) -> str:
        questions.append(question)
        return answer

    monkeypatch.setattr(paper, "_asks", lambda: True)
    monkeypatch.setattr("builtins.input", ask)
    return questions


def call(data: Path, small_clip: Path, *words: str) -> int:
    common = ("region=motion", "tracking=none", f"model.checkpoint={small_clip}")
    folders = (f"results_dir={data.parent / 'results'}", f"cache_dir={data.parent / 'cache'}")
    with pytest.raises(SystemExit) as ended:
        paper.main(["--data", str(data), *words, *common, *folders])
    return int(ended.value.code or 0)


def test_it_shows_a_plan_and_begins_the_sweep(
    data: Path, small_clip: Path, began: list[Any], monkeypatch: Any, capsys: Any
) -> None:
    speed(monkeypatch, 1000.0)
    assert call(data, small_clip, "limit=1", "--splits", "2", *SHORT) == 0
    printed = capsys.readouterr().out
    assert f"data: UCF-101 is in {data}" in printed
    assert f"weights: {small_clip}" in printed
    assert "3 cells: 3 to do" in printed
    assert "measured now, a second: 1,000 frames" in printed
    ((python, *words),) = began
    assert python == sys.executable
    assert words[:2] == ["-m", "clip_har"]
    assert set(SHORT) < set(words)
    assert f"dataset.root={data}" in words
    assert "dataset.split=2" in words
    assert "limit=1" in words
    assert not (data.parent / "results").exists()
    assert not (data.parent / "cache").exists()


def test_three_splits_are_three_times_the_cells(
    data: Path, small_clip: Path, began: list[Any], monkeypatch: Any, capsys: Any
) -> None:
    speed(monkeypatch, 1000.0)
    call(data, small_clip, "--splits=all", *SHORT)
    assert "9 cells: 9 to do" in capsys.readouterr().out
    assert "dataset.split=1,2,3" in began[0]


def test_without_an_experiment_it_is_the_whole_programme(tmp_path: Path) -> None:
    given = paper._parser().parse_intermixed_args(["--data", "x", "limit=1", "--yes", "seed=1"])
    words = paper._words(given, tmp_path)
    assert words == [
        "experiment=paper/all",
        f"dataset.root={tmp_path}",
        "dataset.split=1",
        "limit=1",
        "seed=1",
    ]


@pytest.mark.parametrize(
    ("rate", "answer", "words", "asked", "begins"),
    [
        (1000.0, "n", (), False, True),
        (0.001, "n", (), True, False),
        (0.001, "", (), True, False),
        (0.001, "y", (), True, True),
        (0.001, "n", ("--yes",), False, True),
        (None, "n", (), True, False),
    ],
)
def test_a_person_is_asked_if_it_takes_long(
    rate: Any, answer: str, words: tuple[str, ...], asked: bool, begins: bool, data: Path,
    small_clip: Path, began: list[Any], monkeypatch: Any, capsys: Any,
) -> None:  # fmt: skip
    speed(monkeypatch, rate)
    questions = person(monkeypatch, answer)
    status = call(data, small_clip, *SHORT, *words)
    assert bool(questions) is asked
    assert bool(began) is begins
    assert status == (0 if begins else 1)
    assert ("nothing was run; limit=500" in capsys.readouterr().err) is not begins


def test_terms_are_accepted_by_a_person_or_an_option(
    tmp_path: Path, small_clip: Path, monkeypatch: Any, capsys: Any
) -> None:
    assert call(tmp_path / "none", small_clip) == 1
    shown = capsys.readouterr()
    assert "licence: No formal licence" in shown.out
    assert "add --accept-licence (make paper ACCEPT_LICENCE=yes)" in shown.err
    questions = person(monkeypatch, "no")
    assert call(tmp_path / "none", small_clip) == 1
    assert questions == ["Do you accept these terms? [y/N] "]
    assert "were not accepted" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("limit", "limit: expected a setting as KEY=VALUE"),
        ("dataset=hmdb51", "python -m clip_har experiment=paper/all dataset=hmdb51"),
        ("dataset.split=2", "--data and --splits name the data"),
        ("plan=true", "for the plan alone"),
        ("limt=3", "limt"),
        ("model.checkpoint=/nowhere", "no such folder"),
    ],
)
def test_what_is_wrong_gives_one_line(
    word: str, fault: str, data: Path, began: list[Any], capsys: Any
) -> None:
    with pytest.raises(SystemExit) as ended:
        paper.main(["--data", str(data), *SHORT, word])
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert fault in printed
    assert printed.count("\n") == 1
    assert not began


def test_a_report_of_the_same_cells_is_found(tmp_path: Path) -> None:
    cells: dict[str, Path | str] = {
        name: made_cell(tmp_path, name, table(0.9), f"masking={name}") for name in ("none", "shape")
    }
    parts = Parts("", (("A", 2),))
    folder = made_sweep(tmp_path, cells)
    Sweep(None, (), 2, "a", ".", parts=parts).write(folder)
    page = folder / "report" / "report.html"

    def found(*fingerprints: str, given: Any = parts, **settings: Any) -> Any:
        usual = {
            "overwrite": "missing", "measures": MeasureSettings(), "report": ReportSettings(),
        }  # fmt: skip
        cell: Any = SimpleNamespace(results_dir=tmp_path, **(usual | settings))
        jobs: Any = [SimpleNamespace(fingerprint=one, cell=cell) for one in fingerprints]
        swept: Any = SimpleNamespace(parts=given)
        return paper._finished(swept, jobs)

    assert found("none", "shape") is None, "it has no page"
    page.parent.mkdir()
    page.touch()
    assert found("none", "shape") == page
    assert found("none", "other") is None
    assert found("none") is None
    assert found("none", "shape", overwrite="always") is None
    assert found("none", "shape", given=Parts("", (("B", 2),))) is None
    assert found("none", "shape", measures=MeasureSettings(coverage=0.5)) is None
    assert found("none", "shape", report=ReportSettings(clips=3)) is None


_SMALL = """
import sys
from dataclasses import replace
from clip_har.cli.data.sources import SOURCES, Download
from clip_har.cli.paper import main
SOURCES["ucf101"] = replace(
    SOURCES["ucf101"],
    archive=Download(sys.argv[1] + "/UCF101.rar"),
    splits=Download(sys.argv[1] + "/splits.zip"),
)
main(sys.argv[2:])
"""
_QUICK = (
    *("frames.count=2", "attention_clips=1", "learning.steps=2", "learning.batch=4"),
    *("report.clips=4", "region=motion"),
)


@pytest.mark.long
@pytest.mark.sample_data
@pytest.mark.skipif(
    not any(map(shutil.which, ("bsdtar", "unrar"))), reason="no bsdtar or unrar here for RAR"
)
def test_from_nothing_to_the_report_with_a_stop(
    tmp_path: Path, sample_data: Path, small_clip: Path
) -> None:
    """Archives and weights come from a server; stopped in the sweep, the same command goes on."""
    name, revision = CLIP_B32
    files = ucf101_of_sample(sample_data, tmp_path) | hub_of(small_clip, name, revision)
    with serve(files, revision=revision) as sources:
        typed = [sys.executable, "-c", _SMALL, sources.url, "--data", str(tmp_path / "ucf101")]
        typed += ["--accept-licence", *_QUICK, f"cache_dir={tmp_path / 'cache'}"]
        environment = os.environ | {
            "HF_ENDPOINT": sources.url,
            "HF_HOME": str(tmp_path / "hub"),
            "HF_HUB_OFFLINE": "0",
        }

        def start() -> subprocess.Popen[str]:
            return subprocess.Popen(
                typed, cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip

        first = start()
        cells = tmp_path / "results" / "cells"
        kept = "[0-9a-f]*/scores.parquet"  # not those of a cell that is being written
        while first.poll() is None and len(list(cells.glob(kept))) < 3:
            time.sleep(0.2)
        first.send_signal(signal.SIGTERM)  # SIGINT is ignored if the tests run in the background
        printed, _ = first.communicate(timeout=120)
        assert first.returncode == 130, printed
        assert "licence: No formal licence" in printed
        assert "measured now" in printed
        made = {path: path.stat().st_mtime_ns for path in cells.glob(kept)}
        assert 3 <= len(made) < 21
        fetched = len(sources.asked)
        assert {"/UCF101.rar", f"/{name}/resolve/{revision}/model.safetensors"} <= {*sources.asked}

        second = start()
        printed, _ = second.communicate(timeout=600)
        assert second.returncode == 0, printed
        assert "22 cells: 22 done, 0 failed" in printed
        assert len(sources.asked) == fetched
        assert {path: path.stat().st_mtime_ns for path in made} == made
        page = Path(re.findall(r"^report +(.+)$", printed, flags=re.MULTILINE)[-1])
        text = page.read_text(encoding="utf-8")
        titles = re.findall(r"<h3>(\d\. .+?)</h3>", text)
        assert [int(title[0]) for title in titles] == [1, 2, 3, 4, 5, 6]
        assert "no number here is claimed to be one of the paper" in " ".join(text.split())
        shown = text[text.index('id="programme"') : text.index('id="cells"')]
        assert "no result" not in shown
        for said in ("universal", "random", "shuffled", "calibration", "scene/swap_error"):
            assert said in shown
        figures = {path.name for path in (page.parent / "figures").iterdir()}
        assert {"mask_gallery.pdf", "top1_over_ratio.pdf", "confusion_none.pdf"} <= figures
        written = {path: path.stat().st_mtime_ns for path in page.parents[3].rglob("*")}

        third = start()
        printed, _ = third.communicate(timeout=120)
        assert third.returncode == 0, printed
        assert f"all 22 cells are done, nothing is run\nreport: {page}" in printed
        assert {path: path.stat().st_mtime_ns for path in page.parents[3].rglob("*")} == written
