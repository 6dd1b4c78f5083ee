"""The clips that a cell's noise is learned from, decoded and under its masks."""

import logging

from clip_har.core.errors import ClipHarError
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clips import MaskedClips, locate
from clip_har.masking.none import NoMask
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.identity import training_clips
from clip_har.noise.learned.training_clips import TrainingClips, split_groups
from clip_har.noise.settings import LearningCell, OpenFrames

log = logging.getLogger(__name__)


def open_training(
    noise: Learned, cell: LearningCell, zero_shot: ZeroShot, open_frames: OpenFrames
) -> TrainingClips:
    """Decode the clips that a cell's noise is learned from, or open them if decoded already.

    Clips without a subject are treated as in evaluation (``region.on_empty``) where a mask or the
    loss asks for it.

    Args:
        noise: the settings of the cell's noise.
        cell: the checked settings.
        zero_shot: its model with its classes.
        open_frames: opens the frames of clips.

    Raises:
        ClipHarError: as `split_groups`; and with ``on_empty=error`` for a clip without a subject.
    """
    frames = open_frames(training_clips(cell.dataset, noise.learning.train_clips))
    own: Mask = cell.masking if "same" in noise.train_masking else NoMask()
    subject = noise.needs_region or own.feature is not None
    clips = locate(
        own,
        frames,
        cell.region,
        subject=subject,
        seed=cell.seed,
        zero_shot=lambda: zero_shot,
        cache_dir=cell.cache_dir,
    )
    usable = _with_target(clips, subject=noise.needs_region)
    return TrainingClips(clips, *split_groups(frames.clip_set, usable, noise))


def _with_target(clips: MaskedClips, *, subject: bool) -> list[int]:
    """Return the decoded clips in which the targets were found; ``on_empty`` decides on others."""
    maps = [clips.feature, clips.subject if subject else None]
    asked = [found for found in maps if found is not None]
    decoded = clips.frames.ok
    whole = [index for index in decoded if all(one.found[index] for one in asked)]
    if len(whole) == len(decoded):
        return decoded
    message = (
        f"no target was found in {len(decoded) - len(whole)} of {len(decoded)} training"
        f" clips of {clips.frames.clip_set.name}"
    )
    if clips.on_empty == "error":
        raise ClipHarError(f"{message}: region.on_empty=skip leaves them out")
    if clips.on_empty == "whole":
        log.warning("%s: their whole frames are used as the target", message)
        return decoded
    log.warning("%s: left out", message)
    return whole
