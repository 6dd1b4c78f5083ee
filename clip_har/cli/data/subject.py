"""Find the subject in all clips of a data set, and let a person judge what was found."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np

from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError
from clip_har.core.evenly import evenly
from clip_har.core.locks import whole_folder_alone
from clip_har.core.progress import track
from clip_har.data.clips import ClipSet, clips_of
from clip_har.engine.clips import open_frames
from clip_har.engine.load_model import load_zero_shot
from clip_har.figures.save import save_figure
from clip_har.figures.subject_sheet import Strip, subject_sheet
from clip_har.regions.source import SUBJECT, source_name
from clip_har.regions.store import RegionMaps, open_regions
from clip_har.regions.wrong_clips import (
    CLIP,
    REGION,
    WRONG,
    check_marks,
    read_marks,
    region_identity,
    wrong_clips,
)

if TYPE_CHECKING:
    from clip_har.config.cell import Cell

COLUMNS = (CLIP, "class", REGION, "frames", "frames_found", "confidence", "found", WRONG)
"""The table: a row per clip; ``confidence`` is the mean over its frames."""

_TABLE, _SHEETS = "clips.csv", "sheets"
_FRAMES = 4  # of a clip on a sheet
_CLIPS = 24  # on a sheet
_LETTERS = 60  # of a class name in the name of a file


@dataclass(frozen=True, eq=False)
class Located:
    """Where the subject is in the clips of a data set.

    Attributes:
        clips: the data set.
        maps: of the subject.
        source: the name of the region source, such as ``selfie``.
        marks: ids of the clips that a person marked as wrong in an earlier table.
    """

    clips: ClipSet
    maps: RegionMaps
    source: str
    marks: frozenset[str]

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield the table's rows, see `COLUMNS`; a clip without frames has no confidence."""
        for index, clip in enumerate(self.clips.clips):
            confidence = self.maps.confidence(index)
            yield (
                clip.id,
                self.clips.class_names[clip.label],
                self.source,
                len(confidence),
                int(self.maps.frames_found(index).sum()),
                f"{confidence.mean():.3f}" if len(confidence) else "",
                "yes" if self.maps.found[index] else "no",
                "yes" if clip.id in self.marks else "",
            )

    def strip(self, index: int) -> Strip:
        """Return a few frames of a clip for a sheet."""
        clip, pixels = self.clips.clips[index], self.maps.frames.clip(index)
        sure, used = self.maps.frames_found(index), bool(self.maps.found[index])
        verdict = f"found in {sure.sum()} of {len(sure)} frames" + ("" if used else ": left out")
        if clip.id in self.marks:
            verdict, used = "marked as wrong", False
        shown = evenly(range(len(pixels)), _FRAMES)
        return Strip(
            name=clip.id,
            verdict=verdict,
            used=used,
            pictures=np.ascontiguousarray(pixels[shown].transpose(0, 2, 3, 1)),
            soft_masks=self.maps.soft_mask(index)[shown],
            confidence=self.maps.confidence(index)[shown],
            found=sure[shown],
        )


def find_subjects(cell: "Cell", out: Path) -> Located:
    """Find the subject in all clips as a run does, into its cache, and write what was found.

    Args:
        cell: which clips, frames and region source.
        out: folder for the table ``clips.csv`` and the contact sheets. Marks in a table that is
            there are kept.

    Raises:
        ClipHarError: when the source finds nothing or lacks what it needs, the folder cannot be
            written, or the table there is of other clips.
    """
    if not cell.region.finds_regions:
        raise ClipHarError("region=none finds nothing: expected a region source, such as selfie")
    clips, source = clips_of(cell.dataset, cell.limit, cell.classes), source_name(cell.region)
    table = out / _TABLE
    check_marks(cell.region, clips)
    region_identity(cell.region, clips)  # what is missing is said before anything is decoded
    _check_writable(out)
    marks = _kept_marks(table, clips, source) | wrong_clips(cell.region.wrong)
    frames = open_frames(cell, clips)
    model = partial(load_zero_shot, cell, clips)
    maps = open_regions(cell.region, SUBJECT, frames, zero_shot=model, cache_dir=cell.cache_dir)
    located = Located(clips, maps, source, marks)
    _write_sheets(out / _SHEETS, located)
    with whole_file(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *located.rows()])
    return located


def _check_writable(out: Path) -> None:
    """Refuse a folder that cannot be written, before all clips are decoded."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=out).close()
    except OSError as error:
        raise ClipHarError(
            f"{out} cannot be written ({error.strerror}): name another folder with --out"
        ) from error


def _kept_marks(table: Path, clips: ClipSet, source: str) -> frozenset[str]:
    """Return the clips that are marked in an earlier table.

    Raises:
        ClipHarError: when it cannot be read, is of another source, or a mark would be lost.
    """
    if not table.exists():
        return frozenset()
    earlier = read_marks(table)
    lost = sorted(earlier.clips() - {clip.id for clip in clips.clips})
    if lost:
        raise ClipHarError(
            f"{table}: {len(lost)} clips that are marked there are not in {clips.title}"
            f" ({', '.join(lost[:3])}): name another folder with --out, so that no mark is lost"
        )
    if earlier.region not in (None, source):
        raise ClipHarError(
            f"{table} is of region={earlier.region}: name another folder with --out for"
            f" region={source}"
        )
    return earlier.clips()


def _write_sheets(folder: Path, located: Located) -> None:
    """Write the contact sheets of each class; they replace those of an earlier run."""
    clips, ok = located.clips, located.maps.frames.ok
    of = f"subject (region={located.source})"
    digits = len(str(len(clips.class_names)))
    with whole_folder_alone(folder, "sheets") as temporary, track(len(ok), "drawing") as advance:
        for label, name in enumerate(clips.class_names):
            own = [index for index in ok if clips.clips[index].label == label]
            found = sum(bool(located.maps.found[index]) for index in own)
            parts = [own[start : start + _CLIPS] for start in range(0, len(own), _CLIPS)]
            for number, part in enumerate(parts, 1):
                page = f", sheet {number} of {len(parts)}" if len(parts) > 1 else ""
                remark = f"{of} found in {found} of {len(own)} clips{page}"
                strips = [located.strip(index) for index in part]
                figure = subject_sheet(strips, class_name=name, remark=remark)
                stem = f"{label + 1:0{digits}}_{_file_name(name)}"
                suffix = f"_{number}" if len(parts) > 1 else ""
                save_figure(temporary / f"{stem}{suffix}.png", figure)
                advance(len(part))


def _file_name(name: str) -> str:
    """Return a class name without what a file's name may not hold."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)[:_LETTERS]
