"""Small cells of planted videos, evaluated with learned noise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clip_har.engine.evaluate import Evaluation, evaluate
from tests.noise.cells import cell_of, planted_options


@pytest.fixture(scope="module")
def cell_options(small_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A table of planted videos: 15 to learn from, in 3 groups; 5 to evaluate, in 2."""
    folder = tmp_path_factory.mktemp("cell")
    groups = [f"g{number // 5 + (number > 17)}" for number in range(20)]
    found = planted_options(folder, small_clip, clips=20, classes=5, learned=15, groups=groups)
    return [*found, "learning.batch=10", f"cache_dir={folder / 'cache'}"]


Evaluated = Callable[..., tuple[Any, Evaluation, Any]]


@pytest.fixture
def evaluated(cell_options: list[str]) -> Evaluated:
    def found(*more: str) -> tuple[Any, Evaluation, Any]:
        cell = cell_of(*cell_options, *more)
        result = evaluate(cell, cell.dataset.clips())
        return result.table, result, cell

    return found
