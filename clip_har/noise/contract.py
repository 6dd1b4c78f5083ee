"""The contracts of noise that clips are shown with, and of all noise of one cell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clip_har.noise.variants import ChooseColumns, Scores, Variant
from clip_har.noise.where import Where

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from clip_har.models.zero_shot import ZeroShot
    from clip_har.noise.batch import ClipBatch


@dataclass(frozen=True, eq=False)
class Seen:
    """B clips as the model sees them, and how much noise was added to each.

    Attributes:
        frames: of each clip ``(T, 3, S, S)`` uint8.
        rms: ``(B,)`` float32, root mean square change of the pixels, grey levels.
        largest: ``(B,)`` float32, largest change of a pixel, grey levels.
    """

    frames: "Sequence[Tensor]"
    rms: NDArray[np.float32]
    largest: NDArray[np.float32]


class Noise(Protocol):
    """Noise that clips are shown with. The contract, with no logic.

    Noise per class has a column for each class; all other noise has one column.
    """

    @property
    def columns(self) -> int:
        """The number of noises that a clip can be seen under: 1, or the number of classes C."""

    def seen(self, clips: "ClipBatch", columns: NDArray[np.int64]) -> Seen:
        """Add noise to the frames of B clips.

        Args:
            clips: the clips under their mask.
            columns: ``(B,)``, the column of the noise that each clip gets.
        """

    def forward(
        self, classifier: Any, clips: "ClipBatch", seen: Seen, columns: NDArray[np.int64]
    ) -> "tuple[Tensor, Tensor]":
        """Return ``(B, C)`` scores and ``(B, D)`` embeddings of the clips, on the CPU.

        Args:
            classifier: a `clip_har.models.zero_shot.Classifier`.
            clips: the clips under their mask.
            seen: what `seen` returned for them.
            columns: ``(B,)``, the column of the noise that each clip gets.
        """


class CellNoise(Protocol):
    """All noise that a cell's clips are shown with: its own, learned if needed, and its controls.

    The contract, with no logic.
    """

    @property
    def is_learned(self) -> bool:
        """Whether it is learned from training clips."""

    @property
    def by_name(self) -> Mapping[str, Noise]:
        """Each noise by its name. With learned noise the first one is no noise."""

    @property
    def headline(self) -> str:
        """The name of the variant that the cell's own numbers are computed from."""

    def columns_needed(self, labels: NDArray[np.int64]) -> ChooseColumns | None:
        """Return which columns clips must be shown under; None for all columns.

        Args:
            labels: ``(N,)``, the true classes of the evaluated clips; only ``oracle`` uses them.
        """

    def variants(
        self, scores: Mapping[str, Scores], labels: NDArray[np.int64]
    ) -> dict[str, Variant]:
        """Return every variant by name, from the same scores.

        Args:
            scores: ``(N, K, C)`` by noise, one row per clip.
            labels: ``(N,)``, the true classes.
        """

    def inspected_variants(
        self, scores: Mapping[str, Scores], labels: NDArray[np.int64]
    ) -> dict[str, Variant]:
        """Return the variants whose clips are shown again: the headline, none and ``universal``.

        The score tables are enough to make them, so merged shards can be used, too.

        Args:
            scores: ``(N, C)`` by variant.
            labels: ``(N,)``, the true classes.
        """

    def class_sizes(self, zero_shot: "ZeroShot", names: Sequence[str]) -> "pd.DataFrame":
        """Return a row per column of learned noise: its size, and how often it alone predicts.

        Args:
            zero_shot: the model with its classes.
            names: the class names.
        """


def unchanged(clips: "ClipBatch") -> Seen:
    """Return clips without any noise."""
    nothing = np.zeros(len(clips.clips), np.float32)
    return Seen([clip.frames for clip in clips.clips], nothing, nothing)


def noisy_frames(
    clips: "ClipBatch", where: Where, add: "Callable[[Tensor, Tensor | None], Tensor]"
) -> "Tensor":
    """Return the frames of clips with noise, rounded to whole grey levels.

    Args:
        clips: the clips under their mask, M frames.
        where: see `clip_har.noise.where.Where`.
        add: adds noise to ``(M, 3, S, S)`` uint8 frames, of which the given share ``(M, 1, S, S)``
            of each pixel is hidden and gets none; None for noise everywhere. Returns float32 grey
            levels.

    Returns:
        ``(M, 3, S, S)`` uint8 on the clips' device.
    """
    if where == "before":
        return clips.paint(_as_picture(add(clips.whole, None)))
    return _as_picture(add(clips.frames, clips.hidden if where == "visible" else None))


def realised(
    frames: "Tensor", noisy: "Tensor", lengths: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the change that was added to each of B clips: root mean square and largest value.

    It may be less than the noise, because pixels are clipped to valid values.

    Args:
        frames: ``(M, 3, S, S)`` uint8, the clips' frames in a row; the mean is taken within each
            frame first.
        noisy: ``(M, 3, S, S)`` uint8, the same with noise.
        lengths: frames of each clip.

    Returns:
        Two arrays ``(B,)`` float32, grey levels.
    """
    import torch

    change = noisy.float() - frames.float()
    square = torch.split(change.square().mean(dim=(1, 2, 3)).cpu(), list(lengths))
    largest = torch.split(change.abs().amax(dim=(1, 2, 3)).cpu(), list(lengths))
    return (
        np.array([float(part.mean().sqrt()) for part in square], np.float32),
        np.array([float(part.max()) for part in largest], np.float32),
    )


def _as_picture(frames: "Tensor") -> "Tensor":
    import torch

    return frames.clamp(0, 255).round().to(torch.uint8)
