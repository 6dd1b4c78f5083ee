"""One training run, from clips to a measured checkpoint folder."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import torch
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clip_har.config.compose import build, checked
from clip_har.core.atomic import whole_folder
from clip_har.models.clip import CLIP
from clip_har.models.dual_encoder import DualEncoder
from clip_har.prompts.prompt_set import PromptSet
from clip_har.synthetic import plan_clips
from clip_har.synthetic.plan import Split
from clip_har.tracking.tracker import RunInfo, Tracking
from experiments.tiny_clip.card import CARD, model_card
from experiments.tiny_clip.evaluation import measure, predict
from experiments.tiny_clip.folder import Score, save_model, save_recipe, save_scores
from experiments.tiny_clip.recipe import Recipe
from experiments.tiny_clip.rendered import CLASS_NAMES, RenderedClips, open_rendered
from experiments.tiny_clip.training import train

log = logging.getLogger(__name__)

BIASED, UNBIASED = 0.9, 1 / len(CLASS_NAMES)
"""Share of held-out clips in the own scene; the second value is chance level."""

_TEMPLATE_SHARES = {"single": 8, "official": 1, "bare": 6}  # times each of their templates
_GLANCE = 4  # validation while training takes every fourth clip
_SMOOTHING = 0.98


@dataclass
class _Curves:
    """The curves of a training: number by step."""

    loss: dict[int, float] = field(default_factory=dict)
    val: dict[int, float] = field(default_factory=dict)


def run_training(config: DictConfig) -> None:
    """Render clips, train, measure, write the checkpoint folder and track it.

    Args:
        config: the configuration, see ``experiments/tiny_clip/conf/train.yaml``.
    """
    recipe = checked(Recipe, dict(config.recipe), "recipe")
    tracking = cast(Tracking, build(config.tracking, "tracking"))
    prompts = {
        str(name): cast(PromptSet, build(node, f"prompts.{name}"))
        for name, node in config.prompts.items()
    }
    output, results, cache = (
        Path(config[key]).expanduser().absolute() for key in ("output", "results_dir", "cache_dir")
    )
    torch.set_num_threads(config.threads)
    info = RunInfo(
        name=f"train tiny seed={recipe.seed}",
        fingerprint="",
        params={f"recipe.{key}": str(value) for key, value in recipe.model_dump().items()},
        tags={"clip_har.kind": "training"},
    )
    with tracking.run(results, info) as run:
        started = time.monotonic()
        splits: list[Split] = ["val", "test"] if config.test else ["val"]
        sets = Sets.open(recipe, splits, cache, config.workers or os.cpu_count() or 1)
        curves = _Curves()
        model = _train(recipe, sets, prompts, curves, every=config.validate_every)
        minutes = (time.monotonic() - started) / 60
        with whole_folder(output) as folder:
            save_model(model, folder)
            save_recipe(recipe, minutes, folder)
            loaded = CLIP(checkpoint=str(folder)).load(device=torch.device("cpu"), precision="fp32")
            scores = [s for split in splits for s in sets.scores(loaded, prompts["single"], split)]
            save_scores(scores, folder)
            (folder / CARD).write_text(model_card(folder), encoding="utf-8")
            numbers = {f"{s.split}/{s.measure}": s.score for s in scores}
            drawn = {"loss": curves.loss, "val_top1": curves.val}
            run.log_results(folder, numbers, curves=drawn)
    for score in scores:
        log.info("%s %s %.3f", score.split, score.measure, score.score)
    log.info("trained in %.1f minutes; checkpoint in %s", minutes, output)


def _train(
    recipe: Recipe, sets: "Sets", prompts: dict[str, PromptSet], curves: _Curves, *, every: float
) -> DualEncoder:
    """Train with progress, looking at a part of the validation clips at intervals."""
    biased, unbiased = (part.every(_GLANCE) for part in sets.held_out["val"])
    pause = max(round(recipe.steps * every), 1)

    with _progress(recipe.steps) as show:

        def report(done: int, losses: dict[str, float], model: DualEncoder) -> None:
            loss = sum(losses.values())
            smooth = curves.loss.get(done - 1, loss)
            curves.loss[done] = _SMOOTHING * smooth + (1 - _SMOOTHING) * loss
            if done % pause == 0 or done == recipe.steps:
                top1 = [
                    (predict(model, clips, prompts["single"]) == clips.labels).mean()
                    for clips in (biased, unbiased)
                ]
                curves.val[done] = float(sum(top1) / 2)
                log.info(
                    "step %d of %d: loss %.3f, validation top-1 %.3f with bias, %.3f without",
                    *(done, recipe.steps, curves.loss[done], *top1),
                )
            show(done, curves.loss[done], curves.val[max(curves.val)] if curves.val else 0.0)

        templates = [
            template
            for name, times in _TEMPLATE_SHARES.items()
            for template in prompts[name].load_templates() * times
        ]
        return train(recipe, sets.train, templates, report=report)


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[int, float, float], None]]:
    """Show steps, loss and validation score on a terminal; yield what updates them."""
    console = Console(stderr=True)
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}  val {task.fields[val]:.3f}"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("training", total=steps, loss=0.0, val=0.0)
        yield lambda done, loss, val: bar.update(task, completed=done, loss=loss, val=val)


@dataclass(frozen=True)
class Sets:
    """The clips of a training.

    Attributes:
        train: of the training subjects, with the planted bias.
        held_out: by split the biased and the unbiased clips.
    """

    train: RenderedClips
    held_out: dict[Split, tuple[RenderedClips, RenderedClips]]

    @classmethod
    def open(cls, recipe: Recipe, splits: Sequence[Split], cache_dir: Path, workers: int) -> "Sets":
        """Render the training clips and those of some held-out splits, unless done already."""

        def rendered(split: Split, clips: int, bias: float) -> RenderedClips:
            plan = plan_clips(seed=recipe.data_seed, clips=clips, scene_bias=bias, split=split)
            return open_rendered(plan, cache_dir=cache_dir, workers=workers)

        counts: dict[Split, int] = {"val": recipe.val_clips, "test": recipe.test_clips}
        return cls(
            rendered("train", recipe.clips, recipe.scene_bias),
            {
                split: (rendered(split, count, BIASED), rendered(split, count, UNBIASED))
                for split, count in counts.items()
                if split in splits
            },
        )

    def scores(self, model: DualEncoder, prompts: PromptSet, split: Split) -> list[Score]:
        """Measure a model on a split."""
        biased, unbiased = self.held_out[split]
        found = measure(model, biased=biased, unbiased=unbiased, prompts=prompts)
        bounds = found.intervals()
        return [
            Score(split, name, len(found.hits.get(name, ())), value, *bounds[name])
            for name, value in found.scores().items()
        ]
