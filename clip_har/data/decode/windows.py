"""Cut a video into windows of time, and decode them one after the other in a single pass.

A long video is read twice, whatever the number of its windows: its packets are listed, then its
frames are decoded. Only the sampled frames of the current window are in memory.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from clip_har.data.decode.containers import DecodeError, check_all_decoded, check_index
from clip_har.data.decode.images import image_times
from clip_har.data.decode.open_video import Bounds
from clip_har.data.decode.packets import Clock
from clip_har.data.decode.passes import Window, packet_times
from clip_har.data.decode.source import Source, open_source
from clip_har.data.decode.video import DecodedClip, read_clip, to_rgb
from clip_har.data.image_files import is_of_images
from clip_har.data.sampling import FrameSettings, sample_indices

_SLACK = 1e-6  # s; as that of `Window.span`
_DIGITS = 6  # of a time in seconds
_HELD_BEFORE = 2  # frames; streams may have a frame or two fewer than packets
_MOST_REORDERED = 16  # frames; the deepest reordering of any codec
_LEAST_REST = 0.5  # of a window; a shorter rest at the end belongs to the window before


@dataclass(frozen=True)
class Timeline:
    """When the frames of a video are shown, according to its packets.

    Attributes:
        times: of each frame, seconds from the stream's start, ascending; at least one.
        seconds: when the last frame's time on screen ends.
        packets: number of packets that must yield a frame.
        fps: average frame rate that the container states; None if it does not.
    """

    times: Sequence[float]
    seconds: float
    packets: int
    fps: float | None


def timeline(path: Path, settings: FrameSettings, *, fps: float | None = None) -> Timeline:
    """List the frames of a video without decoding it.

    Args:
        path: the video file; or an image, a folder of images, or a zip of images.
        settings: the bounds.
        fps: frames per second of images; None = not known: then their times are their positions.

    Raises:
        DecodeError: when the file is missing, empty, no video, or cut off.
    """
    if is_of_images(path):
        shown = image_times(path, settings, fps)
        return Timeline(shown, shown[-1] + 1 / (fps or 1), len(shown), fps)
    bounds = Bounds(path, settings)
    with open_source(path, bounds) as source:
        check_index(source.container, source.stream)
        times, packets = packet_times(source, Window(), bounds)
        rate = source.stream.average_rate or source.stream.guessed_rate
    if not times:
        raise DecodeError("no frame can be decoded")
    fps = float(rate) if rate else None
    return Timeline(times, times[-1] + (1 / fps if fps else 0.0), packets, fps)


def cut_windows(found: Timeline, every: float) -> list[Window]:
    """Cut a video into windows of the same length.

    A rest of less than half a window belongs to the last one. A window in which no new frame is
    shown belongs to the one before. So a video of less than one and a half windows is one window.

    Args:
        found: the video's timeline.
        every: length of a window, seconds; infinite for one window.

    Returns:
        At least one window; together they cover the video.

    Example:
        >>> found = Timeline([0.5 * i for i in range(11)], 5.5, 11, 2.0)
        >>> [(window.start, window.end) for window in cut_windows(found, 2)]
        [(0.0, 2.0), (2.0, 4.0), (4.0, inf)]
        >>> cut_windows(found, 4)
        [Window(start=0.0, end=inf)]
    """
    if not math.isfinite(every):
        return [Window()]
    places = {max(0, int((time + _SLACK) // every)) for time in found.times}
    starts = [float(place * every) for place in sorted(places)][1:]
    if starts and found.seconds - starts[-1] < _LEAST_REST * every - _SLACK:
        starts.pop()
    return [Window(*ends) for ends in pairwise([0.0, *starts, math.inf])]


def read_windows(
    path: Path, settings: FrameSettings, found: Timeline, windows: Sequence[Window]
) -> Iterator[DecodedClip]:
    """Decode the sampled frames of consecutive windows in one pass.

    The result of each window is that of `read_clip`. It does the work for a single window, and for
    one whose frames are not those that its packets promise.

    Args:
        path: the video file, or images.
        settings: the sampler and the bounds; the time limit counts for each window.
        found: the video's timeline.
        windows: as `cut_windows` cuts them.

    Yields:
        One clip for each window.

    Raises:
        DecodeError: as `read_clip`.
    """
    if len(windows) == 1 or is_of_images(path):
        for window in windows:
            yield _alone(path, settings, window, found.fps)
        return
    with open_source(path, Bounds(path, settings)) as source:
        walk = _Walk(source, found, _Wanted(settings, found.times, windows))
        for window in windows:
            walk.pass_over(window, Bounds(path, settings))
            yield walk.clip(window, settings) or _alone(path, settings, window, found.fps)


def _alone(path: Path, settings: FrameSettings, window: Window, fps: float | None) -> DecodedClip:
    end = None if math.isinf(window.end) else window.end
    return read_clip(path, settings, start=window.start or None, end=end, fps=fps)


class _Wanted:
    """Which frames are held: those that the packets say are sampled, and a few before each.

    A frame is known by its time or by its position. A file that begins between two key frames has
    fewer frames than packets, so positions are wrong; in some AVI files times are exchanged.
    """

    def __init__(
        self, settings: FrameSettings, times: Sequence[float], windows: Sequence[Window]
    ) -> None:
        places: set[int] = set()
        for window in windows:
            first, stop = _span(times, window)
            sampled = sample_indices(settings, times[first:stop]) if first < stop else []
            places |= {first + i - back for i in sampled for back in range(_HELD_BEFORE + 1)}
        self._places = places
        self._times = {round(times[place], _DIGITS) for place in places if place >= 0}

    def holds(self, position: int, time: float) -> bool:
        """Return whether a frame is held."""
        return position in self._places or round(time, _DIGITS) in self._times


def _span(times: Sequence[float], window: Window) -> tuple[int, int]:
    """Return what `Window.span` does, for many windows of a long video."""
    return bisect_left(times, window.start - _SLACK), bisect_left(times, window.end - _SLACK)


class _Walk:
    """One pass over the frames of an open video."""

    def __init__(self, source: Source, found: Timeline, wanted: _Wanted) -> None:
        self._source, self._found, self._wanted = source, found, wanted
        self._clock = Clock(source.stream)
        self._coming = (frame for packet in source.packets() for frame in packet.decode())
        self._times: list[float] = []  # of all frames so far, ascending
        self._held: dict[int, VideoFrame] = {}
        self._damaged: list[int] = []
        self._ended = self._is_broken = False
        self._convert = VideoReformatter()

    def pass_over(self, window: Window, bounds: Bounds) -> None:
        """Decode until all frames of a window are there."""
        while not self._ended:
            bounds.check(len(self._times))
            later = len(self._times) - bisect_left(self._times, window.end)
            if later > _MOST_REORDERED:
                return
            self._take_next()

    def _take_next(self) -> None:
        try:
            frame = next(self._coming, None)
        except av.error.FFmpegError:
            # Decoding the window alone says what is wrong, or shows that it is not in this one.
            self._ended = self._is_broken = True
            return
        if frame is None:
            self._ended = True
            frames = len(self._times)
            check_all_decoded(self._source.container, packets=self._found.packets, frames=frames)
            return
        position = len(self._times)
        time = self._clock.seconds(frame.pts)
        insort(self._times, time)
        if frame.is_corrupt:
            self._damaged.append(position)
        if self._wanted.holds(position, time):
            self._held[position] = frame

    def clip(self, window: Window, settings: FrameSettings) -> DecodedClip | None:
        """Return a window that was passed over; None if `read_clip` must decode it."""
        first, stop = _span(self._times, window)
        damaged = any(first <= position < stop for position in self._damaged)
        if self._is_broken or damaged or first == stop:
            return None
        indices = sample_indices(settings, self._times[first:stop])
        if not self._held.keys() >= {first + index for index in indices}:
            return None
        pictures = {i: to_rgb(self._held[first + i], self._convert) for i in set(indices)}
        if len({picture.shape for picture in pictures.values()}) > 1:
            return None
        for position in [position for position in self._held if position < stop]:
            del self._held[position]
        frames = np.stack([pictures[i] for i in indices])
        return DecodedClip(
            frames=frames,
            indices=indices,
            frame_count=stop - first,
            width=frames.shape[2],
            height=frames.shape[1],
            fps=self._found.fps,
        )
