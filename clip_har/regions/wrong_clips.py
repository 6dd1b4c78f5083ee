"""Clips in which a person marked the found region as wrong, see ``region.wrong``."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.sources.files import existing_file
from clip_har.data.sources.tables import read_table
from clip_har.regions.source import source_name

if TYPE_CHECKING:
    from clip_har.regions.source import RegionSource

CLIP, REGION, WRONG = "clip", "region", "wrong"
"""The columns of the table that count; ``clip-har-data subject`` writes it with others."""

_YES = frozenset({"yes", "y", "x", "1", "true"})
_NO = frozenset({"", "no", "n", "0", "false"})
_SHOWN = 3  # ids in an error message


@dataclass(frozen=True)
class Marks:
    """A table of marks.

    Attributes:
        wrong: whether a clip is marked as wrong, by its id.
        region: the name of the source whose regions were judged; None if the table does not say.
    """

    wrong: Mapping[str, bool]
    region: str | None

    def clips(self) -> frozenset[str]:
        """Return the ids of the clips that are marked."""
        return frozenset(clip for clip, wrong in self.wrong.items() if wrong)


def read_marks(path: Path) -> Marks:
    """Return which clips of a table are marked as wrong.

    The table (CSV or Parquet) has the columns `CLIP` and `WRONG` and may have the column `REGION`;
    other columns do not count. A mark is ``yes``, ``y``, ``x``, ``1`` or ``true``; ``no``, ``n``,
    ``0``, ``false`` or an empty value is none.

    Args:
        path: the table.

    Raises:
        ClipHarError: when it cannot be read, has other content, has two rows of a clip, or is of
            two sources.
    """
    expected = "the table of clip-har-data subject, in which wrong clips are marked"
    absolute = existing_file(path, expected=expected, setting="region.wrong")
    stat = absolute.stat()
    return _read(absolute, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, *_: int) -> Marks:
    marks: dict[str, bool] = {}
    regions: set[str | None] = set()
    for row in read_table(path, required=(CLIP, WRONG)):
        clip, mark = row.text(CLIP), (row.optional_text(WRONG) or "").lower()
        if mark not in _YES | _NO:
            raise row.error(f"expected yes, x, 1 or nothing in '{WRONG}', got '{mark}'")
        if clip in marks:
            raise row.error(f"{clip} is in an earlier row, too")
        marks[clip] = mark in _YES
        regions.add(row.optional_text(REGION))
        if len(regions) > 1:
            raise row.error(f"expected the same '{REGION}' in all rows")
    return Marks(marks, regions.pop())


def wrong_clips(path: Path | None) -> frozenset[str]:
    """Return the ids of the clips that are marked as wrong; without a table none is.

    Raises:
        ClipHarError: as `read_marks`.
    """
    return frozenset() if path is None else read_marks(path).clips()


def check_marks(source: "RegionSource", clips: ClipSet) -> None:
    """Raise if the table of a source is of another source, or names clips that do not exist.

    If only a part of a data set is evaluated, the table may name the rest.

    Args:
        source: an option of ``conf/region``.
        clips: of the cell.

    Raises:
        ClipHarError: then, and as `read_marks`.
    """
    if (path := source.wrong) is None:
        return
    marks, name = read_marks(path), source_name(source)
    if marks.region not in (None, name):
        raise ClipHarError(
            f"region.wrong={path}: regions of region={marks.region} were judged there, and"
            f" region={name} finds others; judge these, or remove the column '{REGION}'"
        )
    known, named = {clip.id for clip in clips.clips}, marks.wrong
    unknown = [clip for clip in named if clip not in known]
    part = clips.whole is not None and clips.whole > len(known)
    if unknown and not (part and len(unknown) < len(named)):
        shown = ", ".join(unknown[:_SHOWN]) + (", …" if len(unknown) > _SHOWN else "")
        raise ClipHarError(
            f"region.wrong={path}: {len(unknown)} of {len(named)} clips are not in {clips.name}"
            f" ({shown}): expected ids such as {clips.clips[0].id}"
        )


def region_identity(source: "RegionSource", clips: ClipSet) -> str:
    """Return what decides where targets are found besides the settings of a source.

    It is the source's own identity, and which of the clips are marked as wrong.

    Args:
        source: an option of ``conf/region``.
        clips: of the cell.

    Raises:
        ClipHarError: when what the source needs is missing, or the table cannot be read.
    """
    own = source.identity(clips)
    marked = wrong_clips(source.wrong)
    found = sorted(clip.id for clip in clips.clips if clip.id in marked)
    if not found:
        return own
    digest = hashlib.blake2b(json.dumps(found).encode(), digest_size=16).hexdigest()
    return f"{own} without {len(found)} clips ({digest})"
