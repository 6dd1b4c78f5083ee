"""Cholec80: phases of gallbladder operations (Twinanda et al. 2017).

The formats are those that public readers parse (SAIIL_public's ``cholec_convert.py``): a line for
each frame at 25 frames a second, ``<frame from 0><tab><phase>``, below the header
``Frame<tab>Phase``; and for tools a line for each 25th frame. The splits are those of the
publication and of TeCNO's ``datasets/cholec80.py`` (``40-8-32``).
"""

import math
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.sources.files import existing_folder, list_text, videos_by_stem
from clip_har.data.sources.missing import check_missing
from clip_har.data.sources.sections import NO_VIDEOS, section_id
from clip_har.data.sources.tables import read_table

LICENCE = (
    "CC BY-NC-SA 4.0, for research; the videos of the operations are given on request by the group"
    " CAMMA, University of Strasbourg."
)
CITATION = (
    "Twinanda, Shehata, Mutter, Marescaux, de Mathelin, Padoy: EndoNet: A Deep Architecture for"
    " Recognition Tasks on Laparoscopic Videos. IEEE Transactions on Medical Imaging 36(1), 2017"
)
PHASES = (
    "Preparation",
    "CalotTriangleDissection",
    "ClippingCutting",
    "GallbladderDissection",
    "GallbladderPackaging",
    "CleaningCoagulation",
    "GallbladderRetraction",
)
TOOLS = ("Grasper", "Bipolar", "Hook", "Scissors", "Clipper", "Irrigator", "SpecimenBag")
_FPS = 25  # of videos and annotations
_LEAST_REST = 0.5  # of a stretch; a shorter rest of a phase belongs to the stretch before
# Operations of each part.
_SPLITS: dict[str, dict[str, range]] = {
    "40-40": {"train": range(1, 41), "test": range(41, 81)},
    "32-8-40": {"train": range(1, 33), "val": range(33, 41), "test": range(41, 81)},
    "40-8-32": {"train": range(1, 41), "val": range(41, 49), "test": range(49, 81)},
}
_EXPECTED = "videos/video01.mp4 … and phase_annotations/video01-phase.txt …"


class Cholec80(Settings):
    """Cholec80: 80 operations, 7 phases; a clip is a stretch of one phase.

    Layout: ``videos/videoNN.mp4``, ``phase_annotations/videoNN-phase.txt`` and, if there,
    ``tool_annotations/videoNN-tool.txt``. A run of frames of one phase is cut into stretches of
    ``seconds``; a rest of less than half a stretch belongs to the one before it.

    The group is the operation. Thirteen surgeons operated (Twinanda et al. 2017); who did which
    operation is not published, so operations of one surgeon count as independent.

    Attributes of a clip are the seven tools (``tool.Hook`` and so on): ``yes`` if the tool is seen
    in any of the annotated seconds of the stretch, else ``no``. A stretch without an annotated
    second has none of them.

    Attributes:
        root: the folder of ``videos`` and ``phase_annotations``.
        split: numbers of operations for training, validation and test: ``40-40`` of the
            publication, ``32-8-40`` with eight of its training part for validation, ``40-8-32``
            of TeCNO with eight of its test part.
        subset: part of the split, or all operations.
        seconds: length of a stretch; None = the whole run of a phase is one clip.
        allow_missing: evaluate the operations whose video and phases are there; the name says how
            many.
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    root: Path
    split: Literal["40-40", "32-8-40", "40-8-32"] = "40-40"
    subset: Literal["train", "val", "test", "all"] = "test"
    seconds: Annotated[float, Field(ge=1)] | None = 30.0
    allow_missing: bool = False

    @model_validator(mode="after")
    def _subset_of_split(self) -> Self:
        if self.subset not in {"all", *_SPLITS[self.split]}:
            raise ValueError(f"split={self.split} has no subset {self.subset}")
        return self

    def training(self) -> "Cholec80":
        """Return the training part of the split."""
        return self.model_copy(update={"subset": "train"})

    def clips(self) -> ClipSet:
        """Return the stretches of the operations, in the order of time.

        Raises:
            ClipHarError: when annotations are missing or malformed, or videos are missing.
        """
        root = existing_folder(self.root, expected=_EXPECTED, setting="dataset.root")
        folder = existing_folder(root / "videos", expected="video01.mp4 …", setting="dataset.root")
        part = "all" if self.subset == "all" else f"{self.subset}/{self.split}"
        numbers = range(1, 81) if self.subset == "all" else _SPLITS[self.split][self.subset]
        names = [f"video{number:02d}" for number in numbers]
        videos = videos_by_stem(folder)
        there = [name for name in names if name in videos and _phases_of(root, name).exists()]
        check_missing(
            [name for name in names if name not in there],
            there=len(there),
            total=len(names),
            what=f"cholec80/{part}",
            root=root,
            allow_missing=self.allow_missing,
            if_none=NO_VIDEOS,
            unit="operations (video and phases)",
        )
        if len(there) < len(names):
            part += f" ({len(there)} of {len(names)} operations)"
        return ClipSet(
            name=f"cholec80/{part}",
            class_names=PHASES,
            clips=tuple(clip for name in there for clip in self._clips(root, name, videos[name])),
            licence=LICENCE,
            citation=CITATION,
        )

    def _clips(self, root: Path, name: str, video: Path) -> Iterator[Clip]:
        """Yield the stretches of one operation."""
        tools = _read_tools(root / "tool_annotations" / f"{name}-tool.txt")
        first = 0
        for phase, run in groupby(read_phases(_phases_of(root, name))):
            frames = sum(1 for _ in run)
            for start, end in _cut(first / _FPS, (first + frames) / _FPS, self.seconds):
                clip_id, seen = section_id(name, start, end), _seen(tools, start, end)
                yield Clip(clip_id, video, phase, name, start or None, end, attributes=seen)
            first += frames


def _phases_of(root: Path, name: str) -> Path:
    return root / "phase_annotations" / f"{name}-phase.txt"


def read_phases(path: Path) -> list[int]:
    """Return the phase of each frame, as an index into `PHASES`.

    Raises:
        ClipHarError: when the file cannot be read, a frame is missing, or a phase is not known.
    """
    labels = {name: label for label, name in enumerate(PHASES)}
    lines = list_text(path).splitlines()
    found: list[int] = []
    # By hand and not row by row: the files have millions of lines.
    for number, line in enumerate(lines[1:], 2):
        values = line.split()
        if not values:
            continue
        if len(values) != 2 or values[0] != str(len(found)) or values[1] not in labels:
            raise ClipHarError(
                f"{path}, line {number}: expected '{len(found)}' and one of {', '.join(PHASES)},"
                f" got '{plain_name(' '.join(values))}'"
            )
        found.append(labels[values[1]])
    if lines and lines[0].split() != ["Frame", "Phase"]:
        raise ClipHarError(
            f"{path}, line 1: expected 'Frame Phase', got '{plain_name(lines[0].strip())}'"
        )
    if not found:
        raise ClipHarError(f"{path} has no frames: expected the lines 'Frame Phase', '0 …', '1 …'")
    return found


def _read_tools(path: Path) -> dict[float, set[str]]:
    """Return the tools that are seen at each annotated moment, in seconds; none without the file.

    Raises:
        ClipHarError: when a line is malformed.
    """
    if not path.exists():
        return {}
    seen: dict[float, set[str]] = {}
    for row in read_table(path, required=("Frame", *TOOLS), delimiter=" "):
        if (frame := row.whole("Frame")) < 0:
            raise row.error(f"expected 'Frame' to be 0 or more, got {frame}")
        now = seen.setdefault(frame / _FPS, set())
        for tool in TOOLS:
            value = row.text(tool)
            if value not in {"0", "1"}:
                raise row.error(f"expected '{tool}' to be 0 or 1, got '{value}'")
            if value == "1":
                now.add(tool)
    return seen


def _seen(tools: dict[float, set[str]], start: float, end: float) -> dict[str, str]:
    """Return whether each tool is seen in a stretch; nothing if no annotated moment is in it."""
    inside = [seen for moment, seen in tools.items() if start <= moment < end]
    if not inside:
        return {}
    return {
        f"tool.{tool}": "yes" if any(tool in seen for seen in inside) else "no" for tool in TOOLS
    }


def _cut(start: float, end: float, seconds: float | None) -> Iterator[tuple[float, float]]:
    """Yield the start and end of each stretch of a run.

    Example:
        >>> list(_cut(10, 41, 10)), list(_cut(10, 46, 10))
        ([(10, 20), (20, 30), (30, 41)], [(10, 20), (20, 30), (30, 40), (40, 46)])
        >>> list(_cut(10, 12, 10)), list(_cut(10, 40, None))
        ([(10, 12)], [(10, 40)])
    """
    whole = math.inf if seconds is None else seconds
    while end - start >= (1 + _LEAST_REST) * whole:
        yield start, start + whole
        start += whole
    yield start, end
