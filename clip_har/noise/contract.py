"""The contracts of noise that clips are shown with, and of all noise of one cell."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from clip_har.noise.variants import ChooseColumns, Scores, Variant

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from clip_har.models.zero_shot import ZeroShot
    from clip_har.noise.batch import ClipBatch


_AT_ONCE = 4  # frames that a CPU adds noise to at once


class Seen(NamedTuple):
    """B clips as the model sees them, and how much noise was added to each.

    Attributes:
        frames: of each clip ``(T, 3, S, S)`` uint8.
        rms: ``(B,)`` float32, root mean square change of the pixels, grey levels.
        largest: ``(B,)`` float32, largest change of a pixel, grey levels.

    All are on the device of the clips: a device need not be waited for.
    """

    frames: "Sequence[Tensor]"
    rms: "Tensor"
    largest: "Tensor"


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
        """Return ``(B, C)`` scores and ``(B, D)`` embeddings of the clips, on any device.

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

    @property
    def needs_embeddings(self) -> bool:
        """Whether `variants` needs the clips' embeddings under the first noise."""

    def variants(
        self,
        scores: Mapping[str, Scores],
        labels: NDArray[np.int64],
        embeddings: NDArray[np.float32] | None = None,
    ) -> dict[str, Variant]:
        """Return every variant by name, from the same scores.

        Args:
            scores: ``(N, K, C)`` by noise, one row per clip.
            labels: ``(N,)``, the true classes.
            embeddings: ``(N, D)`` under the first noise; used only if they are needed.
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
    import torch

    nothing = torch.zeros(len(clips.clips))
    return Seen(clips.shown_clips, nothing, nothing)


def with_noise(
    frames: "Tensor",
    noise: "Tensor",
    hidden: "Tensor | None",
    add: "Callable[[Tensor, Tensor, Tensor | None], Tensor]",
    *,
    out: "Tensor | None" = None,
) -> "Tensor":
    """Return frames with noise, rounded to whole grey levels.

    Args:
        frames: ``(M, 3, S, S)`` uint8.
        noise: ``(1 or M, …)`` float32.
        hidden: ``(1 or M, 1, S, S)`` in [0, 1], the share of each pixel that gets no noise; None
            for noise everywhere.
        add: adds noise to some of the frames, with arguments as these; returns float32 grey levels.
        out: where they are written to; None for a new tensor.

    Returns:
        ``(M, 3, S, S)`` uint8 on the device of ``frames``.
    """
    import torch

    noisy = (
        torch.empty(frames.shape, dtype=frames.dtype, device=frames.device) if out is None else out
    )
    for rows in parts_of(frames):
        own, without = (
            part if part is None or len(part) == 1 else part[rows] for part in (noise, hidden)
        )
        assert own is not None  # noqa: S101
        noisy[rows] = add(frames[rows], own, without).clamp_(0, 255).round_()
    return noisy


def parts_of(frames: "Tensor") -> list[slice]:
    """Cut frames into parts of at least two; a device takes all of them at once.

    What is computed of some frames stays in a processor's cache. A single frame would be summed up
    by several threads, and so in another order than beside others.

    Args:
        frames: ``(M, …)``.
    """
    count = len(frames)
    parts = -(-count // _AT_ONCE) if frames.device.type == "cpu" else 1
    edges = [number * count // parts for number in range(parts + 1)]
    return [slice(*ends) for ends in pairwise(edges)]


def realised(frames: "Tensor", noisy: "Tensor", lengths: Sequence[int]) -> "tuple[Tensor, Tensor]":
    """Return the change that was added to each of B clips: root mean square and largest value.

    It may be less than the noise, because pixels are clipped to valid values.

    Args:
        frames: ``(M, 3, S, S)`` uint8, the clips' frames in a row; the mean is taken within each
            frame first.
        noisy: ``(M, 3, S, S)`` uint8, the same with noise.
        lengths: frames of each clip.

    Returns:
        Two tensors ``(B,)`` float32, grey levels, on the device of the frames.
    """
    import torch

    square, largest = [], []
    for rows in parts_of(frames):
        change = noisy[rows].float().sub_(frames[rows])
        largest.append(change.abs().amax(dim=(1, 2, 3)))
        square.append(change.square_().mean(dim=(1, 2, 3)))
    if frames.device.type != "cpu":
        return of_clips_at_once(torch.cat(square), torch.cat(largest), lengths)
    squares, most = (torch.split(torch.cat(part), list(lengths)) for part in (square, largest))
    return (
        torch.stack([part.mean().sqrt() for part in squares]),
        torch.stack([part.max() for part in most]),
    )


def of_clips_at_once(
    squares: "Tensor", largest: "Tensor", lengths: Sequence[int]
) -> "tuple[Tensor, Tensor]":
    """Return what `realised` does, in as few operations for many clips as for one.

    Args:
        squares: ``(M,)``, the mean square change of each frame.
        largest: ``(M,)``, its largest change.
        lengths: frames of each of B clips.
    """
    import torch

    from clip_har.core.tensors import sent

    counts = np.array(lengths)
    # Row by row the frames of a clip, filled up with one that was not changed.
    places = np.arange(counts.max()) + (np.cumsum(counts) - counts)[:, None]
    places[np.arange(counts.max()) >= counts[:, None]] = counts.sum()
    rows = sent(torch.from_numpy(places), squares.device)
    own, most = (
        torch.cat([part, part.new_zeros(1)])[rows] for part in (squares, largest)
    )  # (B, longest)
    frames = sent(torch.from_numpy(counts), squares.device)
    return (own.sum(dim=1) / frames).sqrt(), most.amax(dim=1)
