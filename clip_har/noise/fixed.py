"""Noise that is not learned: each option is its own noise, and a cell has this one only."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from clip_har.noise.contract import Noise, Seen
from clip_har.noise.settings import LearningCell, NoiseSettings, OpenFrames
from clip_har.noise.variants import NONE, RANDOM, Scores, Variant, first_column

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from clip_har.data.frames.store import FrameStore
    from clip_har.models.zero_shot import Classifier, ZeroShot
    from clip_har.noise.batch import ClipBatch


class FixedNoise(NoiseSettings):
    """The base class of options that learn nothing; each defines `seen`."""

    columns: ClassVar[int] = 1

    @abstractmethod
    def seen(self, clips: "ClipBatch", columns: NDArray[np.int64]) -> Seen:
        """Add noise to the frames of clips, see `clip_har.noise.contract.Noise.seen`."""

    def forward(
        self,
        classifier: "Classifier",
        clips: "ClipBatch",  # noqa: ARG002
        seen: Seen,
        columns: NDArray[np.int64],  # noqa: ARG002
    ) -> "tuple[Tensor, Tensor]":
        """Return ``(B, C)`` scores and ``(B, D)`` embeddings of the clips with noise."""
        return classifier.forward(seen.frames)

    def unlearned(self) -> Noise:
        """Return itself."""
        return self

    def open(
        self,
        cell: LearningCell,  # noqa: ARG002
        frames: "FrameStore",  # noqa: ARG002
        classifier: "Classifier",  # noqa: ARG002
        open_frames: OpenFrames,  # noqa: ARG002
    ) -> "OneNoise":
        """Return itself as the only noise of a cell."""
        return OneNoise(NONE if self.is_clean else RANDOM, self)


@dataclass(frozen=True, eq=False)
class OneNoise:
    """The noise of a cell that learns none; see `clip_har.noise.contract.CellNoise`.

    Attributes:
        headline: its name, which is that of its variant.
        noise: the noise.
    """

    headline: str
    noise: Noise

    is_learned: ClassVar[bool] = False
    needs_embeddings: ClassVar[bool] = False

    @property
    def by_name(self) -> Mapping[str, Noise]:
        """The noise by its name."""
        return {self.headline: self.noise}

    def columns_needed(self, labels: NDArray[np.int64]) -> None:
        """Return None: the only column."""

    def variants(
        self,
        scores: Mapping[str, Scores],
        labels: NDArray[np.int64],  # noqa: ARG002
        embeddings: NDArray[np.float32] | None = None,  # noqa: ARG002
    ) -> dict[str, Variant]:
        """Return the only variant."""
        return {self.headline: first_column(scores[self.headline][:, 0], self.headline)}

    def inspected_variants(
        self,
        scores: Mapping[str, Scores],
        labels: NDArray[np.int64],  # noqa: ARG002
    ) -> dict[str, Variant]:
        """Return the only variant."""
        return {self.headline: first_column(scores[self.headline], self.headline)}

    def class_sizes(self, zero_shot: "ZeroShot", names: Sequence[str]) -> "pd.DataFrame":  # noqa: ARG002
        """Return an empty table."""
        import pandas as pd

        return pd.DataFrame()
