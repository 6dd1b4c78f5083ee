"""No noise."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from clip_har.noise.contract import Seen, unchanged
from clip_har.noise.settings import NoiseSettings

if TYPE_CHECKING:
    from torch import Tensor

    from clip_har.models.zero_shot import Classifier
    from clip_har.noise.batch import ClipBatch


class NoNoise(NoiseSettings):
    """Leave the frames as they are. Has no seed, so a sweep over ``noise_seed`` runs it once."""

    is_clean: ClassVar[bool] = True
    columns: ClassVar[int] = 1

    def seen(self, clips: "ClipBatch", columns: NDArray[np.int64]) -> Seen:  # noqa: ARG002
        """Return the frames as they are."""
        return unchanged(clips)

    def answers(
        self,
        classifier: "Classifier",
        clips: "ClipBatch",  # noqa: ARG002
        seen: Seen,
        columns: NDArray[np.int64],  # noqa: ARG002
    ) -> "tuple[Tensor, Tensor]":
        """Return ``(B, C)`` scores and ``(B, D)`` embeddings of the clips."""
        return classifier.answers(seen.frames)
