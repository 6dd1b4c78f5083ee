"""What a head is: a classifier on the frozen embeddings of a model."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

Embeddings = NDArray[np.float32]


class Head(Protocol):
    """A fitted classifier of embedded clips: a frozen dataclass of arrays and numbers."""

    def logits(self, embeddings: Embeddings) -> NDArray[np.float32]:
        """Return the logits ``(N, C)`` of clips ``(N, D)``, L2-normalised."""


@dataclass(frozen=True, eq=False)
class TextClasses:
    """A class embedding for each class: the zero-shot classifier as a head.

    Attributes:
        vectors: ``(C, D)`` float32, L2-normalised.
        logit_scale: the model's learned temperature, as a factor.
        logit_bias: added to every logit.
    """

    vectors: NDArray[np.float32]
    logit_scale: float
    logit_bias: float = 0.0

    @classmethod
    def of(cls, zero_shot: "ZeroShot") -> "TextClasses":
        """Return the classes of a zero-shot classifier."""
        model = zero_shot.model
        vectors = zero_shot.class_embeddings.float().cpu().numpy()
        return cls(vectors, model.logit_scale, model.logit_bias)

    def exact(self, embeddings: Embeddings) -> NDArray[np.float64]:
        """Return `logits` in double precision, in which a clip's do not depend on the others."""
        products = embeddings.astype(np.float64) @ self.vectors.astype(np.float64).T
        logits: NDArray[np.float64] = self.logit_scale * products + self.logit_bias
        return logits

    def logits(self, embeddings: Embeddings) -> NDArray[np.float32]:
        """Return the logits ``(N, C)`` of clips ``(N, D)``.

        Example:
            >>> classes = TextClasses(np.eye(2, dtype=np.float32), logit_scale=10.0)
            >>> classes.logits(np.array([[0.6, 0.8]], np.float32)).tolist()
            [[6.0, 8.0]]
        """
        return self.exact(embeddings).astype(np.float32)
