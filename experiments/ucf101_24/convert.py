"""Convert published boxes of UCF101-24 into the CSV that ``region.boxes`` reads.

    python -m experiments.ucf101_24.convert UCF101v2-GT.pkl ucf101_24.csv

Where the formats come from: the layout of ``UCF101v2-GT.pkl`` is described in
``dataset_annotation.py`` of the ACT detector (Kalogeiton et al. 2017) and of MOC (Li et al. 2020),
whose readers count frames from 1; that of ``pyannot.pkl`` and of ``pyannot_with_class_names.pkl``
(Singh et al. 2017, the corrected annotations) is what its author's data loaders read: frames from
0, ``ef`` exclusive, ``(x, y, w, h)`` with the first pixel at (1, 1).
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError
from experiments.data_pickle import Array, read_pickle

Size = tuple[int, int]
Boxes = NDArray[np.float64]

COLUMNS = ("video", "frame", "x1", "y1", "x2", "y2", "height", "width")
_LARGEST = 16384  # pixels a side: what is larger is no resolution


def convert(source: Path, table: Path, *, size: Size = (240, 320)) -> int:
    """Write the boxes of a file as CSV, a row per box, and return how many there are.

    Pickles are read without unpickling, see `experiments.data_pickle`. One of these:

    - ``UCF101v2-GT.pkl``: ``gttubes`` of ``{video: {label: [(n, 5)]}}``, rows of frame from 1,
      x1, y1, x2, y2; ``resolution`` of ``{video: (height, width)}``.
    - ``pyannot.pkl``: ``{video: {"annotations": [{"sf", "ef", "boxes"}]}}``, see above, or the
      same under ``db``.
    - ``{video: {frame: [[x1, y1, x2, y2], …]}}``, frames from 0.

    Args:
        source: a pickle, or JSON (``.json``) with the same names.
        table: the CSV; one that is there is replaced.
        size: height and width, in pixels, of the pictures that boxes were measured on, if the
            file does not say.

    Raises:
        ClipHarError: the file cannot be read, or holds anything else.
    """
    content = _read_json(source) if source.suffix.lower() == ".json" else read_pickle(source)
    try:
        videos = list(_of_content(content, size))
    except _FormatError as error:
        raise ClipHarError(f"{source}: {error}") from error
    with whole_file(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for video, boxes, (height, width) in videos:
            for frame, *box in boxes.tolist():
                writer.writerow([video, int(frame), *box, height, width])
    return sum(len(boxes) for _, boxes, _ in videos)


def main() -> None:
    """Convert the file that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.ucf101_24.convert", description=convert.__doc__
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--size", type=int, nargs=2, default=(240, 320), metavar=("H", "W"))
    given = parser.parse_args()
    try:
        count = convert(given.source, given.table, size=tuple(given.size))
    except ClipHarError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{count:,} boxes: region.boxes={given.table}\n")


class _FormatError(ValueError):
    """The content is not laid out as expected."""


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ClipHarError(f"{path} is not a JSON file in UTF-8: {error}") from error


def _of_content(content: object, size: Size) -> Iterator[tuple[str, Boxes, Size]]:
    """Yield the videos of a pickle or JSON in any of its layouts."""
    videos = _mapping(content, "the file", "{video: …}")
    if "gttubes" in videos:
        sizes = _mapping(videos.get("resolution", {}), "resolution", "{video: (height, width)}")
        for video, labels in _mapping(videos["gttubes"], "gttubes", "{video: …}").items():
            boxes = _of_tubes(str(video), labels)
            yield str(video), boxes, _size(str(video), sizes.get(video, size))
        return
    if "db" in videos:
        videos = _mapping(videos["db"], "db", "{video: …}")
    for video, entry in videos.items():
        frames = _mapping(entry, str(video), "{frame: boxes} or {'annotations': …}")
        tracks = "annotations" in frames
        boxes = _of_tracks(str(video), frames) if tracks else _of_frames(str(video), frames)
        yield str(video), boxes, size


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


if __name__ == "__main__":
    main()
