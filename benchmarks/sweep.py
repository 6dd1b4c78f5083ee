"""Rows 1 to 4: whole sweeps, compared with the bare forward pass and with users' scripts."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.compare import Measured, Row, interleave, medians, peer, ratios, run
from benchmarks.inputs import Inputs, lay_out

CELLS = 9
_PEER_CELLS = 2  # a peer does the same for each cell: its time for nine is computed from these
_MASKS = ["masking=shape", "masking.shape=square,circle,cross", "ratio=0.1,0.3,0.5"]


def settings(inputs: Inputs, checkpoint: Path, results: Path) -> list[str]:
    """Return the overrides that all cells have in common."""
    return [
        "dataset=folder",
        f"dataset.root={inputs.clips}",
        "model=clip",
        f"model.checkpoint={checkpoint}",
        f"results_dir={results}",
        "device=cpu",
    ]


def warm_results(inputs: Inputs, checkpoint: Path) -> Path:
    """Decode the frames and run the clean twin; return the results folder for sweeps."""
    results = inputs.folder / "warm" / checkpoint.name
    shutil.rmtree(results, ignore_errors=True)
    command = ["-m", "clip_har", *settings(inputs, checkpoint, results)]
    run(command, cache=inputs.cache, folder=inputs.folder)
    return results


def sweep(inputs: Inputs, checkpoint: Path, *more: str) -> float:
    """Run a sweep over nine masks, from the start of the process to its end, seconds."""
    warm = inputs.folder / "warm" / checkpoint.name
    results = inputs.folder / "results"
    shutil.rmtree(results, ignore_errors=True)
    shutil.copytree(warm, results)
    command = ["-m", "clip_har", "-m", *settings(inputs, checkpoint, results), *_MASKS, *more]
    return run(command, cache=inputs.cache, folder=inputs.folder)


def bare(inputs: Inputs, checkpoint: Path) -> float:
    """Return the seconds of the bare forward pass over the frames of one cell."""
    return peer("bare_forward", str(inputs.clips), str(checkpoint))["cell"]


def _whole(name: str, inputs: Inputs, checkpoint: Path, cells: int) -> float:
    """Return the seconds of a peer for nine cells, including its start."""
    found = peer(name, str(inputs.clips), str(checkpoint), "--cells", str(cells))
    start = found["wall"] - found["cells"]
    return start + found["cells"] / cells * CELLS


def _cold(inputs: Inputs, checkpoint: Path, *more: str) -> float:
    """Run one cell without any cache; return its seconds."""
    results, cache = inputs.folder / "cold_results", inputs.folder / "cold_cache"
    for folder in (results, cache):
        shutil.rmtree(folder, ignore_errors=True)
    command = ["-m", "clip_har", *settings(inputs, checkpoint, results), "clean_twin=false"]
    command += ["masking=shape", *more]
    seconds = run(command, cache=cache, folder=inputs.folder)
    shutil.rmtree(cache)
    return seconds


def vit_rows(inputs: Inputs, rounds: int, runtimes: tuple[str, ...]) -> list[Row]:
    """Measure rows 1 to 4 with ViT-B/32."""
    warm_results(inputs, inputs.vit)
    measures: dict[str, Callable[[], float]] = {
        "bare forward": partial(bare, inputs, inputs.vit),
        **{
            f"sweep, {name}": partial(sweep, inputs, inputs.vit, f"model.runtime={name}")
            for name in runtimes
        },
        "cold cell": partial(_cold, inputs, inputs.vit),
        "bare forward again": partial(bare, inputs, inputs.vit),
        "script": partial(_whole, "user_script", inputs, inputs.vit, _PEER_CELLS),
        "script, text once": partial(
            _whole, "user_script_text_once", inputs, inputs.vit, _PEER_CELLS
        ),
        "pipeline": partial(_whole, "pipeline", inputs, inputs.vit, 1),
    }
    return vit_table(interleave(measures, rounds), runtimes)


def vit_table(found: Measured, runtimes: tuple[str, ...]) -> list[Row]:
    """Return rows 1 to 4 from the measurements."""
    forward = [
        (a + b) / 2 for a, b in zip(found["bare forward"], found["bare forward again"], strict=True)
    ]
    nine = [CELLS * seconds for seconds in forward]
    by_runtime = {name: found[f"sweep, {name}"] for name in runtimes}
    others = runtimes[1:]
    fastest = min(others, key=lambda name: median(by_runtime[name]), default=None)
    plain = by_runtime["torch"]
    rows = [
        Row(
            "1",
            "warm sweep, 9 cells, ViT-B/32",
            "9 bare forwards",
            ratios(plain, nine),
            goal=1.05,
            details=medians(found),
        )
    ]
    for name in others:
        against = "9 bare forwards (eager)"
        goal = 0.85 if name == fastest else None
        values = ratios(by_runtime[name], nine)
        rows.append(Row("1", f"the same, runtime={name}", against, values, goal=goal))
    rows += [
        Row(
            "2",
            "cold cell, ViT-B/32",
            "bare forward",
            ratios(found["cold cell"], forward),
            goal=1.15,
        ),
        Row("3", "the same sweep", "user's script", ratios(plain, found["script"]), goal=0.60),
        Row(
            "3",
            "the same sweep",
            "careful user's script (text once)",
            ratios(plain, found["script, text once"]),
        ),
        Row(
            "4", "the same sweep", "zero-shot pipeline", ratios(plain, found["pipeline"]), goal=0.25
        ),
    ]
    if fastest is not None:
        values = ratios(by_runtime[fastest], found["script"])
        what = f"the same sweep, runtime={fastest}"
        rows.append(Row("3", what, "user's script", values, goal=0.50))
    return rows


def tiny_rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure rows 1 and 3 with the tiny CLIP, whose forward pass costs very little.

    It uses six times as many clips: else the start of the process would dominate.
    """
    count = 6 * inputs.count
    inputs = replace(
        inputs, clips=lay_out(inputs.folder, inputs.clips, count, real=inputs.real), count=count
    )
    warm_results(inputs, inputs.tiny)
    measures: dict[str, Callable[[], float]] = {
        "bare forward": partial(bare, inputs, inputs.tiny),
        "sweep": partial(sweep, inputs, inputs.tiny),
        "script": partial(_whole, "user_script", inputs, inputs.tiny, 1),
    }
    found = interleave(measures, rounds)
    nine = [CELLS * seconds for seconds in found["bare forward"]]
    return [
        Row(
            "1",
            f"warm sweep, 9 cells, tiny CLIP, {count} clips",
            "9 bare forwards",
            ratios(found["sweep"], nine),
        ),
        Row(
            "3",
            "the same sweep, tiny CLIP",
            "user's script",
            ratios(found["sweep"], found["script"]),
            goal=0.1,
            details=medians(found),
        ),
    ]
