"""Data sets whose layout a pattern describes: fields of the path become labels and groups."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from clip_har.core.errors import AbsentError, ClipHarError
from clip_har.core.names import class_order, listed
from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.image_files import is_of_images
from clip_har.data.sources.attributes import AttributeNames
from clip_har.data.sources.files import existing_file, existing_folder
from clip_har.data.sources.frame_rate import FrameRate, rate_of
from clip_har.data.sources.missing import check_missing
from clip_har.data.sources.pattern.classes import Classes, given_classes
from clip_har.data.sources.pattern.files import Candidate, matching_files, refuse_two_files
from clip_har.data.sources.pattern.list import joined, read_list, section_of
from clip_har.data.sources.pattern.path import PathPattern
from clip_har.data.sources.pattern.rules import (
    Rule,
    Rules,
    fields_of,
    labels_of,
    name_key,
    subsets_of,
    unseen,
)
from clip_har.data.sources.tables import Row

_log = logging.getLogger(__name__)


def _texts(value: Any) -> Any:
    """Turn labels that YAML reads as numbers into texts."""
    if isinstance(value, dict):
        return {str(label): str(name) for label, name in value.items()}
    return tuple(str(name) for name in value) if isinstance(value, list) else value


def _checked(text: str) -> str:
    PathPattern(text)
    return text


def _template(text: str) -> str:
    """Check that a template of fields is one."""
    if not _fields_in(text):
        raise ValueError(f"expected a template of fields, such as {{label}}, got '{text}'")
    return text


def _fields_in(template: str) -> list[str]:
    """Return the fields that a template names.

    Raises:
        ValueError: when its braces do not match, or stand around something else.
    """
    names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    if wrong := [name for name in names if not name.isidentifier()]:
        raise ValueError(f"expected the name of a field in braces, got '{{{wrong[0]}}}'")
    return names


Template = Annotated[str, AfterValidator(_template)]


class Pattern(Settings):
    """Clips in any layout, read by a pattern of their paths.

    Fields of the pattern, and columns of a list, with these names have a meaning: ``label`` (the
    class), ``group`` (what is independent of other groups; without one each clip is its own),
    ``split`` (its part), ``start`` and ``end`` (columns only, seconds). The others serve rules,
    attributes and templates.

    The id of a clip is its path without the extension and without the folders that a leading
    ``**/`` stands for.

    Attributes:
        root: the folder of the clips.
        pattern: the path of a clip below ``root``, see
            `clip_har.data.sources.pattern.path.PathPattern`. Without an extension it matches
            every kind of clip.
        label: the label, a template of fields such as ``{verb} {noun}``.
        group: the group, a template of fields; None = the field ``group``.
        attributes: fields whose values are compared, such as ``[camera]``.
        classes: names by label (``{1: drink water}``), names in class order, or a file of either;
            None = the labels that are found. Numbers compare by value; case, brackets and ``_`` do
            not count.
        list_file: a table of the clips (CSV, TSV, JSON, Parquet or text), below ``root`` or
            elsewhere; ``{subset}`` and ``{split}`` stand for these settings. A row and a file
            belong together if the fields that both have are equal. Then the set has the clips of
            the rows, in their order.
        columns: names of the columns of a list without a header.
        delimiter: of a list; None = by its extension.
        splits: named rules of the subsets, such as
            ``{xsub: {train: {person: [1, 2, 4-9]}, test: rest}}``.
        split: which of ``splits`` holds.
        subset: the part that is evaluated; None = all.
        parts: named rules that keep some of the clips and classes.
        part: which of ``parts`` holds; None = all.
        allow_missing: evaluate the clips on disk even if some are missing.
        whole: official numbers of clips, by what is chosen of ``part/split/subset``, or ``all`` if
            nothing is; a list counts itself.
        fps: frames per second of clips of images; videos state their own. A column ``fps`` of the
            list goes first.
        name: of the data set in reports; None = the folder's name.
        shares_groups: why a group may be in several subsets; None = it may not.
        licence: the terms of use, as a sentence.
        citation: the publication; None = there is none.
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    root: Path
    pattern: Annotated[str, AfterValidator(_checked)]
    label: Template = "{label}"
    group: Template | None = None
    attributes: AttributeNames = ()
    classes: Annotated[dict[str, str] | tuple[str, ...] | Path | None, BeforeValidator(_texts)] = (
        None
    )
    list_file: str | None = None
    columns: tuple[str, ...] = ()
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    splits: dict[str, Rules] | None = None
    split: str | None = None
    subset: str | None = None
    parts: dict[str, Rule] | None = None
    part: str | None = None
    allow_missing: bool = False
    whole: dict[str, int] | None = None
    fps: FrameRate | None = None
    name: str | None = None
    shares_groups: str | None = None
    licence: str = "not stated (the user's own clips)"
    citation: str | None = None

    def __hash__(self) -> int:
        """Return the same hash for equal settings; mappings have none of their own."""
        return hash(self.model_dump_json())

    @model_validator(mode="after")
    def _check(self) -> Self:
        _known("split", self.split, self.splits)
        _known("part", self.part, self.parts)
        if self.split is not None and self.subset is not None:
            _known("subset", self.subset, (self.splits or {})[self.split])
        if self.list_file is None and (self.columns or self.delimiter):
            raise ValueError("columns and delimiter describe a list: set list_file=<the file>")
        return self

    def training(self) -> "Pattern":
        """Return the subset ``train``.

        Raises:
            ClipHarError: when no subset is chosen.
        """
        if self.subset is None:
            raise ClipHarError(
                "noise is learned on a training split: set dataset.subset=test, and say with"
                " dataset.splits, dataset.list_file or a field {split} which clips are for training"
            )
        if self.split is not None and "train" not in (self.splits or {})[self.split]:
            raise ClipHarError(f"dataset.splits: {self.split} has no subset train")
        return self.model_copy(update={"subset": "train"})

    def clips(self) -> ClipSet:
        """Return the clips of the subset.

        Raises:
            ClipHarError: when the folder, a list or clips are missing, no file matches, a rule or
                template names a field that there is not, or a label is no class.
        """
        root = existing_folder(
            self.root, expected=f"clips as {self.pattern}", setting="dataset.root"
        )
        files = matching_files(root, PathPattern(self.pattern))
        found = joined(self._rows(root), files) if self.list_file else files
        columns = found[0].row.values if found[0].row else {}
        known = list(dict.fromkeys([*files[0].fields, *map(str, columns)]))
        self._check_fields(known)
        kept = self._kept([_labelled(clip, self.label) for clip in found])
        classes = self._classes(root, kept)
        chosen = [clip for clip, subset in kept if self.subset in (None, subset)]
        if not chosen:
            raise self._no_clips(root, kept)
        present = [clip for clip in chosen if clip.path is not None]
        refuse_two_files(present)
        whole = self._whole(root, chosen, present)
        clips: dict[str, Clip] = {}
        for one in present:
            clip = self._clip(one, classes)
            if clips.setdefault(clip.id, clip) is not clip:
                raise one.error(f"{clip.id} is listed twice")
        name = (self.name or root.name, self.part, self.split, self.subset)
        return ClipSet(
            name="/".join(part for part in name if part),
            class_names=classes.names,
            clips=tuple(clips.values()),
            licence=self.licence,
            citation=self.citation or "",
            whole=whole,
            shares_groups=self.shares_groups or "",
        )

    def _rows(self, root: Path) -> list[Row]:
        """Return the rows of the list."""
        if self.subset is None and "{subset}" in str(self.list_file):
            raise ClipHarError(f"dataset.list_file={self.list_file} needs dataset.subset")
        name = str(self.list_file).replace("{subset}", self.subset or "")
        name = name.replace("{split}", self.split or "")
        inside = root / Path(name).expanduser()
        path = existing_file(
            inside if inside.is_file() or not Path(name).is_file() else Path(name),
            expected="the list of the clips",
            setting="dataset.list_file",
        )
        return read_list(path, self.columns, self.delimiter)

    @property
    def _rules(self) -> Rules:
        """The rules of the split; none without one."""
        return {} if self.split is None else (self.splits or {})[self.split]

    @property
    def _kept_part(self) -> Rules:
        """The rule of the part; none without one."""
        return {} if self.part is None else {self.part: (self.parts or {})[self.part]}

    @property
    def _by_field(self) -> bool:
        """Whether the field ``split`` says which subset a clip is in."""
        listed_alone = self.list_file is not None and "{subset}" in self.list_file
        return self.split is None and self.subset is not None and not listed_alone

    def _check_fields(self, fields: Sequence[str]) -> None:
        """Raise if a setting names a field that clips do not have."""
        named = {
            "label": _fields_in(self.label),
            "group": _fields_in(self.group or ""),
            "attributes": self.attributes,
            f"splits.{self.split}": fields_of(self._rules),
            f"parts.{self.part}": fields_of(self._kept_part),
            "subset": ["split"] if self._by_field else [],
        }
        for setting, names in named.items():
            if absent := sorted(name for name in names if name not in fields):
                raise ClipHarError(
                    f"dataset.{setting} needs the field {absent[0]}, and the clips have"
                    f" {', '.join(fields) or 'none'}:"
                    " name it in dataset.pattern, or as a column of dataset.list_file"
                )

    def _kept(self, clips: Sequence[Candidate]) -> list[tuple[Candidate, str | None]]:
        """Return the clips of the part that are in a subset, and in which."""
        in_part, in_split = subsets_of(self._kept_part), subsets_of(self._rules)
        kept = []
        for clip in clips:
            if self.part is not None and not in_part(clip):
                continue
            subset = self.subset
            if self._by_field:
                subset = clip.fields.get("split", self.subset if clip.path is None else None)
            elif self.split is not None:
                subset = in_split(clip)
                if subset is None:
                    continue
            kept.append((clip, subset))
        for setting, rules in (("splits", self._rules), ("parts", self._kept_part)):
            if told := unseen(rules.values(), [clip.fields for clip in clips]):
                _log.warning("dataset.%s: no clip has %s", setting, told)
        return kept

    def _classes(self, root: Path, kept: Sequence[tuple[Candidate, str | None]]) -> Classes:
        if self.classes is None:
            return Classes.found(_label(clip) for clip, _ in kept if "label" in clip.fields)
        classes = given_classes(self.classes, root)
        for rules in (self._kept_part, self._rules):
            classes = classes.restricted(labels_of(rules.values()))
        return classes

    def _no_clips(self, root: Path, kept: Sequence[tuple[Candidate, str | None]]) -> AbsentError:
        """Return the error for a part or subset without clips."""
        subsets = class_order({subset or "(empty)" for _, subset in kept})
        return AbsentError(
            f"{root}: no clip is in dataset.subset={self.subset}"
            + (f" of split {self.split}" if self.split else "")
            + (f" and part {self.part}" if self.part else "")
            + (f": expected one of {listed(subsets)}" if subsets else "")
        )

    def _whole(
        self, root: Path, chosen: Sequence[Candidate], present: Sequence[Candidate]
    ) -> int | None:
        """Return how many clips there should be; None if that is not known.

        Raises:
            ClipHarError: when some are missing and ``allow_missing`` is not set.
        """
        if self.list_file is not None:
            whole = len(chosen)
        elif self.whole is None:
            return None
        else:
            name = "/".join(one for one in (self.part, self.split, self.subset) if one)
            whole = self.whole.get(name or "all", 0)
        if whole < len(present):
            if whole:
                _log.warning("%s: %d clips, and officially there are %d", root, len(present), whole)
            return None
        which = "/".join(one for one in (self.part, self.subset) if one) or "all"
        check_missing(
            [clip.id for clip in chosen if clip.path is None],
            there=len(present),
            total=whole,
            what=f"{self.name or root.name} ({which})",
            root=root,
            allow_missing=self.allow_missing,
            if_none="set dataset.root or dataset.pattern",
        )
        return whole

    def _clip(self, clip: Candidate, classes: Classes) -> Clip:
        assert clip.path is not None  # noqa: S101, missing ones are no clips
        number = classes.by_key.get(name_key(_label(clip)))
        if number is None:
            raise clip.error(
                f"'{_label(clip)}' is no class of {classes.source}, which has {len(classes.names)}:"
                f" {listed(classes.names)}"
            )
        start, end, section = section_of(clip)
        rate = rate_of(clip.path, (clip.row and clip.row.rate("fps")) or self.fps)
        if section and rate is None and is_of_images(clip.path):
            raise clip.error(
                "start and end of images need their frames per second: set dataset.fps"
            )
        group = clip.fields.get("group") if self.group is None else _filled(self.group, clip)
        return Clip(
            id=clip.id + section,
            path=clip.path,
            label=number,
            group=group or clip.id,
            start=start,
            end=end,
            attributes={name: clip.fields[name] for name in self.attributes if name in clip.fields},
            fps=rate,
        )


def _labelled(clip: Candidate, template: str) -> Candidate:
    """Return a clip with its label; a missing one may have none, if its path would tell it."""
    if clip.path is None and not all(map(clip.fields.get, _fields_in(template))):
        return clip
    return replace(clip, fields={**clip.fields, "label": _filled(template, clip)})


def _label(clip: Candidate) -> str:
    return clip.fields["label"]


def _filled(template: str, clip: Candidate) -> str:
    """Return a template with a clip's values.

    Raises:
        ClipHarError: when the clip does not have one of them.
    """
    for name in _fields_in(template):
        if not clip.fields.get(name):
            if clip.row and name in clip.row.values:
                clip.row.text(name)  # says what is wrong with it
            raise clip.error(f"'{name}' is empty")
    return template.format_map(clip.fields)


def _known(setting: str, name: str | None, names: Mapping[str, Any] | None) -> None:
    if name is not None and name not in (names or {}):
        some = ", ".join(names) if names else f"none, as {setting}s is not set"
        raise ValueError(f"expected {setting} to be one of {some}, got {name}")
