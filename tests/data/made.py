"""Made videos whose frames carry their own number, so that exact indices can be proven."""

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

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
    matrix: Sequence[int] | None = None,
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
        if matrix is not None:
            stream.set_display_matrix(matrix)
        sound = _add_sound(container, audio_seconds) if audio_seconds else None
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = (stamps[i] if stamps else i), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            _write_sound(container, sound, audio_seconds)
    return path


def remux(
    source: Path,
    target: Path,
    *,
    first: int = 0,
    shift: float = 0,
    times: Mapping[int, int] | None = None,
    options: dict[str, str] | None = None,
    seekable: bool = True,
) -> Path:
    """Copy the packets of a video stream into another file, without encoding them again.

    Args:
        source: the video.
        target: the copy; its name gives the format.
        first: packets before this one are left out.
        shift: seconds that are added to all times; hidden in an MP4 where they fall below 0.
        times: for some packets, the packet of which they get the time.
        options: of the target's format.
        seekable: False writes as into a pipe: the sizes and the length are not known at the end.
    """
    with av.open(source) as read, target.open("wb") as sink:
        file = sink if seekable else _Pipe(sink)
        kind = {".mkv": "matroska", ".ts": "mpegts"}.get(target.suffix, target.suffix[1:])
        with av.open(file, "w", format=kind, options=options or {}) as written:
            stream = read.streams.video[0]
            copy = written.add_stream_from_template(stream)
            copy.metadata.update(stream.metadata)
            assert stream.time_base is not None
            stamps: dict[int, tuple[int | None, int | None]] = {}
            for number, packet in enumerate(read.demux(stream)):
                if packet.size == 0 or number < first:
                    continue
                later = round(shift / stream.time_base)
                packet.pts = None if packet.pts is None else packet.pts + later
                packet.dts = None if packet.dts is None else packet.dts + later
                stamps[number] = packet.pts, packet.dts
                packet.pts, packet.dts = stamps[(times or {}).get(number, number)]
                packet.stream = copy
                written.mux(packet)
    return target


def edited(source: Path, target: Path, parts: Sequence[tuple[float, float]]) -> Path:
    """Copy an MP4 with another edit list: parts are their start in the media and length, seconds.

    Only for a file of one stream whose header comes last, as `write_video` makes it.
    """
    content = source.read_bytes()
    with av.open(source) as container:
        base = container.streams.video[0].time_base
    assert base is not None
    movie = content.index(b"moov") - 4
    track = content.index(b"trak", movie) - 4
    old = content.index(b"edts", track) - 4
    size, first = (int.from_bytes(content[at : at + 4]) for at in (old, old + 28))
    # the first part of the old list starts where the first frame is shown
    entries = [(round(1000 * n), first + round(s / base), 1 << 16) for s, n in parts]
    inner = struct.pack(">II", 0, len(parts)) + b"".join(struct.pack(">IiI", *e) for e in entries)
    box = struct.pack(">I4sI4s", len(inner) + 16, b"edts", len(inner) + 8, b"elst") + inner
    changed = bytearray(content[:old] + box + content[old + size :])
    for at in (movie, track):
        length = int.from_bytes(content[at : at + 4]) + len(box) - size
        changed[at : at + 4] = length.to_bytes(4)
    target.write_bytes(changed)
    return target


class _Pipe:
    """A file that can only be appended to."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write


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


def write_images(
    folder: Path,
    frames: int | Sequence[NDArray[np.uint8]],
    *,
    kind: str = "png",
    name: str = "{:06}",
    first: int = 1,
) -> Path:
    """Write numbered frames (or given ones) as the images of a folder; return the folder."""
    if isinstance(frames, int):
        frames = [numbered(i) for i in range(frames)]
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(frames, first):
        Image.fromarray(picture).save(folder / f"{name.format(number)}.{kind}")
    return folder
