"""JIGSAWS: gestures of surgeons at a training robot (Gao et al. 2014).

The formats are those of the release: ``transcriptions/<trial>.txt`` with lines
``<first frame> <last frame> <gesture>`` at 30 frames a second, and ``meta_file_<task>.txt`` with
lines ``<trial> <skill> <total score> <six scores>``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings
from clip_har.data.clips import ClipSet
from clip_har.data.sources.files import existing_file, existing_folder, videos_by_stem
from clip_har.data.sources.sections import Section, check_new, check_order, clips_of, section_id
from clip_har.data.sources.tables import Row, read_table

LICENCE = (
    "For academic, non-commercial research on request; given by the Johns Hopkins University (CIRL)"
    " and Intuitive Surgical. The publication must be cited."
)
CITATION = (
    "Gao, Vedula, Reiley, Ahmidi, Varadarajan, Lin, Tao, Zappella, Béjar, Yuh, Chen, Vidal,"
    " Khudanpur, Hager: JHU-ISI Gesture and Skill Assessment Working Set (JIGSAWS): A Surgical"
    " Activity Dataset for Human Motion Modeling. MICCAI Workshop M2CAI, 2014"
)
GESTURES = {
    "G1": "Reaching for needle with right hand",
    "G2": "Positioning needle",
    "G3": "Pushing needle through tissue",
    "G4": "Transferring needle from left to right",
    "G5": "Moving to center with needle in grip",
    "G6": "Pulling suture with left hand",
    "G7": "Pulling suture with right hand",
    "G8": "Orienting needle",
    "G9": "Using right hand to help tighten suture",
    "G10": "Loosening more suture",
    "G11": "Dropping suture at end and moving to end points",
    "G12": "Reaching for needle with left hand",
    "G13": "Making C loop around right hand",
    "G14": "Reaching for suture with right hand",
    "G15": "Pulling suture with both hands",
}
"""The vocabulary of Gao et al. (2014); each task uses some of them."""

_SKILLS = {"N": "novice", "I": "intermediate", "E": "expert"}
_FPS = 30  # of videos and annotations
_SPAN = ("start", "end", "gesture")
_META = (
    "trial", "skill", "total", "tissue", "needle", "time", "flow", "overall", "quality",
)  # fmt: skip
_TRIAL = re.compile(r"(?P<surgeon>[A-Z])0*(?P<repetition>[1-9]\d*)")
_SHARES_GROUPS = "leave-one-supertrial-out has trials of each surgeon in both parts"

_HeldOut = Annotated[str, Field(pattern="^([B-I]|[1-5])$")]


def _as_text(value: Any) -> Any:
    """Return a repetition as text: YAML and the command line read it as a number."""
    return str(value) if type(value) is int else value


class JIGSAWS(Settings):
    """JIGSAWS: 39 trials of suturing, 36 of knot tying, 28 of needle passing, by 8 surgeons.

    Layout: ``<task>/video/<trial>_capture<1|2>.avi``, ``<task>/transcriptions/<trial>.txt`` and
    ``<task>/meta_file_<task>.txt``; the task's folder may lie in a folder of its own name. A trial
    is ``Suturing_B001``: task, surgeon, repetition. A clip is one gesture. Frames count from 1, and
    the last one belongs to the gesture; frames without a gesture are not used.

    The classes are the gestures that occur in the transcriptions of the task, in their order, the
    same for every part. The group is the surgeon. Attributes are ``skill`` (novice, intermediate
    or expert, as the surgeons say of themselves) and ``camera`` (left and right of the endoscope).

    Attributes:
        root: the folder of the tasks.
        task: one of the three exercises.
        held_out: the surgeon (``B`` to ``I``) or the repetition (``1`` to ``5``) that is the test
            part: leave one user out, or leave one supertrial out. None only with ``subset: all``.
        subset: the other trials, those held out, or all.
        captures: the cameras, 1 and 2; both show the same gestures.
        allow_missing: evaluate the trials whose videos are there.
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    root: Path
    task: Literal["Suturing", "Knot_Tying", "Needle_Passing"] = "Suturing"
    held_out: Annotated[_HeldOut | None, BeforeValidator(_as_text)] = None
    subset: Literal["train", "test", "all"] = "all"
    captures: Annotated[tuple[Literal[1, 2], ...], Field(min_length=1)] = (1,)
    allow_missing: bool = False

    @model_validator(mode="after")
    def _held_out_for_subset(self) -> Self:
        if self.held_out is None and self.subset != "all":
            raise ValueError(f"subset={self.subset} needs held_out: a surgeon or a repetition")
        if len(set(self.captures)) < len(self.captures):
            raise ValueError("captures names a camera twice")
        return self

    def training(self) -> "JIGSAWS":
        """Return the trials that are not held out.

        Raises:
            ClipHarError: when nothing is held out.
        """
        if self.held_out is None:
            raise ClipHarError(
                "noise is learned on the trials that are not held out: set dataset.held_out=<a"
                " surgeon, B to I, or a repetition, 1 to 5> and dataset.subset=test"
            )
        return self.model_copy(update={"subset": "train"})

    def clips(self) -> ClipSet:
        """Return the gestures of the trials, in the order of the trials and of time.

        Raises:
            ClipHarError: when a list is missing or malformed, or videos are missing.
        """
        root = existing_folder(
            self.root, expected=f"the folder {self.task}", setting="dataset.root"
        )
        folder = root / self.task
        if (folder / self.task).is_dir():
            folder /= self.task
        lists = existing_folder(
            folder / "transcriptions", expected="<trial>.txt", setting="dataset.root"
        )
        spans = {path.stem: _read_spans(path) for path in sorted(lists.glob(f"{self.task}_*.txt"))}
        used = {row.text("gesture") for rows in spans.values() for row in rows}
        labels = {gesture: i for i, gesture in enumerate(g for g in GESTURES if g in used)}
        skills = _read_skills(folder / f"meta_file_{self.task}.txt")
        videos = existing_folder(
            folder / "video", expected="<trial>_capture1.avi", setting="dataset.root"
        )
        found = videos_by_stem(videos)
        sections = [
            section
            for trial, rows in spans.items()
            if self._wanted(lists, trial)
            for capture in self.captures
            for section in _sections(rows, trial, capture, found, labels, skills.get(trial))
        ]
        name = f"jigsaws/{self.task}/{self.subset}"
        if self.subset != "all":
            name += f"/{self.held_out}"
        if not sections:
            raise ClipHarError(f"{lists} has no trial of {name}: expected {self.task}_B001.txt …")
        return ClipSet(
            name=name,
            class_names=tuple(GESTURES[gesture] for gesture in labels),
            clips=clips_of(sections, what=name, root=videos, allow_missing=self.allow_missing),
            licence=LICENCE,
            citation=CITATION,
            whole=len(sections),
            shares_groups=_SHARES_GROUPS if (self.held_out or "").isdigit() else "",
        )

    def _wanted(self, lists: Path, trial: str) -> bool:
        """Return whether a trial is in the subset."""
        named = _trial(trial)
        if named is None:
            raise ClipHarError(
                f"{lists / trial}.txt: expected a name such as {self.task}_B001.txt (surgeon B,"
                " repetition 1)"
            )
        return self.subset == "all" or (self.held_out in named) == (self.subset == "test")


def _trial(name: str) -> tuple[str, str] | None:
    """Return the surgeon and the repetition in a trial's name.

    Example:
        >>> _trial("Knot_Tying_B001"), _trial("Suturing_notes")
        (('B', '1'), None)
    """
    match = _TRIAL.fullmatch(name.rpartition("_")[2])
    return (match["surgeon"], match["repetition"]) if match else None


def _read_spans(path: Path) -> list[Row]:
    """Return the gestures of a trial.

    Raises:
        ClipHarError: when a line is malformed.
    """
    rows = list(read_table(path, required=(), columns=_SPAN, delimiter=" "))
    for row in rows:
        check_order(row, row.whole("start") - 1, row.whole("end"))
        if row.whole("start") < 0:
            raise row.error(f"expected 'start' as a frame, got {row.whole('start')}")
        if row.text("gesture") not in GESTURES:
            raise row.error(f"expected a gesture, G1 to G15, got '{row.text('gesture')}'")
    return rows


def _read_skills(path: Path) -> dict[str, str]:
    """Return the skill of each trial's surgeon.

    Raises:
        ClipHarError: when the file is missing, or a line is malformed or repeated.
    """
    existing_file(
        path,
        expected="the skill of each trial",
        setting="dataset.root",
        what="the folder of the tasks",
    )
    skills: dict[str, str] = {}
    for row in read_table(path, required=(), columns=_META, delimiter=" "):
        trial, skill = row.text("trial"), row.text("skill")
        if skill not in _SKILLS:
            raise row.error(f"expected the skill N, I or E, got '{skill}'")
        if trial in skills:
            raise row.error(f"{trial} is listed twice")
        skills[trial] = _SKILLS[skill]
    return skills


def _sections(
    rows: list[Row],
    trial: str,
    capture: int,
    videos: dict[str, Path],
    labels: dict[str, int],
    skill: str | None,
) -> Iterator[Section]:
    """Yield the gestures of one trial as one camera shows them."""
    name = f"{trial}_capture{capture}"
    surgeon = (_trial(trial) or ("",))[0]
    attributes = {"camera": str(capture)} | ({"skill": skill} if skill else {})
    place: dict[str, str] = {}
    for row in rows:
        start, end = max(row.whole("start") - 1, 0) / _FPS, row.whole("end") / _FPS
        check_new(place, row, section_id(name, start, end))
        label = labels[row.text("gesture")]
        yield Section(name, videos.get(name.lower()), label, surgeon, start, end, attributes)
