"""The video part of PE-AV, Meta's Perception Encoder for audio and video."""

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from clip_har.models.checkpoint import MODEL, weights_digest
from clip_har.models.device import Precision, pick_dtype
from clip_har.models.encoder import check_finite_weights, try_out
from clip_har.models.pretrained import load_pretrained
from clip_har.models.processor import pixel_scale, square, video_processor
from clip_har.models.whole_clips import ClipDualEncoder

_LONGEST = 512  # tokens of a text, as its authors cut it


@dataclass(frozen=True, kw_only=True)
class PeVideoEncoder(ClipDualEncoder):
    """A frozen PE-Video; the logit is scale times the product of both embeddings, plus bias."""

    clip_norm_counts: ClassVar[bool] = True
    text_norm_counts: ClassVar[bool] = True

    def features(self, pixels: Tensor) -> Tensor:
        """Embed normalised clips ``(B, T, 3, S, S)`` as ``(B, D)``."""
        pooled: Tensor = self.network.video_head(
            self.network.video_encoder(pixel_values_videos=pixels).pooler_output
        )
        return pooled

    def features_of_tokens(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """Embed texts ``(N, D)`` that are tokenised, as the network's own forward pass does it."""
        output = self.network.text_model(**tokens, output_hidden_states=-1)
        features: Tensor = self.network.text_video_head(output.hidden_states[-1][:, 0])
        return features


def load_pe_video(
    architecture: Any, folder: Path, *, name: str, device: torch.device, precision: Precision
) -> PeVideoEncoder:
    """Load a PE-Video, frozen and in evaluation mode.

    Args:
        architecture: transformers' ``PeVideoModel``.
        folder: the checkpoint.
        name: as the user wrote it.
        device: where it runs.
        precision: of the forward pass.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged.
    """
    dtype = pick_dtype(precision, device)
    processor = video_processor(folder)
    scale, (_, size) = pixel_scale(folder, processor=processor), square(folder, processor=processor)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a remark on its own documentation
        network, tokenizer = load_pretrained(
            architecture, folder, named=f"{MODEL}={name}", reads_end=False
        )
    logit_scale = float(network.text_video_logit_scale.detach())
    logit_bias = float(network.text_video_logit_bias.detach())
    check_finite_weights(network, name, "the weights in the checkpoint")
    network.to(device=device, dtype=dtype)
    if dtype != torch.float32:
        check_finite_weights(network, name, f"precision={precision} is too narrow: the weights")
    model = PeVideoEncoder(
        network=network,
        tokenizer=tokenizer,
        name=name,
        digest=weights_digest(folder),
        image_size=size,
        context_length=min(_LONGEST, network.config.text_config.max_position_embeddings),
        scale=scale,
        logit_scale=logit_scale,
        logit_bias=logit_bias,
        device=device,
        dtype=dtype,
        clip_length=frames_of(processor),
    )
    try_out(model)
    return model


def frames_of(processor: Any) -> int | None:
    """Return the frames that a video processor samples from each clip; None for all of them."""
    return processor.num_frames if processor.do_sample_frames else None
