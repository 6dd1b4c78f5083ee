"""Packets of a video stream with times that only go forward, and the clock that reads them."""

from collections.abc import Iterator
from fractions import Fraction

from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.video.stream import VideoStream

_BACK = 0.1  # s; FFmpeg's own limit (ffmpeg_demux.c): less is disorder, not a new start
_AHEAD = 10.0  # s; FFmpeg's option dts_delta_threshold


class Clock:
    """Turns a stream's time stamps into seconds from the stream's start."""

    def __init__(self, stream: VideoStream) -> None:
        # Whole numbers, because arithmetic with fractions would take as long as demuxing.
        base = stream.time_base or Fraction(0)
        self._num, self._den = base.numerator, base.denominator
        self._origin = stream.start_time or 0
        rate = stream.average_rate or stream.guessed_rate
        self._frame = float(1 / rate) if rate else 0.04
        self._latest = -self._frame

    def at(self, stamp: int) -> float:
        """Return the seconds of a time stamp."""
        return (stamp - self._origin) * self._num / self._den

    def length(self, duration: int | None) -> float:
        """Return the seconds of a duration; those of an average frame if it is unknown."""
        return duration * self._num / self._den if duration else self._frame

    def seconds(self, stamp: int | None) -> float:
        """Return the seconds of the next frame; one without a stamp follows at the frame rate."""
        self._latest = self._latest + self._frame if stamp is None else self.at(stamp)
        return self._latest


def steady_packets(
    container: InputContainer, stream: VideoStream
) -> "Iterator[Packet[VideoStream]]":
    """Yield the packets of a stream, with jumps of its times closed.

    In a file of two transport streams, times start again or go on hours later. As with FFmpeg's
    own command, the second stream then follows the first. The decoder gets the mended times, too.
    A step ahead is closed only in formats whose times may jump, by FFmpeg's flag. In others it is a
    gap: its last frame is shown for long. Packets that an edit list hides do not count: their
    times go back before each edit, and those that are shown still follow one another.

    Args:
        container: an open file, at the place to read from.
        stream: its video stream.

    Yields:
        All packets, also the empty one that marks the end.
    """
    base = stream.time_base or Fraction(1, 1000)
    frame = round(1 / ((stream.average_rate or stream.guessed_rate or 25) * base))
    back = round(_BACK / base)
    ahead = round(_AHEAD / base) if Flags.ts_discont in Flags(container.format.flags) else None
    shift = 0
    last: int | None = None  # the mended time at which the packet before is decoded
    due = 0  # and that of the next one; a guess where packets have no duration
    for packet in container.demux(stream):
        if packet.dts is not None and not packet.is_discard:
            now = packet.dts + shift
            if last is not None and (
                now - last < -back or (ahead is not None and now - due > ahead)
            ):
                shift += due - now
                now = due
            last, due = now, now + (packet.duration or frame)
        if shift:
            packet.dts = None if packet.dts is None else packet.dts + shift
            packet.pts = None if packet.pts is None else packet.pts + shift
        yield packet
