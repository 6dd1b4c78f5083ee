"""The frames of chosen clips as the model saw them, and without the mask."""

import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.config.cell import Cell
from clip_har.core.checksum import checksum
from clip_har.core.errors import ClipHarError, describe
from clip_har.core.progress import track
from clip_har.core.work_ahead import THREADS, work_ahead
from clip_har.data.clips import ClipSet, clips_of
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.data.shards import find_whole
from clip_har.engine.clips import open_frames
from clip_har.masking.masked_clips import MaskedClips, locate
from clip_har.report.clips.sheets import frames_in, sheet
from clip_har.results.result import Result

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

log = logging.getLogger(__name__)

_OTHER = "the clips have changed since they were judged"

Stores = dict[str, FrameStore]
"""Decoded frames by what the cards of their cells say of clips and frames, as JSON."""


@dataclass(frozen=True)
class Strip:
    """The frames of one clip in one cell.

    Attributes:
        seen: the number of the sheet with the frames as the model saw them.
        whole: the number of the sheet with the same frames without the mask.
        frames: the number of frames in these sheets.
        of: the number of frames that the model saw.
    """

    seen: int
    whole: int
    frames: int
    of: int


@dataclass
class Strips:
    """The frames of the chosen clips.

    Attributes:
        sheets: JPEG pictures, each once.
        strips: by the folder of a cell's files and the id of a clip.
        missing: why there are no frames, by the name of the cell.
    """

    sheets: list[bytes] = field(default_factory=list)
    strips: dict[tuple[str, str], Strip] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def strips_of(chosen: Sequence[tuple[Result, Sequence[str]]]) -> Strips:
    """Return the frames of some clips.

    They come from the store of decoded frames. If it is gone, the clips are decoded again; if the
    videos are gone, too, or are no longer those that were judged, there are no frames. Noise that
    is not learned is added; learned noise is left out.

    Args:
        chosen: the cells, with the ids of the clips.
    """
    found = Strips()
    made: dict[str, bytes] = {}
    stores: Stores = {}
    numbers: dict[str, int] = {}
    with track(sum(len(ids) for _, ids in chosen), "pictures of clips") as advance:
        for one, ids in chosen:
            try:
                for clip_id, keys, frames in _sheets(one, ids, made, stores):
                    for key in keys:
                        if key not in numbers:
                            numbers[key] = len(found.sheets)
                            found.sheets.append(made[key])
                    seen, whole = (numbers[key] for key in keys)
                    strip = Strip(seen, whole, frames_in(frames), frames)
                    found.strips[one.folder.name, clip_id] = strip
                    advance(1)
            except Exception as error:  # noqa: BLE001, the answers are shown without pictures
                found.missing[one.name] = describe(error)
    for reason in dict.fromkeys(found.missing.values()):
        log.warning("clips are shown without pictures: %s", reason)
    return found


def _sheets(
    one: Result, ids: Sequence[str], made: dict[str, bytes], stores: Stores
) -> Iterable[tuple[str, tuple[str, str], int]]:
    """Yield some clips: the keys of the sheets with and without the mask, the number of frames.

    Args:
        one: the cell.
        ids: of the clips.
        made: the sheets by key; it is added to.
        stores: the decoded frames of other cells; it is added to.

    Raises:
        ClipHarError: when the frames are not known, or are not those that were judged.
    """
    cell = one.cell
    frames = _open(one, cell, ids, stores)
    from clip_har.engine.score_clips import seen_frames  # imports torch

    masked = _masked(cell, frames)
    noise, place = cell.noise.unlearned(), {c.id: i for i, c in enumerate(frames.clip_set.clips)}

    def key_of(frames: NDArray[np.uint8]) -> str:
        key = checksum(np.ascontiguousarray(frames).data)
        if key not in made:
            made[key] = sheet(frames)
        return key

    def take(clip_id: str) -> tuple[str, tuple[str, str], int]:
        clip = masked.clip(place[clip_id])
        seen, whole = seen_frames(clip, noise).numpy(), clip.whole.numpy()
        return clip_id, (key_of(seen), key_of(whole)), len(seen)

    with closing(work_ahead(take, ids, threads=THREADS, limit=2 * THREADS)) as coming:
        yield from coming


def _open(one: Result, cell: Cell, ids: Sequence[str], stores: Stores) -> FrameStore:
    """Return the frames of a cell's clips, or only those of some clips if they must be decoded."""
    card = one.protocol
    if not card.get("frames_digest") or not card.get("data_digest"):
        raise ClipHarError("the cell does not say which frames were judged")
    # To find a store, all files of the clips are looked at.
    key = json.dumps([card[name] for name in ("data_digest", "frames_digest", "frames")])
    if key in stores:
        return stores[key]
    clips = clips_of(cell.dataset, cell.limit, cell.classes)
    # The card has the model's own values: its image processor, which imports torchvision, has not
    # to be asked.
    settings = FrameSettings(**card["frames"])
    frames = find_whole(clips, settings, cache_dir=cell.cache_dir)
    if frames is None:
        if clips.digest != card["data_digest"]:
            raise ClipHarError(_OTHER)
        frames = open_frames(cell, clips if cell.masking.swaps_scene else _only(clips, ids))
    elif frames.digest != card["frames_digest"]:
        raise ClipHarError(_OTHER)
    else:
        stores[key] = frames
    return frames


def _only(clips: ClipSet, ids: Sequence[str]) -> ClipSet:
    wanted = set(ids)
    kept = tuple(clip for clip in clips.clips if clip.id in wanted)
    return replace(clips, clips=kept, whole=clips.whole or len(clips.clips))


def _masked(cell: Cell, frames: FrameStore) -> MaskedClips:
    def zero_shot() -> "ZeroShot":
        from clip_har.engine.load_model import load_zero_shot

        return load_zero_shot(cell, frames.clip_set)

    masked = locate(
        cell.masking,
        frames,
        cell.region,
        subject=cell.finds_regions,
        patch=cell.model.patch_size(),
        seed=cell.seed,
        zero_shot=zero_shot,
        cache_dir=cell.cache_dir,
    )
    _ = masked.scene_clips  # chosen once, not in every thread
    return masked
