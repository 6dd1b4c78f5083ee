"""Short videos of clips as the model saw them, for a browser."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_RATE = 4  # frames a second: each of the model's few frames can be looked at
_LONGEST = 32  # frames; more are thinned evenly
_LEAST_HEIGHT = 224  # px; smaller frames are enlarged by a whole factor
_GAP = 8  # px between two clips
_CODEC = "libx264"
_BLOCK = 16  # px: the codec's own
_BITS = 1_000_000  # a second at most, so a video has at most 1 MB


def can_encode() -> bool:
    """Return whether this PyAV can write H.264, which every browser plays."""
    from av import codecs_available

    return _CODEC in codecs_available


def write_pair(path: Path, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> None:
    """Write two clips side by side as an MP4.

    Args:
        path: of the file.
        before: ``(T, H, W, 3)`` RGB.
        after: the same shape.
    """
    import av

    chosen = np.linspace(0, len(before) - 1, min(len(before), _LONGEST)).round().astype(int)
    factor = max(1, -(-_LEAST_HEIGHT // before.shape[1]))
    gap = np.full((len(chosen), before.shape[1], -(-_GAP // factor), 3), 255, np.uint8)
    pair = np.concatenate([before[chosen], gap, after[chosen]], axis=2)
    pair = pair.repeat(factor, axis=1).repeat(factor, axis=2)
    more = [(0, -side % _BLOCK) for side in pair.shape[1:3]]
    pair = np.pad(pair, [(0, 0), *more, (0, 0)], constant_values=255)
    limits = {"maxrate": str(_BITS), "bufsize": str(_BITS)}
    options = {"preset": "veryfast", "crf": "23", **limits, "x264-params": "threads=1"}
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(_CODEC, rate=_RATE, options=options)
        assert isinstance(stream, av.VideoStream)  # noqa: S101, the codec is one of videos
        stream.thread_count = 1
        stream.height, stream.width = pair.shape[1:3]
        stream.pix_fmt = "yuv420p"  # what browsers play
        for number, picture in enumerate(pair):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
