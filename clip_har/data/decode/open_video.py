"""Open a video from an unknown source, with limits on its cost and one-line errors."""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from clip_har.core.errors import ClipHarError
from clip_har.data.decode.containers import SELF_CONTAINED, DecodeError
from clip_har.data.sampling import FrameSettings

# Faults of the machine, not of the clip. They are temporary, so no clip counts as broken.
MACHINE_FAULTS = frozenset({errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE})
_LEAST = 1e-3  # s; PyAV takes 0 for no limit


class Bounds:
    """Limits on the cost of a file, which may be made to exhaust a machine.

    Attributes:
        pixels: largest number of pixels of one frame.
    """

    def __init__(self, path: Path, settings: FrameSettings) -> None:
        self._path = path
        self.pixels = settings.max_pixels
        self._length = settings.max_length
        self._timeout = settings.timeout
        self._end = time.monotonic() + settings.timeout

    def check_size(self, width: int, height: int) -> None:
        """Raise if frames are too large, before one is decoded."""
        if width * height > self.pixels:
            raise DecodeError(
                f"its frames are {width}x{height}, more than frames.max_pixels={self.pixels}"
            )

    def check(self, frames: int) -> None:
        """Raise if there are too many frames, or too much time has passed.

        Raises:
            DecodeError: for too many frames, which are the file's fault.
            ClipHarError: for too much time: another machine might decode the clip, so the clip does
                not count as broken.
        """
        if frames > self._length:
            raise DecodeError(f"it has more frames than frames.max_length={self._length}")
        if self.left <= 0:
            raise self.too_slow()

    @property
    def left(self) -> float:
        """Seconds that are left for the clip; negative if it took too long."""
        return self._end - time.monotonic()

    def too_slow(self) -> ClipHarError:
        """Return the error for a clip that took too long."""
        return ClipHarError(
            f"{self._path}: decoding took longer than frames.timeout={self._timeout:g} s; run"
            " again when the machine is less busy, raise frames.timeout, or take the clip out"
        )


@contextmanager
def open_video(path: Path, bounds: Bounds) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open the video stream that FFmpeg ranks best: the default one, then the largest.

    A cover picture is no video.

    Raises:
        DecodeError: for any fault of the file, also while it is open.
        ClipHarError: for a fault of the machine.
    """
    try:
        status = path.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise DecodeError("a pipe or a device, not a file")  # reading it may never end
        if status.st_size == 0:
            raise DecodeError("the file is empty (0 bytes)")
        # metadata in an unknown encoding occurs in HMDB-51, where strict reading would fail
        # Opening may decode a frame if the header is incomplete: the limits apply, too.
        options = SELF_CONTAINED | {"max_pixels": str(2 * bounds.pixels + 2**16)}
        # FFmpeg itself gives up after this time: opening may probe a crafted file for ever.
        patience = max(bounds.left, _LEAST)
        with av.open(
            path, metadata_errors="replace", options=options, timeout=patience
        ) as container:
            stream = _best_stream(container)
            # None for an unknown codec, whatever PyAV's types say
            decoder = cast(VideoCodecContext | None, stream.codec_context)
            if decoder is None:
                raise DecodeError("its video codec is unknown to FFmpeg")
            bounds.check_size(decoder.width, decoder.height)
            # Frames may get larger later; FFmpeg counts rows padded to whole steps of memory.
            decoder.options = {"max_pixels": str(2 * bounds.pixels + 2**16)}
            decoder.thread_type = "NONE"
            decoder.thread_count = 1
            yield container, stream
    except av.error.ExitError as error:
        raise bounds.too_slow() from error
    except (av.error.FFmpegError, OSError, ValueError, OverflowError) as error:
        number = getattr(error, "errno", None)
        if number in MACHINE_FAULTS:
            raise ClipHarError(f"{path} cannot be read: {os.strerror(number)}") from error
        raise DecodeError(_reason(path, error)) from error


def _best_stream(container: InputContainer) -> VideoStream:
    """Return the stream to decode."""
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & stream.disposition.attached_pic
    ]
    if not streams:
        kinds = sorted({stream.type for stream in container.streams})
        raise DecodeError(f"no video stream, only {' and '.join(kinds) or 'nothing'}")
    best = container.streams.best("video")
    # FFmpeg may rank a large cover above a small video, and knows no rank of unknown codecs.
    return next((stream for stream in streams if stream is best), streams[0])


def _reason(path: Path, error: Exception) -> str:
    """Return in plain words why FFmpeg or the system could not open a file."""
    if isinstance(error, FileNotFoundError):
        return "the file does not exist"
    if isinstance(error, IsADirectoryError):
        return "a folder, not a file"
    if isinstance(error, PermissionError):
        return "the file may not be read (permissions)"
    if isinstance(error, av.error.InvalidDataError):
        with path.open("rb") as file:
            if file.read(12)[4:8] == b"ftyp":
                return "an MP4 or MOV without a usable index: cut off or never finished"
        return "not a video that FFmpeg can read"
    if getattr(error, "errno", None) == errno.ENOMEM:
        # FFmpeg tried to allocate gigabytes at once, because of a damaged size.
        return "damaged: a size in it asks for more memory than there is"
    if getattr(error, "errno", None) == errno.EINVAL:
        return "no video format that is read here (a playlist or a picture, for example)"
    text = " ".join(str(getattr(error, "strerror", None) or error).split())
    return f"FFmpeg cannot read it ({text})"
