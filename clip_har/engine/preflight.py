"""Find what would stop a cell before it starts."""

import logging
from collections.abc import Sequence
from functools import cache

from clip_har.config.cell import Cell
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet, clips_of
from clip_har.data.sampling import FITS_WITH_VIEWS, Fitting
from clip_har.engine.reference import reference_clips
from clip_har.regions.wrong_clips import check_marks, region_identity

log = logging.getLogger(__name__)


def preflight(cell: Cell) -> ClipSet:
    """Check quickly what would stop a cell: missing data, weights or prompt files.

    Returns:
        The clips that the cell evaluates.

    Raises:
        ClipHarError: for the first problem that is found.
    """
    cell.tracking.check()
    clips = clips_of(cell.dataset, cell.limit, cell.classes)
    if len(clips.class_names) == 1:
        _warn_of_one_class(clips.name, clips.class_names[0])
    cell.measures.target_labels(clips.class_names)
    reference = reference_clips(cell, clips)
    if cell.shard is not None:
        cell.shard.of(clips)
        if reference is not None:
            cell.shard.of(reference)
    check_model(cell, clips.class_names)
    check_marks(cell.region, clips)
    if cell.finds_regions:
        region_identity(cell.region, clips)
    cell.masking.identity(clips)
    return clips


def check_model(cell: Cell, class_names: Sequence[str]) -> None:
    """Check quickly what would stop a cell's model: missing weights, prompt files, a wrong size.

    Args:
        cell: the checked settings.
        class_names: C names, as the data set spells them.

    Raises:
        ClipHarError: for the first problem that is found.
    """
    cell.prompts.texts(class_names)
    cell.model.folder()
    if cell.frames.size not in (None, size := cell.model.image_size()):
        raise ClipHarError(
            f"frames.size={cell.frames.size}: the model takes {size} px; leave frames.size=null"
        )
    length, frames = cell.model.clip_length(), cell.frames
    if length is not None and (frames.sampler, frames.count) != ("uniform", length):
        raise ClipHarError(
            f"frames.sampler={frames.sampler}, frames.count={frames.count}: the model takes"
            f" {length} frames of each clip; use frames.sampler=uniform frames.count={length}"
        )
    if frames.crops > 1:
        _check_fit_of_views(cell)
    if cell.device not in ("auto", "cpu") or cell.precision == "fp16":
        # Only these may be impossible here, and only PyTorch knows (its import takes seconds).
        from clip_har.models.device import pick_device, pick_dtype

        pick_dtype(cell.precision, pick_device(cell.device))


def _check_fit_of_views(cell: Cell) -> None:
    """Refuse a fit without views; what the fit is, only the checkpoint may say."""
    fit = cell.frames.fit or Fitting(*cell.model.fitting()).fit
    if fit not in FITS_WITH_VIEWS:
        raise ClipHarError(
            f"frames.crops={cell.frames.crops}: the model was trained with fit={fit}, which has no"
            " views; set frames.fit=crop, or frames.crops=1"
        )


@cache  # once, not for each cell of a sweep
def _warn_of_one_class(data: str, name: str) -> None:
    log.warning(
        "%s has only one class, %s: every prediction is right, whatever the model sees; no accuracy"
        " measures recognition",
        data,
        name,
    )
