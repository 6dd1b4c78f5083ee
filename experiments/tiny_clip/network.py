"""The network: transformers' CLIP at about a million parameters."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel

from experiments.tiny_clip.rendered import SIZE
from experiments.tiny_clip.tokenizer import BEGIN, CONTEXT, END, PAD

PATCH = 16  # px
CELL = 4  # px, side of what the map head tells apart within a patch
MEAN, STD = (0.6, 0.58, 0.56), (0.24, 0.23, 0.23)  # per channel in [0, 1]; near those of frames
_PROJECTION = 128
_WIDTH = 128
_VISION = {
    "hidden_act": "gelu",  # one operation; CLIP's quick_gelu is three, a tenth of a step
    "hidden_size": _WIDTH,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "image_size": SIZE,
    "patch_size": PATCH,
    "projection_dim": _PROJECTION,
}
_TEXT = {
    "hidden_act": "gelu",
    "hidden_size": 96,
    "intermediate_size": 384,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": CONTEXT,
    "pad_token_id": PAD,
    "bos_token_id": BEGIN,
    "eos_token_id": END,
    "projection_dim": _PROJECTION,
}
_POSITION_SCALE = 0.5
_EMBEDDING_STD = 0.1
_FIRST_TEMPERATURE = 1 / 0.07  # as Radford et al. 2021 start


def make_network(
    vocabulary: int, *, sincos_positions: bool = True, wide_start: bool = True
) -> CLIPModel:
    """Make a network with fresh weights from torch's global generator.

    Args:
        vocabulary: tokens that the text tower knows.
        sincos_positions: whether patch positions start as sines and cosines (Vaswani et al. 2017)
            in place of small random numbers; they are learned in either case.
        wide_start: whether weights start as Glorot and Bengio 2010 advise in place of
            transformers' own numbers, which are made for wide networks.
    """
    config = CLIPConfig(
        projection_dim=_PROJECTION,
        logit_scale_init_value=math.log(_FIRST_TEMPERATURE),
        text_config={**_TEXT, "vocab_size": vocabulary},
        vision_config=dict(_VISION),
    )
    network = CLIPModel(config)
    if wide_start:
        network.apply(_start_wide)
    if sincos_positions:
        table: Any = network.vision_model.embeddings.position_embedding.weight  # (1 + P, D)
        side = SIZE // PATCH
        with torch.no_grad():
            table[0].zero_()
            table[1:] = _POSITION_SCALE * grid_positions(side, table.shape[1])
    return network


def _start_wide(part: nn.Module) -> None:
    if isinstance(part, nn.Linear):
        nn.init.xavier_uniform_(part.weight)
    elif isinstance(part, nn.Conv2d):
        nn.init.normal_(part.weight, std=part.weight[0].numel() ** -0.5)
    elif isinstance(part, nn.Embedding):
        nn.init.normal_(part.weight, std=_EMBEDDING_STD)


def grid_positions(side: int, width: int) -> Tensor:
    """Return two-dimensional sine and cosine positions of a square grid.

    Args:
        side: cells along each axis.
        width: numbers per cell, a multiple of 4.

    Returns:
        ``(side * side, width)`` float32 in [-1, 1], row by row.

    Example:
        >>> grid_positions(7, 128).shape
        torch.Size([49, 128])
    """
    quarter = width // 4
    frequency = torch.pi / 2 ** (torch.arange(quarter) * 5 / quarter)
    angle = torch.arange(side)[:, None] * frequency  # (side, W/4)
    axis = torch.cat([angle.sin(), angle.cos()], dim=1)  # (side, W/2)
    rows = axis[:, None].expand(side, side, -1)
    columns = axis[None].expand(side, side, -1)
    return torch.cat([rows, columns], dim=2).reshape(side * side, width)


class Trainee(nn.Module):
    """The network with a head that is used only in training.

    The head predicts, from each patch's last hidden state, which cells of the patch are
    background, person and object.

    Attributes:
        network: the part that is kept.
        map_head: the head, which is not kept.
    """

    def __init__(self, network: CLIPModel) -> None:
        super().__init__()
        self.network = network
        self.map_head = nn.Linear(_WIDTH, (PATCH // CELL) ** 2 * 3)

    def encode_frames(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Embed frames.

        Args:
            pixels: ``(M, 3, S, S)`` normalised.

        Returns:
            Embeddings ``(M, D)``, not normalised, and the map head's logits ``(M, P, K * 3)``.
        """
        seen = self.network.vision_model(pixel_values=pixels)
        embedded = self.network.visual_projection(seen.pooler_output)
        return embedded, self.map_head(seen.last_hidden_state[:, 1:])

    def encode_texts(self, tokens: Tensor, attention: Tensor) -> Tensor:
        """Embed texts ``(N, L)`` of token ids; return ``(N, D)``, not normalised."""
        read = self.network.text_model(input_ids=tokens, attention_mask=attention)
        embedded: Tensor = self.network.text_projection(read.pooler_output)
        return embedded
