"""Compare within one run: in each round everything is measured in turn; ratios and medians."""

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

Measured = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Check:
    """A comparison of the results themselves: a fast path must not find anything else.

    Attributes:
        what: the compared numbers.
        found: the largest difference.
        allowed: the largest that is allowed; 0 for equal to the bit.
    """

    what: str
    found: float
    allowed: float = 0.0

    @property
    def met(self) -> bool:
        """Whether the results are alike; a difference that is not a number is none."""
        return self.found <= self.allowed

    def __str__(self) -> str:
        return f"{self.what} {self.found:.2g} (≤ {self.allowed:g}){'' if self.met else ' NO'}"


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        number: of the row.
        measured: what is measured.
        against: what it is compared with.
        values: one per round.
        unit: ``×`` for a ratio, ``s`` for seconds; empty for small numbers.
        goal: the largest allowed median, or the smallest with ``at_least``; None without a goal.
        at_least: whether more is better.
        details: other measurements, as medians over the rounds.
        checks: that the results are right.
    """

    number: str
    measured: str
    against: str
    values: Sequence[float]
    unit: str = "×"
    goal: float | None = None
    at_least: bool = False
    details: Mapping[str, float] = field(default_factory=dict)
    checks: Sequence[Check] = ()

    @property
    def middle(self) -> float:
        """Median over the rounds; NaN if the value of one is not known."""
        return math.nan if any(map(math.isnan, self.values)) else median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        return self.middle >= self.goal if self.at_least else self.middle <= self.goal


def interleave(measures: Mapping[str, Callable[[], float]], rounds: int) -> Measured:
    """Measure everything once per round, in turn, so that a slow moment affects all alike.

    Args:
        measures: each measures something once.
        rounds: how often.
    """
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        for name, measure in measures.items():
            found[name].append(measure())
            print(f"  round {number + 1}: {name} {found[name][-1]:.3g}", file=sys.stderr)
    return found


def ratios(of: Sequence[float], to: Sequence[float]) -> list[float]:
    """Return the ratio of each round."""
    return [a / b for a, b in zip(of, to, strict=True)]


def medians(measured: Measured) -> dict[str, float]:
    """Return the median of everything measured."""
    return {name: median(values) for name, values in measured.items()}


def best_of(function: Callable[[], object], repeats: int) -> float:
    """Return the shortest of some runs in seconds; the first run is a warm-up and not counted."""
    function()
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        found.append(time.perf_counter() - started)
    return min(found)


def run(arguments: Sequence[str], *, cache: Path, folder: Path, status: int = 0) -> float:
    """Run a Python command in a folder and return its wall time, seconds.

    It gets no terminal, and uses the cache of the benchmarks.

    Raises:
        RuntimeError: when it ends with another status than the one expected.
    """
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603, our own commands
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"CLIP_HAR_CACHE": str(cache), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode != status:
        raise RuntimeError(
            f"{' '.join(arguments)}: status {done.returncode}\n{done.stderr[-2000:]}"
        )
    return seconds


def peer(name: str, *arguments: str) -> dict[str, float]:
    """Run a peer and return the seconds that it prints, and its ``wall`` time."""
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", f"benchmarks.peers.{name}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{name}: status {done.returncode}\n{done.stderr[-2000:]}")
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds | {"wall": wall}


def machine() -> dict[str, Any]:
    """Return the machine and the versions, which the numbers depend on."""
    import torch
    import transformers

    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "accelerator": str(torch.accelerator.current_accelerator(check_available=True) or "none"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
