"""The reference cell: the same model and prompts on clean clips of another split.

Thresholds and temperature are chosen on it, and linear probes trained, never on the clips that are
evaluated.
"""

from typing import cast

from omegaconf import DictConfig

from clip_har.config.cell import Cell
from clip_har.config.compose import checked, clean_config
from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings
from clip_har.data.clips import ClipSet, ClipSource, clips_of
from clip_har.data.parts import check_apart

SUBSET = "subset"
"""The key by which every data set with splits names the one that is used."""


def reference_source(cell: Cell) -> ClipSource | None:
    """Return the data set with the split of a cell's reference; None if it has none.

    The split ``train`` is the one that noise is learned from, see `ClipSource.training`.

    Raises:
        ClipHarError: when the data set has no such split, or it is the evaluated one.
    """
    split, source = cell.measures.reference, cell.dataset
    if split is None:
        return None
    settings = source.model_dump(mode="json")
    if SUBSET not in settings:
        raise ClipHarError(f"measures.reference={split}: this data set has no splits")
    if settings[SUBSET] == split:
        raise ClipHarError(
            f"measures.reference={split}: this split is the evaluated one; {_learned(cell)} must be"
            " learned on other clips: name another split, or evaluate another one with"
            " dataset.subset=…"
        )
    try:
        return split_source(source, split)
    except ClipHarError as error:
        raise _no_such_split(split, error) from error


def split_source(source: ClipSource, split: str) -> ClipSource:
    """Return the data set with another of its splits.

    Args:
        source: the data set.
        split: ``train`` is the one that noise is learned from, see `ClipSource.training`.

    Raises:
        ClipHarError: when the settings know no such split.
    """
    if split == "train":
        return source.training()
    kind = type(source)
    assert issubclass(kind, Settings)  # noqa: S101, all options are
    values = {**source.model_dump(mode="json"), SUBSET: split}
    return cast(ClipSource, checked(kind, values, "dataset"))


def reference_clips(cell: Cell, clips: ClipSet) -> ClipSet | None:
    """Return the clips of a cell's reference; None if it has none.

    Args:
        cell: the checked settings.
        clips: the clips that it evaluates.

    Raises:
        ClipHarError: when the data set has no such split, its classes differ, or some of its
            groups or clips are evaluated, also where official lists share groups (HMDB-51): see
            `check_apart`.
    """
    source = reference_source(cell)
    if source is None:
        return None
    split = cell.measures.reference
    try:
        found = clips_of(source, cell.limit, cell.classes)
    except ClipHarError as error:
        raise _no_such_split(str(split), error) from error
    what = f"measures.reference={split}: {_learned(cell)}"
    check_apart(found, clips, what=what, lists_may_share=False)
    return found


def reference_config(config: DictConfig, cell: Cell) -> DictConfig | None:
    """Return the configuration of a cell's reference; None if it has none.

    Args:
        config: the composed configuration of the cell, without Hydra's own node.
        cell: the checked settings made from it.
    """
    source = reference_source(cell)
    if source is None:
        return None
    reference = clean_config(config)
    reference.dataset.update(source.model_dump(mode="json"))
    reference.measures = {}
    return reference


def _learned(cell: Cell) -> str:
    """Return what a cell learns on its reference, as the settings ask for it."""
    probe, threshold = cell.measures.probe is not None, cell.measures.target is not None
    if probe:
        return "a threshold or a linear probe" if threshold else "a linear probe"
    return "a threshold"


def _no_such_split(split: str, error: ClipHarError) -> ClipHarError:
    return ClipHarError(f"measures.reference={split}: the data set has no such split: {error}")
