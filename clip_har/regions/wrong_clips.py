"""Clips in which a person marked the found region as wrong, see ``region.wrong``."""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.sources.files import existing_file
from clip_har.data.sources.tables import read_table

if TYPE_CHECKING:
    from clip_har.regions.source import RegionSource

CLIP, WRONG = "clip", "wrong"
"""The columns of the table that count; `clip-har-data subject` writes it with others."""

_YES = frozenset({"yes", "y", "x", "1", "true"})
_NO = frozenset({"", "no", "n", "0", "false"})
_SHOWN = 3  # ids in an error message


def read_marks(path: Path) -> Mapping[str, bool]:
    """Return which clips of a table are marked as wrong, by their ids.

    The table (CSV or Parquet) has the columns `CLIP` and `WRONG`; other columns do not count. A
    mark is ``yes``, ``y``, ``x``, ``1`` or ``true``; ``no``, ``n``, ``0``, ``false`` or an empty
    value is none.

    Args:
        path: the table.

    Raises:
        ClipHarError: when it cannot be read, has other content, or has two rows of a clip.
    """
    expected = "the table of clip-har-data subject, in which wrong clips are marked"
    absolute = existing_file(path, expected=expected, setting="region.wrong")
    stat = absolute.stat()
    return _read(absolute, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, *_: int) -> Mapping[str, bool]:
    marks: dict[str, bool] = {}
    for row in read_table(path, required=(CLIP, WRONG)):
        clip, mark = row.text(CLIP), (row.optional_text(WRONG) or "").lower()
        if mark not in _YES | _NO:
            raise row.error(f"expected yes, x, 1 or nothing in '{WRONG}', got '{mark}'")
        if clip in marks:
            raise row.error(f"{clip} is in an earlier row, too")
        marks[clip] = mark in _YES
    return marks


def wrong_clips(path: Path | None) -> frozenset[str]:
    """Return the ids of the clips that are marked as wrong; without a table none is.

    Raises:
        ClipHarError: as `read_marks`.
    """
    if path is None:
        return frozenset()
    return frozenset(clip for clip, wrong in read_marks(path).items() if wrong)


def check_marks(path: Path | None, clips: ClipSet) -> None:
    """Raise if a table names clips that do not exist, as after a typing error.

    If only a part of a data set is evaluated, the table may name the rest.

    Raises:
        ClipHarError: then, and as `read_marks`.
    """
    if path is None:
        return
    known = {clip.id for clip in clips.clips}
    named = read_marks(path)
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
