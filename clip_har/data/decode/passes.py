"""Pass over a window of a video: list its packets, or decode its frames and hold some of them."""

import errno
import math
from bisect import bisect_left, insort
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from clip_har.data.decode.containers import (
    SMALLEST_FRAME,
    DecodeError,
    check_all_decoded,
    check_all_there,
    check_index,
)
from clip_har.data.decode.decoded import sampled
from clip_har.data.decode.open_video import Bounds
from clip_har.data.decode.packets import Clock
from clip_har.data.decode.source import Source, open_source
from clip_har.data.sampling import FrameSettings

HELD_BEFORE = 2  # frames; MPEG-4 "not coded" packets make streams a frame or two shorter
_MOST_REORDERED = 16  # frames; the deepest reordering of any codec
_SLACK = 1e-6  # s; presentation times are fractions, bounds are floats


@dataclass(frozen=True)
class Window:
    """The section [start, end) of a video, in seconds from the stream's own start."""

    start: float = 0.0
    end: float = math.inf

    @classmethod
    def of(cls, start: float | None, end: float | None) -> "Window":
        """Return the section of a clip; None for the start or the end of the video."""
        return cls(start or 0.0, math.inf if end is None else end)

    def span(self, times: Sequence[float]) -> tuple[int, int]:
        """Return the first index inside and the first after it, of ascending times."""
        first = bisect_left(times, self.start - _SLACK)
        stop = bisect_left(times, self.end - _SLACK)
        return (first, stop) if first < stop else (0, 0)


@dataclass(frozen=True)
class Plan:
    """How to decode a window, according to its packets.

    Attributes:
        seek: whether passes start at the key frame before the window instead of at the start
            of the file. Positions of frames count from there.
        first: predicted position of the window's first frame.
        hold: predicted positions of the frames that are needed.
        packets: number of packets with a frame.
        fps: average frame rate that the container states; None if it does not.
    """

    seek: bool
    first: int
    hold: set[int]
    packets: int
    fps: float | None


@dataclass(frozen=True)
class Pass:
    """The result of one pass over the frames of a window.

    Attributes:
        times: of all frames decoded, ascending, in seconds from the stream's start.
        held: the frames that were held, by position.
        damaged: positions of frames that the decoder marks as damaged.
        to_end: whether the pass reached the end of the file.
    """

    times: list[float]
    held: dict[int, VideoFrame]
    damaged: list[int]
    to_end: bool


def begins_by(times: Sequence[float], moment: float) -> bool:
    """Return whether the first of some frames, if there is one, is shown by a moment."""
    return bool(times) and times[0] <= moment + _SLACK


class Listing:
    """The packets of an open video that were listed so far.

    Packets that an edit list hides (a lossless cut keeps those from the key frame on) are decoded
    but not shown. Only packets from the first key frame on must yield a frame.

    Attributes:
        times: when the frames of those that are shown are presented, ascending.
        packets: number of packets that must yield a frame.
    """

    def __init__(self, source: Source, bounds: Bounds) -> None:
        self.times: list[float] = []
        self.packets = 0
        self._source, self._bounds = source, bounds
        self._clock = Clock(source.stream)
        self._is_decodable = False
        self._last_dts: int | None = None
        self._last_end = 0.0
        self._seen = 0

    def until(self, end: float) -> None:
        """List all packets whose frames are shown before a moment.

        Raises:
            DecodeError: when the file ends before and is clearly shorter than it declares, or has
                too many frames.
        """
        # No frame is shown before it is decoded, so all packets after that are outside.
        while self._last_dts is None or self._clock.at(self._last_dts) < end:
            if self.next():
                continue
            if self._seen:
                check_all_there(
                    self._source.container,
                    self._source.stream,
                    last_dts=self._last_dts,
                    end=self._last_end,
                )
            return

    def next(self) -> bool:
        """List one packet; return False at the end."""
        packet = self._source.list()
        if packet is None:
            return False
        if packet.size == 0:
            return True  # marks the end
        self._seen += 1
        self._bounds.check(self._seen)
        time = self._clock.seconds(packet.pts if packet.pts is not None else packet.dts)
        self._last_end = max(self._last_end, time + self._clock.length(packet.duration))
        self._is_decodable |= packet.is_keyframe
        if not packet.is_discard:
            insort(self.times, time)
            self.packets += self._is_decodable and packet.size >= SMALLEST_FRAME
        if packet.dts is not None:
            self._last_dts = packet.dts
        return True


class Decoding:
    """The frames of an open video that were decoded so far.

    Attributes:
        times: of all of them, ascending, in seconds from the stream's start. Frames come in the
            order of presentation, but in AVI files with B-frames the times of some are exchanged
            (seen in UCF-101 and HMDB-51). Sorted times are right again.
        damaged: positions of frames that the decoder marks as damaged.
    """

    def __init__(self, source: Source) -> None:
        self.times: list[float] = []
        self.damaged: list[int] = []
        self._clock = Clock(source.stream)

    def feed(self, packet: "Packet[VideoStream]") -> Iterator[tuple[int, float, VideoFrame]]:
        """Decode a packet and yield the position, the time and the content of each new frame.

        Raises:
            av.error.FFmpegError: when FFmpeg stops at damage.
        """
        for frame in packet.decode():
            position, time = len(self.times), self._clock.seconds(frame.pts)
            insort(self.times, time)
            if frame.is_corrupt:
                self.damaged.append(position)
            yield position, time, frame

    def is_past(self, end: float) -> bool:
        """Return whether no frame before a moment can come any more."""
        return len(self.times) - bisect_left(self.times, end) > _MOST_REORDERED


@contextmanager
def plan_window(
    path: Path, settings: FrameSettings, window: Window, bounds: Bounds
) -> Iterator[tuple[Plan, Source]]:
    """List the packets of a window and predict the sampled frames from their times.

    Yields:
        The plan, and the open file for `decode_window`.

    Raises:
        DecodeError: for any fault of the file, also while it is open.
        ClipHarError: for a fault of the machine.
    """
    with open_source(path, bounds, start=window.start) as source:
        check_index(source.container, source.stream)
        listing = listed(source, window, bounds)
        if source.sought and not begins_by(listing.times, window.start):
            source.go_to(0)
            listing = listed(source, window, bounds)
        first, stop = window.span(listing.times)
        kept = sampled(settings, listing.times[first:stop]) if first < stop else []
        hold = {first + i - back for i in kept for back in range(HELD_BEFORE + 1)}
        rate = source.stream.average_rate or source.stream.guessed_rate
        fps = float(rate) if rate else None
        yield Plan(source.sought, first, hold, listing.packets, fps), source


def listed(source: Source, window: Window, bounds: Bounds) -> Listing:
    """Return the packets of an open video up to the end of a window."""
    listing = Listing(source, bounds)
    listing.until(window.end)
    return listing


def decode_window(
    path: Path,
    source: Source,
    window: Window,
    plan: Plan,
    bounds: Bounds,
    *,
    hold: Container[int],
    keep: Callable[[int, VideoFrame], None] | None = None,
) -> Pass:
    """Decode the frames of a window; hold some of them, or give them to ``keep`` at once.

    Args:
        path: the file.
        source: the file as `plan_window` opened it. If it was decoded before, the file is opened
            once more.
        window: the section.
        plan: how to decode it.
        bounds: limits on the cost.
        hold: positions of the frames.
        keep: takes the position and the frame.

    Raises:
        DecodeError: when FFmpeg stops at damage, or clearly too few frames can be decoded.
    """
    if not source.taken:
        found = _decode(source, window, plan, bounds, hold, keep)
    else:
        with open_source(path, bounds, start=window.start if plan.seek else 0.0) as opened:
            found = _decode(opened, window, plan, bounds, hold, keep)
    if not plan.seek or begins_by(found.times, window.start):
        return found
    # Some streams have no key frames that stand for themselves: a few frames after one are missing.
    with open_source(path, bounds) as opened:
        return _decode(opened, window, replace(plan, seek=False), bounds, hold, keep)


def _decode(
    source: Source,
    window: Window,
    plan: Plan,
    bounds: Bounds,
    hold: Container[int],
    keep: Callable[[int, VideoFrame], None] | None,
) -> Pass:
    held: dict[int, VideoFrame] = {}
    keep = keep or held.__setitem__
    decoding = Decoding(source)
    past = False
    try:
        while not past and (packet := source.take()) is not None:
            for position, _, frame in decoding.feed(packet):
                bounds.check(position + 1)
                if position in hold:
                    keep(position, frame)
                past = past or decoding.is_past(window.end)
    except av.error.FFmpegError as error:
        # Decoders also raise this for a size above the limit.
        large = getattr(error, "errno", None) == errno.EINVAL and not decoding.times
        raise DecodeError(
            f"damaged{', or larger than frames.max_pixels' if large else ''}: FFmpeg stopped"
            f" after {len(decoding.times)} frames ({getattr(error, 'strerror', None) or error})"
        ) from error
    if not past and not plan.seek:
        frames = len(decoding.times)
        check_all_decoded(source.container, packets=plan.packets, frames=frames)
    return Pass(decoding.times, held, decoding.damaged, to_end=not past)
