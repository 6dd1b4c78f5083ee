"""Prompt vectors: the words before the class names are learned, as vectors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from clip_har.heads.clips import LabelledClips
from clip_har.heads.context import open_texts
from clip_har.heads.head import Embeddings, TextClasses
from clip_har.heads.learn import Rows, Schedule, learn
from clip_har.heads.validation import validation_score
from clip_har.models.dual_encoder import DualEncoder

STEP_SIZE = 0.05
"""At the start, as a share of the root mean square of the words' token embeddings, whose size
differs between models."""


@dataclass(frozen=True, eq=False)
class PromptVectors:
    """The zero-shot classifier with the texts "[v]₁ … [v]_M <class name>".

    Attributes:
        classes: the classifier with the class embeddings of these texts.
        vectors: ``(M, W)`` float32, the learned vectors.
        step: whose vectors were kept; 0 for those of the words at the start.
    """

    classes: TextClasses
    vectors: NDArray[np.float32]
    step: int

    def logits(self, embeddings: Embeddings) -> NDArray[np.float32]:
        """Return the logits ``(N, C)`` of clips ``(N, D)``."""
        return self.classes.logits(embeddings)


def learn_prompt_vectors(
    training: LabelledClips,
    validation: LabelledClips,
    model: DualEncoder,
    names: Sequence[str],
    schedule: Schedule,
) -> PromptVectors:
    """Learn the vectors on the training clips; both towers do not change.

    CoOp with one context for all classes, the class name at the end (Zhou et al. 2022, "Learning to
    prompt for vision-language models"). Frames are not augmented, so that the clips are embedded
    once; Adam takes the place of SGD. The vectors start from the words of
    `clip_har.heads.context.CONTEXT`.

    Args:
        training: the labelled clips.
        validation: clips of other groups, which say what is kept.
        model: the dual encoder.
        names: C class names.
        schedule: how long.

    Raises:
        ClipHarError: when vectors cannot be put before the model's texts, see `open_texts`.
    """
    # The caller may be in inference mode, whose tensors cannot be saved for a gradient.
    with torch.inference_mode(mode=False), torch.enable_grad():
        texts = open_texts(model, names)
        given = torch.from_numpy(training.embeddings).to(model.device)
        labels = torch.from_numpy(training.labels).to(model.device)

        def loss(vectors: Tensor, rows: Rows) -> Tensor:
            picked = torch.from_numpy(rows).to(model.device)
            logits = model.logit_scale * given[picked] @ texts.embed(vectors).T + model.logit_bias
            return cross_entropy(logits, labels[picked])

        def classes_of(vectors: Tensor) -> TextClasses:
            with torch.no_grad():
                found = texts.embed(vectors).cpu().numpy()
            return TextClasses(found, model.logit_scale, model.logit_bias)

        def score(vectors: Tensor) -> float:
            logits = classes_of(vectors).logits(validation.embeddings)
            return validation_score(logits, validation.labels)

        vectors, step = learn(
            texts.words, training.labels, schedule,
            loss=loss, score=score, message="learning prompt vectors",
            rate=STEP_SIZE * float(texts.words.square().mean().sqrt()),
            half=model.dtype == torch.float16,
        )  # fmt: skip
        return PromptVectors(classes_of(vectors), vectors.cpu().numpy(), step)
