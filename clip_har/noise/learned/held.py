"""The scores of held clips under masks and noise, which stacks are fitted on."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from clip_har.core.cache import cached, key_of
from clip_har.core.errors import ClipHarError
from clip_har.core.progress import track
from clip_har.core.tensor_file import read_tensors, save_tensors
from clip_har.masking.masked_clip import MaskedClip
from clip_har.masking.masked_clips import MaskedClips, locate
from clip_har.masking.none import NoMask
from clip_har.masking.on_empty import refuse_empty
from clip_har.models.usable import check_usable
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.batch import ClipBatch
from clip_har.noise.contract import Noise
from clip_har.noise.learned.base import FitMasking, Learned
from clip_har.noise.learned.identity import described_clips, described_masks
from clip_har.noise.learned.training_clips import TrainingClips
from clip_har.noise.settings import LearningCell
from clip_har.noise.variants import Scores

SCORES_FILE = "scores.safetensors"
_CODE = ("clip_har.noise.learned.held",)


@dataclass(frozen=True, eq=False)
class Shown:
    """The answers for N held clips under one noise.

    Attributes:
        scores: ``(N, K, C)``; NaN for columns under which a clip was not shown.
        embeddings: ``(N, D)`` under the last of these columns, L2-normalised.
        ids: of the clips.
        labels: ``(N,)``.
        groups: ``(N,)`` names.
    """

    scores: Scores
    embeddings: NDArray[np.float32]
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]

    def rows(self, ids: Iterable[str]) -> "Shown":
        """Return the answers for some of the clips, in this order."""
        places = {one: place for place, one in enumerate(self.ids)}
        rows = [places[one] for one in ids]
        return Shown(
            self.scores[rows],
            self.embeddings[rows],
            tuple(self.ids[row] for row in rows),
            self.labels[rows],
            self.groups[rows],
        )


@dataclass(frozen=True, eq=False)
class HeldClips:
    """The clips that noise is not learned from, shown to the model as clips are evaluated.

    Answers are kept on disk. Without ``held_share`` all training clips are shown: then only scores
    without noise may be used.

    Attributes:
        noise: the settings of the cell's noise; gives masks, parts and seed.
        cell: the checked settings.
        zero_shot: the model with its classes.
        training: returns the training clips; called only if some answer is not kept yet.
    """

    noise: Learned
    cell: LearningCell
    zero_shot: ZeroShot
    training: Callable[[], TrainingClips]

    def shown(
        self,
        masks: FitMasking,
        added: Noise,
        described: object,
        *,
        columns: Callable[[Shown], NDArray[np.int64]] | None = None,
    ) -> Shown:
        """Return the answers for the clips; show them first if that was not done.

        Args:
            masks: which masks they are shown under, see `clip_har.noise.learned.base.Learned`.
            added: the noise that they are shown with.
            described: all that decides this noise, as a JSON object.
            columns: returns ``(N, K)``, the columns that N clips are shown under, for answers that
                have only the clips; None for all columns. They must follow from what `described`
                holds.

        Raises:
            ClipHarError: when an answer cannot be used, or the answers cannot be kept.
        """
        path = scores_path(self.noise, self.cell, masks, described)

        def make(temporary: Path) -> None:
            clips = _Clips(self, masks)
            _save(temporary, clips, *self._show(clips, added, columns))

        return cached(
            path, "scores of held clips", read=partial(_read, width=added.columns), make=make
        )

    @torch.inference_mode()
    def _show(
        self,
        clips: "_Clips",
        added: Noise,
        columns: Callable[[Shown], NDArray[np.int64]] | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        """Return ``(N, K)`` columns, ``(N, K, C)`` scores and ``(N, D)`` embeddings."""
        every, indices, ids = self.training().frames, clips.indices, clips.bare.ids
        model = f"{self.cell.model.checkpoint}, precision={self.cell.precision}, held clips"
        if columns is None:
            wanted = np.tile(np.arange(added.columns), (len(indices), 1))
        else:
            wanted = columns(clips.bare)
        scores: list[NDArray[np.float32]] = []
        embeddings: list[NDArray[np.float32]] = []
        with track(wanted.size, "scoring held clips") as advance:
            for batch in every.batches(indices, self.zero_shot.batch_size):
                shown = ClipBatch([clips.clip(index) for index in batch], self.zero_shot.device)
                rows = slice(len(embeddings), len(embeddings) + len(batch))
                found = []
                for column in wanted[rows].T:
                    seen = added.seen(shown, column)
                    answer, embedded = added.forward(self.zero_shot, shown, seen, column)
                    found.append(answer.float().cpu().numpy())
                    last = embedded.float().cpu().numpy()
                    check_usable(ids[rows.start : rows.stop], found[-1], last, model)
                    advance(len(batch))
                scores += list(np.stack(found, axis=1))
                embeddings += list(last)
        return wanted, np.stack(scores), np.stack(embeddings)


def scores_path(noise: Learned, cell: LearningCell, masks: FitMasking, described: object) -> Path:
    """Return the file of the answers of `HeldClips.shown`."""
    content = {
        "kind": "scores of held clips",
        "masks": described_masks(noise, cell, masks),
        "noise": described,
        **described_clips(noise, cell),
    }
    return cell.cache_dir / "noise" / key_of(content, code=_CODE) / SCORES_FILE


class _Clips:
    """The held clips under masks."""

    def __init__(self, show: HeldClips, masks: FitMasking) -> None:
        self.show, self.masks, self.training = show, masks, show.training()
        sets = self.training
        held = sets.held if len(sets.held) else [*sets.learned_from, *sets.validated_on]
        usable = set(self._own.evaluated if masks == "same" else self.training.frames.ok)
        self.indices = sorted(usable & set(map(int, held)))
        if not self.indices:
            raise ClipHarError(
                f"noise.fit_masking=same: {self._own.empty_message()}: no held clip is left; use"
                " another source or noise.fit_masking=train"
            )

    @cached_property
    def _own(self) -> MaskedClips:
        """All training clips under the cell's own mask, as the cell's clips are evaluated."""
        show = self.show
        found = locate(
            show.cell.masking,
            self.training.frames,
            show.cell.region,
            subject=False,
            patch=show.cell.model.patch_size(),
            seed=show.cell.seed,
            zero_shot=lambda: show.zero_shot,
            cache_dir=show.cell.cache_dir,
        )
        if found.empty:
            refuse_empty(found.on_empty, found.empty_message())
        return found

    @cached_property
    def _whole(self) -> MaskedClips:
        seed = self.show.noise.seed
        return replace(self.training.clips, masking=NoMask(), feature=None, seed=seed)

    def clip(self, index: int) -> MaskedClip:
        """Return a clip under its mask."""
        if self.masks == "same":
            return self._own.clip(index)
        if self.masks == "none":
            return self._whole.clip(index)
        return self.training.masked_clip(self.show.noise, index)

    @cached_property
    def bare(self) -> Shown:
        """The clips without answers."""
        clip_set = self.training.frames.clip_set
        clips = [clip_set.clips[index] for index in self.indices]
        return Shown(
            scores=np.empty((len(clips), 0, len(clip_set.class_names)), np.float32),
            embeddings=np.empty((len(clips), 0), np.float32),
            ids=tuple(clip.id for clip in clips),
            labels=np.array([clip.label for clip in clips], np.int64),
            groups=np.array([clip.group for clip in clips]),
        )


def _save(
    path: Path,
    clips: _Clips,
    columns: NDArray[np.int64],
    scores: NDArray[np.float32],
    embeddings: NDArray[np.float32],
) -> None:
    bare = clips.bare
    tensors = {
        "columns": torch.from_numpy(columns),
        "scores": torch.from_numpy(scores),
        "embeddings": torch.from_numpy(embeddings),
        "labels": torch.from_numpy(bare.labels),
    }
    save_tensors(
        path, tensors, {"ids": json.dumps(bare.ids), "groups": json.dumps(list(bare.groups))}
    )


def _read(path: Path, *, width: int) -> Shown | None:
    """Return the answers of a file; None if it is not there, or damaged."""
    try:
        tensors, texts = read_tensors(path)
        columns, given = tensors["columns"].numpy(), tensors["scores"].numpy()
        clips, _, classes = given.shape
        scores = np.full((clips, width, classes), np.nan, np.float32)
        scores[np.arange(clips)[:, None], columns] = given
        return Shown(
            scores,
            tensors["embeddings"].numpy(),
            tuple(json.loads(texts["ids"])),
            tensors["labels"].numpy(),
            np.array(json.loads(texts["groups"])),
        )
    except (OSError, ValueError, KeyError, IndexError):
        return None
