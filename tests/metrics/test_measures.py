"""The table of measures: its entries, and that it holds what is logged and nothing else."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from clip_har.engine.attribution import MEASURES as ATTENTION
from clip_har.engine.evaluate import Evaluation
from clip_har.engine.numbers import learning_numbers
from clip_har.metrics.measure import Measure
from clip_har.metrics.measures import MEASURES, find, shown_in
from clip_har.metrics.noise_effect import effect_table, noise_metrics
from clip_har.noise.learned.cell_noise import LearnedNoise
from clip_har.results.costs import Cost, Part
from clip_har.results.result import Result
from tests.command import run_command
from tests.conftest import REPOSITORY
from tests.data.made import write_video
from tests.metrics.made import random_table

FAMILY = re.compile(
    r"(bias|half_classes|splits|probe|models|domains|selective|conformal|calibrated|scene|robustness"
    r"|regression|flip_rate|mask|noise|data|cost|seeds)/[^.: ]*[^.: /]"
)


def not_logged(names: set[str], source: str) -> list[str]:
    """Return the entries of a source that stand for none of some names."""
    entries = [one for one in MEASURES if one.source == source]
    return [one.name for one in entries if not any(one.covers(name) for name in names)]


@cache
def names_in_code() -> set[str]:
    """Return all texts in the package's code that look like a measure, with ``X`` for a ``{…}``."""
    found = set()
    for path in (REPOSITORY / "clip_har").rglob("*.py"):
        if path.name.startswith("measures") and path.parent.name == "metrics":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        streams = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "generator"
            for inner in ast.walk(node)
        }  # names of random streams look alike
        for node in set(ast.walk(tree)) - streams:
            if isinstance(node, ast.JoinedStr):
                parts = (str(getattr(part, "value", "")) for part in node.values)
                kinds = (isinstance(part, ast.Constant) for part in node.values)
                found.add("".join(p if k else "X" for p, k in zip(parts, kinds, strict=True)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    scene = {f"scene/{name}" for name in _scene_names()}
    return {text for text in found if FAMILY.fullmatch(text)} | scene


def _scene_names() -> set[str]:
    from clip_har.metrics.scene import _measures

    shown = ("clean", "background_only", "person_only", "swap", "swap_error", "contrasted")
    return set(_measures({name: np.array([0.5]) for name in (*shown, "background_hidden")}))


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.name)
def test_an_entry_is_well_formed(measure: Measure) -> None:
    assert re.fullmatch(r"[\w/]+", re.sub(r"<\w+>", "name", measure.name)), "MLflow refuses it"
    assert measure.meaning.endswith(".")
    assert measure.range[0] < measure.range[1]
    assert measure.unit != "%" or measure.range == (0, 1)
    assert measure.source != "scores" or measure.function is not None


def test_names_and_titles_are_used_once() -> None:
    assert len({one.name for one in MEASURES}) == len(MEASURES)
    labels = [one.label for one in MEASURES if any("report" in place for place in one.places)]
    assert len(set(labels)) == len(labels)


def test_a_name_that_is_in_no_entry() -> None:
    with pytest.raises(KeyError, match="bias/unheard_of"):
        find("bias/unheard_of")


def test_the_attention_and_costs_of_a_cell_are_in_it() -> None:
    cost = Cost()
    for part in get_args(Part):
        cost.add({part: 1.0})
    logged = set(cost.metrics(clips=1, frames=1)) | {f"attention/{name}" for name in ATTENTION}
    assert all(find(name).source == "cell" for name in logged)
    logged |= names_in_code()
    assert [name for name in not_logged(logged, "cell") if not name.startswith("noise/")] == []


def test_what_learned_noise_logs_is_in_it(named: Evaluation) -> None:
    assert isinstance(named.noise, LearnedNoise)
    logged = set(learning_numbers(named.inspection.classes, named.noise.fitted.history))
    logged |= set(noise_metrics(effect_table(named.variant_scores, named.headline)))
    assert all(find(name).source == "cell" for name in logged)
    assert [name for name in not_logged(logged, "cell") if name.startswith("noise/")] == []


def test_every_name_in_the_code_is_in_it() -> None:
    names = {name for name in names_in_code() if "X" not in name}
    assert len(names) > 40
    for name in names:
        find(name)


def test_what_a_sweep_logs_is_in_the_code() -> None:
    assert not_logged(names_in_code(), "sweep") == []


def test_the_columns_of_the_terminal() -> None:
    assert [one.name for one in shown_in("terminal")] == [
        "top1", "top1_clean", "top5", "balanced_accuracy", "macro_f1", "confidence",
        "mask/realised_ratio", "mask/subject_hidden", "mask/nothing_found",
        "mask/too_little_kept", "data/clips",
    ]  # fmt: skip


def test_how_a_scale_reads() -> None:
    assert find("ece").scale == "0 to 1, lower is better"
    assert find("nll").scale == "at least 0, lower is better"
    assert find("bias/amplification").scale == "lower is better"
    assert find("scene/reliance").scale == "−100 to 100"
    assert find("noise/a/top1").explanation == find("noise/a/top1").meaning


def test_a_cell_s_metrics_lie_in_the_stated_ranges() -> None:
    from clip_har.metrics.summary import summarise

    for seed in range(20):
        table, clean = random_table(seed), random_table(seed, noise=1.0)
        reference = random_table(seed, noise=2.0)
        for name, value in summarise(table, clean, reference).items():
            low, high = find(name).range
            assert low - 1e-12 <= value <= high + 1e-12, name


@pytest.mark.slow
def test_all_that_a_real_cell_logs_is_in_it(tmp_path: Path, small_clip: Path) -> None:
    for label in range(3):
        for number in range(2):
            path = tmp_path / "videos" / f"class {label}" / f"{label}_{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_video(path, 6 + label + number)
    done = run_command(
        tmp_path, "dataset=folder", f"dataset.root={tmp_path / 'videos'}", "frames.count=2",
        f"model.checkpoint={small_clip}", "noise=gaussian", "masking=percent", "ratio=0.3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folders = [path for path in (tmp_path / "results" / "cells").iterdir() if path.is_dir()]
    logged = {name for one in folders for name in Result(one).metrics | Result(one).cost}
    assert {"flip_rate", "mask/realised_ratio", "noise/rms", "cost/seconds", "drift"} <= logged
    for name in logged:
        assert find(name).source != "sweep"
