"""Display matrices: pictures are turned and mirrored as players show them."""

import numpy as np
import pytest

from clip_har.data.decode.video import DecodeError, decode_clip, read_clip
from clip_har.data.sampling import FrameSettings
from tests.data.made import write_video

ONE = 1 << 16  # in the matrix's fixed-point numbers
LEVELS = {(-1, -1): 30, (1, -1): 90, (-1, 1): 150, (1, 1): 210}  # of the quarters, by (x, y)


def quarters(levels, *, width, height):
    """A picture whose quarters have given grey levels, by the sign of (x, y) from its centre."""
    picture = np.empty((height, width, 3), np.uint8)
    for (x, y), level in levels.items():
        rows = slice(0, height // 2) if y < 0 else slice(height // 2, None)
        picture[rows, slice(0, width // 2) if x < 0 else slice(width // 2, None)] = level
    return picture


def matrix(a, b, c, d):
    return [round(v * ONE) for v in (a, b, 0, c, d, 0, 0, 0)] + [1 << 30]


EIGHT = [(a, 0, 0, d) for a in (1, -1) for d in (1, -1)] + [
    (0, b, c, 0) for b in (1, -1) for c in (1, -1)
]


@pytest.mark.parametrize(("a", "b", "c", "d"), EIGHT)
def test_every_turn_and_mirror(tmp_path, a, b, c, d):
    stored = quarters(LEVELS, width=96, height=64)
    path = write_video(tmp_path / "clip.mp4", [stored] * 3, matrix=matrix(a, b, c, d))
    clip = read_clip(path, FrameSettings(count=1))
    # ISO/IEC 14496-12: the pixel (x, y) is shown at (a x + c y, b x + d y)
    shown = {(a * x + c * y, b * x + d * y): level for (x, y), level in LEVELS.items()}
    width, height = (96, 64) if a else (64, 96)
    expected = quarters(shown, width=width, height=height)
    assert clip.frames.shape == (1, height, width, 3)
    assert (clip.width, clip.height) == (width, height)
    assert np.abs(clip.frames[0].astype(int) - expected).mean() < 6  # the coder blurs edges


@pytest.mark.parametrize(
    "values",
    [(0, 0, 0, 0), (2, 0, 0, 2), (1, 0.01, -0.01, 1)],
    ids=["no matrix", "a scale", "half a degree"],
)
def test_what_players_ignore_is_ignored(tmp_path, values):
    stored = quarters(LEVELS, width=96, height=64)
    plain = write_video(tmp_path / "plain.mp4", [stored] * 3)
    path = write_video(tmp_path / "clip.mp4", [stored] * 3, matrix=matrix(*values))
    one = FrameSettings(count=1)
    assert np.array_equal(decode_clip(path, one), decode_clip(plain, one))


@pytest.mark.parametrize("values", [(0.7, 0.7, -0.7, 0.7), (1, 0.5, 0, 1), (1, 1, 0, 0)])
def test_other_angles_are_refused(tmp_path, values):
    path = write_video(tmp_path / "clip.mp4", 3, matrix=matrix(*values))
    with pytest.raises(DecodeError, match="multiple of 90 degrees"):
        decode_clip(path, FrameSettings(count=1))
