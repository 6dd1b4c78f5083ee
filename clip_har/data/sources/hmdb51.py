"""HMDB-51 with its three official splits, or all clips on disk."""

import re
from collections import Counter
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.sources.files import (
    clip_files_of,
    clip_stem,
    existing_folder,
    log_unused,
    stem_of,
    subfolders,
    text_lines,
)
from clip_har.data.sources.frame_rate import FrameRate, check_rate, rate_of
from clip_har.data.sources.missing import check_missing
from clip_har.data.sources.named import named_paths

LICENCE = (
    "No formal licence covers the footage: a research data set cut from third-party films and web "
    "videos, distributed by the Serre Lab, Brown University."
)
CITATION = (
    "Kuehne, Jhuang, Garrote, Poggio, Serre: HMDB: A Large Video Database for Human Motion "
    "Recognition. ICCV 2011"
)
_SHARES_GROUPS = "the official lists of HMDB-51 separate films within a class only"
_USED_AS = {"train": "1", "test": "2"}
# body parts, camera motion, number of people, viewpoint, quality, running number
_TAGS = re.compile(
    r"_(?P<body>[a-z]+)_(?P<camera>cm|nm)_np(?P<people>\d+)_(?P<viewpoint>ba|fr|le|ri)"
    r"_(?P<quality>bad|med|goo)_\d+$"
)
_MEANINGS = {
    "body": {"h": "head", "u": "upper", "f": "full", "l": "lower"},
    "camera": {"cm": "moving", "nm": "static"},
    "viewpoint": {"ba": "back", "fr": "front", "le": "left", "ri": "right"},
    "quality": {"bad": "bad", "med": "medium", "goo": "good"},
}
# Types of Kuehne et al. (2011), section 2; the other nineteen classes are general body movements.
_TYPES = {
    "facial": ("chew", "laugh", "smile", "talk"),
    "facial with object": ("drink", "eat", "smoke"),
    "body with object": (
        "brush_hair", "catch", "draw_sword", "dribble", "golf", "hit", "kick_ball", "pick", "pour",
        "push", "ride_bike", "ride_horse", "shoot_ball", "shoot_bow", "shoot_gun",
        "swing_baseball", "sword_exercise", "throw",
    ),
    "body with human": (
        "fencing", "hug", "kick", "kiss", "punch", "shake_hands", "sword",
    ),
}  # fmt: skip
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in names}


class HMDB51(Settings):
    """HMDB-51: 6,766 clips of 51 actions, cut from films and web videos.

    The group is the film: clips of one film share actors, places and camera, whatever their
    class. HMDB-51 has no list of films; the group is the file name up to ``_<class>_`` and the
    tags after it (``TrumanShow_wave_f_nm_np1_fr_med_26`` gives ``TrumanShow``). A film with two
    spellings of its title is two groups; a name without the tags is its own group.

    The official lists separate films within a class only: films of other classes are in both parts
    of a split. What is learned on the training part has seen some of the evaluated films.

    Attributes of a clip are the tags of its name: visible ``body`` parts, the ``camera``, number
    of ``people``, ``viewpoint`` and picture ``quality``; and ``action_type``, one of five.

    Attributes:
        root: the folder with one folder of clips per class, or the one that holds it as
            ``hmdb51_org/``.
        split: official split; None only with ``subset: all``.
        subset: official part of the split, or all clips on disk.
        splits: the folder of ``<class>_test_split<k>.txt``; None = ``root``, or
            ``testTrainMulti_7030_splits`` in or beside it if that exists.
        allow_missing: evaluate the clips on disk even if some are missing.
        fps: frames per second of clips of images (``<root>/<class>/<clip>/``), for
            ``frames.sampler=fps``; None = not known.
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    root: Path
    split: Literal[1, 2, 3] | None = 1
    subset: Literal["train", "test", "all"] = "test"
    splits: Path | None = None
    allow_missing: bool = False
    fps: FrameRate | None = None

    @model_validator(mode="after")
    def _split_for_subset(self) -> Self:
        if self.split is None and self.subset != "all":
            raise ValueError(f"subset={self.subset} needs a split (1, 2 or 3); only all needs none")
        return self

    def training(self) -> "HMDB51":
        """Return the training part of the split."""
        return self.model_copy(update={"subset": "train"})

    def clips(self) -> ClipSet:
        """Return the clips of the split, or all clips.

        Raises:
            ClipHarError: when a folder or split file is missing or malformed, or clips are missing.
        """
        root = existing_folder(
            self.root, expected="one folder of clips per class", setting="dataset.root"
        )
        splits = self._split_files(root)
        if (nested := root / "hmdb51_org").is_dir():
            root = nested
        if self.subset == "all":
            name, whole = "hmdb51/all", None
            listed = _all_clips(root, sorted({c for c, k in splits}))
        else:
            name = f"hmdb51/{self.subset}/split{self.split}"
            listed, whole = self._listed_clips(root, splits)
        class_names = tuple(sorted(listed))
        clips = tuple(
            Clip(
                f"{class_name}/{clip_stem(path)}",
                path,
                label,
                film_of(clip_stem(path), class_name),
                attributes=_attributes(clip_stem(path), class_name),
                fps=rate_of(path, self.fps),
            )
            for label, class_name in enumerate(class_names)
            for path in listed[class_name]
        )
        if not clips:
            raise ClipHarError(
                f"{root} holds no clips: expected one folder of clips per class in it; "
                "set dataset.root=<the folder>"
            )
        check_rate(self.fps, (clip.path for clip in clips), name=name)
        return ClipSet(name, class_names, clips, LICENCE, CITATION, whole, _SHARES_GROUPS)

    def _split_files(self, root: Path) -> dict[tuple[str, int], Path]:
        """Return the split files by class and split number; may be empty."""
        if self.splits is not None:
            places = [
                existing_folder(
                    self.splits, expected="<class>_test_split<k>.txt", setting="dataset.splits"
                )
            ]
        else:
            usual = "testTrainMulti_7030_splits"
            places = [root, root / usual, root.parent / usual]
        for place in places:
            files = {
                (plain_name(match[1]), int(match[2])): path
                for path in sorted(place.glob("*_test_split?.txt"))
                if (match := re.fullmatch(r"(.+)_test_split([123])", path.stem))
            }
            if files:
                return files
        if self.subset == "all" and self.splits is None:
            return {}
        raise ClipHarError(
            f"no split files <class>_test_split<k>.txt in {places[0]}: set "
            "dataset.splits=<their folder>, or dataset.subset=all for all clips that are there"
        )

    def _listed_clips(
        self, root: Path, splits: dict[tuple[str, int], Path]
    ) -> tuple[dict[str, list[Path]], int]:
        """Return the clips that the split files name, per class, and how many are named."""
        files = {name: path for (name, k), path in splits.items() if k == self.split}
        clips: dict[str, list[Path]] = {}
        missing: list[str] = []
        total = 0
        unused: Counter[str] = Counter()
        folders = {name: named_paths(root, name) for name in files}
        there = clip_files_of([one for found in folders.values() for one in found], unused=unused)
        for class_name, path in files.items():
            found = {
                plain_name(clip_stem(clip)): clip
                for folder in folders[class_name]
                for clip in there[folder]
            }
            stems = read_split_file(path, _USED_AS[self.subset])
            clips[class_name] = [found[stem] for stem in stems if stem in found]
            missing += [f"{class_name}/{stem}" for stem in stems if stem not in found]
            total += len(stems)
        log_unused(root, unused)
        check_missing(
            missing,
            there=total - len(missing),
            total=total,
            what=f"HMDB-51 (split {self.split}, {self.subset})",
            root=root,
            allow_missing=self.allow_missing,
            if_none="set dataset.root=<the folder of class folders>, or name a split whose clips"
            " are there (dataset.split; dataset.allow_missing needs at least one clip)",
        )
        return clips, total


def film_of(stem: str, class_name: str) -> str:
    """Return the source film of an HMDB-51 clip, from its name.

    Example:
        >>> film_of("TrumanShow_wave_f_nm_np1_fr_med_26", "wave")
        'TrumanShow'
        >>> film_of("my_own_clip", "wave")
        'my_own_clip'
    """
    titled = _TAGS.sub("", stem)
    if titled == stem:
        return stem
    marker = f"_{class_name.lower()}"
    if titled.lower().endswith(marker) and len(titled) > len(marker):
        return titled[: -len(marker)]
    return titled


def _attributes(stem: str, class_name: str) -> dict[str, str]:
    """Return the attributes in a clip's name, and the coarse type of its action."""
    found = {"action_type": _TYPE_OF.get(class_name, "body")}
    if tags := _TAGS.search(stem):
        for name in ("body", "camera", "people", "viewpoint", "quality"):
            found[name] = _MEANINGS.get(name, {}).get(tags[name], tags[name])
    return found


def _all_clips(root: Path, official: list[str]) -> dict[str, list[Path]]:
    """Return the clips of each class folder; folders without clips are no classes."""
    unused: Counter[str] = Counter()
    found: dict[str, list[Path]] = {}
    for folder, clips in clip_files_of(subfolders(root), unused=unused).items():
        found.setdefault(plain_name(folder.name), []).extend(clips)
    log_unused(root, unused)
    listed = {name: paths for name, paths in found.items() if paths}
    # with split files the classes are the official ones, also if no clip of one is there
    return {name: listed.get(name, []) for name in official} or listed


def read_split_file(path: Path, used_as: str) -> list[str]:
    """Return the stems of the lines ``<file> <0 unused, 1 train, 2 test>`` of one use.

    Raises:
        ClipHarError: when the file cannot be read, or a line is malformed.
    """
    stems = []
    for number, line in text_lines(path):
        file_name, _, use = line.rpartition(" ")
        if use not in {"0", "1", "2"} or not file_name:
            raise ClipHarError(f"{path}, line {number}: expected '<file> 0|1|2', got '{line}'")
        if use == used_as:
            stems.append(stem_of(file_name.strip()))
    return stems
