"""Detect files that were cut off, by the length that their container declares.

FFmpeg decodes what is left of a truncated file without an error. Each container declares in its
own way how much there should be:

- MP4 and MOV: the index names the byte range of every frame. (Their count of frames is no
  measure: an edit list may hide some.) In fragments, the outer boxes have sizes.
- AVI: the header counts the frames; the last packet's time stamp counts those that are there,
  also dropped ones, which players repeat.
- Matroska and WebM: the header states the duration.

A small difference is accepted: writers often count a frame or two too many. A header may also be
older than the file: cuts without encoding keep it. Then the smaller promise counts, and what is
there is believed if it fills the file's structure to the last byte.
"""

import re
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from clip_har.core.errors import ClipHarError
from clip_har.data.decode.structure import fragments_end, media_end

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
_PADDING = 64  # bytes; heads of boxes after the last frame
_DURATION_TAG = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")


class DecodeError(ClipHarError):
    """A clip cannot be decoded; the message is the reason in one line."""


def container_kind(container: InputContainer) -> str:
    """Return the short name of a container's format, such as ``mov`` for MP4."""
    return container.format.name.partition(",")[0]


def check_index(container: InputContainer, stream: VideoStream) -> None:
    """Compare the byte ranges in the index of an MP4 or MOV with the file's size.

    Raises:
        DecodeError: when frames lie beyond the end of the file.
    """
    if container_kind(container) != "mov":
        return
    path = Path(container.name)
    file_size = path.stat().st_size
    entries = list(stream.index_entries)
    beyond = sum(entry.pos + entry.size > file_size for entry in entries)
    if beyond:
        raise DecodeError(
            f"cut off: the file ends before {beyond} of the {len(entries)} frames in its index"
        )
    if fragments_end(path) > file_size:
        raise DecodeError("cut off: the file ends within its last fragment")


def check_all_there(
    container: InputContainer, stream: VideoStream, *, last_dts: int | None, end: float
) -> None:
    """Compare the packets with the length that an AVI or Matroska header declares.

    Args:
        container: the open file.
        stream: its video stream.
        last_dts: decoding time stamp of the last packet in the file; None if none has one.
        end: when the last frame's time on screen ends, in seconds from the stream's start.

    Raises:
        DecodeError: when there is clearly less than the header declares.
    """
    kind = container_kind(container)
    start = stream.start_time or 0
    if kind == "avi" and last_dts is not None:
        # the time base of an AVI stream is one frame
        promised, there, slack, unit = float(stream.frames), last_dts + 1.0 - start, 2.0, "frames"
    elif kind == "matroska" and stream.time_base:
        frame = float(1 / stream.average_rate) if stream.average_rate else 0.04
        there, slack, unit = end + float(start * stream.time_base), 2 * frame, "seconds"
        promised = _matroska_seconds(container, stream)
    else:
        return
    short = there < promised - max(slack, _TOLERATED * promised)
    if short and not _fills_its_file(Path(container.name), kind):
        raise DecodeError(
            f"cut off or damaged: its header promises {promised:.4g} {unit}, "
            f"{max(there, 0):.4g} are there"
        )


def check_all_decoded(container: InputContainer, *, packets: int, frames: int) -> None:
    """Compare the frames decoded with the packets read, in containers of one frame per packet.

    Raises:
        DecodeError: when clearly fewer frames were decoded than there are packets.
    """
    one_each = container_kind(container) in {"avi", "mov"}
    if one_each and frames < packets - max(2, 0.1 * packets):
        raise DecodeError(f"damaged: only {frames} of {packets} frames can be decoded")


def _fills_its_file(path: Path, kind: str) -> bool:
    """Return whether the packets of all streams reach the end of the media data."""
    end = media_end(path, kind)
    if end is None:
        return False
    with av.open(path, metadata_errors="replace", options=SELF_CONTAINED) as container:
        last = max((p.pos + p.size for p in container.demux() if p.pos is not None), default=0)
    return last >= end - _PADDING


def _matroska_seconds(container: InputContainer, stream: VideoStream) -> float:
    """Return when the video should end, in seconds; 0 if the file does not say."""
    tagged = 0.0
    if tag := _DURATION_TAG.match(stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = tag.groups()
        tagged = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    # The file's own duration is that of its longest stream.
    whole = container.duration / 1e6 if container.duration else 0.0
    if tagged and whole:
        return min(tagged, whole)
    return tagged or (whole if len(container.streams) == 1 else 0.0)
