"""Made videos whose frames carry their own number, so that exact indices can be proven."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BITS = 8


def numbered(number: int, *, width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """Return a picture ``(H, W, 3)`` of eight bars, the binary digits of a number."""
    edges = np.linspace(0, width, BITS + 1).round().astype(int)
    picture = np.full((height, width, 3), 16, dtype=np.uint8)
    for bit in range(BITS):
        if number >> bit & 1:
            picture[:, edges[bit] : edges[bit + 1]] = 235
    return picture


def number_of(picture: NDArray[np.uint8]) -> int:
    """Return the number that a picture ``(H, W, 3)`` carries."""
    edges = np.linspace(0, picture.shape[1], BITS + 1).round().astype(int)
    bars = [picture[:, a:b].mean() > 127 for a, b in pairwise(edges)]
    return sum(1 << bit for bit, lit in enumerate(bars) if lit)


def numbers(frames: NDArray[np.uint8]) -> list[int]:
    return [number_of(picture) for picture in frames]


def write_video(
    path: Path,
    frames: int | Sequence[NDArray[np.uint8]],
    *,
    codec: str = "mpeg4",
    pix_fmt: str = "yuv420p",
    rate: int = 25,
    stamps: Sequence[int] | None = None,
    width: int = 96,
    height: int = 64,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rotation: int | None = None,
    audio_seconds: float = 0,
) -> Path:
    """Write numbered frames (or given ones) as a video; ``stamps`` are milliseconds."""
    if isinstance(frames, int):
        frames = [numbered(i, width=width, height=height) for i in range(frames)]
    height, width = frames[0].shape[:2]
    base = Fraction(1, 1000) if stamps else Fraction(1, rate)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.codec_context.time_base = base
        if "libx264" in codec:
            # its macroblock tree reads unwritten memory: other bytes in every process
            stream.options = {"x264-params": "mbtree=0:threads=1", **(options or {})}
        else:
            stream.codec_context.bit_rate = 2_000_000
        if rotation is not None:
            stream.set_display_rotation(rotation)
        sound = _add_sound(container, audio_seconds) if audio_seconds else None
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = (stamps[i] if stamps else i), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _write_sound(container, sound, audio_seconds)
    return path


def write_sound(path: Path, seconds: float = 1.0) -> Path:
    """Write a file that holds sound only."""
    with av.open(path, "w") as container:
        _write_sound(container, _add_sound(container, seconds), seconds)
    return path


def _add_sound(container: av.container.OutputContainer, seconds: float) -> av.AudioStream:
    stream = container.add_stream("mp2", rate=44100)
    assert isinstance(stream, av.AudioStream)
    stream.layout = "mono"
    return stream


def _write_sound(
    container: av.container.OutputContainer, stream: av.AudioStream, seconds: float
) -> None:
    for start in range(0, int(44100 * seconds), 1152):
        silence = np.zeros((1, 1152), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 44100, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def cut(path: Path, share: float) -> Path:
    """Cut a file down to a share of its bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path
