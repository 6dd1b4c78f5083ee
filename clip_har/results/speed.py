"""How fast earlier cells ran: what a plan estimates its times from."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from clip_har.config.cell import Cell
from clip_har.core.errors import ClipHarError
from clip_har.results.costs import Part
from clip_har.results.files import COST, PROTOCOL, read_json

_NEWEST = 200  # cells that are read
_MADE = 1e-3  # seconds a clip: faster, and nothing was decoded or located, only read
_PASSING: tuple[Part, ...] = ("mask", "model")
_ONCE: tuple[Part, ...] = ("decode", "regions", "noise")  # parts that most cells find in the cache


@dataclass(frozen=True)
class Speed:
    """The speed of earlier cells of one model; None for what no earlier cell shows.

    Attributes:
        cells: the number of earlier cells.
        frames_per_second: through mask and model.
        decode: seconds to decode a clip.
        regions: seconds to locate a target in a clip.
        rest: seconds of a cell for all other parts, such as its measures.
    """

    cells: int = 0
    frames_per_second: float | None = None
    decode: float | None = None
    regions: float | None = None
    rest: float = 0.0


def earlier_speed(results_dir: Path, cell: Cell) -> Speed:
    """Return how fast the newest earlier cells of a cell's model ran.

    Only cells with the same weights, precision, input size and runtime count, and with
    ``device=…`` those of the same device. Decoding and locating count once for many cells, so the
    slowest cell is the one that did it.

    Args:
        results_dir: the folder of all results.
        cell: the checked settings.
    """
    found = [cost for card, cost in _newest(results_dir) if _is_like(card, cell)]
    passed = [(_seconds(cost, _PASSING), cost.get("cost/frames_per_second")) for cost in found]
    timed = [(seconds, speed * seconds) for seconds, speed in passed if speed and seconds]
    rest = [
        cost["cost/seconds"] - _seconds(cost, _PASSING + _ONCE)
        for cost in found
        if "cost/seconds" in cost
    ]
    return Speed(
        cells=len(found),
        frames_per_second=sum(frames for _, frames in timed) / sum(s for s, _ in timed)
        if timed
        else None,
        decode=_slowest(found, "decode"),
        regions=_slowest(found, "regions"),
        rest=median(rest) if rest else 0.0,
    )


def _newest(results_dir: Path) -> Iterable[tuple[dict[str, Any], dict[str, float]]]:
    """Yield protocol card and cost of the newest cells."""
    paths = [(path.stat().st_mtime, path) for path in (results_dir / "cells").glob(f"*/{COST}")]
    for _, path in sorted(paths, reverse=True)[:_NEWEST]:
        try:
            yield read_json(path.with_name(PROTOCOL)), read_json(path)
        except (OSError, ClipHarError):  # damaged: it says nothing
            continue


def _is_like(card: dict[str, Any], cell: Cell) -> bool:
    same = {
        "weights_digest": cell.model.weights_digest(),
        "precision": cell.precision,
        "input_size": cell.model.image_size(),
    }
    if cell.device != "auto":
        same["device"] = cell.device
    alike = all(card.get(key) == value for key, value in same.items())
    return alike and card.get("model", {}).get("runtime") == cell.model.runtime


def _seconds(cost: dict[str, float], parts: Iterable[Part]) -> float:
    return sum(cost.get(f"cost/{part}_seconds", 0.0) for part in parts)


def _slowest(found: list[dict[str, float]], part: Part) -> float | None:
    """Return the most seconds that a cell spent on a part of each clip; None if none did it."""
    spent = []
    for cost in found:
        passing = _seconds(cost, _PASSING)
        clips = cost.get("cost/clips_per_second", 0.0) * passing
        if clips:
            spent.append(_seconds(cost, [part]) / clips)
    return max(spent) if spent and max(spent) >= _MADE else None
