"""The learned noise of a cell: its own, what that lies on, and what it is compared with."""

from collections.abc import Callable

from clip_har.core.errors import ClipHarError
from clip_har.data.frames.store import FrameStore
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.fitted import FittedNoise, read_or_learn
from clip_har.noise.learned.identity import training_clips
from clip_har.noise.learned.learning import History
from clip_har.noise.learned.training_clips import TrainingClips, sets_of
from clip_har.noise.settings import LearningCell
from clip_har.noise.variants import LEARNED, UNIVERSAL


def nested_noises(
    noise: Learned,
    cell: LearningCell,
    frames: FrameStore,
    zero_shot: ZeroShot,
    training: Callable[[], TrainingClips],
) -> dict[str, FittedNoise]:
    """Return all learned noise of a cell by name; learn it first if that was not done yet.

    Of nested noise that is ``universal``, the noise for all classes; ``second``, another one on top
    of it; ``learned``, a part per class on top of it; and ``shuffled labels``, such parts that are
    learned from shuffled labels. With ``noise.file``, ``universal`` is the one that the parts in
    the file lie on; the others are learned on that of the cell.

    Args:
        noise: of the cell.
        cell: the checked settings.
        frames: what the noise will be added to.
        zero_shot: the model with its classes.
        training: returns the training clips; called only if needed.

    Raises:
        ClipHarError: as `read_or_learn`; and when the noise of a file was learned from groups that
            this cell holds out.
    """
    own = read_or_learn(noise, cell, frames, zero_shot, training)
    if noise.file is not None and noise.held_share:
        _check_held(noise, cell, own)
    found = {LEARNED: own}
    if noise.file is not None and (under := own.perturbation.under()) is not None:
        found[UNIVERSAL] = FittedNoise(under, History(), own.card)
    for name, other in noise.beside().items():
        found[name] = read_or_learn(other, cell, frames, zero_shot, training)
    return found


def _check_held(noise: Learned, cell: LearningCell, own: FittedNoise) -> None:
    """Raise if noise of a file was learned from groups that the cell holds out."""
    clips = training_clips(cell.dataset, noise.learning.train_clips, cell.classes)
    held = set(clips.groups[sets_of(clips, range(len(clips.clips)), noise).held].tolist())
    if both := sorted(held & set(own.card["groups"])):
        raise ClipHarError(
            f"noise.file={noise.file}: it was learned from {len(both)} of the groups that are held"
            f" out here, such as {both[0]}; use the held_share, the validation_share and the seed"
            " that it was learned with"
        )
