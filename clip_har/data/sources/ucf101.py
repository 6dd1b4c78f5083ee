"""UCF-101 with its three official train/test splits."""

import re
from collections import Counter
from pathlib import Path
from typing import ClassVar, Literal

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.sources.files import (
    existing_folder,
    listed_clips,
    log_unused,
    stem_key,
    stem_of,
    text_lines,
)
from clip_har.data.sources.frame_rate import FrameRate, check_rate, rate_of
from clip_har.data.sources.missing import check_missing

LICENCE = (
    "No formal licence: a research data set of third-party YouTube footage, "
    "distributed by the University of Central Florida for research."
)
CITATION = (
    "Soomro, Zamir, Shah: UCF101: A Dataset of 101 Human Actions Classes From Videos in The Wild. "
    "CRCV-TR-12-01, University of Central Florida, 2012. arXiv:1212.0402"
)
# Types of Soomro et al. (2012), figure 2; the other fifty classes are sports.
_TYPES = {
    "human-object interaction": (
        "ApplyEyeMakeup", "ApplyLipstick", "BlowDryHair", "BrushingTeeth", "CuttingInKitchen",
        "Hammering", "HulaHoop", "JugglingBalls", "JumpRope", "Knitting", "Mixing", "MoppingFloor",
        "Nunchucks", "PizzaTossing", "ShavingBeard", "SkateBoarding", "SoccerJuggling", "Typing",
        "WritingOnBoard", "YoYo",
    ),
    "body motion only": (
        "BabyCrawling", "BlowingCandles", "BodyWeightSquats", "HandstandPushups",
        "HandstandWalking", "JumpingJack", "Lunges", "PullUps", "PushUps", "RockClimbingIndoor",
        "RopeClimbing", "Swing", "TaiChi", "TrampolineJumping", "WalkingWithDog", "WallPushups",
    ),
    "human-human interaction": (
        "BandMarching", "Haircut", "HeadMassage", "MilitaryParade", "SalsaSpin",
    ),
    "playing musical instruments": (
        "Drumming", "PlayingCello", "PlayingDaf", "PlayingDhol", "PlayingFlute", "PlayingGuitar",
        "PlayingPiano", "PlayingSitar", "PlayingTabla", "PlayingViolin",
    ),
}  # fmt: skip
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in names}
_EXPECTED = "the folders UCF-101/ (one folder of clips per class) and ucfTrainTestlist/"
# the videos, their middle frames as CoOp publishes them, raw frames as mmaction2 writes them
FOLDERS = ("UCF-101", "UCF-101-midframes", "rawframes")
"""Where the clips are below the root."""
STEM = re.compile(r"v_(?P<name>\w+)_(?P<group>g\d+)_c\d+")
"""The name of a clip, without its extension."""


class UCF101(Settings):
    """UCF-101: 13,320 clips of 101 actions, 25 groups of one actor and place per class.

    The clips are those of the official list of one split, in its order. A clip is found by its
    name; case, extension and folders below ``videos`` do not matter. So re-encoded copies and the
    two spellings ``HandstandPushups`` and ``HandStandPushups`` are accepted.

    Without videos, clips of images are read: raw frames in a folder or zip of each clip, and CoOp's
    ``UCF-101-midframes/<Class_Name>/<clip>.jpg``, one frame of each clip (Zhou et al. 2022,
    "Learning to Prompt for Vision-Language Models"), on which most zero-shot numbers are published.

    The group is ``<Class>_gNN``: the numbers start again in each class, so ``g01`` of two classes
    is not the same group. The attribute ``action_type`` is one of the authors' five types.

    Attributes:
        root: the folder with ``UCF-101/`` and ``ucfTrainTestlist/`` (or their content).
        split: official split.
        subset: official part of the split.
        allow_missing: evaluate the clips on disk even if some are missing.
        lists: the folder of the list files, if it is not below ``root``.
        videos: the folder of the clips, if it is not below ``root``; None = the first of
            ``UCF-101``, ``UCF-101-midframes`` and ``rawframes`` in it.
        fps: frames per second of raw frames, for ``frames.sampler=fps``; None = not known (the
            videos have 25 or 29.97).
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    root: Path
    split: Literal[1, 2, 3] = 1
    subset: Literal["train", "test"] = "test"
    allow_missing: bool = False
    lists: Path | None = None
    videos: Path | None = None
    fps: FrameRate | None = None

    def training(self) -> "UCF101":
        """Return the training part of the split."""
        return self.model_copy(update={"subset": "train"})

    def clips(self) -> ClipSet:
        """Return the clips of the split.

        Raises:
            ClipHarError: when a folder or list is missing or malformed, or clips are missing.
        """
        lists, videos = self._folders()
        class_names = read_classes(lists / "classInd.txt")
        entries = read_split(lists / f"{self.subset}list0{self.split}.txt", class_names)
        unused: Counter[str] = Counter()
        stems = {stem_key(stem) for _, stem, _ in entries}
        found = listed_clips(videos, stems, unused=unused)
        log_unused(videos, unused)
        missing = [entry for entry, stem, _ in entries if stem_key(stem) not in found]
        check_missing(
            missing,
            there=len(entries) - len(missing),
            total=len(entries),
            what=f"UCF-101 (split {self.split}, {self.subset})",
            root=videos,
            allow_missing=self.allow_missing,
            if_none="set dataset.root or dataset.videos, or name a split whose clips are there"
            " (dataset.split; dataset.allow_missing needs at least one clip)",
        )
        clips = []
        for _, stem, label in entries:
            path = found.get(stem_key(stem))
            if path is not None:
                name = class_names[label]
                group, rate = group_of(stem, name), rate_of(path, self.fps)
                clips.append(Clip(stem, path, label, group, attributes=_type(name), fps=rate))
        check_rate(self.fps, (clip.path for clip in clips), name=str(videos))
        return ClipSet(
            name=f"ucf101/{self.subset}/split{self.split}",
            class_names=class_names,
            clips=tuple(clips),
            licence=LICENCE,
            citation=CITATION,
            whole=len(entries),
        )

    def _folders(self) -> tuple[Path, Path]:
        """Return the folders of the lists and of the videos."""
        root = self.root
        if self.lists is None or self.videos is None:
            root = existing_folder(self.root, expected=_EXPECTED, setting="dataset.root")
        if self.lists is not None:
            lists = existing_folder(
                self.lists, expected="classInd.txt and the split lists", setting="dataset.lists"
            )
        else:
            nested = root / "ucfTrainTestlist"
            lists = nested if nested.is_dir() else root
        if self.videos is not None:
            videos = existing_folder(
                self.videos, expected="one folder of clips per class", setting="dataset.videos"
            )
        else:
            places = (place for name in FOLDERS if (place := root / name).is_dir())
            videos = next(places, root)
        return lists, videos


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the numbered lines of a list file that are not blank; CRLF ends are accepted."""
    if not path.is_file():
        raise ClipHarError(
            f"{path} does not exist: expected the official lists of UCF-101 there; "
            "set dataset.lists=<the folder of classInd.txt> or dataset.root"
        )
    return text_lines(path)


def read_classes(path: Path) -> tuple[str, ...]:
    """Return the class names of ``classInd.txt`` (lines ``<index from 1> <Class>``).

    Raises:
        ClipHarError: when it is missing, or a line is malformed.
    """
    names: list[str] = []
    for number, line in _lines(path):
        index, _, name = line.partition(" ")
        if index != str(len(names) + 1) or not name:
            raise ClipHarError(
                f"{path}, line {number}: expected '{len(names) + 1} <Class>', got '{line}'"
            )
        names.append(name.strip())
    return tuple(names)


def read_split(path: Path, class_names: tuple[str, ...]) -> list[tuple[str, str, int]]:
    """Return (entry, stem, label) of each line ``<Class>/<file>[ <index from 1>]``.

    Raises:
        ClipHarError: when the list is missing, or a line is malformed or contradicts the classes.
    """
    labels = {name.lower(): label for label, name in enumerate(class_names)}
    entries = []
    for number, line in _lines(path):
        entry, _, index = line.partition(" ")
        folder, _, file_name = entry.partition("/")
        label = labels.get(folder.lower())
        if label is None or not file_name:
            raise ClipHarError(
                f"{path}, line {number}: expected '<Class>/<file>' with a class of classInd.txt, "
                f"got '{line}'"
            )
        # the train lists carry the class index, the test lists do not
        if index and index.strip() != str(label + 1):
            raise ClipHarError(
                f"{path}, line {number}: expected the index {label + 1} of {folder} in "
                f"classInd.txt, got '{index.strip()}'"
            )
        entries.append((entry, stem_of(file_name), label))
    return entries


def _type(class_name: str) -> dict[str, str]:
    """Return the coarse type of an action."""
    return {"action_type": _TYPE_OF.get(class_name, "sports")}


def group_of(stem: str, class_name: str) -> str:
    """Return the group of a clip's name, ``<Class>_gNN``.

    Raises:
        ClipHarError: when the name is not ``v_<Class>_gNN_cMM``.
    """
    match = STEM.fullmatch(stem)
    if match is None:
        raise ClipHarError(f"expected a UCF-101 name v_<Class>_gNN_cMM, got '{stem}'")
    return f"{class_name}_{match['group']}"
