"""SigLIP 2 NaFlex's network: frames as a grid of patches of their own aspect."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.models.device import Precision
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.encoder import load_fields, try_out


@dataclass(frozen=True, kw_only=True)
class NaFlexEncoder(DualEncoder):
    """A frozen SigLIP 2 NaFlex.

    Attributes:
        grid: rows and columns of patches, in the middle rows of the square.
        patch: side of a patch, pixels.
    """

    grid: tuple[int, int]
    patch: int

    def patches(self, pixels: Tensor) -> Tensor:
        """Cut the grid out of normalised frames.

        Args:
            pixels: ``(M, 3, S, S)``.

        Returns:
            ``(M, rows * columns, patch * patch * 3)``, row by row, colours last.
        """
        rows, columns = self.grid
        top = (pixels.shape[-2] - rows * self.patch) // 2
        band = pixels[:, :, top : top + rows * self.patch]
        cells = band.reshape(len(pixels), 3, rows, self.patch, columns, self.patch)
        return cells.permute(0, 2, 4, 3, 5, 1).reshape(len(pixels), rows * columns, -1)

    def tokens(self, texts: list[str]) -> dict[str, Tensor]:
        """Tokenise texts: in lower case, padded; the tokenizer says whether the padding is read."""
        return self.tokenised([text.lower() for text in texts], to_context=True)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Embed normalised frames; gradients flow back to ``pixels``.

        Args:
            pixels: ``(M, 3, S, S)`` as `clip_har.models.preprocess.normalise` returns them.

        Returns:
            ``(M, D)`` float32, L2-normalised.
        """
        patches = self.patches(pixels)
        shapes = torch.tensor([self.grid] * len(pixels), device=pixels.device)
        seen = torch.ones(patches.shape[:2], dtype=torch.int32, device=pixels.device)
        output = self.network.get_image_features(
            pixel_values=patches, pixel_attention_mask=seen, spatial_shapes=shapes
        )
        return normalize(output.pooler_output.float(), dim=-1)


def load_naflex(
    architecture: Any,
    folder: Path,
    *,
    name: str,
    processor: Any,
    grid: tuple[int, int],
    device: torch.device,
    precision: Precision,
) -> NaFlexEncoder:
    """Load a SigLIP 2 NaFlex, frozen and in evaluation mode.

    Args:
        architecture: transformers' ``Siglip2Model``.
        folder: the checkpoint.
        name: as the user wrote it.
        processor: its image processor.
        grid: rows and columns of patches.
        device: where it runs.
        precision: of the forward pass.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged.
    """
    patch = int(processor.patch_size)
    fields = load_fields(
        architecture,
        folder,
        name=name,
        device=device,
        precision=precision,
        processor=processor,
        image_size=grid[1] * patch,
    )
    model = NaFlexEncoder(
        **fields,
        logit_bias=float(fields["network"].logit_bias.detach()),
        padded_texts=True,
        grid=grid,
        patch=patch,
    )
    try_out(model)
    return model
