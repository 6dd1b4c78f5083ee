"""Probes over finished cells: what is run again, what is measured again, and where it is shown."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from clip_har.config.measures import MeasureSettings
from clip_har.engine.probe_files import write_probes
from clip_har.heads import logistic
from clip_har.metrics import probe
from clip_har.metrics.probe import draw_clips
from clip_har.report.page import PAGE
from clip_har.results.files import PROBE_CARD, PROBES
from clip_har.results.result import Result
from clip_har.results.score_table import ScoreTable
from clip_har.results.sweep import read_outcomes
from tests.command import run_command
from tests.metrics.test_probe import TEST, TRAIN
from tests.tables import rows_of

SMALL = ("limit=140", "frames.count=1", "attention_clips=0", "report.clips=0")
MASKS = ("-m", "masking=none,percent")
PROBE = ("measures.reference=train", "measures.probe=[2,all]", "measures.probe_seeds=2")


def reference(folder: Path, table: ScoreTable = TRAIN, limit: int | None = None) -> Any:
    card = {"data": "made/train", "data_digest": "0"}
    cell = SimpleNamespace(limit=limit)
    return SimpleNamespace(table=table, protocol=card, folder=folder / "train", cell=cell)


def test_table_and_card_say_what_was_trained_on(tmp_path: Path) -> None:
    settings = MeasureSettings(reference="train", probe=(1, "all"), probe_seeds=2)
    write_probes(tmp_path, TEST, reference(tmp_path), settings)
    with (tmp_path / PROBES).open() as file:
        rows = {row["shots"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"1", "all"}
    assert rows["1"]["seeds"] == "2"
    assert len(rows["1"]["C"].split()) == 2
    assert rows["1"]["converged"] == "yes yes"
    card = json.loads((tmp_path / PROBE_CARD).read_text())
    assert card["trained_on"] == "made/train"
    assert card["clips"] == len(TRAIN.clip_ids)
    assert card["zero_shot"] is False
    write_probes(tmp_path, TEST, reference(tmp_path), MeasureSettings())
    assert not list(tmp_path.iterdir()), "no probe is asked for any more"


ONE_CLASS = rows_of(TRAIN, np.flatnonzero(TRAIN.labels == 1))
FEWER_CLASSES = rows_of(TRAIN, np.flatnonzero(TRAIN.labels > 0))
ONE_GROUP = replace(TRAIN, groups=tuple(f"{label}" for label in TRAIN.labels))


@pytest.mark.parametrize(
    ("table", "trained_on", "why"),
    [
        (TEST, TRAIN, "the reference (train) has too few clips of some class outside"),
        (replace(TEST, embeddings=None), TRAIN, "the cell keeps no embeddings"),
        (TEST, replace(TRAIN, embeddings=None), "the reference (train) keeps no embeddings"),
        (TEST, FEWER_CLASSES, "has no clip of an evaluated class: class 0"),
        (ONE_CLASS, ONE_CLASS, "has clips of one class only: class 1"),
        (TEST, ONE_GROUP, "whose clips are of one group: class 0, class 1, class 2"),
    ],
)
def test_a_probe_that_cannot_be_trained_says_why(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    table: ScoreTable,
    trained_on: ScoreTable,
    why: str,
) -> None:
    settings = MeasureSettings(reference="train", probe=(500,))
    write_probes(tmp_path, table, reference(tmp_path, trained_on), settings)
    assert "no linear probe with 500: " in caplog.text
    assert why in caplog.text


def test_fits_that_did_not_converge_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = MeasureSettings(reference="train", probe=("all",))
    for steps in (logistic.STEPS, 3):
        monkeypatch.setattr(logistic, "STEPS", steps)
        probe.fit_probe.cache_clear()
        write_probes(tmp_path, TEST, reference(tmp_path), settings)
        card = json.loads((tmp_path / PROBE_CARD).read_text())
        assert card["tolerance"] == logistic.TOLERANCE
        assert card["converged"] == {"all": "no" if steps == 3 else "yes"}
        assert ("did not converge" in caplog.text) == (steps == 3)
        assert int(card["steps"]["all"]) <= steps
    probe.fit_probe.cache_clear()


def of_mask(folder: Path) -> dict[str, Result]:
    """The cells of the newest sweep by mask."""
    sweep = max((folder / "results" / "sweeps").iterdir())
    found = [outcome.result for outcome in read_outcomes(sweep).values()]
    return {one.mask: one for one in found if one is not None}


@pytest.mark.slow
def test_a_reference_that_a_limit_makes_too_short_names_the_limit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = MeasureSettings(reference="train", probe=(500,))
    write_probes(tmp_path, TEST, reference(tmp_path, limit=60), settings)
    assert "the reference (train, which limit=60 shortens, too) has too few clips" in caplog.text


@pytest.mark.long
def test_a_sweep_gets_probes_afterwards(tmp_path: Path) -> None:
    def run(*typed: str) -> str:
        done = run_command(tmp_path, *SMALL, *typed, environment={"OMP_NUM_THREADS": "1"})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr + done.stdout

    run(*MASKS)
    before = of_mask(tmp_path)
    assert not before["percent"].keeps_embeddings
    scores = before["percent"].table.scores
    printed = run(*MASKS, *PROBE)
    assert "none: finished already" in printed, "it keeps its embeddings"
    assert "percent r=0.3: running" in printed, "its embeddings were not kept"
    cells = of_mask(tmp_path)
    np.testing.assert_array_equal(cells["percent"].table.scores, scores)
    for one in cells.values():
        assert one.reference is not None
        train, test = one.reference.table, one.table
        assert not set(train.groups) & set(test.groups)
        tops = []
        for seed in range(2):
            drawn = draw_clips(train.labels, train.groups, 2, seed=seed)
            assert drawn is not None
            with (one.folder / PROBES).open() as file:
                row = next(csv.DictReader(file))
            penalty = 10 ** (round(8 * np.log10(float(row["C"].split()[seed]))) / 8)
            assert train.embeddings is not None
            fitted = LogisticRegression(C=penalty, tol=1e-10, max_iter=20_000).fit(
                train.embeddings[drawn[0]].astype(np.float64), train.labels[drawn[0]]
            )
            tops.append((fitted.predict(test.embeddings) == test.labels).mean())
        assert one.metrics["probe/2/top1"] == pytest.approx(np.mean(tops))
        assert one.metrics["probe/2/top1_sd"] == pytest.approx(np.std(tops, ddof=1))
    store = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'results' / 'mlflow.db'}")
    masked = [r for r in store.search_runs(["1"]) if r.info.run_name == "percent r=0.3"]
    assert any("probe/all/top1" in run.data.metrics for run in masked)
    assert any(run.data.tags.get("measures.probe") == "2, all" for run in masked)
    page = max(tmp_path.glob("results/sweeps/*")) / "report" / PAGE
    text = page.read_text(encoding="utf-8")
    assert "Not zero-shot." in text
    assert "synthetic/train/bias0.9" in text
