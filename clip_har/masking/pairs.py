"""Pairs of clips for the scene swap."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from clip_har.core.errors import ClipHarError
from clip_har.core.seeding import generator
from clip_har.data.clips import Clip
from clip_har.data.sources.files import existing_file
from clip_har.data.sources.tables import read_table
from clip_har.regions.clip_names import clip_names

_SHOWN = 3  # names in an error message


def sample_scene_clips(clips: Sequence[Clip], scenes: Sequence[Clip], *, seed: int) -> list[int]:
    """Choose for each clip, at random, a clip of another class whose background is shown.

    The other class is sampled uniformly from the classes that are present, then one of its clips
    uniformly. Each clip has its own generator, so its pair depends on the seed, its id and the set
    of scenes, not on their order.

    Args:
        clips: N clips.
        scenes: the clips whose backgrounds can be shown.
        seed: the root seed of the run.

    Returns:
        N positions in ``scenes``.

    Raises:
        ClipHarError: when a clip has no scene of another class.

    Example:
        >>> clips = [Clip(name, Path(name), label, "g") for name, label in (("a", 0), ("b", 1))]
        >>> sample_scene_clips(clips, clips, seed=0)
        [1, 0]
    """
    by_name = sorted(range(len(scenes)), key=lambda position: scenes[position].id)
    members = {
        label: [position for position in by_name if scenes[position].label == label]
        for label in np.unique([scene.label for scene in scenes])
    }
    chosen = []
    for clip in clips:
        draws = generator(seed, "mask/swap", clip.id)
        others = [label for label in members if label != clip.label]
        if not others:
            raise ClipHarError(
                "masking=swap shows a clip in front of the background of another class: expected"
                f" backgrounds of at least 2 classes, got {len(members)}"
            )
        scene_class = members[others[draws.integers(len(others))]]
        chosen.append(scene_class[draws.integers(len(scene_class))])
    return chosen


def listed_scene_clips(clips: Sequence[Clip], scenes: Sequence[Clip], pairs: Path) -> list[int]:
    """Return for each clip the clip whose background a list says is shown.

    Args:
        clips: N clips.
        scenes: the clips whose backgrounds can be shown.
        pairs: the list, see `read_pairs`.

    Returns:
        N positions in ``scenes``.

    Raises:
        ClipHarError: when a clip is not in the list, its scene is not among the clips, its name
            fits several of them, or the scene is of the clip's own class.
    """
    listed = read_pairs(pairs)
    places: dict[str, set[int]] = {}
    for position, scene in enumerate(scenes):
        for name in clip_names(scene):
            places.setdefault(name, set()).add(position)
    wanted = [
        next((listed[name] for name in clip_names(clip) if name in listed), None) for clip in clips
    ]
    found = [places.get(name or "", set()) for name in wanted]
    rows = list(zip(clips, wanted, found, strict=True))
    faults = {
        "are not in the list: evaluate only the clips of the list, with dataset=manifest": [
            clip.id for clip, name, _ in rows if name is None
        ],
        "have a scene that cannot be shown: it is not among the clips, cannot be decoded, or has no"
        " frames in masking.backgrounds (without that setting: no subject was found in it)": [
            f"{clip.id} before {name}" for clip, name, at in rows if name is not None and not at
        ],
        "have a scene whose name fits several clips: name it <class folder>/<file>": [
            f"{clip.id} before {name}" for clip, name, at in rows if len(at) > 1
        ],
        "have a scene of their own class, in which right answers cannot be told from answers by"
        " the scene": [
            f"{clip.id} before {name}"
            for clip, name, at in rows
            if len(at) == 1 and scenes[min(at)].label == clip.label
        ],
    }
    for fault, names in faults.items():
        if names:
            shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
            raise ClipHarError(
                f"masking.pairs={pairs}: {len(names)} of {len(clips)} clips ({shown}) {fault}"
            )
    return [min(at) for at in found]


def read_pairs(path: Path) -> Mapping[str, str]:
    """Return which clip's background is shown for each clip of a list.

    It is a table (CSV or Parquet) with the columns ``clip,scene``. A clip is named by its id or by
    ``<class folder>/<file name>``, without extension.

    Args:
        path: the file.

    Raises:
        ClipHarError: when it cannot be read, has other content, or names a clip twice.
    """
    absolute = existing_file(path, expected="a table of clip,scene", setting="masking.pairs")
    stat = absolute.stat()
    return _read(absolute, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, *_: int) -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for row in read_table(path, required=("clip", "scene")):
        clip, scene = row.text("clip"), row.text("scene")
        if pairs.setdefault(clip, scene) != scene:
            raise row.error(f"{clip} has two scenes, {pairs[clip]} and {scene}")
    return pairs
