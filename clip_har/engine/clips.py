"""The clips of a cell: decoded as its model takes them, and under its mask."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import Fitting, FrameSettings
from clip_har.data.shards import Shard, open_shard, open_whole
from clip_har.masking.masked_clips import MaskedClips, locate
from clip_har.masking.on_empty import refuse_empty

if TYPE_CHECKING:
    from clip_har.config.cell import Cell
    from clip_har.models.zero_shot import ZeroShot

log = logging.getLogger(__name__)


def frame_settings(cell: "Cell") -> FrameSettings:
    """Return the cell's settings of frames, with the model's own values where a setting is null.

    Args:
        cell: the checked settings.
    """
    frames: FrameSettings = cell.frames.model_copy(update={"size": cell.model.image_size()})
    if frames.fit is None or frames.resample is None or cell.model.sees_rows:
        fit, resample, edge = Fitting(*cell.model.fitting())
        if cell.model.sees_rows and (frames.fit is not None or frames.edge is not None):
            raise ClipHarError(
                "frames.fit, frames.edge: the model sees the middle rows of the square only, which"
                " hold the whole frame; leave both null, and set model.aspect"
            )
        own: dict[str, object] = {"fit": frames.fit or fit, "resample": frames.resample or resample}
        if frames.fit is None:
            own["edge"] = frames.edge or edge
        frames = frames.model_copy(update=own)
    return frames


def open_frames(cell: "Cell", clips: ClipSet, shard: Shard | None = None) -> FrameStore:
    """Decode clips for the cell's model, or open them if they are decoded already.

    Args:
        cell: the checked settings.
        clips: the whole set.
        shard: the shard to open; None for all clips.

    Raises:
        ClipHarError: when the files of the clips changed since this process looked them up: its
            cells are named, stored and compared by what the clips were then.
    """
    settings = frame_settings(cell)
    if shard is None:
        frames = open_whole(clips, settings, cache_dir=cell.cache_dir)
        _check_unchanged(clips, settings, frames)
    else:
        frames = open_shard(clips, shard, settings, cache_dir=cell.cache_dir)
    single = sum(len(set(frames.entries[index].indices)) == 1 for index in frames.ok)
    if settings.order != "forward" and single:
        log.warning(
            "frames.order=%s changes nothing in %d of %d clips: they have one frame",
            settings.order,
            single,
            len(frames.ok),
        )
    return frames


_seen: dict[tuple[str, str], str] = {}
"""The digest of the frames that the first cell of this process saw, by clips and settings."""


def _check_unchanged(clips: ClipSet, settings: FrameSettings, frames: FrameStore) -> None:
    key = clips.digest, settings.model_dump_json()
    if _seen.setdefault(key, frames.digest) != frames.digest:
        raise ClipHarError(
            f"{clips.name}: its files changed while this process ran, and earlier cells saw other"
            " frames: run the command again"
        )


def find_masked(
    cell: "Cell", frames: FrameStore, *, zero_shot: "Callable[[], ZeroShot]"
) -> MaskedClips:
    """Find where the mask's target and the subject are; as `open_masked`, but refuse no clip.

    Args:
        cell: the checked settings.
        frames: of the cell's clips.
        zero_shot: gives the cell's model with its classes, for sources that need it.

    Raises:
        ClipHarError: when a region source lacks what it needs.
    """
    return locate(
        cell.masking,
        frames,
        cell.region,
        subject=cell.finds_regions,
        patch=cell.model.patch_size(),
        seed=cell.seed,
        zero_shot=zero_shot,
        cache_dir=cell.cache_dir,
    )


def open_masked(
    cell: "Cell", frames: FrameStore, *, zero_shot: "Callable[[], ZeroShot]"
) -> MaskedClips:
    """Find where the mask's target and the subject are, and return the clips under the mask.

    Args:
        cell: the checked settings.
        frames: of the cell's clips.
        zero_shot: gives the cell's model with its classes, for sources that need it.

    Raises:
        ClipHarError: when a region source lacks what it needs; with ``on_empty=error`` when the
            target is missing in a clip; and when no clip is left, without the target or because the
            mask leaves too little of it.
    """
    masked = find_masked(cell, frames, zero_shot=zero_shot)
    if masked.empty:
        refuse_empty(masked.on_empty, masked.empty_message())
    if not masked.evaluated and masked.covered:
        found = [masked.covered_message(), *([masked.empty_message()] if masked.empty else [])]
        raise ClipHarError(f"{'; '.join(found)}: none is left; lower masking.min_kept")
    if masked.empty and not masked.evaluated:
        raise ClipHarError(f"{masked.empty_message()}: none is left; another source may find it")
    if masked.scene_clips:  # chosen now: what is wrong with them is said before the model runs
        without = len(set(masked.evaluated) - set(masked.scenes))
        if without:
            log.warning(
                "masking.backgrounds has no frames of %d of %d clips: they are not used as scenes",
                without,
                len(masked.evaluated),
            )
    return masked
