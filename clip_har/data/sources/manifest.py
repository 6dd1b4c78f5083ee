"""Clips listed in a CSV or Parquet table: any layout, also sections of longer videos."""

from pathlib import Path
from typing import ClassVar

from clip_har.core.errors import ClipHarError
from clip_har.core.names import class_order, plain_name
from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.image_files import is_of_images
from clip_har.data.sources.attributes import AttributeNames, attributes_of
from clip_har.data.sources.files import existing_file, existing_folder
from clip_har.data.sources.folder import no_such_subset
from clip_har.data.sources.frame_rate import FrameRate, check_rate
from clip_har.data.sources.missing import PARTIAL
from clip_har.data.sources.named import named_clips
from clip_har.data.sources.sections import section_id
from clip_har.data.sources.tables import Row, read_table


class Manifest(Settings):
    """Clips listed in the rows of a table.

    Columns: ``path`` (below ``root``, with or without the extension: a video, an image, a zip or a
    folder of images) and ``label`` (a class name or a number); optionally ``class_name`` (the name
    of a label that is a number), ``group``, ``start`` and ``end`` (seconds from the start of the
    video; the clip ends before ``end``), ``fps`` (frames per second of images; ignored for videos,
    which state it) and ``split``, and those that ``attributes`` names. Others are ignored. The
    classes are the sorted labels of the whole table (whole numbers by value), so that every subset
    has the same.
    The id is the path, with ``#start-end`` if the row has either. Without a group each *video* is
    a group, because its sections are not independent.

    A path may not leave ``root``, not even through a symbolic link.

    Attributes:
        path: the table, ``.csv`` or ``.parquet``.
        root: the folder of the paths; None = the folder of the table.
        subset: keep only the rows with this ``split``; None = all rows.
        attributes: columns with attributes of the clips, such as ``[viewpoint, age]``; a row may
            leave them empty.
        allow_missing: evaluate the clips on disk even if some are missing.
        fps: frames per second of images in rows without their own; None = not known.
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    path: Path
    root: Path | None = None
    subset: str | None = None
    attributes: AttributeNames = ()
    allow_missing: bool = False
    fps: FrameRate | None = None

    def training(self) -> "Manifest":
        """Return the rows of the table whose ``split`` is ``train``."""
        return self.model_copy(update={"subset": "train"})

    def clips(self) -> ClipSet:
        """Return the clips of the table, in its order.

        Raises:
            ClipHarError: when the table or a video is missing, or a row is malformed or leaves
                ``root``.
        """
        table = existing_file(
            self.path, expected="a CSV or Parquet table of clips", setting="dataset.path"
        )
        root = existing_folder(
            self.root or table.parent, expected="the videos of the table", setting="dataset.root"
        )
        columns = ("path", "label") if self.subset is None else ("path", "label", "split")
        rows = list(read_table(table, required=(*columns, *self.attributes)))
        class_names = _class_names(rows)
        labels = {label: number for number, label in enumerate(class_names)}
        chosen = [row for row in rows if self.subset in (None, row.optional_text("split"))]
        if not chosen:
            raise no_such_subset(table, self.subset, rows)
        found: dict[str, Path | None] = {}  # a video may have thousands of sections
        clips = []
        for row in chosen:
            path = row.text("path")
            if path not in found:
                found[path] = _inside(row, root, allow_missing=self.allow_missing)
            if (video := found[path]) is not None:
                clips.append(_clip(row, video, root, labels, self.attributes, fps=self.fps))
        if not clips:
            raise ClipHarError(f"{table}: none of its videos is in {root}; set dataset.root")
        check_rate(self.fps, (clip.path for clip in clips), name=str(table))
        return ClipSet(
            name=f"{table.stem}/{self.subset}" if self.subset else table.stem,
            class_names=tuple(class_names.values()),
            clips=tuple(clips),
            licence="not stated (the user's own table of videos)",
            citation="",
            whole=len(chosen),
        )


def _clip(
    row: Row,
    video: Path,
    root: Path,
    labels: dict[str, int],
    names: AttributeNames,
    *,
    fps: float | None,
) -> Clip:
    start, end = row.seconds("start"), row.seconds("end")
    of_images = is_of_images(video)
    rate = row.rate("fps") or fps if of_images else None
    if of_images and rate is None and (start, end) != (None, None):
        raise row.error(
            "start and end of images need their frames per second: add a column fps, or set"
            " dataset.fps"
        )
    if end is not None and end <= (start or 0.0):
        raise row.error(f"expected 'end' after 'start', got start {start} and end {end}")
    clip_id = plain_name(video.relative_to(root).as_posix())
    group = row.optional_text("group") or clip_id
    if start is not None or end is not None:
        clip_id = section_id(clip_id, start, end)
    label, attributes = labels[row.text("label")], attributes_of(row, names)
    return Clip(clip_id, video, label, group, start, end, attributes=attributes, fps=rate)


def _inside(row: Row, root: Path, *, allow_missing: bool) -> Path | None:
    """Return the path of a row's video or images, which must stay in ``root``; None if missing."""
    text = row.path_below("path", root)
    found = named_clips(root, text)
    if any(not path.resolve().is_relative_to(root.resolve()) for path in found or [root / text]):
        raise row.error(f"'{text}' leads out of {root} through a symbolic link")
    if len(found) > 1:
        several = " or ".join(plain_name(path.name) for path in found)
        raise row.error(f"'{text}' may be {several}: add the extension, or rename one")
    if not found and not allow_missing:
        raise row.error(f"no video '{text}' in {root}; {PARTIAL}")
    return found[0] if found else None


def _class_names(rows: list[Row]) -> dict[str, str]:
    """Return the name of each label, in the order of the labels."""
    names: dict[str, str] = {}
    for row in rows:
        name, label = row.optional_text("class_name"), row.text("label")
        if name is not None and names.setdefault(label, name) != name:
            raise row.error(f"label {label} is named '{name}' here, but '{names[label]}' before")
    labels = class_order({row.text("label") for row in rows})
    return {label: names.get(label, label) for label in labels}
