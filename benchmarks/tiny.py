"""Rows 1 and 3 with the tiny CLIP: its forward pass costs little, so the suite's own costs show."""

import math
from functools import partial
from statistics import median

from benchmarks.alike import table_checks
from benchmarks.cells import CELLS, sweep, sweep_results, warm_results
from benchmarks.compare import Row, interleave, medians, ratios
from benchmarks.costs import MANY, TEST_SPLIT
from benchmarks.inputs import Inputs, more_clips
from benchmarks.scripts import bare, script


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure sweeps of two sizes, and work out that of a test split."""
    many = more_clips(inputs, MANY * inputs.count)
    for one in (inputs, many):
        warm_results(one, inputs.tiny)
    starts: list[float] = []
    measures = {
        "bare forward": partial(bare, many, inputs.tiny),
        "sweep, many": partial(sweep, many, inputs.tiny),
        "sweep, few": partial(sweep, inputs, inputs.tiny),
        "script, a clip": partial(script, "user_script", inputs, inputs.tiny, starts),
    }
    found = interleave(measures, rounds)
    checks = table_checks(inputs, inputs.tiny, sweep_results(inputs))
    nine = [CELLS * seconds for seconds in found["bare forward"]]
    large, scripts = [], []
    for number in range(rounds):
        few, more = found["sweep, few"][number], found["sweep, many"][number]
        clip = (more - few) / (many.count - inputs.count)  # under all masks
        whole = few + (TEST_SPLIT - inputs.count) * clip
        large.append(whole if clip > 0 else math.nan)  # else something else was busy
        scripts.append(starts[number] + CELLS * TEST_SPLIT * found["script, a clip"][number])
    nine_large = [seconds * TEST_SPLIT / many.count for seconds in nine]
    details = medians(found) | {"sweep, test split": median(large)}
    name = f"warm sweep, {CELLS} cells, tiny CLIP"
    return [
        Row(
            "1",
            f"{name}, {many.count} clips",
            f"{CELLS} bare forwards",
            ratios(found["sweep, many"], nine),
            goal=1.3,
            details=details,
            checks=checks,
        ),
        Row(
            "1",
            f"the same, {TEST_SPLIT} clips (worked out)",
            f"{CELLS} bare forwards",
            ratios(large, nine_large),
            goal=1.3,
        ),
        Row(
            "3",
            f"{name}, {TEST_SPLIT} clips (worked out)",
            "user's script",
            ratios(large, scripts),
            goal=0.1,
        ),
    ]
