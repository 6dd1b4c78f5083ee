"""The cost of a cell: the time of each part, its speed, and its memory."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

Part = Literal["load", "decode", "regions", "mask", "model", "noise", "attention", "metrics"]
"""Loading the model and the classes; decoding what is not in the frame store; finding the regions
that are not in the cache; reading and masking frames; forward passes; learning noise and showing
clips with it; measuring attention; computing and writing the results."""


class Cost:
    """A stopwatch for each part of a cell; parts do not overlap."""

    def __init__(self) -> None:
        self.seconds: dict[Part, float] = {}

    @contextmanager
    def of(self, part: Part) -> Iterator[None]:
        """Add the time of the block to a part."""
        started = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - started
            self.seconds[part] = self.seconds.get(part, 0.0) + passed

    def add(self, seconds: Mapping[Part, float]) -> None:
        """Add time that was measured elsewhere, such as by the shards of a cell."""
        for part, spent in seconds.items():
            self.seconds[part] = self.seconds.get(part, 0.0) + spent

    def metrics(self, *, clips: int, frames: int) -> dict[str, float]:
        """Return the numbers under their MLflow names.

        ``cost/clips_per_second`` and ``cost/frames_per_second`` are the speed of masking and the
        forward passes. They are left out for learned noise, whose time includes learning
        and controls. The times of all shards are added, even if they ran at the same time.
        ``cost/<part>_seconds``: see `Part`. ``cost/peak_memory_mb`` is the peak memory of the
        process so far in 10⁶ bytes, including cells that it ran before; with CUDA also
        ``cost/peak_device_memory_mb``.

        Args:
            clips: number of evaluated clips.
            frames: number of their frames.
        """
        import torch  # imported here: a report only needs the names of the parts

        found = {f"cost/{part}_seconds": seconds for part, seconds in self.seconds.items()}
        found["cost/seconds"] = sum(self.seconds.values())
        passing = self.seconds.get("mask", 0.0) + self.seconds.get("model", 0.0)
        if passing > 0:
            found["cost/clips_per_second"] = clips / passing
            found["cost/frames_per_second"] = frames / passing
        if (peak := _peak_memory()) is not None:
            found["cost/peak_memory_mb"] = peak / 1e6
        if torch.cuda.is_available() and (held := torch.cuda.max_memory_allocated()):
            found["cost/peak_device_memory_mb"] = held / 1e6
        return found


def _peak_memory() -> int | None:
    """Return the peak memory of the process in bytes; None if the system does not report it."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
