"""The model card: training data, recipe and scores of the tiny model."""

import math
from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open

from clip_har.models.checkpoint import read_json, weights_digest
from clip_har.synthetic import ACTIONS
from experiments.tiny_clip.folder import Score, read_recipe, read_scores
from experiments.tiny_clip.recipe import Recipe

CARD = "README.md"
NAMES = {
    "biased": "top-1, 90 % of clips in their class's own scene",
    "unbiased": "top-1, scene sampled evenly (ρ = 1/C)",
    "gap": "gap between the two",
    "sberr": "answers with the scene's class, in other classes' scenes (SBErr)",
    "masked_0.1": "top-1, 10 % of each frame black",
    "masked_0.3": "top-1, 30 % of each frame black",
    "masked_0.5": "top-1, 50 % of each frame black",
}
_TEXT = """---
license: apache-2.0
library_name: transformers
pipeline_tag: zero-shot-image-classification
---

# Tiny CLIP on rendered actions

A CLIP of {million:.1f} million parameters, trained from scratch on the procedurally rendered action
clips of `clip_har.synthetic`. It exists so that the benchmark runs and teaches anywhere, offline,
and so that its measures can be proven on data whose bias is known. **Every number below is of a
tiny model on rendered data** and says nothing about CLIP on real video.

It leans on the scene by design: {percent:.0f} % of its training clips are set in their class's own
scene.

- Weights digest (`clip_har.models.checkpoint.weights_digest`): `{digest}`
- Input {size} px, patch {patch} px; own word-level tokenizer of {vocabulary} tokens
- Load: `python -m clip_har {load}`, or `transformers.CLIPModel.from_pretrained` on this folder
{stored}- Make again: `{command}`
  ({minutes:.0f} minutes on one thread of a busy machine; equal to the bit only with the same
  threads, libraries and processor)

## Scores

Zero-shot, `prompts=single`, the mean of 8 frames a clip, frames as rendered (before video
compression). No test subject appears in a training or validation clip. Test clips were used once,
after every choice had been made on the validation subjects. Masks are `masking=percent`, patch 16,
random phase, black, over the biased clips. Chance is {chance:.3f}. Intervals: 95 %, over subjects.

{scores}
"""
_HALF = (
    "- The weights are stored as float16 and loaded as float32; the scores below were measured\n"
    "  before they were rounded\n"
)
_REST = """
## Training data

{clips} clips of 40 subjects, 20 actions and 20 scenes, ρ = {scene_bias}, 8 frames each, rendered
with data seed {data_seed}; {val_clips} validation clips of 12 other subjects and {test_clips} test
clips of 16 others in each of two sets (ρ = 0.9 and ρ = 1/C, the same performances). In training
some clips have a background of one colour in place of their scene, and some have black patches,
whose grid begins at a random place in each clip. Captions name the action, or action and scene, or
the scene or the object only, in the words of the prompt templates in `conf/prompts` and some of
their own.

## What changed

The first weights were trained with black patches on the model's own grid of patches; under masks
moved by half a patch they were much less accurate than under masks on that grid. These weights were
trained with patches at random places. Patches on the model's own grid still cost them less.

## Recipe

```yaml
{listed}```

The loss is CLIP's symmetric contrastive loss, with every true caption as a positive, over the
captions of the batch and a prompt of each class, plus `map_weight` times the cross-entropy of a
head, thrown away after training, that predicts person, object and background in cells of 4 px.
"""


def model_card(folder: Path, *, tables: str = "") -> str:
    """Return the card of a checkpoint folder as Markdown.

    Args:
        folder: with the model, its recipe and its scores.
        tables: further sections, such as other seeds and an ablation.
    """
    recipe, minutes = read_recipe(folder)
    values, defaults = recipe.model_dump(), Recipe().model_dump()
    changed = {key: value for key, value in values.items() if value != defaults[key]}
    config = read_json(folder, "config.json")
    with safe_open(folder / "model.safetensors", "np") as weights:
        tensors = [weights.get_slice(name) for name in weights.keys()]  # noqa: SIM118
        parameters = sum(math.prod(tensor.get_shape()) for tensor in tensors)
        is_half = any(tensor.get_dtype() == "F16" for tensor in tensors)
    text = _TEXT.format(
        million=parameters / 1e6,
        percent=100 * recipe.scene_bias,
        digest=weights_digest(folder),
        size=config["vision_config"]["image_size"],
        patch=config["vision_config"]["patch_size"],
        vocabulary=config["text_config"]["vocab_size"],
        load="model=tiny model.checkpoint=FOLDER" if changed else "model=tiny",
        stored=_HALF if is_half else "",
        command=" ".join(["python -m experiments.tiny_clip.train", *overrides(changed)]),
        minutes=minutes,
        chance=1 / len(ACTIONS),
        scores=score_table(read_scores(folder)),
    )
    listed = "".join(f"{key}: {str(value).lower()}\n" for key, value in values.items())
    return text + tables + _REST.format(listed=listed, **values)


def overrides(changed: Mapping[str, object]) -> list[str]:
    """Return the overrides for settings of a recipe that differ from the default."""
    return [f"recipe.{key}={str(value).lower()}" for key, value in changed.items()]


def score_table(scores: Mapping[tuple[str, str], Score]) -> str:
    """Return the measures as a Markdown table, one column per split."""
    splits = [split for split in ("test", "val") if any(key[0] == split for key in scores)]
    lines = [f"| measure | {' | '.join(splits)} |", f"|---|{'---|' * len(splits)}"]
    for measure, name in NAMES.items():
        cells = [_cell(scores.get((split, measure))) for split in splits]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(score: Score | None) -> str:
    if score is None:
        return "–"
    if math.isnan(score.low):
        return f"{score.score:.3f}"
    return f"{score.score:.3f} ({score.low:.3f} to {score.high:.3f})"
