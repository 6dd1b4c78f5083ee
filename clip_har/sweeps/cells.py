"""Which finished cells of a sweep belong together."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from clip_har.results.names import MASK, RATIO, SEED, short_key
from clip_har.results.result import Result

_NOISE_SEED = "noise.seed"
_NAMED = ("dataset", "prompts")  # groups whose options hold tables of words
_LONG = 60  # characters of settings that are shown; longer ones are told by the option's name


def described(one: Result, *, without: Collection[str]) -> dict[str, str]:
    """Return the settings that can change a cell's result as flat keys, without some of them.

    Args:
        one: the cell.
        without: groups (``masking``) or full keys (``noise.seed``).
    """
    return {
        key: value
        for key, value in one.settings.items()
        if key not in without and key.partition(".")[0] not in without
    }


def grouped(finished: Iterable[Result], *, without: Collection[str]) -> list[list[Result]]:
    """Return groups of cells that differ only in some settings, see `described`."""
    groups: dict[tuple[tuple[str, str], ...], dict[Path, Result]] = {}
    for one in finished:  # cells may share a result: masking=none at any ratio
        alike = tuple(described(one, without=without).items())
        groups.setdefault(alike, {}).setdefault(one.folder, one)
    distinct = {frozenset(members): list(members.values()) for members in groups.values()}
    return list(distinct.values())


def over_root_seed(finished: Sequence[Result]) -> list[list[Result]]:
    """Return groups of cells that differ in the root seed, and in that of noise where it follows.

    ``noise_seed`` is the root seed by default. If it is swept by itself, it is no root seed.
    """
    groups = []
    for members in grouped(finished, without={SEED, _NOISE_SEED}):
        follows = len({one.cell.seed for one in members}) == len(members)
        groups += [members] if follows else grouped(members, without={SEED})
    return groups


def root_seed_keys(cells: Iterable[Result]) -> set[str]:
    """Return the keys of the root seed: that of noise, too, if it is the root seed in all cells."""
    settings = [described(one, without=()) for one in cells]
    follows = all(one.get(_NOISE_SEED, one[SEED]) == one[SEED] for one in settings)
    return {SEED, _NOISE_SEED} if follows else {SEED}


def data_of(one: Result) -> str:
    """Return what tells the clips apart: settings alone do not show another content."""
    return str([one.protocol.get(key) for key in ("data", "data_digest")])


def prompt_texts(cells: Sequence[Result]) -> dict[Path, str]:
    """Return a digest of the texts of each cell's prompts, by folder.

    Settings alone do not show that a file of prompts was edited. An older protocol card has no
    digest: its texts count as those of the first other cell with its data and settings of prompts.
    """
    known: dict[tuple[str, str], str] = {}
    found = {}
    for one in cells:
        settings = described(one, without=())
        prompts = {key: settings[key] for key in settings if key.startswith("prompts.")}
        key = data_of(one), str(prompts)
        digest = str(one.protocol.get("prompts_digest") or "")
        if digest:
            known.setdefault(key, digest)
        found[one.folder] = key, digest
    return {folder: digest or known.get(key, "") for folder, (key, digest) in found.items()}


def labels(groups: Sequence[Sequence[Result]]) -> list[str]:
    """Return the settings in which each group differs from the others; empty for one group.

    The mask and its ratio are left out: the cells of a group may have different masks.
    """
    firsts = [members[0] for members in groups]
    found = named_by_option([described(one, without={MASK, RATIO}) for one in firsts], firsts)
    keys = differing(found)
    return [
        " ".join(f"{short_key(key, keys)}={one[key]}" for key in keys if key in one)
        for one in found
    ]


def named_by_option(
    settings: Sequence[Mapping[str, str]], cells: Sequence[Result]
) -> list[dict[str, str]]:
    """Return settings in which the name of an option stands for its long texts.

    Two options of ``prompts`` may differ in the words for fifty classes: ``prompts=plain`` says the
    same. Settings in which cells of one option differ are kept. Nothing is named if the sweep of a
    cell did not name the option, or if the texts are short.

    Args:
        settings: of each cell, see `described`.
        cells: the cells.
    """
    found = [dict(one) for one in settings]
    for group in _NAMED:
        names = [one.varies.get(group) for one in cells]
        alike = [[one for one, its in zip(found, names, strict=True) if its == n] for n in names]
        within = {key for members in alike for key in differing(members)}
        inside = [key for key in differing(found) if key.startswith(f"{group}.")]
        keys = [key for key in inside if key not in within]
        length = max((sum(len(one.get(key, "")) for key in keys) for one in found), default=0)
        if length <= _LONG or not all(isinstance(name, str) for name in names):
            continue
        found = [
            {key: text for key, text in one.items() if key not in keys} | {group: str(name)}
            for one, name in zip(found, names, strict=True)
        ]
    return found


def clean_twins(cells: Iterable[Result]) -> list[Result]:
    """Return the clean twins of some cells, each once; several are named by what sets them apart.

    So each order of the frames has a twin of its own.
    """
    twins = list({one.clean.folder: one.clean for one in cells if one.clean is not None}.values())
    names = labels([[twin] for twin in twins])
    return [replace(twin, apart=name) for twin, name in zip(twins, names, strict=True)]


def differing(found: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the settings in which some cells differ.

    A setting of an option (``noise.epsilon``) differs if it does within one kind of the option.

    Args:
        found: the settings of each, see `described`.
    """
    return [key for key in {key: None for one in found for key in one} if _sets_apart(key, found)]


def _sets_apart(key: str, found: Sequence[Mapping[str, str]]) -> bool:
    group, _, inside = key.partition(".")
    kinds: dict[str | None, set[str | None]] = {}
    for one in found:
        kinds.setdefault(one.get(group) if inside else None, set()).add(one.get(key))
    return any(len(values) > 1 for values in kinds.values())


def metric_words(texts: Iterable[str], *, longest: int = 200) -> dict[str, str]:
    """Return texts as parts of the names of metrics, by text; different texts stay different.

    MLflow allows letters, digits and a few signs, and some of its stores ignore case. Where that,
    or the length, makes two texts alike, a digest of the text is added.

    Args:
        texts: any texts.
        longest: largest number of characters.

    Example:
        >>> metric_words(["percent r=0.3"])
        {'percent r=0.3': 'percent r 0.3'}
        >>> sorted(metric_words(["a/b", "a b"]).values())
        ['a b c14cddc0', 'a b c8687a08']
    """
    plain = {text: re.sub(r"[^A-Za-z0-9_.-]+", " ", text).strip() for text in texts}
    cut = {text: words[-longest:] for text, words in plain.items()}
    used = Counter(words.casefold() for words in cut.values())
    return {
        text: words
        if used[words.casefold()] == 1
        else f"{words[-longest + 9 :]} {hashlib.sha256(text.encode()).hexdigest()[:8]}"
        for text, words in cut.items()
    }
