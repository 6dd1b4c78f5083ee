"""Clips listed in a CSV or Parquet table: any layout, also sections of longer videos."""

from pathlib import Path, PurePath, PureWindowsPath

from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.sources.attributes import AttributeNames, attributes_of
from clip_har.data.sources.files import existing_file, existing_folder
from clip_har.data.sources.folder import no_such_subset
from clip_har.data.sources.tables import Row, read_table


class Manifest(Settings):
    """Clips listed in the rows of a table.

    Columns: ``path`` (below ``root``) and ``label`` (a class name); optionally ``group``,
    ``start`` and ``end`` (seconds from the start of the video; the clip ends before ``end``)
    and ``split``, and those that ``attributes`` names. Others are ignored. The class names are the
    sorted labels of the whole table, so that every subset has the same. The id is the path, with
    ``#start-end`` if the row has either. Without a group each *video* is a group, because its
    sections are not independent.

    A path may not leave ``root``, not even through a symbolic link.

    Attributes:
        path: the table, ``.csv`` or ``.parquet``.
        root: the folder of the paths; None = the folder of the table.
        subset: keep only the rows with this ``split``; None = all rows.
        attributes: columns with attributes of the clips, such as ``[viewpoint, age]``; a row may
            leave them empty.
    """

    path: Path
    root: Path | None = None
    subset: str | None = None
    attributes: AttributeNames = ()

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
        class_names = tuple(sorted({row.text("label") for row in rows}))
        labels = {name: label for label, name in enumerate(class_names)}
        clips = [
            _clip(row, root, labels, self.attributes)
            for row in rows
            if self.subset in (None, row.optional_text("split"))
        ]
        if not clips:
            raise no_such_subset(table, self.subset, rows)
        return ClipSet(
            name=f"{table.stem}/{self.subset}" if self.subset else table.stem,
            class_names=class_names,
            clips=tuple(clips),
            licence="not stated (the user's own table of videos)",
            citation="",
        )


def _clip(row: Row, root: Path, labels: dict[str, int], names: AttributeNames) -> Clip:
    video = _inside(row, root)
    start, end = row.seconds("start"), row.seconds("end")
    if end is not None and end <= (start or 0.0):
        raise row.error(f"expected 'end' after 'start', got start {start} and end {end}")
    clip_id = PurePath(row.text("path")).as_posix()
    group = row.optional_text("group") or clip_id
    if start is not None or end is not None:
        clip_id += f"#{start or 0.0:.12g}-{'' if end is None else f'{end:.12g}'}"
    label, attributes = labels[row.text("label")], attributes_of(row, names)
    return Clip(clip_id, video, label, group, start, end, attributes=attributes)


def _inside(row: Row, root: Path) -> Path:
    """Return the path of a row's video, which must exist and stay inside ``root``."""
    text = row.text("path")
    relative = PurePath(text)
    # checks that know only this system's rules would miss Windows drives and backslashes
    if (
        relative.is_absolute()
        or PureWindowsPath(text).anchor
        or ".." in PureWindowsPath(text).parts
    ):
        raise row.error(f"expected a path below {root} without '..', got '{text}'")
    path = root / relative
    if not path.resolve().is_relative_to(root.resolve()):
        raise row.error(f"'{text}' leads out of {root} through a symbolic link")
    if not path.is_file():
        raise row.error(f"no video '{text}' in {root}")
    return path
