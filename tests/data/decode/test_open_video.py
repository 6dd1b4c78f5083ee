"""Which stream of a file is the video."""

import av
import numpy as np
import pytest
from av.stream import Disposition

from clip_har.data.decode.video import read_clip
from clip_har.data.sampling import FrameSettings
from tests.data.made import numbered, numbers


def write_streams(path, *streams):
    """Write video streams of (width, height, frames, codec, disposition)."""
    with av.open(path, "w") as container:
        added = []
        for width, height, frames, codec, disposition in streams:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.disposition = disposition
            added.append((stream, frames))
        for stream, frames in added:
            for number in range(frames):
                picture = numbered(number, width=stream.width, height=stream.height)
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


COVER = (640, 480, 1, "mjpeg", Disposition.attached_pic)
SMALL = (64, 48, 30, "mpeg4", Disposition(0))


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ([SMALL, (320, 240, 40, "mpeg4", Disposition.default)], (320, 240, 40)),
        ([(320, 240, 40, "mpeg4", Disposition.default), SMALL], (320, 240, 40)),
        ([COVER, SMALL], (64, 48, 30)),
        ([SMALL, COVER], (64, 48, 30)),
    ],
    ids=["preview first", "preview second", "cover first", "cover second"],
)
def test_the_best_stream_is_the_video(tmp_path, kind, streams, expected):
    if kind == "mkv" and COVER in streams:
        pytest.skip("a cover of a Matroska is an attached file, no stream")
    path = write_streams(tmp_path / f"clip.{kind}", *streams)
    clip = read_clip(path, FrameSettings(sampler="every", step=1))
    assert (clip.width, clip.height, clip.frame_count) == expected
    assert numbers(clip.frames) == list(range(expected[2]))
