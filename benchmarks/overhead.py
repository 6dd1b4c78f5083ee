"""Rows 9, 10 and 13: a cell without the model, memory for more clips, a report of many cells."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.compare import ROOT, Row, medians, run
from benchmarks.inputs import ACTIONS, Inputs, lay_out
from tests.report.made import made_cell, made_sweep, table

_CLIPS, _CLASSES = 3783, 101  # UCF-101's test split 1
_CELLS = 4
_REPORTED = 200  # cells
THINGS = ("ball", "barbell", "chair", "cup", "football", "ladder", "mop", "ring")


def overhead_row(inputs: Inputs, rounds: int) -> Row:
    """Measure the time of a cell without reading, masking and forward passes.

    Each clip is one frame, since only the number of clips counts; the tiny CLIP classifies them.
    """
    table = _table(inputs)
    results = inputs.folder / "overhead"
    common = [
        "dataset=manifest",
        f"dataset.path={table}",
        "dataset.root=/",
        f"results_dir={results}",
        "frames.sampler=middle",
        "device=cpu",
    ]
    shutil.rmtree(results, ignore_errors=True)
    run(["-m", "clip_har", *common], cache=inputs.cache, folder=inputs.folder)
    values, details = [], []
    for number in range(rounds):
        # The first cell loads everything and is not counted.
        shutil.rmtree(results / "sweeps", ignore_errors=True)
        ratios = ",".join(f"{0.1 + 0.1 * cell + 0.001 * number:.3f}" for cell in range(_CELLS + 1))
        command = ["-m", "clip_har", "-m", *common, "masking=percent", f"ratio={ratios}"]
        run(command, cache=inputs.cache, folder=inputs.folder)
        (sweep,) = (results / "sweeps").iterdir()
        ends = [(sweep / str(job) / "outcome.json").stat().st_mtime for job in range(_CELLS + 1)]
        costs = [_cost(sweep / str(job)) for job in range(1, _CELLS + 1)]
        between = (ends[-1] - ends[0]) / _CELLS
        values.append(between - sum(c["model"] + c["mask"] for c in costs) / _CELLS)
        details.append({"metrics": median(c["metrics"] for c in costs), "whole": between})
    return Row(
        "9",
        f"overhead per cell, {_CLIPS} clips, {_CLASSES} classes, figures included",
        "–",
        values,
        unit="s",
        goal=0.3,
        details=medians({name: [one[name] for one in details] for name in details[0]}),
    )


def _cost(job: Path) -> dict[str, float]:
    outcome = json.loads((job / "outcome.json").read_text(encoding="utf-8"))
    cost = json.loads((Path(outcome["folder"]) / "cost.json").read_text(encoding="utf-8"))
    return {part: cost.get(f"cost/{part}_seconds", 0.0) for part in ("model", "mask", "metrics")}


def _table(inputs: Inputs) -> Path:
    """Write a table with the number of clips and classes of UCF-101's first test split."""
    path = inputs.folder / f"{inputs.clips.name}.csv"
    if path.is_file():
        return path
    videos = sorted(lay_out(inputs.folder, inputs.clips, 101, real=inputs.real).glob("*/*"))
    names = [f"{action} {thing}" for action in ACTIONS for thing in THINGS]
    lines = ["path,label,group,start"]
    for number in range(_CLIPS):
        name = names[number % _CLASSES]
        video = videos[number % len(videos)]
        start = 0.05 * (number // len(videos))  # seconds; one clip for each
        lines.append(f"{str(video).lstrip('/')},{name},g{number % 707:03d},{start:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def report_row(inputs: Inputs, rounds: int) -> Row:
    """Measure a report of many cells with answers that are made, not those of a model."""
    results = inputs.folder / "report"
    shutil.rmtree(results, ignore_errors=True)
    names = tuple(f"class {number}" for number in range(_CLASSES))
    of_ucf101 = partial(table, names=names, clips=_CLIPS, groups=7 * _CLASSES)
    clean = of_ucf101(0.7)
    cells = {"none": made_cell(results, "clean", clean, "masking=none")}
    for number in range(_REPORTED - 1):
        ratio, seed = 0.1 * (1 + number % 5), number // 5
        name = f"percent r={ratio:g} seed={seed}"
        answers = of_ucf101(0.7 - ratio / 2, seed=number, ratio=ratio)
        overrides = ("masking=percent", f"ratio={ratio:g}", f"seed={seed}")
        cells[name] = made_cell(results, name, answers, *overrides, clean=clean)
    sweep = made_sweep(results, cells)
    command = ["-m", "clip_har.cli.report", str(sweep), "--clips", "0"]
    values = [run(command, cache=inputs.cache, folder=inputs.folder) for _ in range(rounds)]
    shutil.rmtree(results)
    title = f"a report of {_REPORTED} cells, {_CLIPS} clips, {_CLASSES} classes"
    return Row("13", title, "–", values, unit="s", goal=12)


def memory_rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Compare the peak memory of a cell with that of one with ten times the clips.

    The system also counts pages of the frame store that are mapped, and takes them back when it
    needs them. So a second row counts the process's own memory alone, where that can be told.
    """
    few = max(inputs.count // 2, 10)
    peaks: dict[int, list[_Peak]] = {few: [], 10 * few: []}
    for _ in range(rounds):
        for count, found in peaks.items():
            found.append(_peak(inputs, count))
    made = []
    for what, kind, goal in (
        ("peak memory", "all", None),
        ("peak memory without pages of mapped files", "own", 1.05),
    ):
        taken = {
            count: [getattr(peak, kind) for peak in found if getattr(peak, kind)]
            for count, found in peaks.items()
        }
        if not all(taken.values()):
            continue
        made.append(
            Row(
                "10",
                f"{what}, {10 * few} clips",
                f"{few} clips",
                [b / a for a, b in zip(taken[few], taken[10 * few], strict=True)],
                goal=goal,
                details=medians({f"MB, {count} clips": found for count, found in taken.items()}),
            )
        )
    return made


@dataclass(frozen=True)
class _Peak:
    """The peak memory of a process, 10⁶ bytes.

    Attributes:
        all: as the system counts it.
        own: without pages of mapped files; 0 if it cannot be told.
    """

    all: float
    own: float


_WATCH = """
import pathlib, re, resource, subprocess, sys, time

child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
status, own = pathlib.Path(f"/proc/{child.pid}/status"), 0
while child.poll() is None:
    if status.exists() and (found := re.search(r"RssAnon:\\s+(\\d+)", status.read_text())):
        own = max(own, int(found[1]))
    time.sleep(0.005)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, own)
sys.exit(child.returncode)
"""


def _peak(inputs: Inputs, count: int) -> _Peak:
    """Return the peak memory of a cell with the tiny CLIP."""
    clips = lay_out(inputs.folder, inputs.clips, count, real=inputs.real)
    results = inputs.folder / "memory"
    shutil.rmtree(results, ignore_errors=True)
    command = [
        *[sys.executable, "-m", "clip_har", "dataset=folder", f"dataset.root={clips}"],
        *[f"results_dir={results}", f"cache_dir={inputs.cache}", "masking=percent", "device=cpu"],
    ]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _WATCH, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    highest, own = map(int, done.stdout.split())
    return _Peak(highest * (1 if sys.platform == "darwin" else 1024) / 1e6, own * 1024 / 1e6)
