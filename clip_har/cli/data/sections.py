"""Faults of clips that are sections of longer videos: beyond the end, overlapping."""

import math
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from clip_har.cli.data.rows import counted
from clip_har.data.clips import Clip
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.video import video_length

_SLACK = 1.0  # s; published lists often give whole seconds
_SAME = 1e-6  # s; sections that touch do not overlap


def beyond_end(path: Path, end: float, *, fps: float | None) -> str:
    """Return by how much a section ends after its video, in words; empty if it does not.

    Args:
        path: the video.
        end: of the section, in seconds.
        fps: frames per second of images; None for a video.
    """
    seconds = _seconds(path, fps)
    if seconds is None or math.isnan(seconds) or end <= seconds + _SLACK:
        return ""
    return f"it ends at {end:g} s, its video at {seconds:.4g} s"


def overlaps(clips: Mapping[str, Clip]) -> list[str]:
    """Return a line for sections that overlap another one of their video: of its class, of others.

    Args:
        clips: by id.
    """
    sections: dict[Path, list[Clip]] = defaultdict(list)
    for clip in clips.values():
        sections[clip.path].append(clip)
    same: dict[str, None] = {}
    other: dict[str, None] = {}
    for own in sections.values():
        open_now: list[Clip] = []
        for clip in sorted(own, key=_start):
            open_now = [one for one in open_now if _end(one) > _start(clip) + _SAME]
            for one in open_now:
                found = same if one.label == clip.label else other
                found.update(dict.fromkeys((one.id, clip.id)))
            open_now.append(clip)
    return [
        f"{what}: {counted(list(ids))}"
        for what, ids in (
            ("sections that overlap another one of the same class", same),
            ("sections that overlap one of another class", other),
        )
        if ids
    ]


def _start(clip: Clip) -> float:
    return clip.start or 0.0


def _end(clip: Clip) -> float:
    return math.inf if clip.end is None else clip.end


@lru_cache(maxsize=4096)
def _seconds(path: Path, fps: float | None) -> float | None:
    """Return how long a video is; None if it cannot be opened."""
    try:
        return video_length(path, fps=fps).seconds
    except DecodeError:
        return None
