"""Every study at reduced size: its sweeps on few rendered clips of one frame, up to CSV and figure.

One study runs in this process, with the first two values of what is swept. The slow tests run the
commands of all as a user does.
"""

import itertools
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from PIL import Image

from clip_har.config.cell import GROUPS, register_schema
from clip_har.config.compose import CONFIG_DIR, cell_from_config, clean_config
from clip_har.engine.evaluate import evaluate
from clip_har.results.names import cell_name, what_varies
from clip_har.results.score_table import ScoreTable
from experiments.effects import CLEAN, COLUMNS, MEASURES
from experiments.pages import FIGURE, take
from experiments.study import EFFECTS, FOLDER, SCENE, SETTINGS, read_study, study_folders
from tests.command import run_command
from tests.config.test_cell import composed
from tests.report.made import made_cell, made_sweep

STUDIES = ("bias", "feature", "isolation", "percent_and_shape", "prompts")
SMALL = ("dataset.count=20", "frames.count=1", "tracking=none", "dataset.workers=1")


def experiments_of(study: str) -> list[str]:
    commands = "\n".join(read_study(FOLDER / study).commands)
    return re.findall(r"experiment=(\S+)", commands)


def fewer(key: str, values: str) -> list[str]:
    """Return the first two of what is swept; of seeds and shares one is enough."""
    return str(values).split(",")[: 1 if key in ("seed", "ratio") else 2]


def small_sweep(results: Path, experiment: str) -> Path:
    """Run the cells of an experiment here, and leave them as a sweep does."""
    fixed = (f"experiment={experiment}", *SMALL)
    swept, options = composed_sweep(*fixed)
    folders: dict[str, Path | str] = {}
    varies: dict[str, dict[str, Any]] = {}
    twins: dict[str, tuple[str, ScoreTable]] = {}
    for values in itertools.product(*(fewer(key, value) for key, value in swept.items())):
        chosen = dict(zip(swept, values, strict=True))
        overrides = [*fixed, *(f"{key}={value}" for key, value in chosen.items())]
        config = composed(*overrides)
        cell = cell_from_config(config)
        kind = " ".join(v for k, v in chosen.items() if k.startswith(("dataset", "prompts")))
        if kind not in twins:
            twin = cell_from_config(clean_config(config))
            answers = evaluate(twin, twin.dataset.clips()).table
            place = made_cell(results, f"{experiment} twin {kind}", answers, *overrides)
            twins[kind] = (place.name, answers)
        choices = options | {k: v for k, v in chosen.items() if k in GROUPS}
        named = what_varies(config, choices, tuple(swept))
        name = cell_name(named)
        varies[name] = named
        plain = chosen.get("masking") == "none"
        twin_name, clean = twins[kind]
        folders[name] = made_cell(
            results, f"{experiment} {name}", evaluate(cell, cell.dataset.clips()).table,
            *overrides, clean=None if plain else clean, clean_twin=None if plain else twin_name,
        )  # fmt: skip
    return made_sweep(results / "of" / experiment, folders, named=varies)


def composed_sweep(*overrides: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what an experiment sweeps, and the options of its groups."""
    register_schema()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", overrides=list(overrides), return_hydra_config=True)
    return dict(config.hydra.sweeper.params), dict(config.hydra.runtime.choices)


def test_a_study_runs_up_to_its_results(tmp_path: Path) -> None:
    name = "bias"
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(FOLDER / name / SETTINGS, folder)
    sweeps = [small_sweep(tmp_path / "results", one) for one in experiments_of(name)]
    take(folder, sweeps)
    found = pd.read_csv(folder / EFFECTS)
    committed = pd.read_csv(FOLDER / name / EFFECTS)
    assert list(found) == list(COLUMNS) == list(committed)
    assert set(found["measure"]) == set(MEASURES)
    assert (found["control"] == CLEAN).any()
    # The same conditions, a part of them: names and controls are those that the page asks for.
    pairs = ["condition", "control"]
    known = set(committed[pairs].itertuples(index=False, name=None))
    assert set(found[pairs].itertuples(index=False, name=None)) <= known
    has_control = bool(read_study(folder).controls)
    assert (found["control"] != CLEAN).any() == has_control
    assert (folder / SCENE).is_file()
    with Image.open(folder / FIGURE) as picture:
        assert picture.width > 500


def test_all_studies_are_tested() -> None:
    elsewhere = {  # they take too long as they are typed
        "class_noise",  # see tests/experiments/class_noise
        "specification",  # see test_curve
        "regions",  # it fetches a network
    }
    assert {folder.name for folder in study_folders()} == {*STUDIES, *elsewhere}


@pytest.mark.long
@pytest.mark.parametrize("name", STUDIES)
def test_the_commands_of_a_study_work_as_they_are_typed(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(FOLDER / name, folder)
    shutil.copytree(FOLDER / "prompts", tmp_path / "experiments" / "prompts")
    sweeps = []
    for number, experiment in enumerate(experiments_of(name)):
        place = tmp_path / "sweeps" / str(number)
        # One seed: several would only run the same cells again.
        typed = (f"experiment={experiment}", "seed=0", f"hydra.sweep.dir={place}")
        done = run_command(tmp_path, *typed, *SMALL, timeout=1200)
        assert done.returncode == 0, done.stderr
        sweeps.append(place)
    for made in (EFFECTS, FIGURE, SCENE):
        (folder / made).unlink(missing_ok=True)
    take(folder, sweeps)
    found, committed = (pd.read_csv(place / EFFECTS) for place in (folder, FOLDER / name))
    pairs = ["condition", "control", "measure"]
    pd.testing.assert_frame_equal(found[pairs], committed[pairs])
    assert (folder / SCENE).is_file() == (name == "bias")
    with Image.open(folder / FIGURE) as picture:
        assert picture.width > 500
