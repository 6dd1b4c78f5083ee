"""A dual encoder with its classes: frames in, class scores out."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, cast

import torch
from torch import Tensor

from clip_har.models.classifier import zero_shot_classifier
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.pooling import Pooling, clip_embeddings, clip_scores


class Classifier(Protocol):
    """What scores clips.

    It is a `ZeroShot`, a `clip_har.models.video_zero_shot.VideoZeroShot`, or a test model with
    known predictions.
    """

    @property
    def batch_size(self) -> int:
        """Frames in one forward pass."""

    @property
    def pooling(self) -> str:
        """How frames become a clip."""

    @property
    def device(self) -> torch.device:
        """Where the model computes."""

    def forward(self, clips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return ``(B, C)`` scores and ``(B, D)`` embeddings of B clips ``(T, 3, S, S)`` uint8.

        Both float32, on any device; the embeddings L2-normalised.
        """


class TextClassifier(Classifier, Protocol):
    """A classifier whose classes are embeddings of texts."""

    def class_vectors(self) -> Tensor:
        """Return the class embeddings, ``(C, D)`` float32, L2-normalised."""


@dataclass(frozen=True, eq=False)
class ZeroShot:
    """A zero-shot classifier of clips.

    Attributes:
        model: the dual encoder.
        class_embeddings: ``(C, D)`` float32 L2-normalised class embeddings, on the model's device.
        pooling: over the frames of a clip.
        batch_size: frames in one forward pass.
    """

    model: DualEncoder
    class_embeddings: Tensor
    pooling: Pooling
    batch_size: int

    @classmethod
    def build(
        cls,
        model: DualEncoder,
        prompts: Sequence[Sequence[str]],
        *,
        pooling: Pooling,
        batch_size: int,
        cache_dir: Path,
    ) -> "ZeroShot":
        """Embed the classes of a model, see `zero_shot_classifier`, and warm it up."""
        model.warm_up(batch_size)
        class_embeddings = zero_shot_classifier(model, prompts, cache_dir=cache_dir)
        return cls(model, class_embeddings.to(model.device), pooling, batch_size)

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.model.device

    def class_vectors(self) -> Tensor:
        """Return the class embeddings, ``(C, D)`` float32, L2-normalised."""
        return self.class_embeddings

    @cached_property
    def digest(self) -> str:
        """Digest of the weights and the class embeddings, 32 hexadecimal digits."""
        classes = self.class_embeddings.cpu().numpy().tobytes()
        text = f"{self.model.digest} {self.pooling} {hashlib.sha256(classes).hexdigest()}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def scores(self, clips: Sequence[Tensor]) -> Tensor:
        """Score every class for every clip.

        Args:
            clips: B clips of ``(T, 3, S, S)`` uint8 RGB; T may differ.

        Returns:
            ``(B, C)`` float32 on the CPU, see `clip_scores`.
        """
        return self.forward(clips)[0].cpu()

    @torch.inference_mode()
    def forward(self, clips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Score every class for every clip, and embed the clips.

        Args:
            clips: B clips of ``(T, 3, S, S)`` uint8 RGB; T may differ.

        Returns:
            ``(B, C)`` and ``(B, D)`` float32 on the model's device, see `clip_scores`,
            `clip_embeddings`: it need not be waited for.
        """
        return self.forward_embedded(self.embed(clips), [len(clip) for clip in clips])

    @torch.inference_mode()
    def forward_embedded(self, embeddings: Tensor, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return what `forward` does for embedded clips.

        Args:
            embeddings: ``(M, D)`` L2-normalised, the clips' frames in a row.
            lengths: frames of each of the B clips.
        """
        return self.scores_of(embeddings, lengths), clip_embeddings(embeddings, lengths)

    @torch.inference_mode()
    def embed(self, clips: Sequence[Tensor]) -> Tensor:
        """Embed the frames of clips.

        Args:
            clips: B clips of ``(T, 3, S, S)`` uint8 RGB; T may differ.

        Returns:
            ``(M, D)`` float32 L2-normalised, on the model's device, the clips' frames in a row.
        """
        return torch.cat(
            [self.model.encode_frames(parts) for parts in _batches(clips, self.batch_size)]
        )

    @torch.inference_mode()
    def scores_of(self, embeddings: Tensor, lengths: Sequence[int]) -> Tensor:
        """Score every class for embedded clips.

        Args:
            embeddings: ``(M, D)`` L2-normalised, the clips' frames in a row.
            lengths: frames of each of the B clips.

        Returns:
            ``(B, C)`` float32 on the model's device, see `clip_scores`.
        """
        return clip_scores(
            embeddings,
            lengths,
            self.class_embeddings,
            logit_scale=self.model.logit_scale,
            logit_bias=self.model.logit_bias,
            pooling=self.pooling,
        )

    def frame_logits(self, embeddings: Tensor) -> Tensor:
        """Return the logits ``(M, C)`` of single frames ``(M, D)``, with a gradient."""
        model = self.model
        return (
            model.logit_scale * embeddings.float() @ self.class_embeddings.float().T
            + model.logit_bias
        )


def of_frames(classifier: Classifier) -> ZeroShot:
    """Return the classifier, typed as a model of single frames.

    `clip_har.config` refuses a model of whole clips for all that needs single frames: learned
    noise, ``region=relevance`` and attention.
    """
    return cast(ZeroShot, classifier)


def _batches(clips: Sequence[Tensor], size: int) -> Iterator[list[Tensor]]:
    """Cut clips into batches of ``size`` frames, one after the other, without a copy."""
    batch: list[Tensor] = []
    room = size
    for clip in clips:
        start = 0
        while start < len(clip):
            part = clip[start : start + room]
            batch.append(part)
            start += len(part)
            room -= len(part)
            if not room:
                yield batch
                batch, room = [], size
    if batch:
        yield batch
