"""Row 11: several processes on the cores: workers of one sweep, and somebody else's work."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks.cells import sweep, warm_results
from benchmarks.compare import Row, interleave, medians, ratios
from benchmarks.inputs import Inputs, more_clips

_SHARE = 4  # so many times fewer clips: each is shown 18 times


def row(inputs: Inputs, rounds: int) -> Row:
    """Compare a sweep over joblib's workers with the same sweep in one process."""
    few = more_clips(inputs, max(inputs.count // _SHARE, 2))
    warm_results(few, inputs.vit)
    workers = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    found = interleave(
        {
            "one process": partial(sweep, few, inputs.vit),
            "two workers": partial(sweep, few, inputs.vit, *workers),
        },
        rounds,
    )
    return Row(
        "11",
        f"9 cells of {few.count} clips, 2 joblib workers",
        "1 process with all threads",
        ratios(found["two workers"], found["one process"]),
        goal=1.0,
        details=medians(found),
    )


def shared_row(inputs: Inputs, rounds: int) -> Row:
    """Compare a sweep while each core has another busy process with the same sweep alone."""
    warm_results(inputs, inputs.tiny)

    def beside() -> float:
        with busy(os.cpu_count() or 1):
            return sweep(inputs, inputs.tiny)

    found = interleave({"alone": partial(sweep, inputs, inputs.tiny), "shared": beside}, rounds)
    return Row(
        "11",
        f"9 cells of {inputs.count} clips, tiny CLIP, another busy process on each core",
        "the same alone (a fair share: 2)",
        ratios(found["shared"], found["alone"]),
        goal=2.5,
        details=medians(found),
    )


@contextmanager
def busy(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep some processes busy meanwhile, and yield them."""
    script = "while True: pass"
    processes = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(count)]  # noqa: S603
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()
