"""The names and the format of the files of a finished cell."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from omegaconf._utils import get_yaml_loader

from clip_har.core.checksum import MANIFEST, read_manifest
from clip_har.core.errors import ClipHarError
from clip_har.core.prefixes import PICTURES

SCORES, METRICS, PROTOCOL = "scores.parquet", "metrics.json", "protocol.json"
COST = "cost.json"  # not in the metrics: costs differ from run to run
CONFIG = "config.yaml"
ATTENTION = "attention.csv"
NOISE = "noise"
FAILED_CLIPS = "data/failed_clips"  # one of the metrics
METRICS_CODE = "metrics_code"  # a fact in the manifest
MEASURED = "measured"  # another: what they were measured with, see `Measured`
WHOLE_SET = "clips_of_the_whole_set"  # an entry of the protocol card
ALSO_LEARNED_FROM = "groups_also_learned_from"  # another: evaluated groups that noise has seen
COUNTED = "counted"  # another: numbers that are in no table
LOSS_CURVE = f"{NOISE}/loss_curve.csv"
CONFUSION = "confusion.png"
MASKED_CLIPS = "masked_clips.png"
VIDEOS = "videos"  # a folder
PROBES, PROBE_CARD = "probes.csv", "probe_card.json"

PICTURED = {
    MASKED_CLIPS: f"{PICTURES}masked clips",
    CONFUSION: f"{PICTURES}confusion",
    f"{NOISE}/clips.png": f"{PICTURES}noise on clips",
    f"{NOISE}/noise.png": f"{PICTURES}noise",
}
"""The pictures that are compared cell by cell, and their keys in the tracking store."""

DERIVED = frozenset(
    {METRICS, "per_class.csv", "confused_pairs.csv", "confusion.csv", CONFUSION, "attributes.csv"}
    | {PROBES, PROBE_CARD}
    | {f"{NOISE}/effect.csv", f"{NOISE}/card.md"}
)
"""Files that are made again from the score tables alone if they are damaged."""


def lost_files(folder: Path) -> tuple[str, ...]:
    """Return the files of a cell that are missing or damaged and only a new run can make.

    The manifest is one of them: without it nobody knows whether the others are whole.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return (MANIFEST,)
    return tuple(name for name in manifest.damaged() if name not in DERIVED)


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people: indented, keys in order of insertion."""
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote.

    Raises:
        ClipHarError: when it is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ClipHarError(
            f"{path} is damaged ({error}): run the command that made it again"
        ) from error


def read_config(path: Path) -> dict[str, Any]:
    """Read the configuration of a cell that ``OmegaConf.save`` wrote, resolved.

    It is what ``OmegaConf.load`` returns, as a plain mapping. That parses in Python, which takes
    fifteen times as long as libyaml: seconds for a report of two hundred cells.

    Raises:
        ClipHarError: when it is damaged.
    """
    reason = "it holds no settings"
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_loader())  # noqa: S506, a safe one
    except (ValueError, yaml.YAMLError) as error:
        content, reason = None, " ".join(str(error).split())
    if not isinstance(content, dict):
        raise ClipHarError(f"{path} is damaged ({reason}): run the command that made it again")
    return content


@cache
def _loader() -> type[Any]:
    """Return libyaml's loader with the rules by which OmegaConf tells numbers from texts."""
    own = get_yaml_loader()
    rules = {name: getattr(own, name) for name in ("yaml_implicit_resolvers", "yaml_constructors")}
    return type("Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), rules)
