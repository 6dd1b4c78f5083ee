"""Row 12: how long a user waits for the help text, and for the message about a mistake."""

import shutil
from functools import partial

from benchmarks.compare import Row, interleave, run
from benchmarks.inputs import Inputs


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure the whole process for ``--help`` and for two kinds of wrong options."""
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
        Row("12", name, "–", values, unit="s", goal=goals[name]) for name, values in found.items()
    ]
