"""CLIP whose frames also attend to the frames before and after, as Open-VCLIP and FROSTER.

"Open-VCLIP" (Weng et al. 2023, section 3.1) widens the self-attention of CLIP's image tower to the
frames t - 1, t and t + 1 without a new weight. So a state dict does not tell it from a CLIP's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize, scaled_dot_product_attention
from transformers import AttentionInterface

from clip_har.models.device import Precision
from clip_har.models.encoder import load_fields, try_out
from clip_har.models.tuned_weights import TunedWeights
from clip_har.models.whole_clips import ClipDualEncoder

_ATTENTION = "clip_har_neighbours"
_frames: ContextVar[int] = ContextVar("frames")


@dataclass(frozen=True, kw_only=True)
class NeighbourEncoder(ClipDualEncoder):
    """A frozen CLIP with attention to neighbouring frames; frames' logits are averaged."""

    clip_norm_counts: ClassVar[bool] = True

    def features(self, pixels: Tensor) -> Tensor:
        """Embed normalised clips ``(B, T, 3, S, S)`` as ``(B, D)``: the mean of the frames'."""
        with _clips_of(pixels.shape[1]):
            output = self.network.get_image_features(pixel_values=pixels.flatten(0, 1))
        frames = normalize(output.pooler_output.float(), dim=-1)
        return frames.reshape(*pixels.shape[:2], -1).mean(dim=1)


@contextmanager
def _clips_of(frames: int) -> Iterator[None]:
    token = _frames.set(frames)
    try:
        yield
    finally:
        _frames.reset(token)


def attend_to_neighbours(
    module: Any,  # noqa: ARG001, the signature is transformers'
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,  # noqa: ARG001
    scaling: float | None = None,
    **more: Any,  # noqa: ARG001
) -> tuple[Tensor, None]:
    """Compute attention in which each frame's tokens also see those of the frames beside it.

    Where there is no such frame its keys and values are 0, as in the authors' code: they take part
    in the softmax.

    Args:
        module: the layer.
        query: ``(B * T, heads, N, d)``, the frames of B clips in a row.
        key: of the same shape.
        value: of the same shape.
        attention_mask: none, in an image tower.
        scaling: of the products.
        more: what transformers also passes.

    Returns:
        ``(B * T, N, heads, d)``, and no weights.
    """
    found = scaled_dot_product_attention(query, _widened(key), _widened(value), scale=scaling)
    return found.transpose(1, 2).contiguous(), None


def _widened(tokens: Tensor) -> Tensor:
    """Return tokens ``(B * T, heads, N, d)`` with those of the neighbours, ``(…, 3 * N, d)``."""
    clips = tokens.reshape(-1, _frames.get(), *tokens.shape[1:])
    none = torch.zeros_like(clips[:, :1])
    after, before = torch.cat([clips[:, 1:], none], 1), torch.cat([none, clips[:, :-1]], 1)
    return torch.cat([clips, before, after], dim=3).flatten(0, 1)


AttentionInterface.register(_ATTENTION, attend_to_neighbours)


def load_neighbour_encoder(
    architecture: Any,
    folder: Path,
    *,
    name: str,
    device: torch.device,
    precision: Precision,
    tuned: TunedWeights,
) -> NeighbourEncoder:
    """Load a CLIP with attention to neighbouring frames, frozen and in evaluation mode.

    Args:
        architecture: transformers' ``CLIPModel``.
        folder: the base checkpoint.
        name: as the user wrote it.
        device: where it runs.
        precision: of the forward pass.
        tuned: the fine-tuned weights.

    Raises:
        ClipHarError: when a file is missing or damaged, or the weights do not fit the checkpoint.
    """
    fields = load_fields(
        architecture, folder, name=name, device=device, precision=precision, tuned=tuned
    )
    fields["network"].vision_model.set_attn_implementation(_ATTENTION)
    model = NeighbourEncoder(**fields, clip_length=None)
    try_out(model)
    return model
