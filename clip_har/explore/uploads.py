"""An own video as a data set of one clip, so that the command can show it again."""

import csv
import hashlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from clip_har.config.session import as_overrides
from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError
from clip_har.data.image_files import is_image, is_zip
from clip_har.data.sources.files import VIDEO_EXTENSIONS, is_video

_SHOWN, _CLASSES = "shown", "classes"  # values of the column `split`
_LETTERS = 60  # of a file's name that are kept


def as_data(
    video: Path, class_names: Sequence[str], label: int | None, *, folder: Path
) -> list[str]:
    """Keep a video with a table of its classes, and return the overrides that name this data set.

    Args:
        video: the file; it is copied.
        class_names: C names in class order.
        label: the true class; None if it is not known. Then the table has the first one.
        folder: where videos are kept, each in a folder of its own.

    Raises:
        ClipHarError: when the file is no video and no images.
    """
    if not (is_video(video) or is_image(video) or is_zip(video)):
        raise ClipHarError(
            f"{video.name}: expected a video, such as .mp4, .avi, .mkv or .webm"
            f" ({len(VIDEO_EXTENSIONS)} kinds), an image or a zip of images, got"
            f" {video.suffix or 'no extension'}"
        )
    with video.open("rb") as file:
        digest = hashlib.file_digest(file, "blake2b").hexdigest()[:16]
    own = folder / digest
    own.mkdir(parents=True, exist_ok=True)
    # The name is kept: what is random in a mask depends on it.
    name = re.sub(r"[^\w.-]+", "_", video.stem)[:_LETTERS].strip(".") or "clip"
    kept = own / f"{name}{video.suffix.lower()}"
    if not kept.is_file():
        with whole_file(kept) as temporary:
            shutil.copyfile(video, temporary)
    rows = [(kept.name, label or 0, class_names[label or 0], _SHOWN)]
    rows += [("-", number, name, _CLASSES) for number, name in enumerate(class_names)]
    text = repr(rows).encode()
    table = own / f"clips-{hashlib.blake2b(text, digest_size=4).hexdigest()}.csv"
    if not table.is_file():
        with whole_file(table) as temporary:
            _write(temporary, rows)
    named = {"dataset": "manifest", "dataset.path": table, "dataset.subset": _SHOWN}
    return as_overrides(named)


def _write(table: Path, rows: Sequence[tuple[object, ...]]) -> None:
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "class_name", "split"))
        writer.writerows(rows)
