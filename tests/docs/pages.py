"""Code blocks and commands of the documentation's pages."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', flags=re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    language: str
    title: str
    code: str


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page."""
    return [Block(*found) for found in _BLOCK.findall(page.read_text(encoding="utf-8"))]


def commands(page: Path, program: str = "python -m clip_har") -> list[list[str]]:
    """Return the arguments of each command that a page's ``sh`` blocks give to a program."""
    lines = [
        line.partition("  #")[0]
        for block in blocks(page)
        if block.language == "sh"
        for line in block.code.replace("\\\n", " ").splitlines()
    ]
    return [shlex.split(line)[len(program.split()) :] for line in lines if line.startswith(program)]


def first_cell(arguments: list[str]) -> list[str]:
    """Return the overrides of the first cell of a sweep."""
    return [re.sub(r"=([^\[]*?),.*", r"=\1", word) for word in arguments if word != "-m"]
