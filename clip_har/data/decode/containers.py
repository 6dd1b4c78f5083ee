"""Detect files that were cut off, by the length that their container declares.

FFmpeg decodes what is left of a truncated file without an error. Each container declares in its
own way how much there should be:

- MP4 and MOV: the index names the byte range of every frame. (Their count of frames is no
  measure: an edit list may hide some.)
- AVI: the header counts the frames; the last packet's time stamp counts those that are there,
  also dropped ones, which players repeat.
- Matroska and WebM: the header states the duration.

A small difference is accepted: writers often count a frame or two too many.
"""

import re

from av.container import InputContainer
from av.video.stream import VideoStream

from clip_har.core.errors import ClipHarError

SEEKABLE = frozenset({"mov", "avi", "matroska"})
"""Containers with a reliable index of key frames."""

SELF_CONTAINED = {
    "format_whitelist": "3gp,aac,apng,asf,av1,avi,dv,flac,flv,gif,h264,hevc,ivf,m4v,matroska,"
    "mjpeg,mov,mp3,mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,vc1,wav,webm,wtv,yuv4mpegpipe",
    "protocol_whitelist": "file",
}
"""FFmpeg's options for opening: formats whose files hold their own frames. Playlists (HLS, DASH,
concat) name other files or addresses, and a clip from someone else must not open these."""

SMALLEST_FRAME = 16  # bytes; MPEG-4 "not coded" packets, which yield no frame, are smaller
_TOLERATED = 0.02  # share of the declared frames or seconds that may be missing
_DURATION_TAG = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")


class DecodeError(ClipHarError):
    """A clip cannot be decoded; the message is the reason in one line."""


def container_kind(container: InputContainer) -> str:
    """Return the short name of a container's format, such as ``mov`` for MP4."""
    return container.format.name.partition(",")[0]


def check_index(container: InputContainer, stream: VideoStream, file_size: int) -> None:
    """Compare the byte ranges in the index of an MP4 or MOV with the file's size.

    Raises:
        DecodeError: when frames lie beyond the end of the file.
    """
    if container_kind(container) != "mov":
        return
    entries = list(stream.index_entries)
    beyond = sum(entry.pos + entry.size > file_size for entry in entries)
    if beyond:
        raise DecodeError(
            f"cut off: the file ends before {beyond} of the {len(entries)} frames in its index"
        )


def check_all_there(
    container: InputContainer, stream: VideoStream, *, last_dts: int, end: float
) -> None:
    """Compare the packets with the length that an AVI or Matroska header declares.

    Args:
        container: the open file.
        stream: its video stream.
        last_dts: decoding time stamp of the last packet in the file.
        end: when the last frame's time on screen ends, in seconds from the stream's start.

    Raises:
        DecodeError: when there is clearly less than the header declares.
    """
    kind = container_kind(container)
    if kind == "avi":
        # the time base of an AVI stream is one frame
        _refuse_shortfall(stream.frames, last_dts + 1 - (stream.start_time or 0), 2, "frames")
    elif kind == "matroska" and stream.time_base:
        frame = float(1 / stream.average_rate) if stream.average_rate else 0.04
        there = end + float((stream.start_time or 0) * stream.time_base)
        _refuse_shortfall(_matroska_seconds(container, stream), there, 2 * frame, "seconds")


def check_all_decoded(container: InputContainer, *, packets: int, frames: int) -> None:
    """Compare the frames decoded with the packets read, in containers of one frame per packet.

    Raises:
        DecodeError: when clearly fewer frames were decoded than there are packets.
    """
    one_each = container_kind(container) in {"avi", "mov"}
    if one_each and frames < packets - max(2, 0.1 * packets):
        raise DecodeError(f"damaged: only {frames} of {packets} frames can be decoded")


def _refuse_shortfall(promised: float, there: float, slack: float, unit: str) -> None:
    if there < promised - max(slack, _TOLERATED * promised):
        raise DecodeError(
            f"cut off or damaged: its header promises {promised:.4g} {unit}, "
            f"{max(there, 0):.4g} are there"
        )


def _matroska_seconds(container: InputContainer, stream: VideoStream) -> float:
    """Return how long the video should be, 0 if the file does not say."""
    tag = _DURATION_TAG.match(stream.metadata.get("DURATION", ""))
    if tag:
        hours, minutes, seconds = tag.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    # the file's own duration is that of its longest stream: use it only if this is that stream
    alone = len(container.streams) == 1
    return container.duration / 1e6 if alone and container.duration else 0.0
