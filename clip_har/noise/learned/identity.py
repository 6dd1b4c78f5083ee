"""What a cell's noise is learned from, and the key of all that decides it."""

import hashlib
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from clip_har.core.cache import key_of
from clip_har.core.code_version import code_of
from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.data.clips import ClipSet, ClipSource, clips_of, look_up
from clip_har.data.parts import check_apart
from clip_har.noise.learned.base import FitMasking, Learned
from clip_har.noise.learned.sets import check_classes, sets_of
from clip_har.noise.settings import LearningCell
from clip_har.noise.variants import LEARNED, NONE, RANDOM, UNIVERSAL
from clip_har.regions.source import RegionSource
from clip_har.regions.wrong_clips import region_identity

# The modules that choose the training clips and learn, with all that they import.
_LEARNING = ("clip_har.noise.learned.fitted", "clip_har.engine.clips")
STACKS_FILE = "stacks.safetensors"
"""The weights of a cell's variants, in the cache and beside the noise of a cell."""
STACKING = ("clip_har.noise.learned.weigh", "clip_har.noise.learned.baselines")
"""The modules that fit the weights of variants, with all that they import."""


@lru_cache(maxsize=4)  # a sweep asks for it for each of its cells
def training_clips(dataset: ClipSource, limit: int | None, classes: str | None = None) -> ClipSet:
    """Return the clips of the training split that noise is learned from.

    Args:
        dataset: the data set that is evaluated.
        limit: largest number of clips, evenly spread; None for all.
        classes: see `in_shared_classes`.

    Raises:
        ClipHarError: when there is no training split, or it is not apart from what is evaluated.
    """
    training = look_up(dataset.training(), classes)
    check_apart(training, look_up(dataset, classes), what="noise")
    return training.limit(limit)


def described_fit(noise: Learned, cell: LearningCell) -> dict[str, Any]:
    """Return all that decides learned noise, as a JSON object.

    Args:
        noise: of the cell, or a control beside it.
        cell: the checked settings.
    """
    base = noise.base()
    under = {} if base is None else {"base": described_fit(base, cell)}
    return {
        "kind": type(noise).__name__,
        "noise": noise.model_dump(mode="json", exclude=noise.fields_for(Role.USE, Role.CONTENT)),
        **under,
        **_described_learning(noise, cell),
    }


def described_use(noise: Learned, cell: LearningCell) -> dict[str, Any]:
    """Return what noise of a file is compared with: the description of a fit for this cell.

    Without controls nothing is learned, and the training clips may be missing.
    """
    if not noise.controls:
        return described_model(cell)
    described = _described_learning(noise, cell)
    return {key: value for key, value in described.items() if key != "code"}


def described_noises(noise: Learned, cell: LearningCell) -> dict[str, Any]:
    """Return all that decides each noise of a cell, by name, as a JSON object.

    Args:
        noise: of the cell.
        cell: the checked settings.

    Raises:
        ClipHarError: when there are no clips to learn from, or there is no such file.
    """
    if noise.file is None:
        own: Any = described_fit(noise, cell)
    else:
        path = noise.file.expanduser()
        if not path.is_file():
            raise ClipHarError(f"noise.file={path}: there is no such file")
        own = {"file": hashlib.sha256(path.read_bytes()).hexdigest()}
    found = {NONE: None, LEARNED: own, RANDOM: {"as strong as": own, "seed": noise.seed}}
    if noise.base() is not None:
        found[UNIVERSAL] = own.get("base", {"under": own})
    return found | {name: described_fit(one, cell) for name, one in noise.beside().items()}


def described_stacks(noise: Learned, cell: LearningCell) -> dict[str, Any]:
    """Return all that decides the weights of a cell's variants, as a JSON object.

    Args:
        noise: of the cell.
        cell: the checked settings.
    """
    noises = described_noises(noise, cell)
    needed = set().union(*(arm.noises for arm in noise.arms))
    return {
        "kind": "stacks",
        "arms": [asdict(arm) for arm in noise.arms],
        "noises": {name: one for name, one in noises.items() if name in needed},
        "used_parts": noise.used_parts,
        "learning": noise.learning.model_dump(mode="json") if has_heads(noise) else None,
        "masks": described_masks(noise, cell, noise.fits_under),
        **described_clips(noise, cell),
    }


def described_clips(noise: Learned, cell: LearningCell) -> dict[str, Any]:
    """Return which training clips are held, and what they are shown to, as a JSON object.

    Args:
        noise: of the cell.
        cell: the checked settings.
    """
    return {
        "seed": noise.seed,
        "held_share": noise.held_share,
        "validation_share": noise.learning.validation_share,
        **_described_learning(noise, cell),
    }


def described_masks(noise: Learned, cell: LearningCell, masks: FitMasking) -> Any:
    """Return the masks that held clips are shown under, as a JSON object.

    Args:
        noise: of the cell.
        cell: the checked settings.
        masks: which ones.
    """
    if masks == "none":
        return "none"
    if masks == "train":
        return noise.model_dump(mode="json", include={"train_masking", "train_ratios"})
    clips = training_clips(cell.dataset, noise.learning.train_clips, cell.classes)
    aimed = cell.masking.feature is not None
    return {
        "masking": cell.masking.described(),
        "seed": cell.seed,
        "region": described_region(cell.region, clips) if aimed else None,
        "code": code_of(*(type(one).__module__ for one in (cell.masking, cell.region))),
    }


def given_stacks(noise: Learned) -> Path | None:
    """Return the file of weights that came with the noise of another run; None to fit them here.

    They are used without controls: then the training clips may be missing, as for
    ``clip-har-predict``. With controls all weights are fitted on the same clips.
    """
    if noise.file is None or noise.controls or not noise.arms:
        return None
    path = noise.file.expanduser().with_name(STACKS_FILE)
    return path if path.is_file() else None


def has_heads(noise: Learned) -> bool:
    """Return whether some variant uses classifiers on frozen embeddings."""
    return any("head" in arm.features for arm in noise.arms)


def described_model(cell: LearningCell) -> dict[str, Any]:
    """Return what noise is learned for: model, classes and frames, as a JSON object."""
    return {
        "frames": cell.frames.described(without={Role.RUN}),
        "weights": cell.model.digest(),
        "pooling": cell.model.pooling,
        "prompts": cell.prompts.texts(clips_of(cell.dataset, None, cell.classes).class_names),
        "precision": cell.precision,
    }


def learned_from(noise: Learned, cell: LearningCell) -> str:
    """Return a digest of all that decides learned noise and its controls, settings included.

    It is fast if the clips are there, because it is called before a sweep starts.

    Args:
        noise: of the cell.
        cell: the checked settings.

    Raises:
        ClipHarError: when there are no clips to learn from, too few groups or classes among them,
            or there is no such file.
    """
    parts: list[object] = [described_noises(noise, cell)]
    given = given_stacks(noise)
    if noise.file is None or (noise.arms and given is None):
        clips = training_clips(cell.dataset, noise.learning.train_clips, cell.classes)
        # Said before anything is decoded.
        check_classes(clips, sets_of(clips, range(len(clips.clips)), noise), noise)
    if given is not None:
        parts.append(hashlib.sha256(given.read_bytes()).hexdigest())
    elif noise.arms:
        parts.append([described_stacks(noise, cell), code_of(*STACKING)])
    return key_of(parts)


def _described_learning(noise: Learned, cell: LearningCell) -> dict[str, Any]:
    clips = training_clips(cell.dataset, noise.learning.train_clips, cell.classes)
    own, aimed = None, False
    if "same" in noise.train_masking:
        own = cell.masking.described()
        aimed = cell.masking.feature is not None
    options: list[object] = [noise, cell.model]
    if own is not None:
        options.append(cell.masking)
    source, region = cell.region, None
    if noise.needs_region or aimed:
        options.append(source)
        region = described_region(cell.region, clips)
    return {
        **described_model(cell),
        "data": clips.title,
        "data_digest": clips.digest,
        "region": region,
        "masking": own,
        "code": code_of(*_LEARNING, *(type(option).__module__ for option in options)),
    }


@lru_cache(maxsize=4)  # it looks at a file of each clip, and each fit of each cell asks for it
def described_region(source: RegionSource, clips: ClipSet) -> list[Any]:
    """Return what decides where targets are found, as a JSON list.

    Args:
        source: an option of ``conf/region``.
        clips: in which they are found.
    """
    settings = source.described(without={Role.RUN, Role.CONTENT})
    return [settings, region_identity(source, clips)]
