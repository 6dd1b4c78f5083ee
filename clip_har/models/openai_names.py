"""The names that OpenAI's CLIP and its fine-tuned descendants give their tensors, in transformers'.

ViFi-CLIP (Rasheed et al. 2023), Open-VCLIP (Weng et al. 2023) and FROSTER (Huang et al. 2024) train
OpenAI's code. Their state dicts have its names behind prefixes of their own. The tables here are
the whole rule; ``docs/models.md`` shows them.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

PREFIXES = ("module.", "model.", "clip_model.", "clip.")
"""What is taken off the front of a name, as often as it stands there."""

TOWERS = {"image_encoder.": "visual.", "text_encoder.": ""}
"""ViFi-CLIP's names of the towers, in OpenAI's."""

HARMLESS = (
    r"raw_model\..+",  # FROSTER, Open-VCLIP: the frozen CLIP that training is compared with
    r"projector_[vt]\..+",  # FROSTER: between the student and the frozen CLIP, in training only
    r"prompt_learner\.complete_text_embeddings",  # ViFi-CLIP: the texts of the classes it last saw
    r"input_resolution|context_length|vocab_size",  # OpenAI: three numbers of the configuration
    r".*position_ids",  # the numbers from 0
)
"""Patterns of tensors that have no effect on an embedding; they may be left unread."""

_BLOCK = {
    "attn.out_proj.": "self_attn.out_proj.",
    "ln_1.": "layer_norm1.",
    "ln_2.": "layer_norm2.",
    "mlp.c_fc.": "mlp.fc1.",
    "mlp.c_proj.": "mlp.fc2.",
}
_PLAIN = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
    "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
    "visual.ln_post.weight": "vision_model.post_layernorm.weight",
    "visual.ln_post.bias": "vision_model.post_layernorm.bias",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
    "logit_scale": "logit_scale",
}
_TRANSPOSED = {
    "visual.proj": "visual_projection.weight",
    "text_projection": "text_projection.weight",
}
_BLOCKS = re.compile(r"(visual\.)?transformer\.resblocks\.(\d+)\.(.+)")
_PACKED = re.compile(r"attn\.in_proj_(weight|bias)")  # query, key and value in one tensor
TOKENS = _PLAIN["token_embedding.weight"]
"""transformers' name of the embeddings of the tokens, which ViFi-CLIP neither trains nor saves."""


def plain_name(name: str) -> str:
    """Return a tensor's name without the prefixes of `PREFIXES` and with OpenAI's towers.

    Example:
        >>> plain_name("module.image_encoder.ln_post.bias")
        'visual.ln_post.bias'
        >>> plain_name("model.visual.proj"), plain_name("text_encoder.text_projection")
        ('visual.proj', 'text_projection')
    """
    while prefix := next((one for one in PREFIXES if name.startswith(one)), None):
        name = name.removeprefix(prefix)
    for theirs, ours in TOWERS.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def is_harmless(name: str) -> bool:
    """Return whether a tensor of this plain name has no effect on an embedding."""
    return any(re.fullmatch(pattern, name) for pattern in HARMLESS)


def in_transformers(name: str, tensor: "Tensor") -> "Mapping[str, Tensor] | None":
    """Return a tensor under transformers' names; None if its plain name is not one of OpenAI's.

    Args:
        name: as `plain_name` returns it.
        tensor: of any type.

    Example:
        >>> import torch
        >>> packed = torch.arange(6.0)
        >>> found = in_transformers("visual.transformer.resblocks.3.attn.in_proj_bias", packed)
        >>> found["vision_model.encoder.layers.3.self_attn.k_proj.bias"]
        tensor([2., 3.])
    """
    if name in _PLAIN:
        return {_PLAIN[name]: tensor}
    if name in _TRANSPOSED:
        return {_TRANSPOSED[name]: tensor.T}
    block = _BLOCKS.fullmatch(name)
    if block is None:
        return None
    tower = "vision_model" if block[1] else "text_model"
    layer = f"{tower}.encoder.layers.{block[2]}."
    if (packed := _PACKED.fullmatch(block[3])) and tensor.ndim:
        parts = zip("qkv", tensor.chunk(3), strict=True)
        return {f"{layer}self_attn.{part}_proj.{packed[1]}": one for part, one in parts}
    for theirs, ours in _BLOCK.items():
        if block[3].startswith(theirs):
            return {layer + ours + block[3].removeprefix(theirs): tensor}
    return None
