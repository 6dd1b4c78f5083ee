"""Row 11: two processes with one thread each, compared with one process with two."""

import shutil
from functools import partial

from benchmarks.compare import Row, interleave, medians, ratios, run
from benchmarks.inputs import Inputs
from benchmarks.sweep import settings, warm_results


def row(inputs: Inputs, rounds: int) -> Row:
    """Compare a sweep over joblib's workers with the same sweep in one process."""
    warm_results(inputs, inputs.vit)

    def sweep(*launcher: str) -> float:
        results = inputs.folder / "results"
        shutil.rmtree(results, ignore_errors=True)
        shutil.copytree(inputs.folder / "warm" / inputs.vit.name, results)
        command = ["-m", "clip_har", "-m", *settings(inputs, inputs.vit, results)]
        command += ["masking=shape", "ratio=0.1,0.2,0.3,0.4", *launcher]
        return run(command, cache=inputs.cache, folder=inputs.folder)

    workers = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    found = interleave(
        {"one process": partial(sweep), "two workers": partial(sweep, *workers)}, rounds
    )
    values = ratios(found["two workers"], found["one process"])
    return Row(
        "11",
        "4 cells, 2 joblib workers",
        "1 process with 2 threads",
        values,
        goal=1.0,
        details=medians(found),
    )
