"""What a cell costs: where its time goes, how fast clips pass, how much memory it takes."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

Part = Literal["load", "decode", "regions", "mask", "model", "noise", "attention", "metrics"]
"""Loading the model and the classes; decoding what the frame store lacks; finding the regions that
are not kept; reading frames and hiding parts of them; showing them to the model; learning noise and
showing clips with it; measuring attention; computing and writing the results."""


class Cost:
    """A stopwatch for each part of a cell; parts do not overlap."""

    def __init__(self) -> None:
        self.seconds: dict[Part, float] = {}

    @contextmanager
    def of(self, part: Part) -> Iterator[None]:
        """Count the time within to a part."""
        started = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - started
            self.seconds[part] = self.seconds.get(part, 0.0) + passed

    def add(self, seconds: Mapping[Part, float]) -> None:
        """Count what was spent elsewhere: by the shards of a cell."""
        for part, spent in seconds.items():
            self.seconds[part] = self.seconds.get(part, 0.0) + spent

    def metrics(self, *, clips: int, frames: int) -> dict[str, float]:
        """Return the numbers under their MLflow names.

        ``cost/clips_per_second`` and ``cost/frames_per_second`` are of what every cell does anew:
        hiding and the model; left out for learned noise, whose time is learning and controls, too.
        The time of shards is in it, also where they ran side by side.
        ``cost/<part>_seconds``, see `Part`; ``cost/peak_memory_mb`` is the most that the process
        had held so far, 10⁶ bytes, other cells that it ran before included; with CUDA
        ``cost/peak_device_memory_mb`` likewise.

        Args:
            clips: that were evaluated.
            frames: of them.
        """
        import torch  # here, since a report that only names the parts has no use for it

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
    """Return the most memory that the process held so far, bytes; None where no one tells."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
