"""The how-to pages, followed to the letter in a copy of the package, work."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.data.made import write_video
from tests.docs.pages import DOCS, blocks, commands, first_cell

PAGES = sorted((DOCS / "extend").glob("*.md"))
# One process for all: importing torch and transformers takes longer than the rest.
FOLLOW = """
import json, runpy, sys
from hydra import compose, initialize_config_dir
from clip_har.config.compose import CONFIG_DIR
from clip_har.cli.app import main
from clip_har.config.compose import cell_from_config
from clip_har.config.cell import register_schema
register_schema()
commands, sys.argv[1:] = json.loads(sys.argv[1]), sys.argv[2:]
with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
    for overrides in commands:
        cell_from_config(compose("config", overrides=overrides))
runpy.run_path("make_bag.py")
main()
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with every file that the pages name, and with small clips."""
    folder = tmp_path_factory.mktemp("extended")
    for name in ("clip_har", "conf"):
        skipped = shutil.ignore_patterns("__pycache__", "local")
        shutil.copytree(REPOSITORY / name, folder / name, ignore=skipped)
    for page in PAGES:
        for block in blocks(page):
            if block.title:
                assert not (folder / block.title).exists(), f"{block.title} already exists"
                (folder / block.title).write_text(block.code, encoding="utf-8")
    add_entry(folder / "clip_har/metrics/measures.py")
    for subject in (2, 3, 11):  # the last one is for training
        for action in ("boxing", "walking"):
            write_video(folder / "kth" / f"person{subject:02}_{action}_d1_uncomp.avi", 8)
    return folder


def add_entry(table: Path) -> None:
    """Add the page's measure to the table of measures, as the page says."""
    page = blocks(DOCS / "extend/measure.md")
    (entry,) = [block.code for block in page if block.code.lstrip().startswith("Measure(")]
    text = table.read_text(encoding="utf-8")
    family, before = "_ACCURACY = (\n", "    robustness,\n"
    assert family in text
    assert before in text
    text = text.replace(family, f"{family}{entry.rstrip()},\n").replace(
        before, "    rank,\n" + before, 1
    )
    table.write_text(text, encoding="utf-8")


def first_cells() -> list[list[str]]:
    """Return the first cell of each command of the pages."""
    typed = [arguments for page in PAGES for arguments in commands(page)]
    assert len(typed) >= 7
    return [first_cell(arguments) for arguments in typed]


def test_what_the_pages_add_composes_and_runs_together(extended: Path) -> None:
    added = ["dataset=kth", "model=bag", "masking=checker", "noise=speckle"]
    names = "boxing\nclapping\nwaving\nrunning on street\nrunning\nwalking\n"
    (extended / "names.txt").write_text(names)  # in words that the tiny tokenizer knows
    needed = ["dataset.root=kth", "model.checkpoint=bag", "ratio=0.5", "masking.side=14"]
    needed += ["prompts.class_names=names.txt"]
    less = ["clean_twin=false", "tracking=none", "frames.count=2"]
    done = subprocess.run(
        [sys.executable, "-c", FOLLOW, json.dumps(first_cells()), *added, *needed, *less],
        cwd=extended,
        env=os.environ
        | {"PYTHONPATH": str(extended), "CLIP_HAR_CACHE": str(extended / "cache")}
        | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (metrics,) = extended.glob("results/cells/*/metrics.json")
    found = json.loads(metrics.read_text())
    assert found["data/clips"] == 4, "the training subject is left out"
    assert found["mask/realised_ratio"] == 0.5
    assert found["noise/rms"] > 0
    assert 0 < found["mrr"] <= 1


def test_the_files_of_the_pages_are_in_the_projects_style(extended: Path) -> None:
    added = [b.title for page in PAGES for b in blocks(page) if b.title.endswith(".py")]
    assert len(added) == 7
    ruff = [sys.executable, "-m", "ruff"]
    inside = [name for name in added if name.startswith("clip_har/")]
    for command in (["check"], ["format", "--check"]):
        subprocess.run(
            [*ruff, *command, "--config", str(REPOSITORY / "pyproject.toml"), *inside],
            cwd=extended,
            check=True,
        )


def test_the_readmes_mask_is_that_of_the_page() -> None:
    (short,) = [b.code for b in blocks(REPOSITORY / "README.md") if b.language == "python"]
    (long,) = [b.code for b in blocks(DOCS / "extend/mask.md") if b.language == "python"]
    without_attributes = re.sub(r"\n\n    Attributes:.*?\n    \"\"\"", '"""', long, flags=re.DOTALL)
    assert short.strip() in without_attributes
