"""Which cells may be compared: those of one data set, one model and one protocol."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clip_har.config.cell import Cell
from clip_har.core.settings import Role
from clip_har.results.files import PROTOCOL
from clip_har.results.names import MASK, ORDER, RATIO, SEED, Words
from clip_har.results.result import Result
from clip_har.sweeps.cells import (
    described,
    differing,
    named_by_option,
    prompt_texts,
    root_seed_keys,
)
from clip_har.sweeps.noise import noise_name

_COMPARED = {MASK, "region", "noise", SEED, ORDER, "attention_clips", *Cell.fields_for(Role.MASK)}
"""What may differ within a comparison: mask, target, noise, seed, order of the frames; and what
attention is for."""

_DATA, _MODEL, _DIGEST = "data", "model", "digest"
_WEIGHTS = {"model.checkpoint", "model.revision", "model.weights"}
"""Keys that name a model's weights: their digest counts, not where they are."""
_Content = tuple[tuple[str, str], ...]


DATA_KEYS = {"dataset", "limit", "classes", _DATA}
"""Groups of `by_content` that tell the clips apart; those of ``model`` tell the models apart."""


def differs_within(key: str) -> bool:
    """Return whether cells of one comparison may differ in a key, such as ``masking.shape``."""
    return key in _COMPARED or key.partition(".")[0] in _COMPARED


@dataclass(frozen=True)
class Comparison:
    """Cells of one data set, model and protocol; only these are drawn and compared together.

    Attributes:
        data: the name of its clips.
        model: the name of its model, different from those of other comparisons.
        settings: what else sets it apart from others, as text by full key.
        cells: its results, each once.
        jobs: the same for each job; several jobs may share a result.
    """

    data: str
    model: str
    settings: Mapping[str, str]
    cells: tuple[Result, ...]
    jobs: tuple[Result, ...]

    @property
    def name(self) -> str:
        """Model, data and settings as one line."""
        settings = [f"{key}={value}" for key, value in self.settings.items()]
        return ", ".join([f"{self.model} on {self.data}", *settings])


def comparisons_of(jobs: Sequence[Result]) -> list[Comparison]:
    """Return the comparisons of some results, in the order of their first cells.

    Two cells can be compared if they differ in nothing but mask, target, noise, seed and the order
    of the frames. Data and weights count by their content, not by their place; the texts of prompts
    count, too.

    Args:
        jobs: at least one; several may share a folder.
    """
    found: dict[_Content, list[Result]] = {}
    texts = prompt_texts(jobs)
    for one in jobs:
        found.setdefault(_content(one, texts, without=_COMPARED), []).append(one)
    first_cells = [members[0] for members in found.values()]
    firsts = named_by_option([_traits(one, texts) for one in first_cells], first_cells)
    keys = [key for key in differing(firsts) if key not in (_DATA, _MODEL, _DIGEST)]
    plain = [{key: one[key] for key in (_DATA, _MODEL, *keys) if key in one} for one in firsts]
    if len({str(one) for one in plain}) < len(plain):  # alike but for their content
        plain = [one | {_DIGEST: first[_DIGEST]} for one, first in zip(plain, firsts, strict=True)]
    words = Words.of(plain)
    shown = [{key: words.text(key, one[key]) for key in one} for one in plain]
    return [
        Comparison(
            data=first[_DATA],
            model=text[_MODEL],
            settings={key: value for key, value in text.items() if key not in (_DATA, _MODEL)},
            cells=tuple({one.folder: one for one in reversed(members)}.values())[::-1],
            jobs=tuple(members),
        )
        for text, first, members in zip(shown, firsts, found.values(), strict=True)
    ]


def newest_results(jobs: Sequence[Result]) -> tuple[list[Result], list[str]]:
    """Return the results without those that other code made before with the same settings.

    They would pass for seeds: nothing but their code, or the content of a map, sets them apart.

    Args:
        jobs: several may share a folder.

    Returns:
        What is left, in the same order; and a line for each result that was left out.
    """
    texts, keys = prompt_texts(jobs), Cell.fields_for(Role.MASK)  # a mask names those that it uses
    alike = {one.folder: _content(one, texts, without=keys) for one in jobs}
    newest: dict[_Content, Result] = {}
    for one in jobs:
        other = newest.get(alike[one.folder])
        if other is None or _made(one) >= _made(other):
            newest[alike[one.folder]] = one
    kept, problems = [], []
    for one in jobs:
        new = newest[alike[one.folder]].folder
        if one.folder == new:
            kept.append(one)
        else:
            problems.append(
                f"{one.name}: {new.name} has the same settings as {one.folder.name} and is newer"
            )
    return kept, list(dict.fromkeys(problems))


def _made(one: Result) -> int:
    """Return when a result was made: its protocol card is never written again."""
    return (one.folder / PROTOCOL).stat().st_mtime_ns


def named_by_settings(cells: Sequence[Result]) -> list[Result]:
    """Name the cells of one comparison, of whatever sweeps, by the settings in which they differ.

    Their names in their own sweeps may be alike: each sweep names only what varies in it.
    """
    settings = [described(one, without=Cell.fields_for(Role.MASK)) for one in cells]
    for one, cell in zip(settings, cells, strict=True):
        one[MASK] = cell.mask  # the option: several may share a class
        one["noise"] = "none" if cell.cell.noise.is_clean else noise_name(cell.cell.noise)
    hidden = {MASK, "masking.ratio", *(root_seed_keys(cells) - {SEED})}
    keys = [key for key in differing(settings) if key not in hidden]
    varies = [
        {MASK: one.mask}
        | ({} if one.ratio is None else {RATIO: one.ratio})
        | {key: text[key] for key in keys if key in text}
        for one, text in zip(cells, settings, strict=True)
    ]
    if len({str(one) for one in varies}) < len(varies):  # made by other code, or other content
        varies = [
            one | {"result": cell.folder.name} for one, cell in zip(varies, cells, strict=True)
        ]
    words = Words.of(varies)
    return [replace(cell, named=one, words=words) for cell, one in zip(cells, varies, strict=True)]


def by_content(one: Result, *, without: Collection[str] = ()) -> dict[str, str]:
    """Return settings, with the content of data and weights in place of where they are.

    Of an older result, whose card has no digest, the settings count.

    Args:
        one: a result.
        without: groups or full keys that are left out.
    """
    flat, card = described(one, without=without), one.protocol
    if digest := card.get("data_digest"):
        flat = {key: text for key, text in flat.items() if key.partition(".")[0] not in DATA_KEYS}
        flat[_DATA] = digest
    if digest := card.get("weights_digest"):
        flat = {key: text for key, text in flat.items() if key not in _WEIGHTS}
        flat[_MODEL] = digest
    return flat


def _content(one: Result, texts: Mapping[Path, str], *, without: Collection[str]) -> _Content:
    """Return settings and content, also of the prompts, without some settings."""
    content = {**by_content(one, without=without), _DIGEST: texts[one.folder]}
    return tuple(sorted(content.items()))


def _traits(one: Result, texts: Mapping[Path, str]) -> dict[str, str]:
    """Return what can set a comparison apart, as it is shown."""
    card = one.protocol
    flat = described(one, without=_COMPARED)
    checkpoint = flat.pop("model.checkpoint")
    digests = [card.get("data_digest"), card.get("weights_digest"), texts[one.folder]]
    digest = "+".join(str(each)[:8] for each in digests if each)
    return flat | {_DATA: str(card[_DATA]), _MODEL: checkpoint, _DIGEST: digest}
