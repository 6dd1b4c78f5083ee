"""The data set that a command line names: its settings, its splits and where its files are."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import Cell
from clip_har.config.compose import build, cell_from_config, checked, without_hydra
from clip_har.config.session import as_overrides, session
from clip_har.core.errors import AbsentError, ClipHarError, disk_reason
from clip_har.core.settings import Role, Settings
from clip_har.data.clips import ClipSet, ClipSource, clips_of
from clip_har.engine.reference import SUBSET, split_source

LISTS = frozenset(
    {".csv", ".json", ".jsonl", ".md", ".parquet", ".pq", ".tsv", ".txt", ".yaml", ".yml"}
)
"""File name extensions (lower case) of lists, labels and terms of use."""

_SPLITS = ("train", "val", "validation", "test")
_ALL, _TRAIN = "all", "train"
_ALLOW = "allow_missing"
"""The key by which every data set with lists takes a partial copy."""


@dataclass(frozen=True)
class Part:
    """One split of a data set.

    Attributes:
        name: such as ``test``; ``all`` if the set has no splits.
        source: the settings that give its clips.
        clips: those that are there.
        missing: what is missing of its list, in one line; empty if nothing is.
    """

    name: str
    source: ClipSource
    clips: ClipSet
    missing: str = ""


@dataclass(frozen=True)
class Parts:
    """The splits of a data set.

    Attributes:
        found: the split that the settings name comes first.
        broken: why another split that is there cannot be read, by its name.
    """

    found: tuple[Part, ...]
    broken: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Chosen:
    """An option of ``dataset`` with its settings.

    Attributes:
        option: its name, such as ``ucf101``.
        config: the composed configuration of a cell, with Hydra's own node.
    """

    option: str
    config: DictConfig

    @cached_property
    def source(self) -> ClipSource:
        """The data set's own settings, checked.

        Raises:
            ClipHarError: when one is missing or wrong.
        """
        if missing := sorted(OmegaConf.missing_keys(self.config.dataset)):
            raise ClipHarError(f"{missing[0]} is not set: add {missing[0]}=… to the command")
        return cast(ClipSource, build(self.config.dataset, "dataset"))

    @property
    def cell(self) -> Cell:
        """The settings of a run, checked."""
        return cell_from_config(without_hydra(self.config))

    def result(self, named: Path | None, usual: str, *, option: str) -> Path:
        """Return where a result goes, after a look whether it can be written there.

        Args:
            named: by the user; None for ``<results_dir>/data/<data set>/<usual>``.
            usual: the usual name of the file or folder.
            option: the command line's word that names another place, for messages.

        Raises:
            ClipHarError: when it is in the data, or cannot be written.
        """
        results = Path(self.config.results_dir) / "data" / self.option
        path = absolute(named or results / usual)
        for place in places(self.source):
            check_outside(path, place, option=option)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=path.parent).close()
        except OSError as error:
            raise ClipHarError(
                f"{path} cannot be written ({disk_reason(error)}): name another place with {option}"
            ) from error
        return path


def chosen(option: str, root: Path | None, settings: Sequence[str] = ()) -> Chosen:
    """Compose the configuration of a run on a data set.

    Args:
        option: of the group ``dataset``.
        root: the value of ``dataset.root``, if it was named apart.
        settings: further overrides.

    Raises:
        ClipHarError: when an option or a key does not exist.
    """
    rooted = [] if root is None else as_overrides({"dataset.root": absolute(root)})
    with session() as hydra:
        return Chosen(option, hydra.compose([f"dataset={option}", *settings, *rooted]))


def parts_of(source: ClipSource, *, allow_missing: bool = False) -> Parts:
    """Return all splits of a data set that is read from files, if the settings name one of them.

    Args:
        source: the settings. Of a set that is made, or has no splits, it is the only part.
        allow_missing: whether clips of a list may be missing; what is, is said in `Part.missing`.

    Raises:
        ClipHarError: when the split that the settings name cannot be read.
    """
    settings = source.model_dump(mode="json")
    own = str(settings.get(SUBSET) or _ALL)
    found, broken = [_part(own, source, allow_missing=allow_missing)], {}
    others = {own} ^ {*_SPLITS} if own != _ALL else set()
    if SUBSET not in settings:  # there may be a list for training
        others = {_TRAIN}
    for name in _SPLITS if places(source) else ():
        if name not in others:
            continue
        try:
            other = split_source(source, name)
        except ClipHarError:
            continue  # the settings know no such split
        try:
            found.append(_part(name, other, allow_missing=allow_missing))
        except AbsentError:
            continue
        except ClipHarError as error:
            broken[name] = str(error)
    return Parts(tuple(found), broken)


def _part(name: str, source: ClipSource, *, allow_missing: bool) -> Part:
    try:
        return Part(name, source, clips_of(source))
    except ClipHarError as error:
        partial = takes_missing(source) if allow_missing else source
        if partial == source:
            raise
        with suppress(ClipHarError):  # another fault than missing clips
            return Part(name, partial, clips_of(partial), str(error))
        raise


def takes_missing(source: ClipSource) -> ClipSource:
    """Return a data set that takes a partial copy; itself if it has no list."""
    return changed(source, {_ALLOW: True}) if _ALLOW in _settings(source) else source


def changed(source: ClipSource, values: Mapping[str, Any]) -> ClipSource:
    """Return a data set with other values of some settings, checked.

    Raises:
        ClipHarError: when a value is wrong.
    """
    kind = type(source)
    assert issubclass(kind, Settings)  # noqa: S101, all options are
    return cast(ClipSource, checked(kind, {**_settings(source), **values}, "dataset"))


def path_settings(source: ClipSource) -> dict[str, Any]:
    """Return the settings that name files or folders which are read."""
    kind = type(source)
    assert issubclass(kind, Settings)  # noqa: S101, all options are
    written = kind.fields_for(Role.RUN)  # such as the folder of rendered clips
    read = {name: value for name, value in _settings(source).items() if name not in written}
    return {name: value for name, value in read.items() if located(value) is not None}


def located(value: Any) -> Path | None:
    """Return the absolute path that the value of a setting names; None if it names none.

    A text is a path if it ends as a list does and is absolute, or such a file is here: others are
    names below the folder of the data. Fields such as ``{subset}`` may stand in it.
    """
    if isinstance(value, str) and Path(value).suffix.lower() in LISTS:
        path = Path(value).expanduser()
        return absolute(path) if path.is_absolute() or path.is_file() else None
    if not isinstance(value, Path):
        return None
    path = absolute(value)
    return path if path.exists() else None


def places(source: ClipSource) -> list[Path]:
    """Return the files and folders that a data set is read from, as its settings name them.

    Nothing for a data set that is made.
    """
    found = []
    for value in path_settings(source).values():
        path = located(value)
        assert path is not None  # noqa: S101, only such settings are returned
        found.append(path.parent if "{" in path.name else path)
    return [path for path in found if path.exists()]


def _settings(source: ClipSource) -> dict[str, Any]:
    assert isinstance(source, Settings)  # noqa: S101, all options are
    return source.model_dump()


def check_outside(path: Path, place: Path, *, option: str) -> None:
    """Refuse to write into the data.

    Raises:
        ClipHarError: when the path is in the folder ``place``.
    """
    if place.is_dir() and path.resolve().is_relative_to(place.resolve()):
        raise ClipHarError(
            f"{path} is in the data ({place}), which nothing is written into: name another place"
            f" with {option}, or begin in another folder"
        )


def absolute(path: Path) -> Path:
    """Return an absolute path without ``..``; ``~`` is the user's own folder."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100, resolve follows links
