"""The commands of the benchmarks: warm sweeps and cold cells, in processes of their own."""

import shutil
import time
from pathlib import Path

from benchmarks.compare import run
from benchmarks.inputs import Inputs

CELLS = 9
RATIO = 0.25
"""Hidden share whose square has a whole number of pixels as its side, for plain scripts."""
_SHAPES, _RATIOS = ("square", "circle", "cross"), (0.1, RATIO, 0.5)


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


def masks(cells: int) -> list[str]:
    """Return the overrides of 1 or `CELLS` masks."""
    shapes, ratios = (_SHAPES, _RATIOS) if cells == CELLS else (_SHAPES[:1], (RATIO,))
    shown = ",".join(f"{ratio:g}" for ratio in ratios)
    return ["masking=shape", f"masking.shape={','.join(shapes)}", f"ratio={shown}"]


def _warm_folder(inputs: Inputs, checkpoint: Path) -> Path:
    return inputs.folder / "warm" / f"{checkpoint.name}{inputs.count}"


def warm_results(inputs: Inputs, checkpoint: Path) -> Path:
    """Decode the frames and run the clean twin; return the results folder for sweeps."""
    results = _warm_folder(inputs, checkpoint)
    shutil.rmtree(results, ignore_errors=True)
    command = ["-m", "clip_har", *settings(inputs, checkpoint, results)]
    run(command, cache=inputs.cache, folder=inputs.folder)
    return results


def sweep(
    inputs: Inputs,
    checkpoint: Path,
    *more: str,
    cells: int = CELLS,
    ends: list[float] | None = None,
) -> float:
    """Run a warm sweep, from the start of the process to its end, seconds.

    Args:
        inputs: the clips; `warm_results` was called for them.
        checkpoint: the model.
        more: further overrides.
        cells: 1 or `CELLS` masks.
        ends: gets the seconds from the end of the last cell to the end of the process.
    """
    results = sweep_results(inputs)
    shutil.rmtree(results, ignore_errors=True)
    shutil.copytree(_warm_folder(inputs, checkpoint), results)
    command = ["-m", "clip_har", "-m", *settings(inputs, checkpoint, results), *masks(cells)]
    seconds = run([*command, *more], cache=inputs.cache, folder=inputs.folder)
    if ends is not None:
        ended = time.time()
        (folder,) = (results / "sweeps").iterdir()
        ends.append(ended - max(path.stat().st_mtime for path in folder.glob("*/outcome.json")))
    return seconds


def sweep_results(inputs: Inputs) -> Path:
    """Return the results folder of the last sweep."""
    return inputs.folder / "results"


def cold(inputs: Inputs, checkpoint: Path, *more: str) -> float:
    """Run one cell without any cache; return its seconds."""
    results, cache = inputs.folder / "cold_results", inputs.folder / "cold_cache"
    for folder in (results, cache):
        shutil.rmtree(folder, ignore_errors=True)
    command = ["-m", "clip_har", *settings(inputs, checkpoint, results), "clean_twin=false"]
    command += [*masks(1), *more]
    seconds = run(command, cache=cache, folder=inputs.folder)
    shutil.rmtree(cache)
    return seconds
