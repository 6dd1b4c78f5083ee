"""Any folder of videos or images, one folder per class."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import ClassVar, Self

from pydantic import model_validator

from clip_har.core.errors import AbsentError, ClipHarError
from clip_har.core.names import class_order, plain_name
from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.sources.attributes import AttributeNames, attributes_of
from clip_har.data.sources.files import (
    clip_files_of,
    existing_file,
    existing_folder,
    is_clip,
    log_unused,
    stem_of,
    subfolders,
)
from clip_har.data.sources.frame_rate import FrameRate, check_rate, rate_of
from clip_har.data.sources.missing import PARTIAL
from clip_har.data.sources.tables import Row, read_table


class Folder(Settings):
    """Videos or images laid out as ``<root>/<class>/<clip>``.

    The class names are the sorted names of the folders with at least one clip (whole numbers by
    value); the index is the label, the same for every subset. A video is a file with one of the
    extensions in ``clip_har.data.sources.files.VIDEO_EXTENSIONS`` (also ``.gif``), in upper or
    lower case, in the class folder or a folder below it. Hidden files and folders are not used;
    the log says how many files of which kinds are not. A clip's id is its path below ``root`` with
    ``/``.

    If there is no video, the clips are made of images: each folder of images and each zip of images
    in the class folder or below it is a clip, and each image that lies directly in the class folder
    is a clip of one frame. Beside videos, images are not used.

    Without a CSV each clip is its own group, so all clips count as independent. If several clips
    show the same person or place, give a CSV with a ``group`` column.

    Attributes:
        root: the folder of the class folders.
        split_csv: a CSV with a header and the columns ``path`` (below ``root``, with or without
            the extension), ``split`` and, optionally, ``group``. Then the set has the clips of its
            rows, in its order.
        subset: keep only the rows with this ``split``; needs ``split_csv``.
        attributes: columns of ``split_csv`` with attributes of the clips, such as
            ``[viewpoint, age]``; a row may leave them empty.
        name: of the data set in reports; None = the folder's name.
        allow_missing: evaluate the clips on disk even if some of the CSV are missing.
        fps: frames per second of clips of images, for ``frames.sampler=fps``; None = not known.
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    root: Path
    split_csv: Path | None = None
    subset: str | None = None
    attributes: AttributeNames = ()
    name: str | None = None
    allow_missing: bool = False
    fps: FrameRate | None = None

    @model_validator(mode="after")
    def _subset_needs_csv(self) -> Self:
        if self.split_csv is None and (self.subset is not None or self.attributes):
            needs = "attributes need" if self.subset is None else "subset needs"
            raise ValueError(f"{needs} split_csv: a CSV with the columns path,split[,group,...]")
        return self

    def training(self) -> "Folder":
        """Return the rows of the CSV whose ``split`` is ``train``.

        Raises:
            ClipHarError: without a CSV.
        """
        if self.split_csv is None:
            raise ClipHarError(
                "noise is learned on a training split: set dataset.split_csv=<a CSV with the"
                " columns path,split> with rows of split 'train', and dataset.subset=test"
            )
        return self.model_copy(update={"subset": "train"})

    def clips(self) -> ClipSet:
        """Return the clips of the folder, or of the CSV's rows.

        Raises:
            ClipHarError: when the folder or CSV is missing, there is no video, or the CSV is
                malformed.
        """
        expected = "one folder of videos per class, or of clips of images"
        root = existing_folder(self.root, expected=expected, setting="dataset.root")
        files, unused = _files(root)
        if not files:
            raise ClipHarError(
                f"{root} holds no videos and no images: expected {expected} in it; set"
                " dataset.root=<the folder>"
            )
        log_unused(root, unused)
        check_rate(self.fps, files.values(), name=str(root))
        class_names = class_order({clip_id.partition("/")[0] for clip_id in files})
        rows: Mapping[str, Row | None]
        if self.split_csv is None:
            rows, whole = dict.fromkeys(files), None
        else:
            rows, whole = self._csv_rows(self.split_csv, files)
        clips = tuple(
            Clip(
                clip_id,
                files[clip_id],
                class_names.index(clip_id.partition("/")[0]),
                (row and row.optional_text("group")) or clip_id,
                attributes=attributes_of(row, self.attributes) if row else {},
                fps=rate_of(files[clip_id], self.fps),
            )
            for clip_id, row in rows.items()
        )
        if not clips:
            raise ClipHarError(f"{self.split_csv}: none of its videos is in {root}")
        name = self.name or root.name
        return ClipSet(
            name=f"{name}/{self.subset}" if self.subset else name,
            class_names=class_names,
            clips=clips,
            licence="not stated (the user's own folder of videos)",
            citation="",
            whole=whole,
        )

    def _csv_rows(self, split_csv: Path, files: dict[str, Path]) -> tuple[dict[str, Row], int]:
        """Return the row of each clip of the subset by clip id, and how many clips are listed."""
        path = existing_file(
            split_csv, expected="a CSV with path,split[,group]", setting="dataset.split_csv"
        )
        needed = ("path",) if self.subset is None else ("path", "split")
        rows = list(read_table(path, required=(*needed, *self.attributes)))
        stems: dict[str, list[str]] = {}
        for clip_id in files:
            stems.setdefault(stem_of(clip_id), []).append(clip_id)
        found: dict[str, Row] = {}
        missing: set[str] = set()
        for row in rows:
            listed = PurePath(row.text("path")).as_posix()
            chosen = self.subset is None or self.subset == row.text("split")
            named = _clip_id(listed, files, stems, row)
            if named is None and not self.allow_missing:
                raise row.error(f"no video {listed} in the class folders; {PARTIAL}")
            if named in found or listed in missing:
                raise row.error(f"{named or listed} is listed twice")
            if chosen and named is not None:
                found[named] = row
            elif chosen:
                missing.add(listed)
        if not found and not missing:
            raise no_such_subset(path, self.subset, rows)
        return found, len(found) + len(missing)


def _files(root: Path) -> tuple[dict[str, Path], Counter[str]]:
    """Return the clips by clip id, and a count of the other files by kind."""
    files: dict[str, Path] = {}
    unused: Counter[str] = Counter()
    for found in clip_files_of(subfolders(root), unused=unused).values():
        for path in found:
            clip_id = plain_name(path.relative_to(root).as_posix())
            if other := files.get(clip_id):
                raise ClipHarError(
                    f"{other} and {path} have the same name in different Unicode forms: rename one"
                )
            files[clip_id] = path
    if outside := sum(is_clip(file) and not file.is_dir() for file in root.iterdir()):
        unused["in no class folder"] = outside
    return files, unused


def _clip_id(
    listed: str, files: Mapping[str, Path], stems: dict[str, list[str]], row: Row
) -> str | None:
    """Return the clip that a row names, with or without its extension; None if there is none."""
    if listed in files:
        return listed
    found = stems.get(listed, [])
    if len(found) > 1:
        raise row.error(f"'{listed}' may be {' or '.join(found)}: add the extension")
    return found[0] if found else None


def no_such_subset(path: Path, subset: str | None, rows: list[Row]) -> AbsentError:
    """Return the error for a table that has no row of the subset."""
    splits = sorted({row.optional_text("split") or "(empty)" for row in rows})
    return AbsentError(
        f"{path} has no row with split '{subset}': expected dataset.subset to be one of "
        + ", ".join(splits)
    )
