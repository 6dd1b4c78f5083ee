"""VideoPrism's network of clips and texts."""

import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clip_har.models.checkpoint import MODEL, weights_digest
from clip_har.models.device import Precision, pick_dtype
from clip_har.models.encoder import ReadText, place, try_out
from clip_har.models.pretrained import load_pretrained
from clip_har.models.processor import pixel_scale, video_processor
from clip_har.models.whole_clips import ClipDualEncoder

_TO_BLANKS = str.maketrans(string.punctuation, " " * len(string.punctuation))


def canonical(text: str) -> str:
    """Return a text as VideoPrism was trained on it: lower case, one full stop at the end.

    Example:
        >>> canonical("A video of Hand-stands, outdoors")
        'a video of hand stands outdoors.'
    """
    return " ".join(text.translate(_TO_BLANKS).lower().split()) + "."


@dataclass(frozen=True, kw_only=True)
class VideoPrismEncoder(ClipDualEncoder):
    """A frozen VideoPrism (Zhao et al. 2024) with its text tower (LvT)."""

    def features(self, pixels: Tensor) -> Tensor:
        """Embed normalised clips ``(B, T, 3, S, S)`` as ``(B, D)``."""
        output = self.network.get_video_features(pixel_values_videos=pixels)
        pooled: Tensor = output.pooler_output.flatten(1)  # (B, 1, D)
        return pooled

    def read_text(self, text: str) -> ReadText:
        """Return what the tokenizer makes of a text."""
        return super().read_text(canonical(text))

    def tokens(self, texts: list[str]) -> dict[str, Tensor]:
        """Tokenise texts: canonical, padded to the whole context, with a mask."""
        return self.tokenised([canonical(text) for text in texts], to_context=True)


def load_videoprism(
    architecture: Any,
    folder: Path,
    *,
    name: str,
    temperature: float,
    device: torch.device,
    precision: Precision,
) -> VideoPrismEncoder:
    """Load a VideoPrism, frozen and in evaluation mode.

    Args:
        architecture: transformers' ``VideoPrismClipModel``.
        folder: the checkpoint.
        name: as the user wrote it.
        temperature: cosines are divided by it; the checkpoint has none.
        device: where it runs.
        precision: of the forward pass.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged.
    """
    pick_dtype(precision, device)  # before the work of loading
    scale = pixel_scale(folder, processor=video_processor(folder))
    named = f"{MODEL}={name}"
    network, tokenizer = load_pretrained(architecture, folder, named=named, reads_end=False)
    dtype = place(network, name, device=device, precision=precision)
    vision = network.config.vision_config
    model = VideoPrismEncoder(
        network=network,
        tokenizer=tokenizer,
        name=name,
        digest=weights_digest(folder),
        image_size=vision.image_size,
        context_length=network.config.text_config.max_position_embeddings,
        scale=scale,
        logit_scale=1 / temperature,
        device=device,
        dtype=dtype,
        clip_length=vision.num_frames,
    )
    try_out(model)
    return model
