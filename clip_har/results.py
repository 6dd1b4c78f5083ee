"""Names and form of what a finished cell leaves on disk."""

import json
from pathlib import Path
from typing import Any

SCORES, METRICS = "scores.parquet", "metrics.json"


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people: indented, keys in order of insertion."""
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")


def read_metrics(folder: Path) -> dict[str, float]:
    """Return a finished cell's numbers."""
    metrics: dict[str, float] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    return metrics
