"""The training loop."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.processor import PixelScale
from experiments.tiny_clip.batches import Batch, batches
from experiments.tiny_clip.captions import CaptionShares, all_texts
from experiments.tiny_clip.losses import contrastive_loss, map_loss
from experiments.tiny_clip.network import MEAN, STD, Trainee, make_network
from experiments.tiny_clip.recipe import Recipe
from experiments.tiny_clip.rendered import SIZE, RenderedClips
from experiments.tiny_clip.tokenizer import CONTEXT, make_tokenizer

_LARGEST_LOG_SCALE = math.log(100.0)  # as Radford et al. 2021 cut it
_LONGEST_GRADIENT = 1.0

Report = Callable[[int, dict[str, float], DualEncoder], None]
"""Called after each step with the number of steps, the losses and the present model."""


def train(
    recipe: Recipe, clips: RenderedClips, templates: list[str], *, report: Report
) -> DualEncoder:
    """Train from scratch.

    Args:
        recipe: the settings.
        clips: of the training split.
        templates: prompt templates that captions may take.
        report: called after each step.

    Returns:
        The trained model, in evaluation mode, without a digest.
    """
    torch.manual_seed(recipe.seed)
    tokenizer = make_tokenizer(all_texts(templates))
    network = make_network(
        len(tokenizer), sincos_positions=recipe.sincos_positions, wide_start=recipe.wide_start
    )
    trainee = Trainee(network)
    optimiser = _optimiser(trainee, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate(step, recipe))
    shown = batches(clips, templates, recipe, shares=CaptionShares())
    for done, batch in enumerate(shown, 1):
        trainee.train()
        losses = _losses(trainee, tokenizer, batch, recipe)
        total = losses["contrastive"] + recipe.map_weight * losses["map"]
        optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trainee.parameters(), _LONGEST_GRADIENT)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            trainee.network.logit_scale.clamp_(0, _LARGEST_LOG_SCALE)
        numbers = {name: float(loss.detach()) for name, loss in losses.items()}
        report(done, numbers, as_encoder(trainee, tokenizer))
    return as_encoder(trainee, tokenizer)


def as_encoder(trainee: Trainee, tokenizer: PreTrainedTokenizerFast) -> DualEncoder:
    """Return the present network behind the interface of all models."""
    trainee.eval()
    return DualEncoder(
        network=trainee.network,
        tokenizer=tokenizer,
        name="tiny",
        digest="",
        image_size=SIZE,
        context_length=CONTEXT,
        scale=PixelScale(MEAN, STD),
        logit_scale=float(trainee.network.logit_scale.detach().exp()),
        device=torch.device("cpu"),
        dtype=torch.float32,
    )


def rate(step: int, recipe: Recipe) -> float:
    """Return the learning rate of a step as a share of the highest.

    Example:
        >>> recipe = Recipe(steps=100, warmup=0.1)
        >>> [round(rate(step, recipe), 2) for step in (0, 9, 55, 99)]
        [0.1, 1.0, 0.5, 0.0]
    """
    rising = max(round(recipe.warmup * recipe.steps), 1)
    if step < rising:
        return (step + 1) / rising
    return (1 + math.cos(math.pi * (step - rising) / max(recipe.steps - rising, 1))) / 2


def _optimiser(trainee: Trainee, recipe: Recipe) -> torch.optim.Optimizer:
    matrices = [weight for weight in trainee.parameters() if weight.ndim > 1]
    vectors = [weight for weight in trainee.parameters() if weight.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )


def _losses(
    trainee: Trainee, tokenizer: PreTrainedTokenizerFast, batch: Batch, recipe: Recipe
) -> dict[str, Tensor]:
    embedded, cells = trainee.encode_frames(batch.pixels)
    # Pooled over the clip as `clip_scores` does with pooling=mean.
    frames = nn.functional.normalize(embedded, dim=-1)
    tokens = tokenizer(batch.captions, padding=True, truncation=True, return_tensors="pt")
    texts = trainee.encode_texts(tokens["input_ids"], tokens["attention_mask"])
    scale = trainee.network.logit_scale.exp()
    return {
        "contrastive": contrastive_loss(
            frames.view(recipe.batch, recipe.frames, -1).mean(dim=1), texts, batch.match, scale
        ),
        "map": map_loss(cells, batch.cells),
    }
