"""The sets that training clips are split into, by group."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.core.seeding import generator
from clip_har.data.clips import ClipSet
from clip_har.noise.learned.base import Learned


class Sets(NamedTuple):
    """Indices of training clips in sets that share no group.

    See `clip_har.noise.learned.training_clips.TrainingClips`.
    """

    learned_from: NDArray[np.int64]
    validated_on: NDArray[np.int64]
    held: NDArray[np.int64]


def sets_of(clips: ClipSet, usable: Sequence[int], noise: Learned) -> Sets:
    """Return the sets of `clip_har.noise.learned.training_clips.split_groups`, without warnings.

    Raises:
        ClipHarError: when there are fewer groups than sets.
    """
    every = clips.groups[list(usable)]
    groups = np.unique(every)
    total = len(groups)
    fewest = 3 if noise.held_share else 2
    if total < fewest:
        third = ", and held out of both (noise.held_share)" if noise.held_share else ""
        raise ClipHarError(
            f"noise is learned on some groups of {clips.name} and validated on others{third}:"
            f" expected at least {fewest} groups among its clips, got {total}"
        )
    order = groups[generator(noise.seed, "noise/split", "groups").permutation(total)]
    last = total - fewest + 1  # leaves a group for each of the other sets
    validated = min(max(round(noise.learning.validation_share * total), 1), last)
    held = max(round(noise.held_share * total), 1) if noise.held_share else 0
    in_validated = np.isin(every, order[:validated])
    in_held = np.isin(every, order[validated : min(validated + held, total - 1)])
    decoded = np.array(usable, np.int64)
    return Sets(decoded[~in_validated & ~in_held], decoded[in_validated], decoded[in_held])


def check_classes(clips: ClipSet, sets: Sets, noise: Learned) -> None:
    """Check that the clips that weights of scores are fitted on are of several classes.

    Args:
        clips: all of them.
        sets: as `sets_of` returns; without held clips, weights are fitted on all others.
        noise: the settings.

    Raises:
        ClipHarError: when they are of one class.
    """
    held = bool(noise.held_share)
    used = sets.held if held else np.concatenate([sets.learned_from, sets.validated_on])
    present = np.unique(clips.labels[used])
    if noise.arms and len(present) < 2:
        which = f"held clips (noise.held_share={noise.held_share:g})" if held else "training clips"
        raise ClipHarError(
            f"the weights of scores are fitted on the {which} of {clips.name}: expected clips of at"
            f" least 2 classes, got only {clips.class_names[present[0]]}; use more training clips"
            " or groups, or another noise_seed"
        )
