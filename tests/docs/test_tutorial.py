"""The tutorial's commands, and those of the other pages, are ones that the suite takes."""

import re

import pytest
from hydra import compose, initialize_config_dir

from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR, cell_from_config
from tests.conftest import REPOSITORY
from tests.docs.pages import DOCS, blocks, commands, first_cell

TUTORIAL = DOCS / "tutorial.md"
PAGES = [DOCS / "index.md", TUTORIAL, DOCS / "healthcare.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_composes(page):
    typed = commands(page)
    assert typed
    register_schema()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        for arguments in typed:
            cell_from_config(compose("config", overrides=first_cell(arguments)))


def test_every_other_command_is_a_target_or_the_environments():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for page in (TUTORIAL, REPOSITORY / "CONTRIBUTING.md"):
        named = commands(page, "make")
        assert named
        assert {words[0] for words in named} <= targets


def test_it_says_what_its_numbers_are_of():
    text = TUTORIAL.read_text(encoding="utf-8")
    assert "Tiny model, rendered data" in text
    assert all(len(block.code.splitlines()) < 16 for block in blocks(TUTORIAL))


def test_its_pictures_are_small():
    for name in ("tutorial_clips.jpg", "tutorial_report.png", "flow.svg"):
        assert (DOCS / name).stat().st_size < 150_000
