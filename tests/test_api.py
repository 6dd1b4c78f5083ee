"""The Python interface does what the command does."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import clip_har
from clip_har.results.files import SCORES
from clip_har.results.score_table import ScoreTable
from clip_har.sweeps.files import TABLE
from clip_har.sweeps.table import SETTINGS
from tests.conftest import REPOSITORY

SMALL = ("dataset.count=20", "frames.count=1", "dataset.workers=1", "tracking=none")


def test_importing_the_package_is_light() -> None:
    code = "import clip_har, sys; print({'torch', 'hydra', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_cell_is_evaluated_and_found_again(tmp_path: Path) -> None:
    cell = clip_har.evaluate(*SMALL, masking="percent", ratio=0.3, results_dir=tmp_path)
    assert cell.name == "percent r=0.3"
    assert cell.metrics["top1"] == (cell.table.predictions() == cell.table.labels).mean()
    assert cell.clean is not None
    assert cell.clean.is_clean
    again = clip_har.evaluate(*SMALL, "masking=percent", ratio=0.3, results_dir=tmp_path)
    assert again.folder == cell.folder
    texts = cell.cell.prompts.digest(cell.table.class_names)
    assert cell.protocol["prompts_digest"] == texts
    assert cell.protocol["command"].startswith("python -m clip_har dataset.count=20")


def test_a_sweep_gives_one_table_which_can_be_read_again(tmp_path: Path) -> None:
    found = clip_har.sweep(
        *SMALL, "masking=none,percent", "dataset.seed=0,1", "seed=0,1", results_dir=tmp_path
    )
    assert found["cell"].tolist() == [
        f"{mask} dataset.seed={data} seed={seed}"
        for mask in ("none", "percent r=0.3") for data in (0, 1) for seed in (0, 1)
    ]  # fmt: skip
    assert found["dataset.seed"].tolist() == [0, 0, 1, 1] * 2
    assert set(found["state"]) == {"finished"}
    (folder,) = (tmp_path / "sweeps").iterdir()
    written = pd.read_csv(folder / TABLE)
    assert list(written) == [name for name in found if name != "result"]
    assert list(written)[:13] == ["cell", "mask", "ratio", *SETTINGS, "model", "data", "seed"]
    pd.testing.assert_series_equal(written["top1"], found["top1"])
    assert (folder / "report" / "report.html").is_file()
    assert not list(folder.glob(f"report/{TABLE}"))
    assert len(clip_har.load_results(tmp_path)) == len(set(found["folder"])) == 8


def test_the_table_of_a_clean_twin_is_read_once_for_its_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, paths = ScoreTable.read, []

    def count(path: Path) -> ScoreTable:
        paths.append(path)
        return read(path)

    monkeypatch.setattr(ScoreTable, "read", count)
    cells = [
        clip_har.evaluate(*SMALL, masking="percent", ratio=ratio, results_dir=tmp_path)
        for ratio in (0.2, 0.4, 0.6)
    ]
    twin = cells[0].twin_folder
    assert twin is not None
    assert paths.count(twin / SCORES) == 1
    assert len({cell.metrics["top1_clean"] for cell in cells}) == 1


def test_a_failed_cell_is_a_row_that_says_why(tmp_path: Path) -> None:
    def fail(*_: object, **__: object) -> None:
        raise clip_har.ClipHarError("no such luck")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clip_har.engine.make_result.make_result", fail)
        found = clip_har.sweep(*SMALL, "masking=none,percent", results_dir=tmp_path)
    assert found["state"].tolist() == ["failed", "failed"]
    assert found["error"].tolist() == ["no such luck"] * 2
    assert found["result"].tolist() == [None, None]


def test_a_sweep_keeps_its_tables_if_no_figure_can_be_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("clip_har.core.background._CHILD", "raise SystemExit(3)")
    found = clip_har.sweep(*SMALL, "masking=none,percent", results_dir=tmp_path)
    assert found["state"].tolist() == ["finished", "finished"]
    (folder,) = (tmp_path / "sweeps").iterdir()
    assert (folder / TABLE).is_file()
    assert "the report could not be written: a process of this command was ended" in caplog.text
    names = [path.name for path in folder.glob("*report*")]
    assert names == ["report.lock"], "nothing half-written"


def test_faults_are_errors_of_the_package(tmp_path: Path) -> None:
    for wrong in ({"ratio": 2}, {"masking": "nothing"}, {"colour": "red"}):
        with pytest.raises(clip_har.ClipHarError):
            clip_har.evaluate(*SMALL, results_dir=tmp_path, **wrong)
    with pytest.raises(clip_har.ClipHarError, match="finished cells"):
        clip_har.load_results(tmp_path / "gone")


@pytest.mark.slow
def test_an_experiment_is_a_sweep(tmp_path: Path) -> None:
    found = clip_har.sweep("experiment=study/place", *SMALL, "ratio=0.3", results_dir=tmp_path)
    assert found["cell"].tolist() == ["shape r=0.3 seed=0", "shape r=0.3 seed=1"]


@pytest.mark.slow
def test_the_example_of_the_documentation_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (REPOSITORY / "docs" / "report.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/report.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "percent r=0.3" in printed
    assert "shape r=0.1" in printed
