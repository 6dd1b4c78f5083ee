"""The contents of a data set: classes, groups, lengths and sizes of its clips."""

import math
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from clip_har.core.progress import track
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.decode.containers import DecodeError
from clip_har.data.decode.video import VideoLength, video_length
from clip_har.data.image_files import series_note

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
    with (
        track(len(clips.clips), "reading") as advance,
        ThreadPoolExecutor(workers or os.cpu_count()) as pool,
    ):
        lengths = []
        for length in pool.map(_length, clips.clips):
            lengths.append(length)
            advance(1)
    return Info(clips, lengths)


def _length(clip: Clip) -> VideoLength | None:
    try:
        return video_length(clip.path, start=clip.start, end=clip.end, fps=clip.fps)
    except DecodeError:
        return None


def _most(counts: Counter[str]) -> str:
    message = ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(4))
    return message + (f" and {len(counts) - 4} more" if len(counts) > 4 else "")
