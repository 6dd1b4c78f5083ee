"""The notebook runs from start to end, on committed results and on a results folder."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import REPOSITORY
from tests.report.made import made_cell, made_sweep, table

NOTEBOOK = REPOSITORY / "experiments" / "read_results.ipynb"


def executed(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[nbformat.NotebookNode]:
    # The kernel is a process of its own: it finds the package where this one does.
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=120, resources=resources).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(cells: list[nbformat.NotebookNode]) -> str:
    return "\n".join(
        str(output.get("data", {}).get("text/plain", output.get("text", "")))
        for cell in cells
        for output in cell.outputs
    )


def pictures(cells: list[nbformat.NotebookNode]) -> int:
    return sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)


def test_it_reads_committed_results_and_a_results_folder(tmp_path, monkeypatch):
    clean, answers = table(0.9), table(0.4, ratio=0.3)
    cells: dict[str, Path | str] = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "percent r=0.3": made_cell(
            tmp_path, "masked", answers, "masking=percent", "ratio=0.3", clean=clean
        ),
    }
    made_sweep(tmp_path, cells)
    ran = executed(monkeypatch, CLIP_HAR_RESULTS=str(tmp_path))
    said = outputs(ran)
    assert pictures(ran) == 2
    assert "standard_error" in said, "the paired effect"
    right = (answers.predictions() == answers.labels).mean()
    assert f"{right:.3f}" in said
    assert "patch=4" in said, "the committed results"


def test_it_is_committed_without_outputs() -> None:
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
