"""Row 12: how long a user waits: for the help text, for a message about a mistake, for a cell."""

import shutil
from functools import partial

from benchmarks.cells import masks, settings, warm_results
from benchmarks.compare import Row, interleave, medians, ratios, run
from benchmarks.inputs import Inputs, more_clips

_CLIPS = 20
_IMPORTS = "import torch; from transformers import CLIPModel"


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure the whole process for ``--help``, for two kinds of wrong options, and for a cell."""
    start = partial(run, cache=inputs.cache, folder=inputs.folder)
    measures = {
        "--help": lambda: start(["-m", "clip_har", "--help"]),
        "wrong option": lambda: start(["-m", "clip_har", "masking=shap"], status=1),
        "wrong value": lambda: start(["-m", "clip_har", "ratio=7"], status=1),
    }
    found = interleave(measures, max(rounds, 5))
    goals = {"--help": 1.5, "wrong option": 2.0, "wrong value": 2.0}
    shutil.rmtree(inputs.folder / "outputs", ignore_errors=True)
    return [
        *(
            Row("12", name, "–", values, unit="s", goal=goals[name])
            for name, values in found.items()
        ),
        _cell_row(inputs, max(rounds, 3)),
    ]


def _cell_row(inputs: Inputs, rounds: int) -> Row:
    """Compare a warm cell, with its tracking, with the imports that nobody can do without."""
    few = more_clips(inputs, _CLIPS)
    warm = warm_results(few, inputs.tiny)
    results = inputs.folder / "results"

    def cell() -> float:
        shutil.rmtree(results, ignore_errors=True)
        shutil.copytree(warm, results)
        command = ["-m", "clip_har", *settings(few, inputs.tiny, results), *masks(1)]
        return run(command, cache=inputs.cache, folder=inputs.folder)

    def imports() -> float:
        return run(["-c", _IMPORTS], cache=inputs.cache, folder=inputs.folder)

    found = interleave({"cell": cell, "imports": imports}, rounds)
    return Row(
        "12",
        f"warm cell, {_CLIPS} clips, tiny CLIP, with tracking, command to end",
        "importing torch and transformers' CLIP",
        ratios(found["cell"], found["imports"]),
        goal=1.4,
        details=medians(found),
    )
