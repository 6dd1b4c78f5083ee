"""Rows 1 to 4: whole sweeps with ViT-B/32, beside bare forward passes and beside users' scripts.

On a CPU the suite's own costs and the forward passes use the same cores, so that their times add
up. The forward passes of a test split would take hours: they are counted from a few clips. A sweep
of few clips is measured as a whole, too, and shows whether the sum is right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.alike import table_checks
from benchmarks.cells import CELLS, cold, sweep, sweep_results, warm_results
from benchmarks.compare import Check, Measured, Row, interleave, medians, ratios
from benchmarks.costs import MANY, TEST_SPLIT, Costs, costs, measures
from benchmarks.inputs import Inputs, more_clips
from benchmarks.scripts import bare, script
from benchmarks.towers import Towers, Way, has_fast_bf16, measure
from clip_har.models.runtime import Runtime

_EAGER = Way("torch", "fp32")
_SHARE = 4  # a sweep that is measured as a whole has so many times fewer clips
_SCRIPTS = {
    "user_script": "user's script",
    "user_script_text_once": "careful user's script (text once)",
    "open_clip_loop": "open_clip's zero-shot loop",
    "data_loader": "PyTorch DataLoader with worker processes",
    "pipeline": "zero-shot pipeline",
}
_GOALS = {"user_script": 0.6, "pipeline": 0.25}


@dataclass(frozen=True)
class Found:
    """All measurements.

    Attributes:
        seconds: by what was measured, one per round.
        own: the suite's own costs, one per round.
        starts: of each script, one per round.
        ends: of a sweep, one per round.
        towers: forward passes by runtime and precision.
        clips: of the sizes, few and whole: the costs' and the cold cell's, and the whole sweeps'.
    """

    seconds: Measured
    own: Sequence[Costs]
    starts: Mapping[str, Sequence[float]]
    ends: Sequence[float]
    towers: Towers
    clips: tuple[int, int]


def ways(runtimes: Sequence[Runtime], *, bf16: bool) -> list[Way]:
    """Return the ways to run the tower that are measured, eager fp32 first."""
    found = [Way(runtime, "fp32") for runtime in runtimes]
    if bf16:
        found += [Way(name, "bf16") for name in runtimes if name in ("torch", "compile")]
    return [_EAGER, *(way for way in found if way != _EAGER)]


def rows(inputs: Inputs, rounds: int, runtimes: Sequence[Runtime]) -> list[Row]:
    """Measure rows 1 to 4."""
    few = more_clips(inputs, max(inputs.count // _SHARE, 2))
    warm_results(few, inputs.vit)
    ends: list[float] = []
    starts: dict[str, list[float]] = {name: [] for name in _SCRIPTS}
    bf16 = has_fast_bf16()
    measured: dict[str, Callable[[], float]] = {
        "bare forward": partial(bare, inputs, inputs.vit),
        **measures(inputs, ends),
        "cold cell": partial(cold, inputs, inputs.vit),
        "sweep": partial(sweep, few, inputs.vit),
        **{name: partial(script, name, few, inputs.vit, starts[name]) for name in _SCRIPTS},
        "bare forward again": partial(bare, inputs, inputs.vit),
    }
    if bf16:
        measured["sweep, bf16"] = partial(sweep, few, inputs.vit, "precision=bf16")
    seconds = interleave(measured, rounds)
    checks = table_checks(few, inputs.vit, _swept(few))
    found = Found(
        seconds,
        costs(seconds, inputs.count),
        starts,
        ends,
        measure(inputs, ways(runtimes, bf16=bf16)),
        (inputs.count, few.count),
    )
    return table(found, checks)


def _swept(inputs: Inputs) -> Path:
    """Run the sweep once more, in fp32, for its score tables."""
    sweep(inputs, inputs.vit, cells=1)
    return sweep_results(inputs)


def table(found: Found, checks: Sequence[Check] = ()) -> list[Row]:
    """Return rows 1 to 4 from the measurements."""
    seconds, (clips, few) = found.seconds, found.clips
    forward = [
        (a + b) / 2 / clips
        for a, b in zip(seconds["bare forward"], seconds["bare forward again"], strict=True)
    ]
    whole = CELLS * TEST_SPLIT
    nine = [whole * one for one in forward]
    passes = {name: share(found.towers, name) for name in found.towers.seconds}
    own = [cost.seconds(TEST_SPLIT) for cost in found.own]

    def worked_out(way: str) -> list[float]:
        ratio, compiling = median(passes[way]), found.towers.first[way]
        return [mine + compiling + ratio * bare for mine, bare in zip(own, nine, strict=True)]

    eager = worked_out(str(_EAGER))
    large = f"warm sweep, {CELLS} cells, ViT-B/32, {TEST_SPLIT} clips (worked out)"
    against = f"{CELLS} bare forwards (eager fp32)"
    sizes = f"{clips} and {MANY * clips} clips"
    made = [
        Row(
            "1", f"own cost of a sweep's start and end, from {sizes}", "–", _of(found, "start"), "s"
        ),
        Row("1", "own cost of a cell", "–", _of(found, "cell"), "s"),
        Row("1", "own cost of a clip of a cell", "–", [1e3 * s for s in _of(found, "clip")], "ms"),
        Row("1", f"end of a sweep of {CELLS} cells", "–", found.ends, unit="s", goal=1.5),
        Row("1", large, against, ratios(eager, nine), goal=1.01, details=medians(seconds)),
    ]
    for way in list(passes)[1:]:
        check = [found.towers.checks[way]]
        goal = 0.93 if way == str(Way("compile", "fp32")) else None
        made += [
            Row("1", f"forward pass, {way}", "eager fp32", passes[way], checks=check),
            Row("1", f"the same sweep, {way}", against, ratios(worked_out(way), nine), goal=goal),
        ]
    summed = [
        cost.seconds(few) + CELLS * few * one for cost, one in zip(found.own, forward, strict=True)
    ]
    made += [
        Row(
            "1",
            f"warm sweep, {CELLS} cells, {few} clips",
            "what its costs add up to",
            ratios(seconds["sweep"], summed),
            checks=checks,
        ),
        Row(
            "2",
            f"cold cell, ViT-B/32, {clips} clips",
            "bare forward",
            ratios(seconds["cold cell"], [clips * one for one in forward]),
            goal=1.2,
        ),
    ]
    for name, shown in _SCRIPTS.items():
        per_clip = zip(found.starts[name], seconds[name], strict=True)
        script_seconds = [start + whole * clip for start, clip in per_clip]
        number = "4" if name == "pipeline" else "3"
        goal = _GOALS.get(name)
        made.append(Row(number, large, shown, ratios(eager, script_seconds), goal=goal))
        way = str(Way("torch", "bf16"))
        if name == "user_script" and way in passes:
            values = ratios(worked_out(way), script_seconds)
            made.append(Row("3", "the same, precision=bf16", f"{shown}, fp32", values, goal=0.35))
    return made


def share(towers: Towers, way: str) -> list[float]:
    """Return the ratios of a way's batches to those of eager fp32."""
    return ratios(towers.seconds[way], towers.seconds[str(_EAGER)])


def _of(found: Found, part: str) -> list[float]:
    return [float(getattr(cost, part)) for cost in found.own]
