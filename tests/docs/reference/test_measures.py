"""The page of measures has each entry of the table, and each module that computes one."""

import re

from clip_har.metrics.measures import FAMILIES, MEASURES
from docs.reference.measures import SECTIONS, measures_page
from tests.conftest import REPOSITORY

TABLES = {
    "measure",
    "measures",
    "measures_of_confidence",
    "measures_of_domains",
    "measures_of_models",
    "measures_of_protocols",
    "summary",
}  # they only hold or call the others


def test_every_measure_stands_once_on_the_page() -> None:
    rows = re.findall(r"^\| `(.+?)` \|", measures_page(), flags=re.MULTILINE)
    assert rows == [one.name for one in MEASURES]


def test_every_module_of_measures_is_on_the_page() -> None:
    modules = {path.stem for path in (REPOSITORY / "clip_har/metrics").glob("*.py")}
    shown = re.findall(r"^::: clip_har\.metrics\.(\w+)$", measures_page(), flags=re.MULTILINE)
    assert sorted(shown) == sorted(modules - {"__init__"} - TABLES)


def test_what_is_said_is_of_a_table_that_there_is() -> None:
    assert set(SECTIONS) <= set(FAMILIES)


def test_a_bar_or_an_underscore_does_not_break_a_row() -> None:
    page = measures_page()
    assert r"Σ\_{i<j} \|K\_ij − K\_ji\|" in page
    assert "`bias/skew_kl` minus" in page
