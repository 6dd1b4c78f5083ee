"""The contents of a data set: classes, groups, lengths and sizes of its clips."""

import math
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clip_har.core.progress import track
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.passes import Window
from clip_har.data.decode.sections import section_lengths
from clip_har.data.decode.video import VideoLength, video_length
from clip_har.data.image_files import is_of_images, series_note

_NAMED = 3  # clips in a sentence


@dataclass(frozen=True)
class Info:
    """The clips of a data set and their lengths.

    Attributes:
        clips: the data set.
        lengths: one per clip; None if a clip cannot be opened.
    """

    clips: ClipSet
    lengths: Sequence[VideoLength | None]

    @property
    def known(self) -> list[VideoLength]:
        """Lengths of the clips that can be opened."""
        return [length for length in self.lengths if length is not None]

    def rows(self) -> list[tuple[str, ...]]:
        """Return the table: a header, a row per class, and a row for all clips."""
        header: tuple[str, ...] = (
            "class",
            "clips",
            "groups",
            "frames: least",
            "median",
            "most",
            "seconds: median",
        )
        labels = self.clips.labels
        rows = [header]
        for label, name in enumerate(self.clips.class_names):
            if chosen := np.flatnonzero(labels == label).tolist():
                rows.append(self._row(name, chosen))
        rows.append(self._row("all", list(range(len(labels)))))
        return rows

    def _attributes(self) -> list[tuple[str, Counter[str]]]:
        """Return how many clips have each value of each attribute."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for clip in self.clips.clips:
            for name, value in clip.attributes.items():
                counts[name][value] += 1
        return list(counts.items())

    def _row(self, name: str, chosen: Sequence[int]) -> tuple[str, ...]:
        groups = len({self.clips.clips[i].group for i in chosen})
        found = [length for i in chosen if (length := self.lengths[i]) is not None]
        if not found:
            return (name, str(len(chosen)), str(groups), "–", "–", "–", "–")
        frames = [length.frames for length in found]
        seconds = [length.seconds for length in found if not math.isnan(length.seconds)]
        return (
            *(name, str(len(chosen)), str(groups), str(min(frames))),
            *(f"{np.median(frames):g}", str(max(frames))),
            f"{np.median(seconds):.1f}" if seconds else "–",
        )

    def sentences(self) -> list[str]:
        """Return the facts that are not in the table."""
        sizes = Counter(f"{one.width}x{one.height}" for one in self.known)
        rates = Counter("unknown" if one.fps is None else f"{one.fps:.4g}" for one in self.known)
        closed = len(self.lengths) - len(self.known)
        seconds = [one.seconds for one in self.known if not math.isnan(one.seconds)]
        length = f", {sum(seconds) / 3600:.2f} hours" if seconds else ""
        lines = [
            f"{self.clips.title}: {len(self.lengths):,} clips{length}",
            f"frame sizes: {_most(sizes)}",
            f"frames a second: {_most(rates)}",
            f"licence: {self.clips.licence}",
        ]
        lines += [f"attribute {name}: {_most(counts)}" for name, counts in self._attributes()]
        if self.clips.citation:
            lines.append(f"cite: {self.clips.citation}")
        if empty := len(self.clips.class_names) - len(set(self.clips.labels.tolist())):
            lines.append(f"{empty} of {len(self.clips.class_names)} classes have no clip here")
        if notes := [
            f"{clip.id}: {note}" for clip in self.clips.clips if (note := series_note(clip.path))
        ]:
            first = "; ".join(notes[:_NAMED]) + ("; …" if len(notes) > _NAMED else "")
            lines.append(f"clips with gaps, or other images beside them: {len(notes):,} – {first}")
        if closed:
            lines.append(f"{closed:,} clips cannot be opened: clip-har-data verify says why")
        return lines


def inspect(clips: ClipSet, *, workers: int | None = None) -> Info:
    """Read the lengths of all clips from their packets; nothing is decoded.

    Args:
        clips: the data set.
        workers: threads; None = all cores.
    """
    sections: dict[Path, list[int]] = defaultdict(list)
    for number, clip in enumerate(clips.clips):
        sections[clip.path].append(number)
    lengths: list[VideoLength | None] = [None] * len(clips.clips)
    with (
        track(len(clips.clips), "reading") as advance,
        ThreadPoolExecutor(workers or os.cpu_count()) as pool,
    ):
        chosen = ([clips.clips[number] for number in numbers] for numbers in sections.values())
        for numbers, found in zip(sections.values(), pool.map(_lengths, chosen), strict=True):
            for number, length in zip(numbers, found, strict=True):
                lengths[number] = length
            advance(len(numbers))
    return Info(clips, lengths)


def _lengths(clips: Sequence[Clip]) -> list[VideoLength | None]:
    """Return the lengths of the clips of one file; None for one that cannot be opened."""
    path = clips[0].path
    if len(clips) > 1 and not is_of_images(path):
        return section_lengths(path, [Window.of(clip.start, clip.end) for clip in clips])
    return [_length(clip) for clip in clips]


def _length(clip: Clip) -> VideoLength | None:
    try:
        return video_length(clip.path, start=clip.start, end=clip.end, fps=clip.fps)
    except DecodeError:
        return None


def _most(counts: Counter[str]) -> str:
    message = ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(4))
    return message + (f" and {len(counts) - 4} more" if len(counts) > 4 else "")
