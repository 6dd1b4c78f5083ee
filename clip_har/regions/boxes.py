"""Files of boxes around the actors: UCF101-24's public annotations, or one's own.

Where the formats come from: the layout of ``UCF101v2-GT.pkl`` is described in
``dataset_annotation.py`` of the ACT detector (Kalogeiton et al. 2017) and of MOC (Li et al. 2020),
whose readers count frames from 1; that of ``pyannot.pkl`` and of ``pyannot_with_class_names.pkl``
(Singh et al. 2017, the corrected annotations) is what its author's data loaders read: frames from
0, ``ef`` exclusive, ``(x, y, w, h)`` with the first pixel at (1, 1).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip
from clip_har.data.sources.tables import Row, read_table
from clip_har.regions.clip_names import clip_names
from clip_har.regions.data_pickle import Array, read_pickle

Size = tuple[int, int]
Boxes = NDArray[np.float64]

PICKLES = (".pkl", ".pickle")
TABLES = (".csv", ".parquet")
EXTENSIONS = (*PICKLES, ".json", *TABLES)

_LARGEST = 16384  # pixels a side: what is larger is no resolution


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
        """Return the name that a clip has in the file, whatever its case; None = it is not there.

        A name matches with and without its folder, the latter where only one video has it.
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
    """Return the boxes of a file; read once in a process, as long as the file stays as it is.

    Pickles are read without unpickling, see `clip_har.regions.data_pickle`. One of these:

    - ``UCF101v2-GT.pkl``: ``gttubes`` of ``{video: {label: [(n, 5)]}}``, rows of frame from 1,
      x1, y1, x2, y2; ``resolution`` of ``{video: (height, width)}``.
    - ``pyannot.pkl``: ``{video: {"annotations": [{"sf", "ef", "boxes"}]}}``, see above, or the
      same under ``db``.
    - ``{video: {frame: [[x1, y1, x2, y2], …]}}``, frames from 0.
    - a CSV (or Parquet) table ``video,frame,x1,y1,x2,y2``, a row per box, frames from 0.

    The first three may be pickles or JSON with the same names. x1, y1, x2, y2 are the edges of a
    box in pixels; what lies outside of the picture is cut off. A video is named by the clip's id
    or by ``<class folder>/<file name>``, without extension.

    Args:
        path: the file; its extension is one of `EXTENSIONS`.
        size: height and width, in pixels, of the pictures that boxes were measured on, where the
            file does not say.

    Raises:
        ClipHarError: the file cannot be read, or holds anything else.
    """
    stat = path.stat()
    return _read(path, size, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, size: Size, *_: int) -> BoxFile:
    suffix = path.suffix.lower()
    if suffix in TABLES:
        boxes = _of_table(path)
        return BoxFile(path, {name: VideoBoxes(rows, size) for name, rows in boxes.items()})
    content = read_pickle(path) if suffix in PICKLES else _read_json(path)
    try:
        return BoxFile(path, dict(_of_content(content, size)))
    except _FormatError as error:
        raise ClipHarError(f"{path}: {error}") from error


class _FormatError(ValueError):
    """The content is not laid out as expected."""


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ClipHarError(f"{path} is not a JSON file in UTF-8: {error}") from error


def _of_content(content: object, size: Size) -> Iterator[tuple[str, VideoBoxes]]:
    """Yield the videos of a pickle or JSON in any of its layouts."""
    videos = _mapping(content, "the file", "{video: …}")
    if "gttubes" in videos:
        sizes = _mapping(videos.get("resolution", {}), "resolution", "{video: (height, width)}")
        for video, labels in _mapping(videos["gttubes"], "gttubes", "{video: …}").items():
            boxes = _of_tubes(str(video), labels)
            yield str(video), VideoBoxes(boxes, _size(str(video), sizes.get(video, size)))
        return
    if "db" in videos:
        videos = _mapping(videos["db"], "db", "{video: …}")
    for video, entry in videos.items():
        frames = _mapping(entry, str(video), "{frame: boxes} or {'annotations': …}")
        tracks = "annotations" in frames
        boxes = _of_tracks(str(video), frames) if tracks else _of_frames(str(video), frames)
        yield str(video), VideoBoxes(boxes, size)


def _of_tubes(video: str, labels: object) -> Boxes:
    tubes = _mapping(labels, video, "{label: [tubes]}").values()
    rows = [_numbers(tube, 5, video) for of_label in tubes for tube in _items(of_label, video)]
    boxes = _joined(rows)
    boxes[:, 0] -= 1  # frames are counted from 1
    return _with_frames(boxes, video)


def _of_tracks(video: str, entry: Mapping[object, object]) -> Boxes:
    rows = []
    for item in _items(entry["annotations"], video):
        track = _mapping(item, video, "{'sf', 'ef', 'boxes'}")
        if not {"sf", "ef", "boxes"} <= track.keys():
            raise _FormatError(f"a track of {video} has no sf, ef or boxes")
        boxes = _numbers(track["boxes"], 4, video)  # x, y, w, h; the first pixel is (1, 1)
        first, stop = (_whole(track[key], video) for key in ("sf", "ef"))
        if stop - first != len(boxes):
            raise _FormatError(
                f"a track of {video} goes from frame {first} to before {stop}: expected"
                f" {stop - first} boxes, got {len(boxes)}"
            )
        corner = boxes[:, :2] - 1
        rows.append(np.column_stack([np.arange(first, stop), corner, corner + boxes[:, 2:]]))
    return _with_frames(_joined(rows), video)


def _of_frames(video: str, frames: Mapping[object, object]) -> Boxes:
    rows = []
    for key, value in frames.items():
        boxes = _numbers(value, 4, f"{video}, frame {key}")
        if (boxes[:, :2] > boxes[:, 2:]).any():
            raise _FormatError(f"{video}, frame {key}: expected x1 <= x2 and y1 <= y2")
        rows.append(np.column_stack([np.full(len(boxes), _whole(key, video)), boxes]))
    return _with_frames(_joined(rows), video)


def _of_table(path: Path) -> dict[str, Boxes]:
    rows: dict[str, list[list[float]]] = {}
    for row in read_table(path, required=("video", "frame", "x1", "y1", "x2", "y2")):
        frame, left, top, right, bottom = (
            _number(row, column) for column in ("frame", "x1", "y1", "x2", "y2")
        )
        if frame < 0 or frame != int(frame):
            raise row.error(f"expected 'frame' to count from 0, got '{row.text('frame')}'")
        if left > right or top > bottom:
            raise row.error("expected x1 <= x2 and y1 <= y2")
        rows.setdefault(row.text("video"), []).append([frame, left, top, right, bottom])
    return {video: np.array(boxes) for video, boxes in rows.items()}


def _number(row: Row, column: str) -> float:
    text = row.text(column)
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise row.error(f"expected a number of pixels or frames in '{column}', got '{text}'")
    return value


def _mapping(value: object, where: str, layout: str) -> Mapping[object, object]:
    if not isinstance(value, dict):
        raise _FormatError(f"expected {layout} in {where}, got {type(value).__name__}")
    return value


def _items(value: object, video: str) -> Iterable[object]:
    if not isinstance(value, list | tuple):
        raise _FormatError(f"expected a list of tracks of {video}, got {type(value).__name__}")
    return value


def _whole(value: object, video: str) -> int:
    try:
        return int(cast(str, value))
    except (TypeError, ValueError, OverflowError):
        raise _FormatError(f"expected a whole number in {video}, got {_shown(value)}") from None


def _numbers(value: object, columns: int, where: str) -> Boxes:
    """Return an array, or a list of lists of numbers, as ``(n, columns)`` finite numbers."""
    # Looked at first: what numpy would make of lists that contain each other has no bounds.
    if not isinstance(value, Array) and not _is_table(value, columns):
        raise _FormatError(f"expected a list of boxes of {columns} numbers in {where}")
    try:
        numbers = np.asarray(value, np.float64)
    except (ValueError, OverflowError) as error:
        raise _FormatError(f"expected boxes of {columns} numbers in {where} ({error})") from error
    if numbers.size == 0:
        return np.zeros((0, columns))
    if numbers.ndim != 2 or numbers.shape[1] != columns or not np.isfinite(numbers).all():
        raise _FormatError(
            f"expected finite boxes of shape (n, {columns}) in {where}, got {numbers.shape}"
        )
    return numbers


def _is_table(value: object, columns: int) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(row, list | tuple)
        and len(row) == columns
        and all(isinstance(number, int | float) for number in row)
        for row in value
    )


def _joined(rows: list[Boxes]) -> Boxes:
    return np.concatenate([np.zeros((0, 5)), *rows])


def _with_frames(boxes: Boxes, video: str) -> Boxes:
    frames = boxes[:, 0]
    if (frames < 0).any() or (frames != np.rint(frames)).any():
        raise _FormatError(f"the frames of {video} are not whole numbers from the first on")
    return boxes


def _size(video: str, value: object) -> Size:
    size = tuple(_whole(edge, video) for edge in value) if isinstance(value, list | tuple) else ()
    if len(size) != 2 or not all(0 < edge <= _LARGEST for edge in size):
        raise _FormatError(
            f"expected (height, width) up to {_LARGEST} as the resolution of {video}"
        )
    return size[0], size[1]


def _shown(value: object) -> str:
    return repr(value)[:40] if isinstance(value, str | float) else type(value).__name__


def _last_part(name: str) -> str:
    return name.rpartition("/")[2].lower()


def _overlap(low: float, high: float, size: int) -> NDArray[np.float64]:
    """Return which part of each of ``size`` pixels lies between two edges."""
    pixel = np.arange(size)
    inside: NDArray[np.float64] = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    return inside.clip(0, 1)
