"""Names and form of what a finished cell leaves on disk."""

import csv
import json
from pathlib import Path
from typing import Any

SCORES, METRICS, PROTOCOL = "scores.parquet", "metrics.json", "protocol.json"
COST = "cost.json"  # apart from the metrics, which are the same each time
LOSS_CURVE = "noise/loss_curve.csv"


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people: indented, keys in order of insertion."""
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")


def read_metrics(folder: Path) -> dict[str, float]:
    """Return a finished cell's numbers."""
    metrics: dict[str, float] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    return metrics


def read_cost(folder: Path) -> dict[str, float]:
    """Return what a finished cell cost, see `Cost.metrics`; empty if unknown."""
    path = folder / COST
    found: dict[str, float] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def clean_twin(folder: Path) -> Path | None:
    """Return the folder of the cell that a finished cell was compared with.

    None where it is its own twin, or was not compared, or the twin's results are gone.
    """
    protocol = json.loads((folder / PROTOCOL).read_text(encoding="utf-8"))
    twin = folder.parent / str(protocol["clean_twin"])
    return twin if protocol["clean_twin"] and (twin / METRICS).is_file() else None


def read_curves(folder: Path) -> dict[str, dict[int, float]]:
    """Return how a cell's noise was learned: numbers by step, under MLflow names; empty if not."""
    curves: dict[str, dict[int, float]] = {}
    path = folder / LOSS_CURVE
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("step"))
                for name, value in row.items():
                    if value:
                        curves.setdefault(f"noise/learning/{name}", {})[step] = float(value)
    return curves
