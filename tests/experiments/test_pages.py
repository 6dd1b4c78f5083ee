"""Committed pages are those that the committed results make."""

import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import NoReturn

import pandas as pd
import pytest

from clip_har.core.errors import ClipHarError
from experiments import pages
from experiments.__main__ import main
from experiments.class_noise import analysis
from experiments.pages import README, index_page, study_page
from experiments.study import EFFECTS, FOLDER, PAGE, finished_studies, read_study
from tests.conftest import REPOSITORY
from tests.experiments.class_noise.made import made_grid, with_cards

MADE = [folder for folder in finished_studies() if (folder / PAGE).is_file()]


@pytest.mark.parametrize("folder", MADE, ids=lambda folder: folder.name)
def test_a_page_is_what_its_results_make(folder: Path) -> None:
    assert (folder / README).read_text(encoding="utf-8") == study_page(folder)


def test_the_index_is_what_all_results_make() -> None:
    text = (FOLDER / README).read_text(encoding="utf-8")
    assert text == index_page()
    assert "Tiny model, rendered data" in text
    for folder in finished_studies():
        assert f"[{folder.name}]({folder.name}/README.md)" in text


def test_a_page_changes_with_its_results(tmp_path: Path) -> None:
    """A number that was typed by hand, or a page that was not made again, would be seen."""
    source = FOLDER / "feature"
    folder = tmp_path / "feature"
    folder.mkdir()
    for name in ("study.yaml", PAGE, EFFECTS):
        (folder / name).write_bytes((source / name).read_bytes())
    assert study_page(folder) == (source / README).read_text(encoding="utf-8")
    table = pd.read_csv(folder / EFFECTS)
    table["difference"] = 0.123
    table.to_csv(folder / EFFECTS, index=False)
    assert "+12.3" in study_page(folder)


def test_every_study_says_what_its_data_are() -> None:
    for folder in finished_studies():
        text = (folder / README).read_text(encoding="utf-8")
        assert "**Tiny model, rendered data.**" in text
        for picture in folder.glob("*.png"):
            assert picture.stat().st_size < 150_000
            assert f"({picture.name})" in text


def test_an_unknown_study_is_one_clear_line() -> None:
    with pytest.raises(ClipHarError, match="there is no study nothing; there are: bias, class_no"):
        read_study(FOLDER / "nothing")


def test_the_command_refuses_a_folder_that_is_no_sweep(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "feature", str(tmp_path)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert "expected the folder of a sweep" in line


def fails(_: object) -> NoReturn:
    raise ClipHarError("an arm is missing")


@pytest.mark.slow
def test_results_of_other_data_go_into_a_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command, with the cells of a made-up sweep."""
    grid = with_cards(made_grid(0.05, masks=("none", "shape 0.3"), dataset="Ucf101"), tmp_path)
    chosen = Namespace(cells=list(grid.cells.values()))
    monkeypatch.setattr(pages, "of_sweep", lambda _: chosen)
    monkeypatch.setattr(analysis, "read_grid", lambda _: grid)
    before = (FOLDER / "class_noise" / "README.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["class_noise", str(tmp_path)])
    assert "its clips are those of Ucf101" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(analysis, "measure_arms", fails)
        with pytest.raises(SystemExit):
            main(["class_noise", str(tmp_path), "--into", str(tmp_path / "mine")])
    page = tmp_path / "mine" / "class_noise" / "README.md"
    assert not page.exists(), "a page of the repository's numbers would be left behind"
    main(["class_noise", str(tmp_path), "--into", str(tmp_path / "mine")])
    assert "data Ucf101.**" in page.read_text(encoding="utf-8")
    assert (FOLDER / "class_noise" / "README.md").read_text(encoding="utf-8") == before
