"""The checkpoint folder: what is in it, and how it is written."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from transformers import CLIPImageProcessor
from transformers.utils.logging import disable_progress_bar

from clip_har.models.dual_encoder import DualEncoder
from experiments.tiny_clip.recipe import Recipe

SCORES, RECIPE = "scores.csv", "recipe.yaml"
_COLUMNS = ("split", "measure", "clips", "score", "low", "high")


@dataclass(frozen=True)
class Score:
    """One measured number.

    Attributes:
        split: ``val`` or ``test``.
        measure: as in `experiments.tiny_clip.evaluation.measure`, or ``gap``.
        clips: how many it is over; 0 for a difference.
        score: in [0, 1].
        low: lower bound of the 95 % interval.
        high: upper bound.
    """

    split: str
    measure: str
    clips: int
    score: float
    low: float
    high: float


def save_model(model: DualEncoder, folder: Path) -> None:
    """Write configuration, weights, tokenizer and preprocessing in the hub's format.

    Args:
        model: the trained model.
        folder: must exist.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    model.network.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    side = model.image_size
    CLIPImageProcessor(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        image_mean=list(model.scale.mean),
        image_std=list(model.scale.std),
    ).save_pretrained(folder)
    for path in folder.iterdir():  # safetensors writes files that only their owner may read
        path.chmod(0o644)


def save_recipe(recipe: Recipe, minutes: float, folder: Path) -> None:
    """Write ``recipe.yaml``.

    Args:
        recipe: how the model was trained.
        minutes: that rendering and training took.
        folder: must exist.
    """
    content = {"recipe": recipe.model_dump(), "minutes": round(minutes, 1)}
    (folder / RECIPE).write_text(OmegaConf.to_yaml(content), encoding="utf-8")


def read_recipe(folder: Path) -> tuple[Recipe, float]:
    """Read ``recipe.yaml``: the recipe, and the minutes that rendering and training took."""
    content: Any = OmegaConf.to_container(OmegaConf.load(folder / RECIPE))
    return Recipe.model_validate(content["recipe"]), float(content["minutes"])


def save_scores(scores: list[Score], folder: Path) -> None:
    """Write ``scores.csv``."""
    with (folder / SCORES).open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(_COLUMNS)
        for row in scores:
            bounds = (f"{number:.4f}" for number in (row.score, row.low, row.high))
            table.writerow([row.split, row.measure, row.clips, *bounds])


def read_scores(folder: Path) -> dict[tuple[str, str], Score]:
    """Read ``scores.csv``, by split and measure."""

    def score(row: Mapping[str, str]) -> Score:
        numbers = (float(row[key]) for key in ("score", "low", "high"))
        return Score(row["split"], row["measure"], int(row["clips"]), *numbers)

    with (folder / SCORES).open(newline="", encoding="utf-8") as file:
        rows = [score(row) for row in csv.DictReader(file)]
    return {(row.split, row.measure): row for row in rows}
