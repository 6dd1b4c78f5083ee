"""Pairs of clips for the scene swap."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.core.seeding import generator


def sample_scene_clips(
    clip_ids: Sequence[str], labels: NDArray[np.int64], *, seed: int
) -> NDArray[np.int64]:
    """Choose for each clip, at random, a clip of another class whose background is shown.

    The other class is sampled uniformly from the classes that are present, then one of its clips
    uniformly. Each clip has its own generator, so its pair depends on the seed, its id and the set
    of clips, not on their order.

    Args:
        clip_ids: N unique ids.
        labels: ``(N,)`` classes.
        seed: the root seed of the run.

    Returns:
        ``(N,)`` positions in ``clip_ids``.

    Raises:
        ClipHarError: when there is only one class.

    Example:
        >>> sample_scene_clips(["a", "b", "c"], np.array([0, 0, 1]), seed=0)[:2]
        array([2, 2])
    """
    by_name = sorted(range(len(clip_ids)), key=lambda position: clip_ids[position])
    members = {
        label: [position for position in by_name if labels[position] == label]
        for label in np.unique(labels)
    }
    if len(members) < 2:
        raise ClipHarError(
            "masking=swap shows a clip in front of the background of another class: expected clips"
            f" of at least 2 classes, got {len(members)}"
        )
    chosen = np.empty(len(clip_ids), np.int64)
    for position, clip_id in enumerate(clip_ids):
        draws = generator(seed, "mask/swap", clip_id)
        others = [label for label in members if label != labels[position]]
        scene_class = members[others[draws.integers(len(others))]]
        chosen[position] = scene_class[draws.integers(len(scene_class))]
    return chosen
