"""The packets of an open video from a place on: listed first, then decoded.

Opening a file and reading its packets takes an eighth of the time that decoding them takes. So the
file stays open after its packets were listed, and those that are in memory are decoded. Where more
would have to be in memory, the file is opened once more, and that copy lists.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from clip_har.data.decode.containers import SEEKABLE, container_kind
from clip_har.data.decode.open_video import Bounds, open_video
from clip_har.data.decode.packets import Clock, steady_packets

_MOST_BYTES = 2**25  # of packets in memory; where there are more, the file is read again
_PACKET_BYTES = 512  # that a packet takes besides its content
_SLACK = 1e-6  # s; presentation times are fractions, moments are floats
_FIRST_STEP = 1.0  # s; doubled until the key frame lies before the moment
_AVI_HEAD = 8  # bytes of a chunk before its content
_WORTH_TRYING = 2.0  # s that a jump may save, if the index does not tell


class Source:
    """An open video, read from a place on by two readers: one lists packets, one decodes them.

    The one that decodes is never ahead of the one that lists, as long as both are in use.

    Attributes:
        container: the file.
        stream: its video stream.
        listed: number of packets that were listed since the place.
        taken: number of packets that were taken since the place.
    """

    container: av.container.InputContainer
    stream: VideoStream

    def __init__(self, path: Path, bounds: Bounds, opened: ExitStack) -> None:
        self._path, self._bounds, self._opened = path, bounds, opened
        self._open()

    def _open(self) -> None:
        self._opened.close()
        self.container, self.stream = self._opened.enter_context(
            open_video(self._path, self._bounds)
        )
        kind = container_kind(self.container)
        self._is_counted = kind == "avi"
        # AVI holds no presentation times. FFmpeg counts them while it decodes, and after a jump
        # into a stream with B-frames it counts one or two frames wrong.
        reordered = self._is_counted and self.stream.codec_context.has_b_frames
        self._can_jump = kind in SEEKABLE and not reordered and bool(self.stream.time_base)
        self._begin(steady_packets(self.container, self.stream), place=None)

    def _begin(self, coming: "Iterator[Packet[VideoStream]]", *, place: int | None) -> None:
        self._coming = coming
        self._scout: Iterator[Packet[VideoStream]] | None = None
        self._waiting: deque[Packet[VideoStream]] = deque()  # listed, not yet taken
        self._bytes = self.listed = self.taken = 0
        self._last_dts: int | None = None
        self._place = place
        self._is_new = True

    @property
    def sought(self) -> bool:
        """Whether the place is a key frame that was jumped to, not the file's beginning."""
        return self._place is not None

    def go_to(self, moment: float) -> None:
        """Go to a key frame at or before a moment, if the format has an index of them.

        Args:
            moment: in seconds from the stream's start; 0 for the beginning of the file.
        """
        step = 0.0
        while self._can_jump and step < moment:
            # The index may be wrong, or one of decoding times. Frames between the moment and a key
            # frame after it may be decoded after the key frame, but need those before it.
            if self._jump(self._stamp(moment - step), moment):
                return
            step = 2 * step or _FIRST_STEP
        if not self._is_new or self.sought:
            self._open()

    def _jump(self, stamp: int, moment: float) -> bool:
        """Jump to a key frame before a time stamp; return whether it is shown by a moment."""
        self._is_new = False
        try:
            self.container.seek(stamp, stream=self.stream, backward=True)
        except av.error.PermissionError:  # FFmpeg's answer if the index has none
            return False
        coming = steady_packets(self.container, self.stream)
        first = next(coming, None)
        shown = None if first is None else first.dts if first.pts is None else first.pts
        if first is None or shown is None:
            return False
        self._begin(chain([first], coming), place=stamp)
        return Clock(self.stream).at(shown) <= moment + _SLACK

    def _stamp(self, moment: float) -> int:
        assert self.stream.time_base is not None  # noqa: S101, as `_can_jump` says
        return int(moment / self.stream.time_base) + (self.stream.start_time or 0)

    def leads_ahead(self, moment: float) -> bool:
        """Return whether `go_to` a moment spares packets that are not taken yet.

        The index of some formats is read bit by bit: where it does not reach as far as the moment,
        a jump is tried if much may be spared.
        """
        if not self._can_jump or self._last_dts is None:
            return False
        stamp, index = self._stamp(moment), self.stream.index_entries
        found = index.search_timestamp(stamp)
        if found >= 0 and index[found].timestamp > self._last_dts:
            return True
        reaches = len(index) > 0 and index[-1].timestamp >= stamp
        spared = moment - Clock(self.stream).at(self._last_dts)
        return not reaches and spared > _WORTH_TRYING

    def has_lost(self, packet: "Packet[VideoStream]") -> bool:
        """Return whether packets are missing before one, so that a jump to it gives another time.

        Only AVI counts packets instead of saying their times; its index says where each one is.
        """
        if not (self._is_counted and self._can_jump) or packet.dts is None or packet.pos is None:
            return False
        index = self.stream.index_entries
        found = index.search_timestamp(packet.dts, any_frame=True)
        if found < 0 or index[found].timestamp != packet.dts:
            return False
        return not 0 <= packet.pos - index[found].pos <= _AVI_HEAD

    def list(self) -> "Packet[VideoStream] | None":
        """Return the next packet, and keep it until it is taken; None at the end."""
        self._is_new = False
        if self._scout is None and self._bytes > _MOST_BYTES:
            self._scout = self._send_scout()
        packet = next(self._scout or self._coming, None)
        if packet is not None:
            self.listed += 1
            if self._scout is None:
                self._bytes += packet.size + _PACKET_BYTES
                self._waiting.append(packet)
        return packet

    def _send_scout(self) -> "Iterator[Packet[VideoStream]]":
        """Open the file once more, at the same place, and pass over the packets that are listed."""
        container, stream = self._opened.enter_context(open_video(self._path, self._bounds))
        if self._place is not None:
            container.seek(self._place, stream=stream, backward=True)
        return islice(steady_packets(container, stream), self.listed, None)

    def take(self) -> "Packet[VideoStream] | None":
        """Return the next packet to decode; None after the end."""
        self._is_new = False
        packet: Packet[VideoStream] | None
        if self._waiting:
            packet = self._waiting.popleft()
            self._bytes -= packet.size + _PACKET_BYTES
        else:
            packet = next(self._coming, None)
        if packet is not None:
            self.taken += 1
            self._last_dts = packet.dts if packet.dts is not None else self._last_dts
        return packet


@contextmanager
def open_source(path: Path, bounds: Bounds, *, start: float = 0.0) -> Iterator[Source]:
    """Open a video at the key frame at or before a moment, if its format has an index of them.

    Args:
        path: the file.
        bounds: limits on its cost.
        start: the moment, in seconds from the stream's start; 0 for the beginning of the file.

    Raises:
        DecodeError: for any fault of the file, also while it is open.
        ClipHarError: for a fault of the machine.
    """
    with ExitStack() as opened:
        source = Source(path, bounds, opened)
        source.go_to(start)
        yield source
