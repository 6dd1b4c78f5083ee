"""Sections of longer videos: what the data sets of long recordings share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip
from clip_har.data.sources.missing import check_missing
from clip_har.data.sources.named import named_clips
from clip_har.data.sources.tables import Row

NO_VIDEOS = "set dataset.root=<the folder of the data set>"
"""What to do if no video of a data set is there."""


@dataclass(frozen=True)
class Section:
    """One labelled section of a video that a list names; the video may be missing.

    Attributes:
        name: of the video, unique within the data set.
        path: the video; None if it is missing.
        label: index into the class names.
        group: as that of a clip.
        start: in seconds from the start of the video.
        end: the section ends before this moment, in seconds.
        attributes: as those of a clip.
    """

    name: str
    path: Path | None
    label: int
    group: str
    start: float
    end: float
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def id(self) -> str:
        """The id of its clip.

        Example:
            >>> Section("le2i/video_1", None, 0, "le2i/1", 0.0, 2.5).id
            'le2i/video_1#0-2.5'
        """
        return section_id(self.name, self.start, self.end)


def section_id(name: str, start: float | None, end: float | None) -> str:
    """Return the id of a section, ``<name>#<start>-<end>``, in seconds.

    Example:
        >>> section_id("a.mp4", None, 2.5), section_id("a.mp4", 2.5, None)
        ('a.mp4#0-2.5', 'a.mp4#2.5-')
    """
    return f"{name}#{start or 0.0:.12g}-{'' if end is None else f'{end:.12g}'}"


def check_order(row: Row, start: float, end: float) -> None:
    """Raise if a section does not end after its start."""
    if end <= start:
        raise row.error(f"expected 'end' after 'start', got start {start:g} and end {end:g}")


def check_new(seen: dict[str, str], row: Row, section_id: str) -> None:
    """Raise if a list gives a section twice.

    Args:
        seen: place of each section so far, by id; this one is added.
        row: of the list.
        section_id: of the section.
    """
    if section_id in seen:
        raise row.error(f"{section_id} is listed twice, first in {seen[section_id]}")
    seen[section_id] = row.place


def only_video(folder: Path, name: str) -> Path | None:
    """Return the video with a name below a folder, whatever its extension; None if there is none.

    Raises:
        ClipHarError: when there are several.
    """
    found = named_clips(folder, name)
    if len(found) > 1:
        several = " or ".join(path.name for path in found)
        raise ClipHarError(f"{folder / name} may be {several}: remove or rename one of them")
    return found[0] if found else None


def clips_of(
    sections: Sequence[Section], *, what: str, root: Path, allow_missing: bool
) -> tuple[Clip, ...]:
    """Return the clips of the sections whose videos are there.

    Args:
        sections: at least one.
        what: the data set and its part, for messages.
        root: the folder of the data set, for messages.
        allow_missing: leave out the sections of missing videos if some videos are there.

    Raises:
        ClipHarError: when videos are missing.
    """
    videos = {section.name: section.path for section in sections}
    missing = [name for name, path in videos.items() if path is None]
    check_missing(
        missing,
        there=len(videos) - len(missing),
        total=len(videos),
        what=what,
        root=root,
        allow_missing=allow_missing,
        if_none=NO_VIDEOS,
        unit="videos",
    )
    return tuple(
        Clip(
            section.id,
            section.path,
            section.label,
            section.group,
            section.start or None,
            section.end,
            attributes=section.attributes,
        )
        for section in sections
        if section.path is not None
    )
