"""What a cell's noise is learned from, and all that shapes it."""

import hashlib
import logging
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clip_har.code_version import modules_digest
from clip_har.data.clips import ClipSet, ClipSource
from clip_har.data.sampling import HANDLING
from clip_har.errors import ClipHarError
from clip_har.models.checkpoint import weights_digest
from clip_har.noise.settings import Learned, LearnedPixels, ResidualNoise, UniversalNoise

if TYPE_CHECKING:
    from clip_har.config import Cell

log = logging.getLogger(__name__)

# Settings of learned noise that say how it is used or looked at, not what it is.
_USE = {"protocol", "top_k", "controls", "attention_clips", "file"}


@lru_cache(maxsize=4)  # a sweep asks for it for each of its cells
def training_clips(dataset: ClipSource, limit: int | None) -> ClipSet:
    """Return the clips of the training split that noise is learned from.

    Args:
        dataset: what is evaluated.
        limit: at most so many clips, evenly spread; None for all.

    Raises:
        ClipHarError: when there is no training split, or clips of it are evaluated.
    """
    training = dataset.training()
    clips = training.clips().limit(limit)
    evaluated = dataset.clips()
    both = {clip.id for clip in clips.clips} & {clip.id for clip in evaluated.clips}
    if both:
        raise ClipHarError(
            f"noise is learned on clips of {clips.name} that are also evaluated, such as"
            f" {min(both)}: evaluate another part of the data (dataset.subset=test)"
        )
    if clips.class_names != evaluated.class_names:
        raise ClipHarError(f"{clips.name} and {evaluated.name} have different classes")
    shared = {clip.group for clip in clips.clips} & {clip.group for clip in evaluated.clips}
    if shared:
        log.warning(
            "%d groups are in the training and the evaluated part, such as %s: numbers with"
            " learned noise may be too good",
            len(shared),
            min(shared),
        )
    return clips


def universal_twin(noise: Learned) -> UniversalNoise:
    """Return one noise for all classes with the same budget, clips, masks, steps and frames."""
    shared = set(UniversalNoise.model_fields) - {"loss", "controls", "file", "attention_clips"}
    given = {key: getattr(noise, key) for key in shared if hasattr(noise, key)}
    if not isinstance(noise, LearnedPixels):  # the budget of feature space means something else
        given = {key: value for key, value in given.items() if key != "epsilon"}
    elif isinstance(noise, ResidualNoise):
        given["epsilon"] = min(noise.epsilon + noise.epsilon_class, 255.0)
    return UniversalNoise(**given)


def described_fit(noise: Learned, cell: "Cell") -> dict[str, Any]:
    """Return all that shapes learned noise, as a JSON object.

    Args:
        noise: of the cell, or a control beside it.
        cell: the checked settings.
    """
    clips = training_clips(cell.dataset, noise.learning.train_clips)
    own, aimed = None, False
    if "same" in noise.train_masking:
        own = [type(cell.masking).__name__, cell.masking.model_dump(mode="json")]
        aimed = cell.masking.feature is not None
    return {
        "kind": type(noise).__name__,
        "noise": noise.model_dump(mode="json", exclude=_USE),
        "data": clips.name,
        "data_digest": clips.digest,
        "frames": cell.frames.model_dump(mode="json", exclude=HANDLING),
        "weights": weights_digest(cell.model.folder()),
        "pooling": cell.model.pooling,
        "prompts": cell.prompts.texts(clips.class_names),
        "precision": cell.precision,
        "region": _region(cell) if noise.needs_region or aimed else None,
        "masking": own,
        "code": _learning_code(),
    }


def learned_from(cell: "Cell") -> str:
    """Return what decides a cell's noise beside its settings: a digest of clips, or of a file.

    Cheap, once the clips are there: it is asked before a sweep starts. Empty for noise that is not
    learned.

    Raises:
        ClipHarError: when there are no clips to learn from, or there is no such file.
    """
    noise = cell.noise
    if not isinstance(noise, Learned):
        return ""
    if noise.file is None or noise.controls:  # the universal control is learned in any case
        digest = training_clips(cell.dataset, noise.learning.train_clips).digest
    else:
        digest = ""
    if noise.file is not None:
        path = noise.file.expanduser()
        if not path.is_file():
            raise ClipHarError(f"noise.file={path}: there is no such file")
        digest += hashlib.sha256(path.read_bytes()).hexdigest()
    return digest


def _region(cell: "Cell") -> list[Any]:
    source = cell.region
    clips = training_clips(cell.dataset, cell.noise.learning.train_clips)
    return [type(source).__name__, source.model_dump(mode="json"), source.identity(clips)]


@cache
def _learning_code() -> str:
    """Return a digest of the modules that shape noise: other code, other noise."""
    package = Path(__file__).parents[1]
    return modules_digest(package / "noise", package / "models", package / "masking")
