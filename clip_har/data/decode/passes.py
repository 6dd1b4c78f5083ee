"""Pass over a window of a video: list its packets, or decode its frames and hold some of them."""

import errno
import math
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
from clip_har.data.decode.open_video import Bounds
from clip_har.data.decode.packets import Clock
from clip_har.data.decode.source import Source, open_source
from clip_har.data.sampling import FrameSettings, sample_indices

_HELD_BEFORE = 2  # frames; MPEG-4 "not coded" packets make streams a frame or two shorter
_MOST_REORDERED = 16  # frames; the deepest reordering of any codec
_SLACK = 1e-6  # s; presentation times are fractions, bounds are floats


@dataclass(frozen=True)
class Window:
    """The section [start, end) of a video, in seconds from the stream's own start."""

    start: float = 0.0
    end: float = math.inf

    def span(self, times: list[float]) -> tuple[int, int]:
        """Return the first index inside and the first after it, of ascending times."""
        inside = [i for i, t in enumerate(times) if self.start - _SLACK <= t < self.end - _SLACK]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)


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
    with ExitStack() as opened:
        source = opened.enter_context(open_source(path, bounds, start=window.start))
        check_index(source.container, source.stream)
        times, packets = packet_times(source, window, bounds)
        if source.sought and not (times and times[0] <= window.start + _SLACK):
            # the container's index was wrong and led past the start: read from the beginning
            opened.close()
            source = opened.enter_context(open_source(path, bounds))
            times, _ = packet_times(source, window, bounds)
        first, stop = window.span(times)
        sampled = sample_indices(settings, times[first:stop]) if first < stop else []
        hold = {first + i - back for i in sampled for back in range(_HELD_BEFORE + 1)}
        rate = source.stream.average_rate or source.stream.guessed_rate
        yield Plan(source.sought, first, hold, packets, float(rate) if rate else None), source


def packet_times(source: Source, window: Window, bounds: Bounds) -> tuple[list[float], int]:
    """Return the presentation times of the packets that are shown, ascending, and how many count.

    Packets that an edit list hides (a lossless cut keeps those from the key frame on) are decoded
    but not shown. Only packets from the first key frame on must yield a frame.
    """
    clock = Clock(source.stream)
    times: list[float] = []
    seen = packets = 0
    decodable = False
    last_dts: int | None = None
    last_end = 0.0
    for packet in source.packets():
        if packet.size == 0:
            continue  # marks the end
        seen += 1
        bounds.check(seen)
        time = clock.seconds(packet.pts if packet.pts is not None else packet.dts)
        last_end = max(last_end, time + clock.length(packet.duration))
        decodable |= packet.is_keyframe
        if not packet.is_discard:
            times.append(time)
            packets += decodable and packet.size >= SMALLEST_FRAME
        if packet.dts is not None:
            last_dts = packet.dts
            if clock.at(packet.dts) >= window.end:
                break  # no frame is shown before it is decoded, so all later ones are outside
    else:
        if seen:
            check_all_there(source.container, source.stream, last_dts=last_dts, end=last_end)
    return sorted(times), packets


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
        source: the file as `plan_window` opened it. If its packets are not in memory, or were
            decoded before, the file is opened once more.
        window: the section.
        plan: how to decode it.
        bounds: limits on the cost.
        hold: positions of the frames.
        keep: takes the position and the frame.

    Raises:
        DecodeError: when FFmpeg stops at damage, or clearly too few frames can be decoded.
    """
    packets = source.again()
    if packets is not None:
        return _decode(source, packets, window, plan, bounds, hold, keep)
    with open_source(path, bounds, start=window.start if plan.seek else 0.0) as opened:
        return _decode(opened, opened.packets(), window, plan, bounds, hold, keep)


def _decode(
    source: Source,
    packets: "Iterable[Packet[VideoStream]]",
    window: Window,
    plan: Plan,
    bounds: Bounds,
    hold: Container[int],
    keep: Callable[[int, VideoFrame], None] | None,
) -> Pass:
    times: list[float] = []
    held: dict[int, VideoFrame] = {}
    keep = keep or held.__setitem__
    damaged: list[int] = []
    after = 0
    clock = Clock(source.stream)
    frames = (frame for packet in packets for frame in packet.decode())
    try:
        for position, frame in enumerate(frames):
            bounds.check(position + 1)
            times.append(clock.seconds(frame.pts))
            if frame.is_corrupt:
                damaged.append(position)
            if position in hold:
                keep(position, frame)
            after += times[-1] >= window.end
            if after > _MOST_REORDERED:
                break
    except av.error.FFmpegError as error:
        # Decoders also raise this for a size above the limit.
        large = getattr(error, "errno", None) == errno.EINVAL and not times
        raise DecodeError(
            f"damaged{', or larger than frames.max_pixels' if large else ''}: FFmpeg stopped"
            f" after {len(times)} frames ({getattr(error, 'strerror', None) or error})"
        ) from error
    to_end = after <= _MOST_REORDERED
    if to_end and not plan.seek:
        check_all_decoded(source.container, packets=plan.packets, frames=len(times))
    # Frames come in the order of presentation, but in AVI files with B-frames the times of some are
    # exchanged (seen in UCF-101 and HMDB-51). Sorted times are right again.
    return Pass(sorted(times), held, damaged, to_end)
