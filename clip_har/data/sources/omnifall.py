"""OmniFall: sections of ten data sets of falls under one list of classes (Schneider et al. 2025).

The formats are those of the repository ``simplexsigil2/omnifall`` on the Hugging Face Hub, as its
``STRUCTURE.md`` and ``LABELS.md`` describe them, and of the package ``omnifall`` 0.2.0, which
writes the videos (``_constants.py``, ``_prepare.py``).
"""

import logging
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

from clip_har.core.errors import ClipHarError
from clip_har.core.names import listed
from clip_har.core.settings import Settings
from clip_har.data.clips import ClipSet
from clip_har.data.sources.attributes import attributes_of
from clip_har.data.sources.files import existing_file, existing_folder
from clip_har.data.sources.sections import (
    Section,
    check_new,
    check_order,
    clips_of,
    only_video,
    section_id,
)
from clip_har.data.sources.tables import Row, read_table

log = logging.getLogger(__name__)

LICENCE = (
    "Annotations: CC BY-NC-SA 4.0 according to the text of their repository, CC BY-NC 4.0 according"
    " to its metadata. Videos: the terms of the authors of each of the ten data sets"
    " ('omnifall sources' shows them); those of CMDFall are given on request only."
)
CITATION = (
    "Schneider, Marinov, Baur, Zhong, Düger, Stiefelhagen: OmniFall: From Staged Through Synthetic"
    " to Wild, A Unified Multi-Domain Dataset for Robust Fall Detection. arXiv:2505.19889, 2025."
    " Cite the publication of each data set that you use, too ('omnifall cite')"
)
CLASSES = (
    "walk", "fall", "fallen", "sit_down", "sitting", "lie_down", "lying", "stand_up", "standing",
    "other", "kneel_down", "kneeling", "squat_down", "squatting", "crawl", "jump",
)  # fmt: skip
"""By the number in the column ``label``; the staged data sets use the first ten."""

_STAGED_CLASSES = 10
_OTHER = CLASSES.index("other")
_STAGED = ("caucafall", "cmdfall", "edf", "GMDCSA24", "le2i", "mcfd", "occu", "up_fall")
_WILD = "OOPS"
_SYNTHETIC = "of-syn"
_PARTS = {
    "staged": _STAGED,
    "wild": (_WILD,),
    "synthetic": (_SYNTHETIC,),
    "all": (*_STAGED, _WILD, _SYNTHETIC),
}
_COLUMNS = ("path", "label", "start", "end", "subject", "cam", "dataset")
_ATTRIBUTE = re.compile(r"[A-Za-z0-9_.-]+")  # a name of metrics
_SHARES_GROUPS = "the cross-view protocol of OmniFall has people in several parts"
_FOLDER = "the folder of labels/ and splits/"
_EXPECTED = "labels/, splits/ and a folder of videos for each data set"


class OmniFall(Settings):
    """OmniFall: 71,846 sections of 14,982 videos of ten data sets, 16 classes.

    Layout: ``labels/<data set>.csv`` with the columns ``path,label,start,end,subject,cam,dataset``,
    ``splits/<protocol>/<data set>/<subset>.csv`` with the column ``path``, and the videos as
    ``<data set>/video/<path>`` with any extension. Upper and lower case of the names of data sets
    do not matter (the splits spell ``gmdcsa24``, the labels ``GMDCSA24``).

    The group is a person of a data set. The videos of ``wild`` and ``synthetic`` name no person:
    there each video is a group. EDF and OCCU come from one laboratory; whether they share people
    is not published.

    The labels of some data sets were moved from one camera to the others by an offset. So some
    sections begin before the video (they begin with it), or end after it (they end with it). Those
    that lie before the video as a whole are left out, and the log counts them; those that lie after
    it as a whole fail to decode, as the length of a video is not known here.

    Attributes of a clip are ``component`` (its data set), ``camera`` if it is known, and all
    further columns of the labels: those of ``synthetic`` tell age, looks, scene and camera.

    Attributes:
        root: the folder of ``labels``, ``splits`` and the data sets.
        part: one data set, or ``staged`` (eight), ``wild`` (OOPS), ``synthetic`` (OF-Syn), ``all``.
        setting: ``full`` has 16 classes, ``staged`` the first ten; the other six become ``other``.
        protocol: of the official splits: ``cs``, other people, or ``cv``, other cameras.
        synthetic_split: of the synthetic videos, which have no protocol.
        subset: part of the split, or all sections.
        allow_missing: evaluate the sections of the videos that are there.
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    root: Path
    part: Literal[
        "staged", "wild", "synthetic", "all", "caucafall", "cmdfall", "edf", "GMDCSA24", "le2i",
        "mcfd", "occu", "up_fall",
    ] = "staged"  # fmt: skip
    setting: Literal["full", "staged"] = "full"
    protocol: Literal["cs", "cv"] = "cs"
    synthetic_split: Literal["random", "cross_age", "cross_ethnicity", "cross_bmi"] = "random"
    subset: Literal["train", "val", "test", "all"] = "test"
    allow_missing: bool = False

    def training(self) -> "OmniFall":
        """Return the training part of the split."""
        return self.model_copy(update={"subset": "train"})

    def clips(self) -> ClipSet:
        """Return the sections of the part, data set by data set, in the order of the labels.

        Raises:
            ClipHarError: when a list is missing or malformed, or videos are missing.
        """
        root = existing_folder(self.root, expected=_EXPECTED, setting="dataset.root")
        components = _PARTS.get(self.part, (self.part,))
        sections = [section for name in components for section in self._sections(root, name)]
        name = f"omnifall/{self.part}/{self._split(components)}"
        if not sections:
            raise ClipHarError(f"{name} has no sections: choose another dataset.subset or part")
        classes = CLASSES if self.setting == "full" else CLASSES[:_STAGED_CLASSES]
        return ClipSet(
            name=name if self.setting == "full" else f"{name}/{_STAGED_CLASSES} classes",
            class_names=classes,
            clips=clips_of(sections, what=name, root=root, allow_missing=self.allow_missing),
            licence=LICENCE,
            citation=CITATION,
            whole=len(sections),
            shares_groups=_SHARES_GROUPS if self.protocol == "cv" else "",
        )

    def _split(self, components: tuple[str, ...]) -> str:
        """Return the part of the set's name that says which split it is."""
        if self.subset == "all":
            return "all"
        names = {self.synthetic_split if name == _SYNTHETIC else self.protocol: None
                 for name in components}  # fmt: skip
        return f"{'+'.join(names)}/{self.subset}"

    def _sections(self, root: Path, component: str) -> Iterator[Section]:
        """Yield the sections of one data set; none if the part of its split is empty."""
        labels = existing_file(
            _child(root / "labels", f"{component}.csv"),
            expected=f"the labels of {component}, which dataset.part={self.part} needs",
            setting="dataset.root",
            what=_FOLDER,
        )
        wanted = None if self.subset == "all" else self._listed(root, component)
        videos = _child(root, component) / "video"
        place: dict[str, str] = {}
        found: dict[str, Path | None] = {}
        before = 0
        for row in read_table(labels, required=_COLUMNS):
            path = row.path_below("path", videos)
            start, end = row.number("start"), row.number("end")
            check_order(row, start, end)
            name = f"{component}/{path}"
            check_new(place, row, section_id(name, start, end))
            label = self._label(row)
            if wanted is not None:
                if path not in wanted:
                    continue
                wanted[path] = True
            if end <= 0:
                before += 1
                continue
            if path not in found:
                found[path] = only_video(videos, path)
            subject = row.whole("subject")
            yield Section(
                name,
                found[path],
                label,
                f"{component}/{subject}" if subject >= 0 else name,
                max(start, 0.0),
                end,
                _attributes(row, component),
            )
        if before:
            log.warning("%s: %d sections end before the video begins: left out", labels, before)
        if without := [path for path, labelled in (wanted or {}).items() if not labelled]:
            log.warning(
                "%s: no labels for %d of the %d videos of the split: %s",
                labels, len(without), len(wanted or {}), listed(without),
            )  # fmt: skip

    def _listed(self, root: Path, component: str) -> dict[str, bool]:
        """Return the videos that the split names, none of them seen yet; there may be none."""
        synthetic = component == _SYNTHETIC
        folder = root / "splits" / ("syn" if synthetic else self.protocol)
        table = existing_file(
            _child(folder, self.synthetic_split if synthetic else component) / f"{self.subset}.csv",
            expected=f"the {self.subset} videos of {component}, for dataset.part={self.part}",
            setting="dataset.root",
            what=_FOLDER,
        )
        wanted: dict[str, bool] = {}
        for row in read_table(table, required=("path",), may_be_empty=True):
            path = row.text("path")
            if path in wanted:
                raise row.error(f"{path} is listed twice")
            wanted[path] = False
        return wanted

    def _label(self, row: Row) -> int:
        """Return the label of a row in the setting."""
        label = row.whole("label")
        if not 0 <= label < len(CLASSES):
            raise row.error(f"expected 'label' from 0 to {len(CLASSES) - 1}, got {label}")
        return _OTHER if self.setting == "staged" and label >= _STAGED_CLASSES else label


def _attributes(row: Row, component: str) -> dict[str, str]:
    camera = row.whole("cam")
    known = {"component": component} | ({"camera": str(camera)} if camera >= 0 else {})
    return known | attributes_of(row, _further(tuple(row.values)))


@lru_cache(maxsize=16)
def _further(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns beside those that each table of labels has."""
    return tuple(name for name in columns if name not in _COLUMNS and _ATTRIBUTE.fullmatch(name))


def _child(folder: Path, name: str) -> Path:
    """Return what has a name in a folder, without regard to case; as written if there is none."""
    if (folder / name).exists() or not folder.is_dir():
        return folder / name
    alike = [entry for entry in folder.iterdir() if entry.name.casefold() == name.casefold()]
    return alike[0] if alike else folder / name
