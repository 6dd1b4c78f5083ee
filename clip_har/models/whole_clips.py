"""Models that see a clip as a whole and compare it with texts."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.models.encoder import Encoder
from clip_har.models.preprocess import normalise


@dataclass(frozen=True, kw_only=True)
class WholeClipEncoder(Encoder):
    """A frozen network of whole clips and texts.

    Attributes:
        clip_length: frames of every clip; None for any number.
    """

    clip_length: int | None

    def pixels(self, clips: Tensor) -> Tensor:
        """Normalise clips: ``(B, T, 3, S, S)`` grey levels, uint8 or float32; gradients flow."""
        frames = normalise(clips.flatten(0, 1).to(self.device), self.scale, dtype=self.dtype)
        return frames.reshape(clips.shape)

    @abstractmethod
    def encode_clips(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Embed normalised clips; gradients flow back to ``pixels``.

        Args:
            pixels: ``(B, T, 3, S, S)``.

        Returns:
            ``(B, D)`` float32 embeddings, L2-normalised, and what else `logits` needs of the clips.
        """

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed N texts, before they are compared with a clip.

        Returns:
            ``(N, D)`` float32 on the CPU, not of length 1.
        """
        return self.text_features(texts)

    @abstractmethod
    def logits(self, embeddings: Tensor, more: Any, prompts: Tensor) -> Tensor:
        """Compare clips with classes.

        Args:
            embeddings: ``(B, D)``, see `encode_clips`.
            more: see `encode_clips`.
            prompts: ``(C, P, D)``, see `encode_texts`.

        Returns:
            ``(B, C)`` float32.
        """

    def trial(self) -> list[Tensor]:
        """Return the logit of a black clip and a word."""
        size, frames = self.image_size, self.clip_length or 2
        clip = torch.zeros(1, frames, 3, size, size, dtype=torch.uint8)
        prompts = self.encode_texts(["a"])[None].to(self.device)
        return [self.logits(*self.encode_clips(self.pixels(clip)), prompts)]


@dataclass(frozen=True, kw_only=True)
class ClipDualEncoder(WholeClipEncoder):
    """A network with one embedding for each clip and each text.

    Attributes:
        logit_bias: added to every logit.
        clip_norm_counts: whether logits are those of embeddings of their own length, not of
            length 1.
        text_norm_counts: the same of texts; then the prompts of a class are averaged as they are.
    """

    logit_bias: float = 0.0

    clip_norm_counts: ClassVar[bool] = False
    text_norm_counts: ClassVar[bool] = False

    @abstractmethod
    def features(self, pixels: Tensor) -> Tensor:
        """Embed normalised clips ``(B, T, 3, S, S)`` as ``(B, D)``, of any length."""

    def encode_clips(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Embed normalised clips; gradients flow back to ``pixels``.

        Args:
            pixels: ``(B, T, 3, S, S)``.

        Returns:
            ``(B, D)`` float32 embeddings, L2-normalised, and ``(B, 1)`` their own lengths.
        """
        features = self.features(pixels).float()
        return normalize(features, dim=-1), features.norm(dim=-1, keepdim=True)

    def logits(self, embeddings: Tensor, more: Tensor, prompts: Tensor) -> Tensor:
        """Compare clips with classes: scale times the product of the embeddings, plus bias.

        Args:
            embeddings: ``(B, D)``, see `encode_clips`.
            more: ``(B, 1)`` their own lengths.
            prompts: ``(C, P, D)``, see `encode_texts`.

        Returns:
            ``(B, C)`` float32.
        """
        texts = prompts.float().to(embeddings.device)
        if self.text_norm_counts:
            classes = texts.mean(dim=1)
        else:
            classes = normalize(normalize(texts, dim=-1).mean(dim=1), dim=-1)
        products = embeddings @ classes.T
        return self.logit_scale * (products * more if self.clip_norm_counts else products) + (
            self.logit_bias
        )
