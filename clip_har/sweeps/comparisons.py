"""Which cells may be compared: those of one data set, one model and one protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clip_har.config.cell import Cell
from clip_har.core.settings import Role
from clip_har.results.names import MASK, RATIO, SEED, Words
from clip_har.results.result import Result
from clip_har.sweeps.cells import described, differing, option_name
from clip_har.sweeps.noise import noise_name

_COMPARED = {MASK, "region", "noise", SEED, "attention_clips", *Cell.fields_for(Role.MASK)}
"""What may differ within a comparison: mask, target, noise and seed; and what attention is for."""

_DATA, _MODEL, _DIGEST = "data", "model", "digest"


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

    Two cells can be compared if they differ in nothing but mask, target, noise and seed. Data and
    weights count by their content, not by their place.

    Args:
        jobs: at least one; several may share a folder.
    """
    found: dict[tuple[tuple[str, str], ...], list[Result]] = {}
    for one in jobs:
        found.setdefault(tuple(sorted(_content(one).items())), []).append(one)
    firsts = [_traits(members[0]) for members in found.values()]
    keys = [key for key in differing(firsts) if key not in (_DATA, _MODEL, _DIGEST)]
    plain = [{key: one[key] for key in (_DATA, _MODEL, *keys) if key in one} for one in firsts]
    if len({str(one) for one in plain}) < len(plain):  # alike but for their content
        plain = [one | {_DIGEST: first[_DIGEST]} for one, first in zip(plain, firsts, strict=True)]
    words = Words.of(plain)
    texts = [{key: words.text(key, one[key]) for key in one} for one in plain]
    return [
        Comparison(
            data=first[_DATA],
            model=text[_MODEL],
            settings={key: value for key, value in text.items() if key not in (_DATA, _MODEL)},
            cells=tuple({one.folder: one for one in reversed(members)}.values())[::-1],
            jobs=tuple(members),
        )
        for text, first, members in zip(texts, firsts, found.values(), strict=True)
    ]


def named_by_settings(cells: Sequence[Result]) -> list[Result]:
    """Name the cells of one comparison, of whatever sweeps, by the settings in which they differ.

    Their names in their own sweeps may be alike: each sweep names only what varies in it.
    """
    settings = [described(one.cell, without=Cell.fields_for(Role.MASK)) for one in cells]
    for one, cell in zip(settings, cells, strict=True):
        one[MASK] = cell.mask  # the option: several may share a class
        one["region"] = option_name(one["region"], "Region")
        one["noise"] = "none" if cell.cell.noise.is_clean else noise_name(cell.cell.noise)
    keys = [key for key in differing(settings) if key not in (MASK, "masking.ratio")]
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


def _content(one: Result) -> dict[str, str]:
    """Return what must be equal within a comparison."""
    flat, card = described(one.cell, without=_COMPARED), one.protocol
    if digest := card.get("data_digest"):
        flat = {key: text for key, text in flat.items() if key.partition(".")[0] != "dataset"}
        flat = {key: text for key, text in flat.items() if key != "limit"} | {_DATA: digest}
    if digest := card.get("weights_digest"):
        flat = {key: flat[key] for key in flat.keys() - {"model.checkpoint", "model.revision"}}
        flat[_MODEL] = digest
    return flat


def _traits(one: Result) -> dict[str, str]:
    """Return what can set a comparison apart, as it is shown."""
    card = one.protocol
    flat = described(one.cell, without=_COMPARED)
    checkpoint = flat.pop("model.checkpoint")
    digests = [str(card.get(key) or "")[:8] for key in ("data_digest", "weights_digest")]
    return flat | {_DATA: str(card[_DATA]), _MODEL: checkpoint, _DIGEST: "+".join(digests)}
