"""The score table: the interface between the model and all metrics."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError

_ATTRIBUTE = "attribute/"  # before an attribute's name in the file

OWN_SCENE = -1
"""The scene label of a clip that is shown in front of its own background."""

_NUMBERS = (
    *("mask_ratio", "subject_hidden", "subject_found", "background_kept"),
    *("native_black", "video_hidden"),
    *("tokens_hidden", "tokens_partly", "feature_hidden", "feature_frames"),
    *("noise_rms", "noise_largest"),
)
"""Columns of one number per clip that every table has."""

_FOR_READERS = ("class", "predicted")
"""Columns that repeat others in words, for those who read the file."""

_read: dict[str, tuple[pa.ChunkedArray, tuple[Any, ...]]] = {}
"""The texts of each column as they were read last: the tables of one clip set share them."""

ScoreKind = Literal["logits", "log_probabilities"]


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one cell, one row per clip.

    Attributes:
        class_names: C names, in class order.
        clip_ids: N unique ids, in the clip set's order.
        groups: N names; clips of one group share actor and place.
        labels: ``(N,)`` int64, true classes.
        scores: ``(N, C)`` float32; their softmax is the class distribution for either kind.
        mask_ratio: ``(N,)`` float64, share of the clip's pixels that was hidden, in [0, 1].
        subject_hidden: ``(N,)`` float64, share of the subject's soft mask that was hidden, in
            [0, 1]; NaN if the subject is not known.
        subject_found: ``(N,)`` float64, 1 where the region source found the subject, else 0; NaN
            without a region source.
        background_kept: ``(N,)`` float64, share of all that is not the subject that stays visible,
            in [0, 1]; NaN if the subject is not known.
        native_black: ``(N,)`` float64, share of the unmasked clip that is black.
        video_hidden: ``(N,)`` float64, share of the video's whole frame that crop and mask hide.
        tokens_hidden: ``(N,)`` float64, share of the model's own patches that are hidden whole.
        tokens_partly: ``(N,)`` float64, share of them that are hidden in part. Both are NaN for a
            model without patches.
        feature_hidden: ``(N,)`` float64, share of the target's soft mask that was hidden, in
            [0, 1]; NaN if the mask has no target.
        feature_frames: ``(N,)`` float64, share of the clip's frames in which the target was found.
        noise_rms: ``(N,)`` float64, root mean square change of the clip's pixels by noise, in grey
            levels, after clipping to valid pixels. 0 without noise.
        noise_largest: ``(N,)`` float64, the largest such change.
        scene_labels: ``(N,)`` int64, class of the clip whose background was shown; `OWN_SCENE`
            for the clip's own background.
        empty: ids of the decoded clips in which the mask's target was not found; those
            without a row here were left out.
        covered: ids of the decoded clips that were left out because the mask leaves too little of
            them, see ``masking.min_kept``.
        kind: whether scores are logits at the model's own scale or log-probabilities.
        attributes: by name, N values, None for unknown values; see `clip_har.data.clips.Clip`.
        drift: ``(N,)`` float64, 1 − cos between the clip's embedding and that of its clean twin;
            NaN if it is not known; None if no value is known.
        embeddings: ``(N, D)`` float32, L2-normalised, the clips' embeddings; None if they
            are not kept. Clean cells keep them, to measure the drift of other cells, and all cells
            with ``measures.probe``.
        seconds: ``(N,)`` float64, the length of each clip, NaN where the file does not state its
            frame rate; None if no length is known, as in tables of earlier versions.
    """

    class_names: tuple[str, ...]
    clip_ids: tuple[str, ...]
    groups: tuple[str, ...]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    mask_ratio: NDArray[np.float64]
    subject_hidden: NDArray[np.float64]
    subject_found: NDArray[np.float64]
    background_kept: NDArray[np.float64]
    native_black: NDArray[np.float64]
    video_hidden: NDArray[np.float64]
    tokens_hidden: NDArray[np.float64]
    tokens_partly: NDArray[np.float64]
    feature_hidden: NDArray[np.float64]
    feature_frames: NDArray[np.float64]
    noise_rms: NDArray[np.float64]
    noise_largest: NDArray[np.float64]
    scene_labels: NDArray[np.int64]
    empty: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    kind: ScoreKind = "logits"
    attributes: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    drift: NDArray[np.float64] | None = None
    embeddings: NDArray[np.float32] | None = None
    seconds: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Check that the columns belong together.

        Raises:
            ValueError: for a wrong shape, a label outside the classes or a score that is not
                finite.
        """
        rows = len(self.clip_ids)
        columns: Sequence[Sequence[object] | NDArray[np.generic]] = (
            self.groups,
            self.labels,
            *(getattr(self, name) for name in _NUMBERS),
            self.scene_labels,
            *self.attributes.values(),
            *(
                column
                for column in (self.drift, self.embeddings, self.seconds)
                if column is not None
            ),
        )
        if any(len(column) != rows for column in columns) or self.scores.shape != (
            rows,
            len(self.class_names),
        ):
            raise ValueError("the columns of a score table must have one row per clip")
        if rows and not 0 <= self.labels.min() <= self.labels.max() < len(self.class_names):
            raise ValueError("a label lies outside the classes")
        if not np.isfinite(self.scores).all():
            raise ValueError("a score is not a finite number")

    def write(self, path: Path) -> None:
        """Write the table as Parquet, class names and kind in its metadata."""
        table = pa.table(
            {
                "clip_id": self.clip_ids,
                "group": self.groups,
                "label": self.labels,
                "class": [self.class_names[label] for label in self.labels],
                "predicted": [self.class_names[best] for best in self.predictions()],
                "scores": _rows(self.scores),
                **{name: getattr(self, name) for name in _NUMBERS},
                "scene_label": self.scene_labels,
                **({} if self.drift is None else {"drift": self.drift}),
                **({} if self.seconds is None else {"seconds": self.seconds}),
                **({} if self.embeddings is None else {"embedding": _rows(self.embeddings)}),
                **{
                    f"{_ATTRIBUTE}{name}": pa.array(values, pa.string())
                    for name, values in self.attributes.items()
                },
            }
        )
        metadata = {
            "class_names": json.dumps(self.class_names),
            "score_kind": self.kind,
            "empty": json.dumps(self.empty),
            "covered": json.dumps(self.covered),
        }
        # Scores do not repeat: to look for those that do takes half of the time.
        repeated = [field.name for field in table.schema if pa.types.is_string(field.type)]
        pq.write_table(table.replace_schema_metadata(metadata), path, use_dictionary=repeated)

    @staticmethod
    def is_of_this_version(path: Path) -> bool:
        """Return whether a table has all columns; those of earlier versions lack some."""
        return set(_NUMBERS) <= set(pq.read_schema(path).names)

    @staticmethod
    def keeps_embeddings(path: Path) -> bool:
        """Return whether a table has the clips' embeddings."""
        return "embedding" in pq.read_schema(path).names

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a table that `write` wrote.

        Raises:
            ClipHarError: when the file is missing, damaged, another kind of table, or of an earlier
                version.
        """
        try:
            with pq.ParquetFile(path) as file:
                names = [name for name in file.schema_arrow.names if name not in _FOR_READERS]
                if not set(_NUMBERS) <= set(names):
                    raise ClipHarError(f"{path}: an earlier version made it: run its cell again")
                table = file.read(names)
            metadata = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
            class_names = tuple(json.loads(metadata["class_names"]))
            logits = metadata["score_kind"] == "logits"
            return cls(
                class_names=class_names,
                clip_ids=_texts(table, "clip_id"),
                groups=_texts(table, "group"),
                labels=table["label"].to_numpy(),
                scores=_matrix(table["scores"]),
                scene_labels=table["scene_label"].to_numpy(),
                empty=tuple(json.loads(metadata["empty"])),
                covered=tuple(json.loads(metadata["covered"])),
                kind="logits" if logits else "log_probabilities",
                attributes={
                    name.removeprefix(_ATTRIBUTE): _texts(table, name)
                    for name in table.column_names
                    if name.startswith(_ATTRIBUTE)
                },
                drift=table["drift"].to_numpy() if "drift" in table.column_names else None,
                seconds=table["seconds"].to_numpy() if "seconds" in table.column_names else None,
                embeddings=(
                    _matrix(table["embedding"]) if "embedding" in table.column_names else None
                ),
                **{name: table[name].to_numpy() for name in _NUMBERS},
            )
        except (OSError, KeyError, ValueError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())
            raise ClipHarError(f"{path}: expected a score table, got {reason}") from error

    def predictions(self) -> NDArray[np.int64]:
        """Return ``(N,)`` predicted classes, read-only; among equal scores the first class."""
        return self._predicted

    @cached_property
    def _predicted(self) -> NDArray[np.int64]:
        best: NDArray[np.int64] = self.scores.argmax(axis=1)
        best.flags.writeable = False
        return best

    def probabilities(self) -> NDArray[np.float64]:
        """Return ``(N, C)`` class distributions, the softmax of the scores."""
        weights: NDArray[np.float64] = self.scores.astype(np.float64)
        weights -= self.scores.max(axis=1, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=1, keepdims=True)
        return weights


def _texts(table: pa.Table, name: str) -> tuple[Any, ...]:
    """Return a column of texts; the same tuple if the last table had the same texts."""
    column, (known, texts) = table[name], _read.get(name, (None, ()))
    if known is None or not column.equals(known):
        texts = tuple(column.to_pylist())
        _read[name] = column, texts
    return texts


def _rows(matrix: NDArray[np.float32]) -> pa.FixedSizeListArray:
    """Return a column whose values are the rows of a matrix."""
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def _matrix(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return the matrix that `_rows` made a column of."""
    values: NDArray[np.float32] = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), column.type.list_size)
