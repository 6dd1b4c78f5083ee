"""A damaged file of a finished cell: the right numbers or one clear line, never a wrong result."""

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf
from PIL import Image

import clip_har
from clip_har.cli.report import main
from clip_har.core.checksum import read_manifest
from clip_har.core.errors import ClipHarError
from clip_har.engine import make_result
from clip_har.engine.job import Prepared
from clip_har.results.files import CONFUSION, DERIVED, METRICS, PROTOCOL, SCORES, write_json
from clip_har.results.result import Result
from clip_har.results.sweep import OUTCOME, SWEEP, read_outcomes
from tests.damage import DAMAGES, delete, flip, truncate

Damage = Callable[[Path], None]

SMALL = (
    "dataset.count=24", "dataset.train_count=40", "frames.count=1", "dataset.workers=1",
    "region=annotation", "masking=percent", "tracking=none", "learning.steps=2",
    "learning.validate_every=1", "learning.batch=8", "learning.validation_clips_per_class=2",
)  # fmt: skip

# All of them where a test is fast; two where it takes long, and the others in `make test-all`.
FEW_DAMAGES = [
    pytest.param(one, marks=() if one in (truncate, flip) else pytest.mark.long) for one in DAMAGES
]


class Kept:
    """A finished sweep of one cell and its clean twin, and a copy of it."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.results = folder / "results"
        self.words = (*SMALL, *more)
        rows = clip_har.sweep(*self.words, "seed=0", results_dir=self.results)
        self.cell: Result = rows["result"][0]
        self.top1 = rows["top1"][0]
        self.metrics = dict(self.cell.metrics)
        (self.sweep,) = (self.results / "sweeps").iterdir()
        self.copy = folder / "copy"
        shutil.copytree(self.results, self.copy)

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.cell.folder.rglob("*") if path.is_file())

    def restore(self) -> None:
        shutil.rmtree(self.results)
        shutil.copytree(self.copy, self.results)

    def evaluate(self) -> Result:
        return clip_har.evaluate(*self.words, "seed=0", results_dir=self.results)


@pytest.fixture(scope="module")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("damage"))


@pytest.fixture
def kept(_kept: Kept) -> Iterator[Kept]:
    yield _kept
    _kept.restore()


def stand_in(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a copy of the cells stand in for the model, and return the cells that are run."""
    run: list[str] = []

    def copied(prepared: Prepared, **_: object) -> None:
        folder = prepared.folder
        run.append(folder.name)
        shutil.rmtree(folder)
        shutil.copytree(kept.copy / "cells" / folder.name, folder)

    monkeypatch.setattr(make_result, "make_result", copied)
    return run


@pytest.fixture
def made(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cells that were run."""
    return stand_in(kept, monkeypatch)


def rerun(
    kept: Kept,
    damage: Damage,
    files: list[Path],
    made: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Damage files of the cell in turn, and run the cell again each time."""
    for path in files:
        name = path.relative_to(kept.cell.folder).as_posix()
        damage(path)
        made.clear()
        caplog.clear()
        after = kept.evaluate()
        assert after.metrics == kept.metrics, name
        assert after.is_up_to_date, name
        assert made == ([] if name in DERIVED else [kept.cell.folder.name]), name
        lines = [line for line in caplog.messages if name in line]
        assert len(lines) == 1, (name, caplog.messages)
        assert "damaged" in lines[0]


@pytest.mark.parametrize("damage", [flip, delete])
def test_a_cell_with_a_damaged_file_is_mended_or_run_again(
    kept: Kept, damage: Damage, made: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    names = (METRICS, "confusion.csv", PROTOCOL, "masked_clips.png")
    rerun(kept, damage, [kept.cell.folder / name for name in names], made, caplog)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_cell_is_mended_or_run_again_whichever_file_is_damaged(
    kept: Kept, damage: Damage, made: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    rerun(kept, damage, kept.files, made, caplog)


@pytest.mark.slow
@pytest.mark.parametrize("damage", FEW_DAMAGES)
def test_a_cell_with_learned_noise_and_a_damaged_file_is_mended_or_run_again(
    damage: Damage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept = Kept(tmp_path, "noise=class_specific")
    made = stand_in(kept, monkeypatch)
    assert len(kept.files) > 20
    rerun(kept, damage, kept.files, made, caplog)


def test_a_damaged_score_table_is_made_again_by_the_model(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    before = (kept.cell.folder / SCORES).read_bytes()
    flip(kept.cell.folder / SCORES)
    after = kept.evaluate()
    assert after.metrics == kept.metrics
    assert (after.folder / SCORES).read_bytes() == before
    assert f"{SCORES} is missing or damaged in {after.folder}: run again" in caplog.text


def test_the_clean_twin_is_mended_too(kept: Kept, made: list[str]) -> None:
    twin = kept.cell.twin_folder
    assert twin is not None
    for name, run in ((METRICS, []), (PROTOCOL, [twin.name]), ("manifest.json", [twin.name])):
        made.clear()
        delete(twin / name)
        assert kept.evaluate().metrics == kept.metrics
        assert made == run
        assert Result.at(twin) is not None


def test_numbers_that_need_a_lost_twin_are_made_by_the_model(kept: Kept, made: list[str]) -> None:
    assert kept.cell.twin_folder is not None
    shutil.rmtree(kept.cell.twin_folder)
    delete(kept.cell.folder / METRICS)
    clip_har.evaluate(*kept.words, "seed=0", "clean_twin=false", results_dir=kept.results)
    assert made == [kept.cell.folder.name]


def test_a_cell_that_is_being_brought_up_to_date_when_it_is_killed_is_not_lost(
    kept: Kept, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    delete(kept.cell.folder / METRICS)
    with monkeypatch.context() as patch:
        patch.setattr("clip_har.engine.numbers.write_manifest", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            kept.evaluate()
    assert kept.evaluate().metrics == kept.metrics
    assert made == []


# Under the report


def report(kept: Kept, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run ``clip-har-report``; return its status and its lines on standard error."""
    status = 0
    try:
        main([str(kept.sweep)])
    except SystemExit as end:
        status = int(end.code or 0)
    return status, capsys.readouterr().err


def reported(kept: Kept, damage: Damage, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = path.relative_to(kept.cell.folder).as_posix()
    damage(path)
    status, error = report(kept, capsys)
    assert "Traceback" not in error
    assert "bug" not in error
    if name in DERIVED:
        assert status == 0, error
        assert pd.read_csv(kept.sweep / "cells.csv")["top1"][0] == kept.top1
        assert Result(kept.cell.folder).metrics == kept.metrics
    else:  # the sweep has no other cell
        assert status == 1
        assert error.count("\n") == 1, error
        assert "its results are missing or damaged: run its command again" in error


@pytest.mark.parametrize(
    ("name", "damage"), [(METRICS, flip), (METRICS, delete), (SCORES, flip), (PROTOCOL, delete)]
)
def test_the_report_mends_or_names_a_damaged_file(
    kept: Kept, name: str, damage: Damage, capsys: pytest.CaptureFixture[str]
) -> None:
    reported(kept, damage, kept.cell.folder / name, capsys)


@pytest.mark.slow
@pytest.mark.parametrize("damage", FEW_DAMAGES)
def test_the_report_mends_or_names_each_damaged_file(
    kept: Kept, damage: Damage, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in kept.files:
        reported(kept, damage, path, capsys)
        kept.restore()


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_report_mends_what_needs_no_lost_twin(
    kept: Kept, damage: Damage, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert kept.cell.twin_folder is not None
    shutil.rmtree(kept.cell.twin_folder)
    before = (kept.cell.folder / "confusion.csv").read_text()
    for name in (CONFUSION, "confusion.csv"):
        damage(kept.cell.folder / name)
        assert report(kept, capsys)[0] == 0
        assert f"damaged, made again from the score table: {name}" in caplog.text
        assert "no longer exists" not in caplog.text
    after = Result(kept.cell.folder)
    assert after.is_up_to_date
    assert after.metrics == kept.metrics
    assert (after.folder / "confusion.csv").read_text() == before
    Image.open(after.folder / CONFUSION).load()


def test_the_report_names_numbers_that_need_a_lost_twin(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept.cell.twin_folder is not None
    shutil.rmtree(kept.cell.twin_folder)
    flip(kept.cell.folder / METRICS)
    delete(kept.cell.folder / CONFUSION)
    status, error = report(kept, capsys)
    assert status == 1, "the sweep has no other cell"
    assert error.count("\n") == 1
    assert (
        f"{kept.cell.name}: {METRICS} cannot be made again, because the clean twin no longer"
        " exists: run its command again" in error
    )


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", [SWEEP, f"0/{OUTCOME}"])
def test_a_damaged_record_of_a_sweep_gets_one_line(
    kept: Kept, name: str, damage: Damage, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(kept.sweep / name)
    status, error = report(kept, capsys)
    assert "Traceback" not in error
    assert "bug" not in error
    assert status == 0 or error.count("\n") == 1


def test_a_record_without_its_keys_gets_one_line(kept: Kept) -> None:
    wrong: list[object] = [{}, [], {"varies": {}}]
    for content in wrong:
        write_json(kept.sweep / "0" / OUTCOME, content)
        with pytest.raises(ClipHarError, match=r"outcome\.json is damaged, or an earlier version"):
            read_outcomes(kept.sweep)


def test_a_results_folder_with_a_damaged_cell_is_read_without_it(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(clip_har.load_results(kept.results)) == 2
    delete(kept.cell.folder / METRICS)
    with pytest.raises(ClipHarError, match=r"metrics\.json is missing or damaged"):
        clip_har.load_results(kept.results)
    delete(kept.cell.folder / SCORES)
    assert len(clip_har.load_results(kept.results)) == 1
    assert f"{kept.cell.folder} is left out" in caplog.text


def test_a_sweep_whose_results_are_lost_meanwhile_is_not_finished(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outcome,) = read_outcomes(kept.sweep).values()
    assert not outcome.is_lost
    delete(kept.cell.folder / SCORES)
    (outcome,) = read_outcomes(kept.sweep).values()
    assert outcome.is_lost
    statuses: list[str] = []

    def finished(*_: object, status: str, **__: object) -> None:
        statuses.append(status)

    def lost(*_: object, **__: object) -> None:
        outcome.write(max((kept.results / "sweeps").iterdir()) / "0", OmegaConf.create())

    monkeypatch.setattr("clip_har.api.sweep.finish", finished)
    monkeypatch.setattr("clip_har.api.sweep.run_cell", lost)
    clip_har.sweep(*kept.words, "seed=0", results_dir=kept.results)
    assert statuses == ["FAILED"]


def test_a_cell_of_an_earlier_version_without_a_manifest_is_run_again(
    kept: Kept, made: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert read_manifest(kept.cell.folder) is not None
    delete(kept.cell.folder / "manifest.json")
    assert Result.at(kept.cell.folder) is None
    assert kept.evaluate().metrics == kept.metrics
    assert made == [kept.cell.folder.name]
    assert "manifest.json is missing or damaged" in caplog.text
