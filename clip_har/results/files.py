"""The names and the format of the files of a finished cell."""

import json
from pathlib import Path
from typing import Any

SCORES, METRICS, PROTOCOL = "scores.parquet", "metrics.json", "protocol.json"
COST = "cost.json"  # not in the metrics: costs differ from run to run
CONFIG = "config.yaml"
ATTENTION = "attention.csv"
NOISE = "noise"
FAILED_CLIPS = "data/failed_clips"  # one of the metrics
METRICS_CODE = "metrics_code"  # an entry of the protocol card
WHOLE_SET = "clips_of_the_whole_set"  # another
LOSS_CURVE = f"{NOISE}/loss_curve.csv"


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people: indented, keys in order of insertion."""
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))
