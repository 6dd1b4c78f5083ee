"""The noise of a cell's clips: its own, learned if needed, and its controls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, cast

from clip_har.core.errors import ClipHarError
from clip_har.data.frames.store import FrameStore
from clip_har.engine.load_model import of_frames
from clip_har.engine.training import open_training
from clip_har.engine.variants import headline_of
from clip_har.models.zero_shot import Classifier, ZeroShot
from clip_har.noise.contract import Noise
from clip_har.noise.learned.controls import Calibration, random_like
from clip_har.noise.learned.fit import FittedNoise, fitted_calibration, learned_noise, load_noise
from clip_har.noise.learned.identity import (
    described_calibration,
    described_fit,
    described_use,
    universal_twin,
)
from clip_har.noise.learned.perturbation import NoPerturbation
from clip_har.noise.learned.settings import Learned, is_learned
from clip_har.noise.learned.training_clips import TrainingClips
from clip_har.noise.learned.variants import LEARNED, NONE, RANDOM, UNIVERSAL
from clip_har.results.costs import Cost

if TYPE_CHECKING:
    from clip_har.config.cell import Cell


@dataclass(frozen=True, eq=False)
class CellNoise:
    """The noise that is added to a cell's clips.

    Attributes:
        by_name: each noise by its name. With learned noise the first one is no noise. Without
            learned noise there is only the cell's own.
        fitted: the cell's learned noise; None if no noise is learned.
        calibration: a control that needs no forward pass; None without controls.
    """

    by_name: Mapping[str, Noise]
    fitted: FittedNoise | None = None
    calibration: Calibration | None = None


def open_noise(
    cell: "Cell", frames: FrameStore, classifier: Classifier, *, cost: Cost
) -> CellNoise:
    """Return the noise of a cell's clips; learn it first if that was not done yet.

    Args:
        cell: the checked settings.
        frames: the decoded frames of its clips.
        classifier: its model with its classes.
        cost: counts the time of learning.

    Raises:
        ClipHarError: as `learn_noise`.
    """
    if not is_learned(cell.noise):
        return CellNoise({headline_of(cell.noise): cast(Noise, cell.noise)})
    with cost.of("noise"):
        return learn_noise(cell.noise, cell, frames, of_frames(classifier))


def learn_noise(noise: Learned, cell: "Cell", frames: FrameStore, zero_shot: ZeroShot) -> CellNoise:
    """Return a cell's learned noise with its controls; learn them first if not done yet.

    Args:
        noise: the cell's.
        cell: the checked settings.
        frames: the decoded frames of the cell's clips.
        zero_shot: its model with its classes.

    Raises:
        ClipHarError: when there are fewer than two classes; and as `fit`.
    """
    if len(zero_shot.class_embeddings) < 2:
        raise ClipHarError("learned noise separates classes: expected at least 2 classes, got 1")
    training = cache(partial(open_training, noise, cell, zero_shot))  # opened once, or not at all
    fitted = fit(noise, cell, frames, zero_shot, training)
    noises: dict[str, Noise] = {NONE: NoPerturbation(), LEARNED: fitted.perturbation}
    if not noise.controls:
        return CellNoise(noises, fitted)
    noises[RANDOM] = random_like(fitted.perturbation, seed=noise.seed)
    calibration = fitted_calibration(
        noise,
        zero_shot,
        training,
        described=described_calibration(noise, cell),
        cache_dir=cell.cache_dir,
    )
    if noise.has_universal_twin:
        twin = universal_twin(noise)
        noises[UNIVERSAL] = fit(twin, cell, frames, zero_shot, training).perturbation
    return CellNoise(noises, fitted, calibration)


def fit(
    noise: Learned,
    cell: "Cell",
    frames: FrameStore,
    zero_shot: ZeroShot,
    training: Callable[[], TrainingClips],
) -> FittedNoise:
    """Return the noise of a cell or of a control: read it, or learn it if that was not done yet.

    Args:
        noise: the settings.
        cell: the checked settings; the noise depends on its clips, model and prompts.
        frames: what the noise will be added to.
        zero_shot: the model with its classes.
        training: returns the training clips.
    """
    if noise.file is not None:
        return load_noise(
            noise.file.expanduser(),
            noise,
            zero_shot,
            clips=frames.clip_set,
            described=described_use(noise, cell),
            frames=int(frames.lengths.max()),
        )
    return learned_noise(
        noise,
        zero_shot,
        training,
        described=described_fit(noise, cell),
        frames=int(frames.lengths.max()),
        cache_dir=cell.cache_dir,
    )
