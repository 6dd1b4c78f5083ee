"""What an image tower is: its patches, and whether a class token attends to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear


@dataclass
class Attending:
    """A tower whose class token attends to a square of patches, in the words of transformers.

    Attributes:
        image_size: side of the input, pixels.
        patch_size: side of a patch, pixels.
        num_hidden_layers: its attention layers.
        num_attention_heads: of a layer.
        _attn_implementation: as transformers names it; ``eager`` gives attention weights.
    """

    image_size: int
    patch_size: int
    num_hidden_layers: int
    num_attention_heads: int
    _attn_implementation: str = "sdpa"


def patch_size(visual: Any) -> int | None:
    """Return the side of the patches that a tower cuts frames into; None if it cuts none.

    Args:
        visual: the image tower of an open_clip model; it may be on the meta device.
    """
    trunk = getattr(visual, "trunk", None)
    if trunk is None:
        own = getattr(visual, "patch_size", None)
        return None if own is None else int(own[0])
    embed = getattr(trunk, "patch_embed", None)
    grid, size = getattr(embed, "grid_size", None), getattr(embed, "img_size", None)
    if grid is None or size is None or grid[0] != grid[1] or size[0] % grid[0]:
        return None
    return int(size[0] // grid[0])


def attending(visual: Any) -> Attending | None:
    """Return the shape of a tower whose class token attends to its patches; None for others.

    The answer of such a tower is read at its class token alone, as the attribution needs it. A
    tower that pools its patches, by their mean or by a head, is none.

    Args:
        visual: the image tower of an open_clip model; it may be on the meta device.
    """
    size, patch, blocks = _side(visual.image_size), patch_size(visual), _blocks(visual)
    if patch is None or not blocks or not _reads_class_token(visual):
        return None
    layers = [block.attn for block in blocks]
    if not all(_gives_weights(layer) for layer in layers):
        return None
    return Attending(size, patch, len(layers), int(layers[0].num_heads))


@contextmanager
def recorded(visual: Any) -> Iterator[list[Tensor]]:
    """Yield a list that gets the attention weights of each layer, in order, in the body.

    They are ``(M, heads, N, N)``, the class token first, and part of the graph: a gradient with
    respect to them exists. Fused kernels, which give no weights, are off in the body.
    """
    weights: list[Tensor] = []
    blocks = _blocks(visual)
    undo: list[Any] = []

    def keep(_module: Any, _given: Any, made: Tensor) -> None:
        weights.append(made)

    for block in blocks:
        if isinstance(block.attn, torch.nn.MultiheadAttention):
            block.attention = partial(_attention, block.attn, weights)
            undo.append(partial(delattr, block, "attention"))
        else:
            undo.append(partial(setattr, block.attn, "fused_attn", block.attn.fused_attn))
            block.attn.fused_attn = False
            undo.append(block.attn.attn_drop.register_forward_hook(keep).remove)
    try:
        yield weights
    finally:
        for step in undo:
            step()


def _attention(
    layer: torch.nn.MultiheadAttention,
    weights: list[Tensor],
    q_x: Tensor,
    k_x: Tensor | None = None,  # noqa: ARG001
    v_x: Tensor | None = None,  # noqa: ARG001
    attn_mask: Tensor | None = None,  # noqa: ARG001
) -> Tensor:
    """Attend as the layer of an image tower does, and keep the weights.

    The layer itself returns a view of its weights, which its output does not depend on.
    """
    frames, tokens, width = q_x.shape
    parts = linear(q_x, layer.in_proj_weight, layer.in_proj_bias).chunk(3, dim=-1)
    query, key, value = (
        part.reshape(frames, tokens, layer.num_heads, -1).transpose(1, 2) for part in parts
    )  # (M, heads, N, width of a head)
    made = (query * layer.head_dim**-0.5 @ key.transpose(-2, -1)).softmax(dim=-1)
    weights.append(made)
    attended: Tensor = layer.out_proj((made @ value).transpose(1, 2).reshape(frames, tokens, width))
    return attended


def _blocks(visual: Any) -> list[Any]:
    """Return the layers of a transformer, each with an ``attn``; empty for other towers."""
    holder, name = (visual, "transformer.resblocks")
    if (trunk := getattr(visual, "trunk", None)) is not None:
        holder, name = (trunk, "blocks")
    for part in name.split("."):
        holder = getattr(holder, part, ())
    found = list(holder)
    return found if all(hasattr(block, "attn") for block in found) else []


def _reads_class_token(visual: Any) -> bool:
    trunk = getattr(visual, "trunk", None)
    if trunk is None:
        return bool(visual.attn_pool is None and visual.pool_type == "tok")
    pooled = getattr(trunk, "attn_pool", None) is not None
    return not pooled and trunk.global_pool == "token" and trunk.num_prefix_tokens == 1


def _gives_weights(layer: Any) -> bool:
    if isinstance(layer, torch.nn.MultiheadAttention):
        return bool(layer.batch_first)
    return all(hasattr(layer, name) for name in ("fused_attn", "attn_drop", "num_heads"))


def _side(size: Any) -> int:
    return int(size[0]) if isinstance(size, list | tuple) else int(size)
