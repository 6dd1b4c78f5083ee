"""The one loop that shows a cell's clips to its model, with or without mask and noise."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from clip_har.core.progress import track
from clip_har.core.work_as_pays import work_ahead_as_pays
from clip_har.data.frames.on_device import DeviceFrames
from clip_har.engine.drift import CleanEmbeddings, Embedded
from clip_har.masking.effect import MaskEffect
from clip_har.masking.masked_clip import MaskedClip
from clip_har.masking.masked_clips import MaskedClips
from clip_har.models.usable import check_usable
from clip_har.models.zero_shot import Classifier
from clip_har.noise.batch import ClipBatch, mask_bits
from clip_har.noise.contract import Noise, Seen
from clip_har.noise.random import RandomNoise
from clip_har.noise.variants import ChooseColumns
from clip_har.results.costs import Cost

_THREADS = 4  # that make the masks of the next clips, at most
_BATCHES = 8
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
    model: str = "the model",
) -> ClipScores:
    """Show masked clips to a model, with each noise.

    Args:
        masked: the clips.
        classifier: the cell's model with its classes, or anything else that scores clips.
        noises: by name. The first has one column; most cells have only this one.
        choose: returns the columns of a noise per class under which each clip is shown; None for
            all columns.
        clean: embeddings of the clean twin; None if the clips are not compared with it.
        keep_embeddings: keep the clips' embeddings under the first noise.
        cost: counts the time.
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
    device = classifier.device
    threads = min(_THREADS, torch.get_num_threads())
    # With a single noise on a CPU, several batches at once: if clips differ in length, only the
    # last batch is not full. A device must not wait for many batches.
    alone = device.type == "cpu" and not others
    at_once = classifier.batch_size * (_BATCHES if alone else 1)
    batches = list(masked.frames.batches(masked.evaluated, at_once))
    lengths = masked.frames.lengths
    on_device = DeviceFrames(masked.frames, device)

    def prepare(index: int) -> _Prepared:
        pixels, clip = on_device.send(index), masked.clip(index)
        _ = clip.effect, clip.paint  # worked out now, in this thread
        noise, drawn = noises[first], None
        # Four bytes a value: on a CPU they are sampled when they are added, and not kept.
        if isinstance(noise, RandomNoise) and device.type != "cpu":
            drawn = noise.draw(clip)
        return _Prepared(clip, pixels, drawn, mask_bits(clip, device))

    def read(one_pass: _Pass, rows: slice) -> None:
        embedded = _keep(found[first], [one_pass], rows, ids[rows], twins, model)
        if keep_embeddings:
            kept.append(embedded[0])  # (B, D)

    # The results of a batch are read when the next one is in the device's queue: reading waits.
    read_last: Callable[[], None] = _nothing
    longest = max((int(lengths[batch].sum()) for batch in batches), default=0)
    size = masked.frames.size
    canvas = on_device.in_memory(
        lambda: torch.empty(longest, 3, size, size, dtype=torch.uint8, device=device)
    )
    message = "evaluating with noise" if others else "evaluating"
    indices = [index for batch in batches for index in batch]
    # A device must not wait: two batches. A CPU has no other work meanwhile: a few clips.
    ahead = 2 * (
        threads if device.type == "cpu" else max((len(batch) for batch in batches), default=1)
    )
    with (
        closing(work_ahead_as_pays(prepare, indices, threads=threads, limit=ahead)) as coming,
        track(len(ids), message) as advance,
    ):
        for batch_of in batches:
            with cost.of("mask"):
                prepared = list(islice(coming, len(batch_of)))
                batch = ClipBatch(
                    [one.clip for one in prepared],
                    device,
                    pixels=[one.pixels() for one in prepared],
                    canvas=canvas,
                    drawn=[one.drawn for one in prepared],
                    bits=[one.bits for one in prepared],
                )
                column = np.zeros(len(prepared), np.int64)
                with torch.inference_mode():
                    seen = on_device.in_memory(partial(noises[first].seen, batch, column))
            rows = slice(len(effects), len(effects) + len(prepared))
            effects += [one.clip.effect for one in prepared]
            with cost.of("model"):
                forward = partial(noises[first].forward, classifier, batch, seen, column)
                scored = on_device.in_memory(forward)
                read_last()
                one_pass = _Pass(column, seen._replace(frames=()), *scored)
                read_last = partial(read, one_pass, rows)
                if others:
                    read_last()
                    read_last = _nothing
                for name in others:
                    columns = _columns(name, noises[name], found[first].scores, rows, choose)
                    passes = [
                        on_device.in_memory(partial(_forward, noises[name], classifier, batch, own))
                        for own in columns
                    ]
                    named = f"{model}, noise {name}"
                    _keep(found[name], passes, rows, ids[rows], twins, named)
            advance(len(prepared))
        with cost.of("model"):
            read_last()
    return ClipScores(found, effects, np.concatenate(kept) if keep_embeddings else None)


def _nothing() -> None:
    """Read nothing."""


@dataclass(frozen=True, eq=False)
class _Prepared:
    """What threads work out of a clip while the model works on others."""

    clip: MaskedClip
    pixels: Callable[[], torch.Tensor]
    drawn: NDArray[np.float32] | None
    bits: NDArray[np.uint8] | None


class _Pass(NamedTuple):
    """What came of B clips under one column of a noise each: on the device, maybe not yet done."""

    column: NDArray[np.int64]
    seen: Seen
    scores: torch.Tensor
    embedded: torch.Tensor


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
    _ = clip.paint  # made now, by any number of threads: a batch lets one of them make it
    with torch.inference_mode():
        return noise.seen(ClipBatch([clip], device), np.array([column])).frames[0].cpu()


@torch.inference_mode()
def _forward(
    noise: Noise, classifier: Classifier, batch: ClipBatch, column: NDArray[np.int64]
) -> _Pass:
    seen = noise.seen(batch, column)
    scores, embedded = noise.forward(classifier, batch, seen, column)
    return _Pass(column, seen._replace(frames=()), scores, embedded)


def _columns(
    name: str, noise: Noise, first: NDArray[np.float32], rows: slice, choose: ChooseColumns | None
) -> NDArray[np.int64]:
    """Return the columns of a noise under which B clips are shown: ``(K, B)``."""
    if choose is not None and noise.columns > 1:
        return choose(name, first[rows, 0], rows).T
    return np.arange(noise.columns)[:, None].repeat(rows.stop - rows.start, axis=1)


def _keep(
    kept: NoiseScores,
    passes: Sequence[_Pass],
    rows: slice,
    ids: Sequence[str],
    twins: CleanEmbeddings,
    model: str,
) -> NDArray[np.float32]:
    """Write down the results of K passes of B clips; return the embeddings, ``(K, B, D)``.

    All passes are sent to the device's queue before the first result is waited for.
    """
    scores, embedded, rms, largest = (
        torch.stack(part).float().cpu().numpy()
        for part in zip(
            *((one.scores, one.embedded, one.seen.rms, one.seen.largest) for one in passes),
            strict=True,
        )
    )
    for number, one in enumerate(passes):
        check_usable(ids, scores[number], embedded[number], model)
        at = (np.arange(rows.start, rows.stop), one.column)
        kept.scores[at] = scores[number]  # (B, C)
        kept.rms[at] = rms[number]
        kept.largest[at] = largest[number]
        kept.drift[at] = twins.drift(ids, embedded[number])
    return embedded
