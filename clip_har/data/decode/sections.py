"""Decode sections of one video in as few passes as possible.

The sections are taken in the order of time. Where one begins close behind another, the decoder goes
on; where a key frame lies between them, it jumps there. So each frame is decoded about once,
whatever the number of sections, and only the sampled frames of those that are not over yet are in
memory.
"""

import math
from bisect import insort
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from clip_har.data.decode.containers import DecodeError, check_all_decoded, check_index
from clip_har.data.decode.decoded import sampled
from clip_har.data.decode.open_video import Bounds
from clip_har.data.decode.packets import Clock
from clip_har.data.decode.passes import HELD_BEFORE, Decoding, Listing, Window, begins_by
from clip_har.data.decode.source import Source, open_source
from clip_har.data.decode.video import DecodedClip, VideoLength, length_of, read_clip, to_rgb
from clip_har.data.image_files import is_of_images
from clip_har.data.sampling import FrameSettings

_MOST_TOGETHER = 256  # sections that one thread decodes: bounds what waits for its turn
_DIGITS = 6  # of a time in seconds
_EARLY = 8  # frames before its start that a section is planned; times in AVI files are late

Found = Iterator[tuple[int, DecodedClip | None]]


def neighbours(clips: Sequence[tuple[Path, float | None]], threads: int) -> list[list[int]]:
    """Return which clips are decoded together: sections of one video that are neighbours.

    A video is divided if there are fewer videos than threads. How does not change the order.

    Args:
        clips: the file of each, and its start in seconds; None for that of the file.
        threads: that decode at the same time.

    Returns:
        The indices of the clips, a list for each job.
    """
    sections: dict[Path, list[int]] = defaultdict(list)
    for number, (path, _) in enumerate(clips):
        sections[path].append(number)
    jobs = []
    for numbers in sections.values():
        numbers.sort(key=lambda number: (clips[number][1] or 0.0, number))
        size = min(_MOST_TOGETHER, math.ceil(len(numbers) * len(sections) / threads))
        jobs += [numbers[i : i + size] for i in range(0, len(numbers), size)]
    return jobs


def read_sections(path: Path, settings: FrameSettings, windows: Sequence[Window]) -> Found:
    """Yield the sections of a video as `read_clip` returns each of them.

    Args:
        path: the video file; images are left to `read_clip`.
        settings: the sampler and the bounds; the time limit counts for each section.
        windows: the sections, in any order; they may overlap.

    Yields:
        The index of each section when its end is decoded, and its frames. None where `read_clip`
        must decode it alone, which finds out what is wrong with it.

    Raises:
        ClipHarError: for a fault of the machine.
    """
    waiting = deque(sorted(range(len(windows)), key=lambda i: (windows[i].start, windows[i].end)))
    left = set(waiting)
    bounds = Bounds(path, settings)
    try:
        if len(windows) > 1 and not is_of_images(path):
            with open_source(path, bounds) as source:
                check_index(source.container, source.stream)
                for number, clip in _passes(source, settings, windows, waiting, bounds):
                    left.remove(number)
                    yield number, clip
                    bounds.restart()
    except DecodeError:
        pass  # each section that is left says why
    yield from ((number, None) for number in sorted(left))


def read_in_order(
    path: Path, settings: FrameSettings, windows: Sequence[Window], *, fps: float | None = None
) -> Iterator[DecodedClip]:
    """Yield what `read_clip` returns for each of some sections that follow one another.

    Args:
        path: the video file, or images.
        settings: as for `read_sections`.
        windows: the sections, in the order of time.
        fps: as for `read_clip`.

    Raises:
        DecodeError: as `read_clip`, for the first section with a fault.
    """
    early: dict[int, DecodedClip | None] = {}
    due = 0
    for number, clip in read_sections(path, settings, windows):
        early[number] = clip
        while due in early:
            start, end = windows[due].start, windows[due].end
            yield early.pop(due) or read_clip(
                path, settings, start=start or None, end=None if math.isinf(end) else end, fps=fps
            )
            due += 1


def section_lengths(path: Path, windows: Sequence[Window]) -> list[VideoLength | None]:
    """Return what `video_length` returns for each section; None if it raises an error.

    The file is opened once, and nothing is decoded.

    Args:
        path: the video file.
        windows: the sections, in any order.
    """
    lengths: list[VideoLength | None] = [None] * len(windows)
    bounds = Bounds(path, FrameSettings())
    with suppress(DecodeError), open_source(path, bounds) as source:
        listing = Listing(source, bounds)
        for number in sorted(range(len(windows)), key=lambda i: windows[i].end):
            listing.until(windows[number].end)
            lengths[number] = length_of(source.stream, listing.times, windows[number])
    return lengths


def _passes(
    source: Source,
    settings: FrameSettings,
    windows: Sequence[Window],
    waiting: deque[int],
    bounds: Bounds,
) -> Found:
    """Make passes over a video until no section is waiting."""
    is_broken = False
    while waiting:
        source.go_to(windows[waiting[0]].start)
        if is_broken and not source.sought:  # the damage would be reached again
            yield waiting.popleft(), None
            continue
        one = _Pass(source, settings, windows, bounds)
        yield from one.run(waiting)
        is_broken |= one.is_broken and not source.sought


class _Section:
    """A section whose frames are being decoded.

    The packets say which frames are sampled. These are held, and a few before each. A frame is
    known by its time or by its position: a file that begins between two key frames has fewer frames
    than packets, so positions are wrong; in some AVI files times are exchanged.

    Attributes:
        number: of the section.
        window: its times.
        held: the frames that were held, by position.
    """

    def __init__(
        self, number: int, window: Window, settings: FrameSettings, listing: Listing
    ) -> None:
        self.number, self.window, self._settings = number, window, settings
        times = listing.times
        first, stop = window.span(times)
        try:
            kept = sampled(settings, times[first:stop]) if first < stop else []
        except DecodeError:  # `read_clip` says it
            kept = []
        places = {first + i - back for i in kept for back in range(HELD_BEFORE + 1)}
        self._places = places
        self._times = {round(times[place], _DIGITS) for place in places if place >= 0}
        self.held: dict[int, VideoFrame] = {}

    def offer(self, position: int, time: float, frame: VideoFrame) -> None:
        """Hold a frame if it may be one of the sampled ones."""
        if position in self._places or round(time, _DIGITS) in self._times:
            self.held[position] = frame

    def clip(
        self, decoding: Decoding, fps: float | None, convert: VideoReformatter
    ) -> DecodedClip | None:
        """Return the section after it was decoded; None if `read_clip` must decode it."""
        first, stop = self.window.span(decoding.times)
        if first == stop or any(first <= position < stop for position in decoding.damaged):
            return None
        try:
            indices = sampled(self._settings, decoding.times[first:stop])
            if not self.held.keys() >= {first + index for index in indices}:
                return None
            pictures = {i: to_rgb(self.held[first + i], convert) for i in set(indices)}
        except DecodeError:
            return None
        if len({picture.shape for picture in pictures.values()}) > 1:
            return None
        frames = np.stack([pictures[i] for i in indices])
        return DecodedClip(frames, indices, stop - first, fps)


class _Pass:
    """One pass over a video from a place on, until no section is open and a jump pays.

    Attributes:
        is_broken: whether it ended at damage.
    """

    def __init__(
        self, source: Source, settings: FrameSettings, windows: Sequence[Window], bounds: Bounds
    ) -> None:
        self.is_broken = False
        self._source, self._settings, self._windows = source, settings, windows
        self._bounds = bounds
        self._listing = Listing(source, bounds)
        self._decoding = Decoding(source)
        self._clock = Clock(source.stream)
        rate = source.stream.average_rate or source.stream.guessed_rate
        self._fps = float(rate) if rate else None
        self._convert = VideoReformatter()
        self._open: list[_Section] = []  # the one that ends first comes first
        self._is_last = False  # no further section can be listed

    def run(self, waiting: deque[int]) -> Found:
        """Decode sections and take them from those that are waiting."""
        try:
            yield from self._begin(waiting, self._windows[waiting[0]].start)
            while self._open or self._goes_on(waiting):
                packet = self._packet()
                if packet is None:
                    while waiting and not self._is_last:  # it begins after the end
                        yield waiting.popleft(), None
                    self._check_end()
                    break
                shown = self._clock.seconds(packet.pts if packet.pts is not None else packet.dts)
                yield from self._begin(waiting, shown + _EARLY * self._clock.length(None))
                for position, time, frame in self._decoding.feed(packet):
                    self._bounds.check(position + 1)
                    for section in self._open:
                        section.offer(position, time, frame)
                    while self._open and self._decoding.is_past(self._open[0].window.end):
                        yield self._end()
        except (av.error.FFmpegError, DecodeError):
            # Decoding a section alone says what is wrong, or shows that it is not in this one.
            self.is_broken = True
            yield from ((section.number, None) for section in self._open)
            return
        while self._open:
            yield self._end()

    def _begin(self, waiting: deque[int], moment: float) -> Found:
        """Open the sections that begin by a moment; yield those that cannot be decoded here."""
        while waiting and not self._is_last and self._windows[waiting[0]].start <= moment:
            number = waiting.popleft()
            window = self._windows[number]
            try:
                self._listing.until(window.end)
            except (av.error.FFmpegError, DecodeError):
                self._is_last = True
            if self._source.sought and not begins_by(self._listing.times, window.start):
                self._is_last = True  # a file of several parts
            if self._is_last:
                yield number, None
                return
            section = _Section(number, window, self._settings, self._listing)
            insort(self._open, section, key=lambda section: section.window.end)

    def _goes_on(self, waiting: deque[int]) -> bool:
        """Return whether decoding on is the best way to the next section."""
        if not waiting or self._is_last:
            return False
        return not self._source.leads_ahead(self._windows[waiting[0]].start)

    def _packet(self) -> "Packet[VideoStream] | None":
        """Return the next packet to decode, which is listed first; None after the end."""
        if self._source.listed == self._source.taken and not self._listing.next():
            return None
        packet = self._source.take()
        if packet is not None and self._source.has_lost(packet):
            raise DecodeError("packets are missing")
        return packet

    def _check_end(self) -> None:
        if not self._source.sought:
            check_all_decoded(
                self._source.container,
                packets=self._listing.packets,
                frames=len(self._decoding.times),
            )

    def _end(self) -> tuple[int, DecodedClip | None]:
        section = self._open.pop(0)
        if self._source.sought and not begins_by(self._decoding.times, section.window.start):
            return section.number, None
        return section.number, section.clip(self._decoding, self._fps, self._convert)
