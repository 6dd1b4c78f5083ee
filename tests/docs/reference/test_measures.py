"""Every measure that is logged is explained on the page, and nothing else."""

import ast
import re
from dataclasses import replace
from functools import cache
from typing import get_args

import numpy as np
import pytest

from clip_har.engine.attribution import MEASURES as ATTENTION
from clip_har.metrics.scene import _measures
from clip_har.metrics.summary import summarise
from clip_har.results.costs import Cost, Part
from docs.reference.measures import all_terms, measures_page
from tests.conftest import REPOSITORY
from tests.report.test_page import SCENE_MEANS
from tests.tables import made_table

FAMILY = re.compile(r"(bias|scene|robustness|flip_rate|mask|noise|data|cost|seeds)/[^.: ]*[^.: /]")
TERMS = {name: re.compile(re.sub(r"<\w+>", "[^/]+(/[^/]+)?", name)) for name in all_terms()}


def explained(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in TERMS.values())


@pytest.fixture(scope="module")
def summarised() -> set[str]:
    """The names of all that a cell's table can tell."""
    right = [1, 1, 1, 0, 0, 1, 0, 1]
    labels, hidden, known = [0, 1, 2, 3, 4, 5, 5, 0], [0.5] * 8, np.full(8, 0.5)
    table = replace(
        made_table(labels=labels, classes=6, right=right, subject_hidden=hidden),
        feature_hidden=known, feature_frames=known, noise_rms=known, noise_largest=known,
        drift=known, attributes={"viewpoint": ("left", "right") * 4},
    )  # fmt: skip
    return set(summarise(table, table))


@cache
def literals() -> tuple[set[str], set[str]]:
    """Return the names of measures in the package's code, and those with ``X`` for a ``{…}``."""
    whole, made = set(), set()
    for path in (REPOSITORY / "clip_har").rglob("*.py"):
        if path.name == "glossary.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        purposes = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "generator"
            for inner in ast.walk(node)
        }  # names of random streams look alike
        for node in ast.walk(tree):
            if node in purposes:
                continue
            if isinstance(node, ast.JoinedStr):
                parts = (str(getattr(part, "value", "")) for part in node.values)
                kinds = (isinstance(part, ast.Constant) for part in node.values)
                made.add("".join(p if k else "X" for p, k in zip(parts, kinds, strict=True)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
    return tuple({text for text in found if FAMILY.fullmatch(text)} for found in (whole, made))  # type: ignore[return-value]


def test_what_a_cell_logs_is_explained(summarised: set[str]) -> None:
    assert len(summarised) > 40
    assert [name for name in summarised if not explained(name)] == []
    assert set(ATTENTION) == {n.removeprefix("attention/") for n in TERMS if "attention/" in n[:10]}
    cost = Cost()
    for part in get_args(Part):
        cost.add({part: 1.0})
    assert all(explained(name) for name in cost.metrics(clips=1, frames=1))


def test_every_name_in_the_code_is_explained() -> None:
    names, _ = literals()
    assert len(names) > 40
    assert sorted(name for name in names if not explained(name)) == []
    assert {f"scene/{name}" for name in _measures(SCENE_MEANS)} <= set(TERMS)


def test_nothing_is_explained_that_is_not_logged(summarised: set[str]) -> None:
    logged = summarised.union(*literals(), {f"attention/{name}" for name in ATTENTION})
    logged |= {f"scene/{name}" for name in _measures(SCENE_MEANS)}
    for name, pattern in TERMS.items():
        assert any(pattern.fullmatch(one) for one in logged), name


def test_every_measure_stands_once_on_the_page() -> None:
    rows = re.findall(r"^\| `(.+?)` \|", measures_page(), flags=re.MULTILINE)
    assert sorted(rows) == sorted(all_terms())


def test_every_module_of_measures_is_on_the_page() -> None:
    modules = {path.stem for path in (REPOSITORY / "clip_har/metrics").glob("*.py")}
    shown = set(re.findall(r"^::: clip_har\.metrics\.(\w+)$", measures_page(), flags=re.MULTILINE))
    assert shown == modules - {"__init__", "summary"}, "summary only calls the others"
