"""The one loop that shows a cell's clips to its model, with or without mask and noise."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.core.progress import track
from clip_har.core.work_ahead import work_ahead
from clip_har.engine.drift import CleanEmbeddings, Embedded
from clip_har.masking.effect import MaskEffect
from clip_har.masking.masked_clips import MaskedClip, MaskedClips
from clip_har.models.zero_shot import Classifier
from clip_har.noise.batch import ClipBatch
from clip_har.noise.contract import Noise, Seen
from clip_har.noise.variants import ChooseColumns
from clip_har.results.costs import Cost

_BATCHES = 8  # forward passes whose frames are in memory at once
_CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class NoiseScores:
    """The scores of N clips under one noise of K columns.

    Attributes:
        scores: ``(N, K, C)`` float32; NaN for columns under which a clip was not shown.
        rms: ``(N, K)`` float32, root mean square of the change of the pixels, in grey levels; 0
            for noise in feature space.
        largest: ``(N, K)`` float32, the largest absolute change of a pixel, in grey levels.
        drift: ``(N, K)`` float64, 1 − cos of the clip's embedding to that of its clean twin; NaN
            if that is not known.
    """

    scores: NDArray[np.float32]
    rms: NDArray[np.float32]
    largest: NDArray[np.float32]
    drift: NDArray[np.float64]

    @classmethod
    def unknown(cls, clips: int, columns: int, classes: int) -> "NoiseScores":
        """Return empty scores of N clips, to be filled in."""
        return cls(
            np.full((clips, columns, classes), np.nan, np.float32),
            np.zeros((clips, columns), np.float32),
            np.zeros((clips, columns), np.float32),
            np.full((clips, columns), np.nan),
        )


@dataclass(frozen=True, eq=False)
class ClipScores:
    """The results of showing N clips to the model.

    Attributes:
        by_noise: one row per evaluated clip, in the clip set's order.
        effects: the effect of the mask on each clip.
        embeddings: ``(N, D)`` float32 under the first noise; None if they are not kept.
    """

    by_noise: Mapping[str, NoiseScores]
    effects: Sequence[MaskEffect]
    embeddings: NDArray[np.float32] | None


def score_clips(
    masked: MaskedClips,
    classifier: Classifier,
    noises: Mapping[str, Noise],
    *,
    choose: ChooseColumns | None = None,
    clean: Embedded | None = None,
    keep_embeddings: bool = False,
    cost: Cost | None = None,
    threads: int = 0,
    model: str = "the model",
) -> ClipScores:
    """Show masked clips to a model, with each noise.

    Args:
        masked: the clips.
        classifier: the cell's model with its classes, or anything else that scores clips.
        noises: by name. The first has one column; most cells have only this one.
        choose: returns the columns of the other noises under which each clip is shown; None for
            all columns.
        clean: embeddings of the clean twin; None if the clips are not compared with it.
        keep_embeddings: keep the clips' embeddings under the first noise.
        cost: counts the time.
        threads: number of threads that mask the next clips while the model works on the current
            ones; 0 if the model runs on the same processor.
        model: its checkpoint and precision, for messages.

    Raises:
        ClipHarError: when the model's scores or embedding of a clip cannot be used.
    """
    cost = cost or Cost()
    twins, ids = CleanEmbeddings(clean), masked.evaluated_ids
    classes = len(masked.frames.clip_set.class_names)
    first, *others = noises
    found = {
        name: NoiseScores.unknown(len(ids), noise.columns, classes)
        for name, noise in noises.items()
    }
    effects: list[MaskEffect] = []
    kept: list[NDArray[np.float32]] = []
    # With a single noise, several batches at once: if clips differ in length, only the last batch
    # is not full. With threads, one batch each: the device must not wait for many batches.
    at_once = classifier.batch_size * (1 if threads or others else _BATCHES)
    batches = masked.frames.batches(masked.evaluated, at_once)

    def prepare(indices: Sequence[int]) -> tuple[ClipBatch, Seen]:
        batch = ClipBatch([masked.clip(index) for index in indices], classifier.device)
        return batch, noises[first].seen(batch, np.zeros(len(indices), np.int64))

    message = "evaluating with noise" if others else "evaluating"
    with (
        closing(work_ahead(prepare, batches, threads=threads, limit=max(2 * threads, 1))) as coming,
        track(len(ids), message) as advance,
    ):
        while True:
            with cost.of("mask"):
                prepared = next(coming, None)
            if prepared is None:
                break
            batch, seen = prepared
            rows = slice(len(effects), len(effects) + len(batch.clips))
            effects += [clip.effect for clip in batch.clips]
            with cost.of("model"):
                column = np.zeros(len(batch.clips), np.int64)
                scores, embedded = noises[first].forward(classifier, batch, seen, column)
                _check(ids[rows], scores, embedded, model)
                _keep(found[first], rows, column, scores, seen, twins.drift(ids[rows], embedded))
                if keep_embeddings:
                    kept.append(embedded.numpy())  # (B, D)
                for name in others:
                    for column in _columns(noises[name], found[first].scores, rows, choose):
                        seen, scores, embedded = _forward(noises[name], classifier, batch, column)
                        _check(ids[rows], scores, embedded, f"{model}, noise {name}")
                        drift = twins.drift(ids[rows], embedded)
                        _keep(found[name], rows, column, scores, seen, drift)
            advance(len(batch.clips))
    return ClipScores(found, effects, np.concatenate(kept) if keep_embeddings else None)


def seen_frames(
    clip: MaskedClip, noise: Noise, column: int = 0, *, device: torch.device = _CPU
) -> torch.Tensor:
    """Return the frames of one clip with noise, ``(T, 3, S, S)`` uint8 on the CPU.

    Args:
        clip: the masked clip.
        noise: what is added.
        column: the column of the noise.
        device: the device of the model that the noise was learned for.
    """
    with torch.inference_mode():
        return noise.seen(ClipBatch([clip], device), np.array([column])).frames[0].cpu()


@torch.inference_mode()
def _forward(
    noise: Noise, classifier: Classifier, batch: ClipBatch, column: NDArray[np.int64]
) -> tuple[Seen, torch.Tensor, torch.Tensor]:
    seen = noise.seen(batch, column)
    return seen, *noise.forward(classifier, batch, seen, column)


def _columns(
    noise: Noise, first: NDArray[np.float32], rows: slice, choose: ChooseColumns | None
) -> NDArray[np.int64]:
    """Return the columns of a noise under which B clips are shown: ``(K, B)``."""
    if choose is not None:
        return choose(first[rows, 0], rows).T
    return np.arange(noise.columns)[:, None].repeat(rows.stop - rows.start, axis=1)


def _check(ids: Sequence[str], scores: torch.Tensor, embedded: torch.Tensor, model: str) -> None:
    """Check the scores ``(B, C)`` and the embeddings ``(B, D)`` of clips.

    Raises:
        ClipHarError: when a score is not finite, or an embedding is zero: its scores are all equal.
    """
    for what, fine in (
        ("the scores are not finite", torch.isfinite(scores).all(dim=1)),
        ("the embedding is zero", embedded.float().norm(dim=1) > 0),
    ):
        if not bool(fine.all()):
            bad = [clip_id for clip_id, one in zip(ids, fine.tolist(), strict=True) if not one]
            named = ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
            raise ClipHarError(
                f"clip {named}: {what} ({model}): try precision=fp32; if it is fp32 already, the"
                " weights are damaged: take another copy"
            )


def _keep(
    kept: NoiseScores,
    rows: slice,
    column: NDArray[np.int64],
    scores: torch.Tensor,
    seen: Seen,
    drift: NDArray[np.float64],
) -> None:
    at = (np.arange(rows.start, rows.stop), column)
    kept.scores[at] = scores.numpy()  # (B, C)
    kept.rms[at] = seen.rms
    kept.largest[at] = seen.largest
    kept.drift[at] = drift
