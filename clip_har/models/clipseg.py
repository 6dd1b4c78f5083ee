"""CLIPSeg (Lüddecke and Ecker 2022): segment what a text names."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tvf
from transformers import CLIPSegForImageSegmentation

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import PREPROCESSOR, REGION
from clip_har.models.preprocess import normalise
from clip_har.models.pretrained import load_pretrained
from clip_har.models.processor import PixelScale, pixel_scale, square


@dataclass(frozen=True)
class CLIPSeg:
    """A frozen segmentation network that finds what a text names.

    Attributes:
        network: transformers' ``CLIPSegForImageSegmentation``, frozen, float32.
        tokenizer: a transformers tokenizer.
        image_size: side of the square input, pixels.
        context_length: longest text, in tokens.
        scale: of the pixels.
        device: where it runs.
    """

    network: Any
    tokenizer: Any
    image_size: int
    context_length: int
    scale: PixelScale
    device: torch.device

    @torch.inference_mode()
    def encode_text(self, text: str) -> Tensor:
        """Embed a text; one longer than the context is cut, as the tokenizer does.

        Returns:
            ``(1, D)`` float32 on the network's device, as the decoder takes it.
        """
        tokens = self.tokenizer(
            [text], truncation=True, max_length=self.context_length, return_tensors="pt"
        ).to(self.device)
        embedding: Tensor = self.network.clip.get_text_features(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        return embedding

    def preprocess(self, frames: Tensor) -> Tensor:
        """Resize and normalise frames as the checkpoint's ``ViTImageProcessor`` does.

        Args:
            frames: ``(M, 3, H, W)`` uint8 RGB.

        Returns:
            ``(M, 3, image_size, image_size)`` float32, on the network's device.
        """
        resized = tvf.resize(
            frames.to(self.device),
            [self.image_size, self.image_size],
            interpolation=InterpolationMode.BILINEAR,
            antialias=True,
        )
        return normalise(resized, self.scale, dtype=torch.float32)

    @torch.inference_mode()
    def probabilities(self, frames: Tensor, text: Tensor) -> Tensor:
        """Return the probability that each pixel belongs to what a text names, in one pass.

        Args:
            frames: ``(M, 3, H, W)`` uint8 RGB.
            text: ``(1, D)`` as `encode_text` returns it.

        Returns:
            ``(M, H, W)`` float32 in [0, 1]: the sigmoid of the decoder's logits, resized from
            the network's resolution with antialiased bilinear interpolation. Not calibrated.
        """
        logits: Tensor = self.network(
            pixel_values=self.preprocess(frames),
            conditional_embeddings=text.expand(len(frames), -1),
        ).logits  # (M, image_size, image_size)
        resized: Tensor = tvf.resize(
            logits.sigmoid(),
            list(frames.shape[-2:]),
            interpolation=InterpolationMode.BILINEAR,
            antialias=True,
        )
        return resized.clamp(0, 1)


@lru_cache(maxsize=1)
def load_clipseg(folder: Path, device: torch.device) -> CLIPSeg:
    """Load a checkpoint; the cells of a sweep that run in one process share it.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged.
    """
    image_size = _input_size(folder)
    scale = pixel_scale(folder, setting=REGION)
    network, tokenizer = load_pretrained(
        CLIPSegForImageSegmentation, folder, named=f"{REGION}={folder}"
    )
    return CLIPSeg(
        network=network.to(device),
        tokenizer=tokenizer,
        image_size=image_size,
        context_length=network.config.text_config.max_position_embeddings,
        scale=scale,
        device=device,
    )


def _input_size(folder: Path) -> int:
    """Return the side of the square that the checkpoint's preprocessing resizes to, in pixels."""
    found, side = square(folder, setting=REGION)
    if found != ("squash", "bilinear", side):
        raise ClipHarError(
            f"{REGION}={folder}: expected a size of equal height and width and resample 2"
            f" (bilinear), without a crop, in {PREPROCESSOR[0]}"
        )
    return side
