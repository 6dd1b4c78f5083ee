"""The files of learned noise in a cell's folder: values, card, tables, pictures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from clip_har.core.atomic import whole_file
from clip_har.engine.evaluate import Evaluation
from clip_har.noise.learned.arms import arm_of
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.cell_noise import LearnedNoise
from clip_har.noise.learned.fits import Fits
from clip_har.noise.learned.fitted import NOISE_FILE, FittedNoise, described_in
from clip_har.noise.learned.identity import STACKS_FILE
from clip_har.noise.learned.learning import History
from clip_har.results.variant_scores import write_variant_scores

_CLASSES = "classes.csv"
_LONG = ("prompts", "class_names", "clips")  # too long to show


def write_noise(
    folder: Path, opened: LearnedNoise, found: Evaluation, effects: pd.DataFrame, *, title: str
) -> None:
    """Write all files of a cell's learned noise.

    Args:
        folder: a new folder.
        opened: the noise.
        found: the cell's clips, noise and score tables.
        effects: see `clip_har.metrics.noise_effect.effect_table`.
        title: the title of the figures.
    """
    folder.mkdir()
    noise, fitted, inspection = opened.settings, opened.fitted, found.inspection
    fitted.save(folder / NOISE_FILE)
    inspection.classes.to_csv(folder / _CLASSES, index=False)
    if opened.fits.stacks:
        opened.fits.write(folder / STACKS_FILE)
    rewrite_effects(folder, noise, effects)
    _curves(fitted).to_csv(folder / "loss_curve.csv", index=False)
    write_variant_scores(folder, found.headline, found.variant_scores)
    # Imported here: a cell without learned noise draws nothing with matplotlib.
    from clip_har.engine.noise_pictures import write_noise_pictures

    write_noise_pictures(folder, opened, found, title=title)


def rewrite_effects(folder: Path, noise: Learned, effects: pd.DataFrame) -> None:
    """Write the table of effects and the card, from what is in the folder; no model is needed.

    Args:
        folder: the ``noise`` folder of a cell.
        noise: the settings.
        effects: see `clip_har.metrics.noise_effect.effect_table`.
    """
    with whole_file(folder / "effect.csv") as path:
        effects.to_csv(path, index=False)
    card, history = described_in(folder / NOISE_FILE)
    classes, fits = pd.read_csv(folder / _CLASSES), Fits.read(folder / STACKS_FILE) or Fits()
    text = noise_card(noise, card, history, classes, effects, fits)
    with whole_file(folder / "card.md") as path:
        path.write_text(text, encoding="utf-8")


def noise_card(
    noise: Learned,
    card: dict[str, Any],
    history: History,
    classes: pd.DataFrame,
    effects: pd.DataFrame,
    fits: Fits,
) -> str:
    """Return what a reader must know about learned noise, as Markdown.

    Args:
        noise: the settings.
        card: what the noise was learned from, see `FittedNoise`.
        history: how learning went.
        classes: the size of the noise by class.
        effects: the effect of the noise on the cell's clips.
        fits: the weights of the variants whose scores are weighed.
    """
    if noise.file is not None:  # the noise was learned with other settings than the cell's
        noise = type(noise).model_validate({**noise.model_dump(), **card["noise"]})
    weights = ", ".join(f"{name} {weight:g}" for name, weight in noise.weights().items())
    over = " over candidates" if noise.per_class else ""
    scores = history.validation
    top1 = effects[effects["measure"] == "top1"]
    variants = list(dict.fromkeys(top1["variant"]))
    labels = "shuffled labels: a placebo" if noise.learns_shuffled_labels else "labels"
    return f"""# Learned noise: {card["kind"]}

- Learned on the training split only: {card["data"]}, {card["training_clips"]} clips; stopped by
  {card["validation_clips"]} clips of other groups. It used their {labels}. Data digest
  `{card["data_digest"]}`.
- Frozen model, weights digest `{card["weights"][:16]}`, {len(card["class_names"])} classes.
- Loss: {weights}. Masks in training: {", ".join(noise.train_masking)} at
  {", ".join(f"{ratio:g}" for ratio in noise.train_ratios)}.
- {history.steps} steps of {noise.learning.batch} frames, kept step {history.kept}; validation (mean
  log-probability of the true class{over}, at the best temperature) from
  {scores.get(0, float("nan")):.3f} to
  {scores.get(history.kept, float("nan")):.3f}. Seed {noise.seed}.
- Size: root mean square {classes["rms"].mean():.2f}, largest
  {classes["largest"].max():.2f}.

## Effect on this cell's clips

{_markdown(top1)}

{_variants(variants)}
{_warning(variants)}{_weights(fits, noise, variants)}
## All settings

```json
{_listed(card)}
```
"""


def _markdown(top1: pd.DataFrame) -> str:
    lines = [
        "| variant | against | top-1 before | after | difference | 95 % |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['variant']} | {row['against']} | {row['before']:.3f} | {row['after']:.3f}"
        f" | {row['difference']:+.3f} | {_ends(row['low'], row['high'])} |"
        for row in top1.to_dict("records")
    ]
    return "\n".join(lines)


def _ends(low: float, high: float) -> str:
    """Return the ends of an interval; few groups have none."""
    return "–" if pd.isna(low) else f"{low:+.3f} to {high:+.3f}"


def _variants(names: Sequence[str]) -> str:
    """Return what each variant is, a line each."""
    return "\n".join(f"- `{name}`: {arm_of(name).said}." for name in names)


def _warning(names: Sequence[str]) -> str:
    if not any(arm_of(name).kind == "control" for name in names):
        return ""
    return "\nIf a control gains as much, the gain does not come from the action.\n"


def _weights(fits: Fits, noise: Learned, names: Sequence[str]) -> str:
    """Return the weights of those of the variants whose scores are weighed; empty without any."""
    stacks = {name: stack for name, stack in fits.stacks.items() if name in names}
    if not stacks:
        return ""
    held = "clips that no noise was learned from" if noise.held_share else "the training clips"
    masks = {
        "none": "no mask",
        "train": "the masks in training",
        "same": "the cell's own mask",
    }[noise.fits_under]
    lines = [
        "",
        "## Weights",
        "",
        "Each score is a weighted sum of scores of the same class, plus a bias for each class.",
        f"They were fitted on {held}, under {masks}. The loss is −ln of the true class's",
        "probability on groups that were left out of the fit.",
        "",
        "| variant | weights | penalty | loss |",
        "|---|---|---|---|",
    ]
    for name, stack in stacks.items():
        features = zip(arm_of(name).features, stack.weights, strict=True)
        shown = ", ".join(f"{feature} {weight:+.2f}" for feature, weight in features)
        lines.append(f"| {name} | {shown} | {stack.penalty:g} | {stack.loss:.3f} |")
    if fits.gate is not None:
        lines += ["", f"Gate: {fits.gate.said()}."]
    if fits.best_head:
        lines += ["", f"Best classifier on frozen embeddings: {fits.best_head}."]
    return "\n".join([*lines, ""])


def _listed(card: dict[str, Any]) -> str:
    short = {key: value for key, value in card.items() if key not in _LONG}
    return json.dumps(short, indent=2, sort_keys=True)


def _curves(fitted: FittedNoise) -> pd.DataFrame:
    curves = {**fitted.history.terms, "validation": fitted.history.validation}
    table = pd.DataFrame({name: pd.Series(curve) for name, curve in curves.items()})
    return table.sort_index().reset_index(names="step")
