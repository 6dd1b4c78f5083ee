"""A sweep of several parts with titles: each line of a part is a product, as it would be typed."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader

from clip_har.config.compose import expand
from clip_har.core.errors import ClipHarError

PARTS = "hydra.sweeper.parts"
"""The key that holds the parts."""


@dataclass(frozen=True)
class Part:
    """One part of a sweep.

    Attributes:
        title: its title, for the report.
        jobs: the overrides of each of its cells.
    """

    title: str
    jobs: Sequence[Sequence[str]]


def parts_of(
    parts: Any, params: Sequence[str], typed: Sequence[str], loader: ConfigLoader
) -> list[Part]:
    """Return the cells of each part of a sweep.

    What was typed holds for all parts, in place of a line's own value of the same key. An option of
    a group that was typed, such as ``dataset=ucf101``, also takes the place of the keys below it,
    such as ``dataset.seed``, which belong to another option. What ``params`` names holds for the
    lines that do not name it.

    Args:
        parts: lines by title, each with overrides as on the command line, such as
            ``masking=percent,shape ratio=0.1,0.3``.
        params: overrides of the experiment.
        typed: overrides of the command line; several values of one are swept in each part.
        loader: the loader of the configuration.

    Raises:
        ClipHarError: when the parts are no such lines, or name a key of Hydra.
    """
    if not isinstance(parts, Mapping) or not parts:
        raise ClipHarError(
            f"{PARTS}: expected titles with lines of overrides, such as"
            f" {{Clean: [masking=none]}}, got {parts!r}"
        )
    return [
        Part(
            str(title),
            [job for line in _lines(title, lines) for job in _jobs(line, params, typed, loader)],
        )
        for title, lines in parts.items()
    ]


def _lines(title: Any, lines: Any) -> list[list[str]]:
    """Return the overrides of each line of a part."""
    whole = isinstance(lines, Sequence) and not isinstance(lines, str) and lines
    if not whole or not all(isinstance(line, str) and line.strip() for line in lines):
        raise ClipHarError(
            f"{PARTS}, {title}: expected a list of lines such as masking=percent ratio=0.1,0.3, got"
            f" {lines!r}"
        )
    try:
        found = [shlex.split(line) for line in lines]
    except ValueError as error:  # a quote that does not end
        raise ClipHarError(f"{PARTS}, {title}: {lines!r} cannot be read ({error})") from error
    for word in (word for words in found for word in words):
        if "=" not in word or key_of(word).startswith("hydra"):
            raise ClipHarError(
                f"{PARTS}, {title}: expected overrides of a cell, such as masking=none, got {word}"
            )
    return found


def _jobs(
    line: Sequence[str], params: Sequence[str], typed: Sequence[str], loader: ConfigLoader
) -> list[list[str]]:
    given = {key_of(word) for word in typed}
    own = [word for word in line if not _replaced(word, given)]
    named = given | {key_of(word) for word in own}
    shared = [word for word in params if not _replaced(word, named)]
    return expand([*shared, *typed, *own], loader)


def _replaced(word: str, given: Collection[str]) -> bool:
    """Return whether an override, or the option of its group, is given elsewhere."""
    key = key_of(word)
    return key in given or key.partition(".")[0] in given


def key_of(override: str) -> str:
    """Return the key of an override, without the signs for adding and removing."""
    return override.partition("=")[0].lstrip("+~")
