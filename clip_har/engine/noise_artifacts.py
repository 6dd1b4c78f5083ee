"""The files of learned noise in a cell's folder: values, card, tables, pictures."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from clip_har.core.atomic import whole_file
from clip_har.engine.evaluate import Evaluation
from clip_har.engine.examples import Example
from clip_har.figures.noise import NoiseRow, noise_clips_figure, noise_sheet
from clip_har.figures.noise_curves import loss_figure
from clip_har.figures.save import save_figure
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.cell_noise import LearnedNoise
from clip_har.noise.learned.fitted import NOISE_FILE, FittedNoise, described_in
from clip_har.noise.learned.learning import History
from clip_har.noise.learned.perturbation import PixelNoise
from clip_har.noise.variants import LEARNED
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
    noise, fitted, inspection, masked = (
        opened.settings,
        opened.fitted,
        found.inspection,
        found.masked,
    )
    fitted.save(folder / NOISE_FILE)
    inspection.classes.to_csv(folder / _CLASSES, index=False)
    rewrite_effects(folder, noise, effects)
    _curves(fitted).to_csv(folder / "loss_curve.csv", index=False)
    write_variant_scores(folder, found.headline, found.variant_scores)
    history = fitted.history
    save_figure(
        folder / "loss_curve.png",
        loss_figure(
            history.terms, history.validation, kept=history.kept, title=f"{title}: learning"
        ),
    )
    names = masked.frames.clip_set.class_names
    if noise.changes_pixels:
        pixels = cast(PixelNoise, fitted.perturbation)
        captions = list(names) if noise.per_class else [LEARNED]
        save_figure(folder / "noise.png", _sheet(pixels, captions, title=title))
    if inspection.examples:
        rows = [_row(example, names) for example in inspection.examples]
        figure = noise_clips_figure(rows, title=f"{title}: {found.headline}")
        save_figure(folder / "clips.png", figure)


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
    text = noise_card(noise, card, history, pd.read_csv(folder / _CLASSES), effects)
    with whole_file(folder / "card.md") as path:
        path.write_text(text, encoding="utf-8")


def noise_card(
    noise: Learned,
    card: dict[str, Any],
    history: History,
    classes: pd.DataFrame,
    effects: pd.DataFrame,
) -> str:
    """Return what a reader must know about learned noise, as Markdown.

    Args:
        noise: the settings.
        card: what the noise was learned from, see `FittedNoise`.
        history: how learning went.
        classes: the size of the noise by class.
        effects: the effect of the noise on the cell's clips.
    """
    if noise.file is not None:  # the noise was learned with other settings than the cell's
        noise = type(noise).model_validate({**noise.model_dump(), **card["noise"]})
    weights = ", ".join(f"{name} {weight:g}" for name, weight in noise.weights().items())
    over = " over candidates" if noise.per_class else ""
    scores = history.validation
    top1 = effects[effects["measure"] == "top1"]
    return f"""# Learned noise: {card["kind"]}

- Learned on the training split only: {card["data"]}, {card["training_clips"]} clips; stopped by
  {card["validation_clips"]} clips of other groups. Its labels were used there. Data digest
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

`oracle` adds the noise of the TRUE class: it leaks the label and does not measure recognition.
`random` is noise of the same norm, `shuffled` another class's noise, `universal` one noise for all
classes at equal training effort, `calibration` one bias per class and a temperature, fitted on
the same training clips. If a control gains as much, the gain does not come
from the action.

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
        f" | {row['difference']:+.3f} | {row['low']:+.3f} to {row['high']:+.3f} |"
        for row in top1.to_dict("records")
    ]
    return "\n".join(lines)


def _listed(card: dict[str, Any]) -> str:
    short = {key: value for key, value in card.items() if key not in _LONG}
    return json.dumps(short, indent=2, sort_keys=True)


def _curves(fitted: FittedNoise) -> pd.DataFrame:
    curves = {**fitted.history.terms, "validation": fitted.history.validation}
    table = pd.DataFrame({name: pd.Series(curve) for name, curve in curves.items()})
    return table.sort_index().reset_index(names="step")


def _sheet(noise: PixelNoise, captions: list[str], *, title: str) -> Figure:
    """Draw the noise of the first frame, one tile per column; for a sum also the shared part."""
    first = torch.zeros(1, dtype=torch.long)
    deltas = [noise.delta(first + column, first)[0] for column in range(noise.columns)]
    if len(noise.parts) > 1:
        shared = noise.with_parts({"shared": noise.parts["shared"]})
        deltas.insert(0, shared.delta(first, first)[0])
        captions = ["all classes", *captions]
    stacked = torch.stack(deltas).detach().cpu().numpy()
    peak = float(np.ceil(max(np.abs(stacked).max(), 1e-3)))
    return noise_sheet(stacked, captions, title=f"{title}: δ", peak=peak)


def _row(example: Example, names: tuple[str, ...]) -> NoiseRow:
    frames = example.clip.frames
    middle = len(frames) // 2
    shown, noisy = (picture[middle].permute(1, 2, 0).numpy() for picture in (frames, example.noisy))
    heats = [
        None if attribution is None else _heat(attribution[middle], shown.shape[0])
        for attribution in (example.attribution_before, example.attribution_after)
    ]
    answers = f"before: {names[example.before]}\nafter: {names[example.after]}"
    return NoiseRow(
        caption=f"true: {names[example.label]}\n{answers}",
        shown=shown,
        noisy=noisy,
        added=noisy.astype(np.int16) - shown.astype(np.int16),
        attribution_before=heats[0],
        attribution_after=heats[1],
        subject=None if example.clip.subject is None else example.clip.subject[middle],
    )


def _heat(attribution: torch.Tensor, size: int) -> NDArray[np.float32]:
    """Return a frame's attribution at the frame's size, scaled to a maximum of 1."""
    spread = interpolate(
        attribution[None, None], size=(size, size), mode="bilinear", align_corners=False
    )[0, 0]
    heat: NDArray[np.float32] = (spread / spread.max().clamp(min=1e-12)).clamp(0, 1).numpy()
    return heat
