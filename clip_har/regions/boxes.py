"""Files of boxes around the actors: the annotations of UCF101-24, or your own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clip_har.data.clips import Clip
from clip_har.data.sources.tables import Row, read_table
from clip_har.regions.clip_names import clip_names

Size = tuple[int, int]
Boxes = NDArray[np.float64]

EXTENSIONS = (".csv", ".parquet")

_LARGEST = 16384  # largest valid side of a picture, pixels


@dataclass(frozen=True, eq=False)
class VideoBoxes:
    """The boxes of one video.

    Attributes:
        boxes: ``(n, 5)`` float64 rows of frame (from 0), left, top, right and bottom edge, in
            pixels from the picture's upper left corner.
        size: height and width of the picture that they were measured on, in pixels.
    """

    boxes: Boxes
    size: Size

    def coverage(self, frames: Sequence[int]) -> NDArray[np.float32]:
        """Return how much of each pixel lies in a box.

        Args:
            frames: T frames, from 0.

        Returns:
            ``(T, H, W)`` in [0, 1], at the size that the boxes were measured on: 1 inside,
            fractions on the edges of a box between pixels, the largest where boxes overlap.

        Example:
            >>> video = VideoBoxes(np.array([[7, 0.5, 0, 2, 1]]), size=(2, 3))
            >>> video.coverage([7]).tolist()
            [[[0.5, 1.0, 0.0], [0.0, 0.0, 0.0]]]
        """
        height, width = self.size
        covered = np.zeros((len(frames), height, width), np.float32)
        for plane, frame in zip(covered, frames, strict=True):
            for _, left, top, right, bottom in self.boxes[self.boxes[:, 0] == frame]:
                box = np.outer(_overlap(top, bottom, height), _overlap(left, right, width))
                np.maximum(plane, box, out=plane, casting="same_kind")
        return covered


@dataclass(frozen=True, eq=False)
class BoxFile:
    """The boxes of many videos.

    Attributes:
        path: the file.
        videos: the boxes by the video's name, such as ``Biking/v_Biking_g01_c01``.
    """

    path: Path
    videos: Mapping[str, VideoBoxes]

    def name_of(self, clip: Clip) -> str | None:
        """Return the name that a clip has in the file, ignoring case; None if it is not there.

        A name matches with its folder, or without it if only one video has that name.
        """
        for name in clip_names(clip):
            found = self._names.get(name.lower())
            if found is not None:
                return found
        return None

    @cached_property
    def _names(self) -> dict[str, str]:
        counts = Counter(_last_part(name) for name in self.videos)
        names = {_last_part(name): name for name in self.videos if counts[_last_part(name)] == 1}
        return names | {name.lower(): name for name in self.videos}


def read_boxes(path: Path, *, size: Size) -> BoxFile:
    """Return the boxes of a file; it is read once per process unless it changes.

    It is a table (CSV or Parquet) with the columns ``video,frame,x1,y1,x2,y2``, a row per box.
    Frames count from 0; x1, y1, x2, y2 are the edges of a box in pixels. Boxes are cut at the
    edges of the picture. Optional columns ``height,width`` give the size of the pictures that the
    boxes of a video were measured on. A video is named by the clip's id or by
    ``<class folder>/<file name>``, without extension.

    Args:
        path: the file; its extension is one of `EXTENSIONS`.
        size: height and width, in pixels, of the pictures that boxes were measured on, if the
            file does not say.

    Raises:
        ClipHarError: when the file cannot be read, or has other content.
    """
    stat = path.stat()
    return _read(path, size, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, size: Size, *_: int) -> BoxFile:
    boxes: dict[str, list[list[float]]] = {}
    sizes: dict[str, Size] = {}
    for row in read_table(path, required=("video", "frame", "x1", "y1", "x2", "y2")):
        frame, left, top, right, bottom = (
            _number(row, column) for column in ("frame", "x1", "y1", "x2", "y2")
        )
        if frame < 0 or frame != int(frame):
            raise row.error(f"expected 'frame' to count from 0, got '{row.text('frame')}'")
        if left > right or top > bottom:
            raise row.error("expected x1 <= x2 and y1 <= y2")
        video = row.text("video")
        boxes.setdefault(video, []).append([frame, left, top, right, bottom])
        own = _size(row, size)
        if sizes.setdefault(video, own) != own:
            raise row.error(f"expected the same height and width in all rows of {video}")
    videos = {video: VideoBoxes(np.array(rows), sizes[video]) for video, rows in boxes.items()}
    return BoxFile(path, videos)


def _size(row: Row, size: Size) -> Size:
    """Return the height and width that a row names, else ``size``."""
    if not {"height", "width"} <= row.values.keys():
        return size
    height, width = _number(row, "height"), _number(row, "width")
    if not all(0 < edge <= _LARGEST and edge == int(edge) for edge in (height, width)):
        raise row.error(f"expected a height and width of 1 to {_LARGEST} pixels")
    return int(height), int(width)


def _number(row: Row, column: str) -> float:
    text = row.text(column)
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise row.error(f"expected a number of pixels or frames in '{column}', got '{text}'")
    return value


def _last_part(name: str) -> str:
    return name.rpartition("/")[2].lower()


def _overlap(low: float, high: float, size: int) -> NDArray[np.float64]:
    """Return the share of each of ``size`` pixels that lies between two edges."""
    pixel = np.arange(size)
    inside: NDArray[np.float64] = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    return inside.clip(0, 1)
