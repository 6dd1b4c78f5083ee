"""The packets of an open video from a place on: listed first, then decoded.

Opening a file and reading its packets takes an eighth of the time that decoding them takes. So the
file stays open after its packets were listed, and those that are in memory are decoded.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from clip_har.data.decode.containers import SEEKABLE, container_kind
from clip_har.data.decode.open_video import Bounds, open_video
from clip_har.data.decode.packets import steady_packets

_MOST_BYTES = 2**25  # of packets in memory; where there are more, the file is read again
_PACKET_BYTES = 512  # that a packet takes besides its content


class Source:
    """An open video, read from a place on.

    Attributes:
        container: the file.
        stream: its video stream.
        sought: whether the place is the key frame before the asked one, not the file's beginning.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, *, sought: bool) -> None:
        self.container = container
        self.stream = stream
        self.sought = sought
        self._coming = steady_packets(container, stream)
        self._kept: list[Packet[VideoStream]] | None = []
        self._bytes = 0

    def packets(self) -> "Iterator[Packet[VideoStream]]":
        """Yield the packets to the end of the file, and keep them."""
        for packet in self._coming:
            self._bytes += packet.size + _PACKET_BYTES
            if self._bytes > _MOST_BYTES:
                self._kept = None
            if self._kept is not None:
                self._kept.append(packet)
            yield packet

    def again(self) -> "Iterator[Packet[VideoStream]] | None":
        """Return the packets that were yielded and those after them; None if they were not kept.

        Only once: the stream's decoder takes no packets after it has seen the end.
        """
        kept, self._kept = self._kept, None
        return None if kept is None else chain(kept, self._coming)


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
    with open_video(path, bounds) as (container, stream):
        kind = container_kind(container)
        # AVI holds no presentation times. FFmpeg counts them while it decodes, and after a jump
        # into a stream with B-frames it counts one or two frames wrong.
        counted = kind == "avi" and stream.codec_context.has_b_frames
        sought = start > 0 and kind in SEEKABLE and not counted
        if sought and stream.time_base:
            target = int(start / stream.time_base) + (stream.start_time or 0)
            with suppress(av.error.PermissionError):  # FFmpeg's answer if the index has none
                container.seek(target, stream=stream, backward=True)
        yield Source(container, stream, sought=sought)
