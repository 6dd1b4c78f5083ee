"""The files that match a pattern, and what their paths say."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.data.image_files import is_image, natural_key
from clip_har.data.sources.files import clip_files, log_unused, stem_of
from clip_har.data.sources.pattern.path import PathPattern
from clip_har.data.sources.tables import Row

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """A file that matches the pattern, or a row of a list, or both.

    Attributes:
        id: of the clip, see `clip_har.data.sources.pattern.path.PathPattern.match`.
        fields: the values in its path and in its row, by name; the row's where both have one.
        path: the file; None if it is missing.
        row: None without a list.
    """

    id: str
    fields: Mapping[str, str]
    path: Path | None = None
    row: Row | None = None

    def error(self, fault: str) -> ClipHarError:
        """Return the error that names the row, or else the file."""
        return self.row.error(fault) if self.row else ClipHarError(f"{self.path}: {fault}")


def matching_files(root: Path, pattern: PathPattern) -> list[Candidate]:
    """Return the clips below a folder that match a pattern, sorted by path.

    They are videos; or, if there is none, folders of images, zips, and single images (a folder of
    images that does not match may hold images that do). If the pattern does not end with the
    extension of a kind of clip, extensions do not count. What is not used is logged.

    Args:
        root: the folder.
        pattern: of a path below it.

    Raises:
        ClipHarError: when there are no clips, or none matches.
    """
    unused: Counter[str] = Counter()
    with_extension = stem_of(pattern.text) != pattern.text

    unclear: dict[str, tuple[dict[str, str], dict[str, str]]] = {}

    def candidate(path: Path) -> Candidate | None:
        name = plain_name(path.relative_to(root).as_posix())
        written = name if with_extension else stem_of(name)
        match = pattern.match(written)
        if match and (other := pattern.otherwise(written)):
            unclear[name] = match[1], other
        return Candidate(stem_of(match[0]), match[1], path) if match else None

    paths = clip_files(root, unused=unused)
    found: list[Candidate] = []
    others: list[str] = []
    for path in paths:
        own = candidate(path)
        tried = map(candidate, _images(path)) if own is None and path.is_dir() else [own]
        matching = [one for one in tried if one is not None]
        found += matching
        if not matching:
            others.append(plain_name(path.relative_to(root).as_posix()))
    if not paths:
        raise ClipHarError(
            f"{root} holds no clips: expected {pattern.text}; set dataset.root=<the folder>"
        )
    if not found:
        raise ClipHarError(
            f"none of the {len(paths)} clips in {root} matches dataset.pattern={pattern.text}: the"
            f" first is {others[0]}"
        )
    if others:
        unused[f"that do not match dataset.pattern, such as {others[0]}"] = len(others)
    log_unused(root, unused)
    if unclear:
        name, readings = next(iter(unclear.items()))
        first, second = (
            ", ".join(f"{field} = {value}" for field, value in fields.items())
            for fields in readings
        )
        _log.warning(
            "dataset.pattern=%s reads %d paths in two ways: %s is taken as %s, and not as %s; say"
            " more of the path, such as {person:2d}",
            pattern.text, len(unclear), name, first, second,
        )  # fmt: skip
    return found


def _images(folder: Path) -> list[Path]:
    """Return the images that lie directly in a folder, in natural order."""
    names = [path for path in folder.iterdir() if is_image(path) and path.name[0] != "."]
    return sorted(names, key=lambda path: natural_key(path.name))


def refuse_two_files(clips: list[Candidate]) -> None:
    """Raise if two files are the same clip, such as copies in two containers or folders.

    Raises:
        ClipHarError: for the first such pair.
    """
    first: dict[str, Path] = {}
    for clip in clips:
        if clip.path is not None and first.setdefault(clip.id, clip.path) != clip.path:
            raise ClipHarError(
                f"two files are the clip {clip.id}: {first[clip.id]} and {clip.path}; remove one,"
                " or narrow dataset.pattern or dataset.root"
            )
