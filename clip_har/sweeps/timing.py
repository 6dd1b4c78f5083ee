"""How fast this machine is: a few clips of a cell, decoded, located, shown and learned from."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from clip_har.config.cell import Cell
from clip_har.core.errors import ClipHarError, describe
from clip_har.data.clips import ClipSet
from clip_har.results.speed import Rate

if TYPE_CHECKING:
    from clip_har.data.frames.store import FrameStore
    from clip_har.masking.masked_clips import MaskedClips

_BUDGET = 4.0  # seconds for each rate, about
_ENOUGH = 1.0  # seconds after which a quick measurement is not repeated
_CLIPS = 32  # at most


Timing = Callable[[Rate, Cell, ClipSet], float | None]
"""Measures one rate of a cell on this machine; None if it cannot be measured."""

_WITH_MODEL: tuple[Rate, ...] = ("frames_per_second", "learning")


@contextmanager
def timing(say: Callable[[str], object]) -> Iterator[Timing]:
    """Yield what measures the rates of cells with their own model, device and precision.

    What it makes is removed at the end; results and cache do not change.

    Args:
        say: is told why a rate cannot be measured.

    Raises:
        ClipHarError: in the body, when the model of a cell cannot be used: no cell could run.
    """
    with TemporaryDirectory(prefix="clip-har-timing-") as folder:
        from clip_har.engine.load_model import load_classifier  # imports torch

        def measure(rate: Rate, cell: Cell, clips: ClipSet) -> float | None:
            few = cell.model_copy(update={"cache_dir": Path(folder)})
            ways: dict[Rate, Callable[[Cell, ClipSet], float]] = {
                "decode": _decode,
                "regions": _locate,
                "frames_per_second": _show,
                "learning": _learn,
            }
            if rate in _WITH_MODEL:
                with suppress(RuntimeError, OSError):  # it is loaded again, and said, below
                    load_classifier(few, clips)
            try:
                return ways[rate](few, clips)
            except (ClipHarError, RuntimeError, OSError) as error:  # out of memory, a full disk
                say(f"the speed of this machine ({rate}) could not be measured: {describe(error)}")
                return None

        yield measure


def _decode(cell: Cell, clips: ClipSet) -> float:
    """Return the seconds in which a clip is decoded, by all threads together."""
    return _each(clips, lambda count: _timed(lambda: _frames(cell, clips, count)))


def _locate(cell: Cell, clips: ClipSet) -> float:
    """Return the seconds in which the target is found in a clip."""

    def located(count: int) -> float:
        frames = _frames(cell, clips, count)
        return _timed(lambda: _masked(cell, clips, frames))

    return _each(clips, located)


def _each(clips: ClipSet, work: Callable[[int], float]) -> float:
    """Return the seconds that work takes for a clip.

    Args:
        clips: the set.
        work: does it for so many clips of the set and returns the seconds; what was done for the
            same number of clips is not done again.
    """
    total = len(clips.clips)
    first = work(1)  # loads what it needs
    if total == 1:
        return first
    pair = work(2) / 2
    count = min(total, _as_many(pair))
    return pair if count <= 2 else work(count) / count


def _show(cell: Cell, clips: ClipSet) -> float:
    """Return the frames that are masked and pass through the model in a second."""
    from clip_har.engine.load_model import load_classifier
    from clip_har.engine.score_clips import score_clips
    from clip_har.noise.none import NoNoise

    classifier = load_classifier(cell, clips)

    def shown(frames: "FrameStore") -> float:
        masked = _masked(cell, clips, frames)
        return _timed(lambda: score_clips(masked, classifier, {"none": NoNoise()}))

    one = _frames(cell, clips, 1)
    shown(one)  # the first pass prepares the device
    frames = _frames(cell, clips, _as_many(shown(one)))
    count, spent = 0, 0.0
    while spent < _ENOUGH:
        spent += shown(frames)
        count += int(frames.lengths.sum())
    return count / spent


def _learn(cell: Cell, clips: ClipSet) -> float:
    """Return the frames that pass through the model in a second while noise is learned.

    Passes with a gradient and the few without one are counted together, as in
    `clip_har.sweeps.effort.frames_to_learn`.
    """
    import numpy as np

    from clip_har.engine.load_model import load_zero_shot
    from clip_har.noise.learned.base import Learned
    from clip_har.noise.learned.learning import learn
    from clip_har.noise.learned.start import make_perturbation
    from clip_har.noise.learned.training_clips import TrainingClips
    from clip_har.sweeps.effort import frames_to_learn

    own = cell.noise
    assert isinstance(own, Learned)  # noqa: S101, only its rate is asked for
    zero_shot, classes = load_zero_shot(cell, clips), len(clips.class_names)
    few = _frames(cell, clips, 4)
    every = np.array(few.ok)
    training = TrainingClips(_masked(cell, clips, few), every, every)

    def learned(batch: int) -> float:
        """Return the frames in a second with steps of some training frames."""
        changed = {"steps": 2, "batch": batch, "validate_every": 2, "restarts": 1}
        few_clips = {"validation_clips_per_class": 1}
        learning = own.learning.model_copy(update={**changed, **few_clips})
        noise = own.model_copy(update={"learning": learning})
        start = make_perturbation(
            noise,
            model=zero_shot.model,
            class_embeddings=zero_shot.class_embeddings,
            frames=int(few.lengths.max()),
        )
        state = cell.cache_dir / "state.partial"
        spent = _timed(lambda: learn(noise, start, zero_shot, training, state=state))
        state.unlink(missing_ok=True)
        return frames_to_learn(noise, classes, len(training.validation_clips(noise))) / spent

    whole = own.learning.batch
    first = min(4, whole)
    learned(first)  # the first step prepares the device
    slow = learned(first)
    steps = own.learning.steps * own.learning.restarts
    seconds = frames_to_learn(own, classes, 0) / steps / slow
    return learned(whole) if seconds < _BUDGET else slow


def _frames(cell: Cell, clips: ClipSet, count: int) -> "FrameStore":
    """Decode a few clips, evenly spread over the set, or open them if that was done."""
    from clip_har.engine.clips import open_frames

    return open_frames(cell, clips.limit(min(count, len(clips.clips))))


def _masked(cell: Cell, clips: ClipSet, frames: "FrameStore") -> "MaskedClips":
    from clip_har.engine.clips import find_masked
    from clip_har.engine.load_model import load_zero_shot

    return find_masked(cell, frames, zero_shot=partial(load_zero_shot, cell, clips))


def _as_many(seconds: float) -> int:
    """Return how many clips fit into the budget, if one takes so long."""
    return max(1, min(_CLIPS, int(_BUDGET / max(seconds, 1e-6))))


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
