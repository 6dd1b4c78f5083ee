"""Finished cells that no model ran for: the folders as a sweep leaves them, answers as planted."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf
from PIL import Image

from clip_har.config.compose import cell_from_config
from clip_har.core.checksum import write_manifest
from clip_har.metrics.summary import summarise
from clip_har.results.files import CONFIG, METRICS, METRICS_CODE, SCORES, write_json
from clip_har.results.measured import Measured
from clip_har.results.result import Result, metrics_code
from clip_har.results.score_table import OWN_SCENE, ScoreTable
from clip_har.results.sweep import Outcome, Sweep
from tests.config.test_cell import composed

NAMES = tuple(f"class {number}" for number in range(8))


def varies(name: str) -> dict[str, Any]:
    """Return what varies of a cell with a name, such as ``shape r=0.3 dataset.seed=1``."""
    words = name.split(" [")[0].split()
    found: dict[str, Any] = {"masking": " ".join(word for word in words if "=" not in word)}
    for key, value in (word.split("=") for word in words if "=" in word):
        found.update({"ratio": float(value)} if key == "r" else {key: value})
    return found


def table(
    accuracy: float,
    *,
    names: tuple[str, ...] = NAMES,
    clips: int = 160,
    groups: int = 20,
    seed: int = 0,
    ratio: float = 0.0,
) -> ScoreTable:
    """Return answers, a share of which is right: the same clips whatever the accuracy."""
    draws = np.random.default_rng(seed)
    labels = np.arange(clips) % len(names)
    lots, others = draws.random(clips), draws.integers(1, max(len(names), 2), clips)
    answers = np.where(lots < accuracy, labels, (labels + others) % len(names))
    scores = draws.normal(size=(clips, len(names))).astype(np.float32)
    scores[np.arange(clips), answers] = scores.max(axis=1) + 1
    unknown = np.full(clips, np.nan)
    return ScoreTable(
        class_names=names,
        clip_ids=tuple(f"clip {number}" for number in range(clips)),
        groups=tuple(f"g{number % groups}" for number in range(clips)),
        labels=labels,
        scores=scores,
        mask_ratio=np.full(clips, ratio),
        subject_hidden=unknown,
        subject_found=unknown,
        background_kept=unknown,
        native_black=np.zeros(clips),
        video_hidden=np.zeros(clips),
        tokens_hidden=np.zeros(clips),
        tokens_partly=np.zeros(clips),
        feature_hidden=unknown,
        feature_frames=unknown,
        noise_rms=np.zeros(clips),
        noise_largest=np.zeros(clips),
        scene_labels=np.full(clips, OWN_SCENE),
    )


def made_cell(
    results: Path,
    name: str,
    answers: ScoreTable,
    *overrides: str,
    clean: ScoreTable | None = None,
    leaks: bool = False,
    **protocol: Any,
) -> Path:
    """Write the folder of a finished cell; ``clean`` is the table of the cell ``clean``."""
    folder = results / "cells" / name.replace(" ", "_").replace("/", "-")
    folder.mkdir(parents=True)
    config = composed(*overrides)
    cell = cell_from_config(config)
    OmegaConf.save(config, folder / "config.yaml", resolve=True)
    answers.write(folder / SCORES)
    counts = {"data/clips": float(len(answers.clip_ids)), "data/failed_clips": 0.0}
    write_json(folder / METRICS, summarise(answers, clean) | counts)
    described = {
        "data": "made",
        "data_caution": "",
        "model": cell.model.model_dump(mode="json"),
        "masking": {"kind": type(cell.masking).__name__, **cell.masking.model_dump(mode="json")},
        "noise": {"kind": type(cell.noise).__name__},
        "region": {"kind": type(cell.region).__name__ if cell.finds_regions else "NoRegion"},
        "seed": cell.seed,
        "varies": varies(name),
        "clips_failed": 0,
        "counted": {},
        "uses_true_label_at_test_time": leaks,
        "command": "python -m clip_har " + " ".join(overrides),
        "clean_twin": None if clean is None else "clean",
        **protocol,
    }
    write_json(folder / "protocol.json", described)
    write_json(folder / "environment.json", {"python": "3.x"})
    Image.new("RGB", (60, 40), "#336699").save(folder / "masked_clips.png")
    write_manifest(folder, {METRICS_CODE: metrics_code()})
    return folder


def noted(folder: Path, measured: Measured) -> None:
    """Note in a cell's manifest what its numbers were measured with."""
    write_manifest(folder, {METRICS_CODE: metrics_code(), **measured.facts()})


def made_sweep(
    results: Path,
    cells: Mapping[str, Path | str],
    *,
    asked: int | None = None,
    name: str = "a sweep",
    named: Mapping[str, Mapping[str, Any]] | None = None,
    jobs: Mapping[str, tuple[str, ...]] | None = None,
    date: str = "2026-01-01_00-00-00",
) -> Path:
    """Write the folder of a sweep: by name a cell's folder, or why it failed.

    What varies is read from the names where it is not given by ``named``. The overrides of a job
    are those of its cell where they are not given by ``jobs``.
    """
    folder = results / "sweeps" / date
    cells_asked = asked or len(cells)
    Sweep(parent=None, varying=(), cells=cells_asked, name=name, typed_in=".").write(folder)
    for number, (cell, found) in enumerate(cells.items()):
        done = isinstance(found, Path)
        outcome = Outcome(
            varies=varies(cell) if named is None else named[cell],
            notes=(),
            state="finished" if done else "failed",
            folder=str(found) if done else None,
            error=None if done else str(found),
            seconds=1.0,
            twin_seconds=0.0,
            command=f"python -m clip_har {cell}",
        )
        config: Any = OmegaConf.create()
        if isinstance(found, Path) and (found / CONFIG).is_file():
            config = OmegaConf.load(found / CONFIG)
            outcome = replace(outcome, command=Result(found).command)
        if jobs is not None and cell in jobs:
            config, outcome = composed(*jobs[cell]), replace(outcome, command=" ".join(jobs[cell]))
        outcome.write(folder / str(number), config)
    return folder


def usual(results: Path, names: tuple[str, ...] = NAMES) -> Path:
    """Write a sweep of a clean cell and two strategies at three ratios; shape costs most."""
    clean = table(0.9, names=names)
    cells: dict[str, Path | str] = {"none": made_cell(results, "clean", clean, "masking=none")}
    for strategy, falls in {"percent": 0.1, "shape": 1.2}.items():
        for ratio in (0.1, 0.3, 0.5):
            answers = table(0.9 - falls * ratio, names=names, ratio=ratio)
            name = f"{strategy} r={ratio:g}"
            cells[name] = made_cell(
                results, name, answers, f"masking={strategy}", f"ratio={ratio}", clean=clean
            )
    return made_sweep(results, cells)
