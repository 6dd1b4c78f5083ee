"""How much each patch of a frame speaks for a text: gradient-weighted attention."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isqrt
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.core.errors import ClipHarError
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.pooling import Pooling
from clip_har.models.preprocess import normalise

# Limits of one pass, which holds the attentions of all layers with their gradients: frames, and
# weights (512 MiB in float32); at least one frame. They depend on the model alone, so that a clip's
# attribution is the same to the bit for every batch size of the cell.
_FRAMES, _WEIGHTS = 16, 2**27


def attribution(
    model: DualEncoder,
    clips: Sequence[Tensor],
    texts: Tensor,
    *,
    pooling: Pooling = "mean",
    first_layer: int = 0,
) -> Tensor:
    """Return how much each patch of each frame speaks for its clip's text.

    It is `clip_attribution` for several clips.

    Args:
        model: the dual encoder.
        clips: B clips of ``(T, 3, S, S)`` uint8 RGB; T may differ.
        texts: ``(B, D)`` L2-normalised, the text of each clip.
        pooling: over the frames of a clip.
        first_layer: see `clip_attribution`.

    Returns:
        ``(M, g, g)`` float32 on the CPU, the clips' M frames in a row; at least 0.
    """
    return torch.cat(
        [
            clip_attribution(
                model, clip, text, embed_clip(model, clip), pooling=pooling, first_layer=first_layer
            )
            for clip, text in zip(clips, texts, strict=True)
        ]
    )


def embed_clip(model: DualEncoder, clip: Tensor) -> Tensor:
    """Embed the frames of one clip in the steps that `clip_attribution` takes.

    Args:
        model: the dual encoder.
        clip: ``(T, 3, S, S)`` uint8 RGB.

    Returns:
        ``(T, D)`` float32, L2-normalised, on the model's device.
    """
    parts = torch.split(clip, _frames_at_once(_vision_tower(model)))
    with torch.inference_mode():
        return torch.cat([model.encode_frames(part) for part in parts])


def clip_attribution(
    model: DualEncoder,
    clip: Tensor,
    text: Tensor,
    embeddings: Tensor,
    *,
    pooling: Pooling = "mean",
    first_layer: int = 0,
) -> Tensor:
    """Return how much each patch of a clip's frames speaks for a text.

    Chefer, Gur and Wolf 2021 ("Generic Attention-Model Explainability for Interpreting Bi-Modal
    and Encoder-Decoder Transformers"): from layer to layer R <- R + A' R with A' = the mean over
    the heads of max(0, dy/dA * A), from R = 1; the attribution is the row of the class token. Here
    y is `clip_logit` times T: every frame has the weight of a single frame, so that a clip of one
    repeated frame has the attribution of that frame.

    Here only, the vision tower computes attention without fused kernels (``eager``); its setting is
    restored afterwards.

    Args:
        model: the dual encoder; gradients have its precision.
        clip: ``(T, 3, S, S)`` uint8 RGB.
        text: ``(D,)`` L2-normalised.
        embeddings: ``(T, D)`` of the clip, see `embed_clip`.
        pooling: over the frames of the clip, see `clip_logit`.
        first_layer: the first layer that counts; 0 for all, negative from the end, -1 for the last.

    Returns:
        ``(T, g, g)`` float32 on the CPU, g the patches along a side; at least 0. Comparable over
        the frames of the clip.

    Raises:
        ClipHarError: when the model has no vision tower with attention of a class token to a
            square of patches, or no such layer.
    """
    tower = _vision_tower(model)
    step = _frames_at_once(tower)
    # The caller may be in inference mode, whose tensors cannot be saved for a gradient.
    with torch.inference_mode(mode=False), torch.enable_grad():
        slopes = len(clip) * _slopes(model, embeddings.clone(), text.clone(), pooling)  # (T, D)
        with _eager(tower):
            rows = [
                _class_row(model, frames, slope, first_layer)
                for frames, slope in zip(
                    torch.split(clip, step), torch.split(slopes, step), strict=True
                )
            ]
    patches = torch.cat(rows)[:, 1:]  # (T, g * g)
    side = isqrt(patches.shape[1])
    return patches.reshape(-1, side, side).cpu()


def clip_logit(embeddings: Tensor, text: Tensor, *, logit_scale: float, pooling: Pooling) -> Tensor:
    """Return how well a clip fits a text, as a scalar that has a gradient.

    With ``mean`` it is the clip's logit as in `clip_har.models.pooling.clip_scores`. The other
    poolings score frames one by one: for them it is the mean of the frames' logits. (The gradient
    of ``max`` is that of a single frame, that of ``mean_probability`` depends on other classes.)

    Args:
        embeddings: ``(T, D)`` L2-normalised.
        text: ``(D,)`` L2-normalised.
        logit_scale: the model's learned temperature, as a factor.
        pooling: over the frames of the clip.
    """
    mean = embeddings.mean(dim=0)
    return logit_scale * (normalize(mean, dim=-1) if pooling == "mean" else mean) @ text


def attribution_with_gradient(model: DualEncoder, pixels: Tensor, texts: Tensor) -> Tensor:
    """Return `attribution` of single frames, with a gradient.

    Args:
        model: the dual encoder.
        pixels: ``(M, 3, S, S)`` as `normalise` gives them, with a graph.
        texts: ``(M, D)`` L2-normalised, the text of each frame.

    Returns:
        ``(M, g, g)`` float32 on the model's device; at least 0.

    Raises:
        ClipHarError: see `clip_attribution`.
    """
    with _eager(_vision_tower(model)):
        output = model.network.get_image_features(pixel_values=pixels, output_attentions=True)
    attentions = _checked(model, output.attentions, 0)
    embeddings = normalize(output.pooler_output.float(), dim=-1)
    gradients = torch.autograd.grad(
        embeddings, attentions, model.logit_scale * texts, create_graph=True
    )
    row = class_token_row(attentions, gradients)[:, 1:]
    side = isqrt(row.shape[1])
    return row.reshape(-1, side, side)


def class_token_row(attentions: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """Compute the attention rollout of the class token, see `clip_attribution`.

    It is the row of the product (1 + A'_n) … (1 + A'_1), multiplied from the left, so that no
    matrix of all tokens by all tokens is stored.

    Args:
        attentions: for each layer in order, ``(M, heads, N, N)``.
        gradients: of the score with respect to them.

    Returns:
        ``(M, N)`` float32: the class token is the first and includes its start value 1.

    Example:
        >>> attention = torch.tensor([[[[0.25, 0.75], [0.5, 0.5]]]])
        >>> class_token_row([attention], [torch.tensor([[[[-1.0, 2.0], [0.0, 0.0]]]])])
        tensor([[1.0000, 1.5000]])
    """
    frames, _, tokens, _ = attentions[0].shape
    row = attentions[0].new_zeros((frames, 1, tokens), dtype=torch.float32)
    row[:, :, 0] = 1
    for attention, gradient in zip(reversed(attentions), reversed(gradients), strict=True):
        weighted = (gradient.float() * attention.float()).clamp(min=0).mean(dim=1)  # (M, N, N)
        row = row + row @ weighted
    return row.squeeze(1)


def _slopes(model: DualEncoder, embeddings: Tensor, text: Tensor, pooling: Pooling) -> Tensor:
    """Return the gradient ``(T, D)`` of the clip's logit with respect to its embeddings.

    With it each section of a long clip has its gradient by the chain rule, without the others.
    """
    embeddings.requires_grad_()
    logit = clip_logit(
        embeddings, text.to(embeddings), logit_scale=model.logit_scale, pooling=pooling
    )
    (slopes,) = torch.autograd.grad(logit, embeddings)
    return slopes


def _class_row(model: DualEncoder, frames: Tensor, slopes: Tensor, first_layer: int) -> Tensor:
    """Return the attribution ``(M, N)`` of all tokens of M frames, in one pass."""
    pixels = normalise(frames.to(model.device), model.scale, dtype=model.dtype)
    pixels.requires_grad_()  # the weights are frozen, so the pixels must require a gradient
    output = model.network.get_image_features(pixel_values=pixels, output_attentions=True)
    attentions = _checked(model, output.attentions, first_layer)[first_layer:]
    embeddings = normalize(output.pooler_output.float(), dim=-1)
    gradients = torch.autograd.grad(embeddings, attentions, slopes)
    return class_token_row([attention.detach() for attention in attentions], gradients)


def _checked(
    model: DualEncoder, attentions: Sequence[Tensor] | None, first_layer: int
) -> Sequence[Tensor]:
    if not attentions:
        raise _refusal(model, "its vision tower gives no attention")
    tokens = attentions[0].shape[-1]
    if isqrt(tokens - 1) ** 2 != tokens - 1:
        raise _refusal(model, f"its {tokens} tokens are not a class token and a square of patches")
    if not -len(attentions) <= first_layer < len(attentions):
        raise ClipHarError(
            f"region.first_layer={first_layer}: expected {-len(attentions)} to"
            f" {len(attentions) - 1}, {model.name} has {len(attentions)} layers"
        )
    return attentions


def _vision_tower(model: DualEncoder) -> Any:
    tower = getattr(model.network, "vision_model", None)
    if not hasattr(tower, "set_attn_implementation"):
        raise _refusal(model, "it has no vision tower of transformers")
    return tower


def _refusal(model: DualEncoder, reason: str) -> ClipHarError:
    return ClipHarError(
        f"region=relevance: expected a model with a class token that attends to patches;"
        f" {model.name}: {reason}; use another region source, or a CLIP"
    )


def _frames_at_once(tower: Any) -> int:
    config = tower.config
    tokens = (config.image_size // config.patch_size) ** 2 + 1
    weights = config.num_hidden_layers * config.num_attention_heads * tokens**2
    return int(min(_FRAMES, max(1, _WEIGHTS // weights)))


@contextmanager
def _eager(tower: Any) -> Iterator[None]:
    """Switch a tower to eager attention: the fused kernels return no weights."""
    before = tower.config._attn_implementation
    tower.set_attn_implementation("eager")
    try:
        yield
    finally:
        tower.set_attn_implementation(before)
