"""The page of where things are names files and functions that exist."""

import re

from tests.conftest import REPOSITORY
from tests.docs.pages import DOCS

PAGE = (DOCS / "structure.md").read_text(encoding="utf-8")


def test_every_path_exists() -> None:
    named = re.findall(r"`((?:clip_har|conf|docs|experiments|tests)/[\w/.]+)`", PAGE)
    assert len(named) > 30
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_functions_are_in_the_files_beside_them() -> None:
    named = re.findall(r"`(\w+)` in `([\w/.]+\.py)`", PAGE)
    assert len(named) >= 2
    for function, path in named:
        assert f"def {function}(" in (REPOSITORY / path).read_text(encoding="utf-8")


def test_every_folder_of_the_package_is_described() -> None:
    folders = {path.parent.name for path in (REPOSITORY / "clip_har").glob("*/__init__.py")}
    assert folders == set(re.findall(r"^\| `clip_har/(\w+)` \|", PAGE, flags=re.MULTILINE))
