"""Contrasts over all masks of a sweep: of the masks, and of two models, prompts, noises, orders."""

from collections.abc import Sequence

import pandas as pd

from clip_har.config.cell import Cell
from clip_har.core.settings import Role
from clip_har.metrics.pooled import pooled_contrast
from clip_har.results.names import MASK, ORDER, SEED
from clip_har.results.result import Result
from clip_har.sweeps.cells import (
    data_of,
    described,
    grouped,
    labels,
    prompt_texts,
    root_seed_keys,
)
from clip_har.sweeps.tokens import NOT_THE_SAME, tokens_differ

COLUMNS = ["measure", "of", "value", "low", "high", "clips", "groups"]
_SETTINGS = ("model", "prompts", "noise", ORDER)
_OF_MASKS = {MASK, "region", SEED, *Cell.fields_for(Role.MASK)}  # what a contrast is a mean over


def mean_changes(finished: Sequence[Result]) -> pd.DataFrame:
    """Return ``robustness/mean_change``: the change from the clean twin, mean over masks.

    Over cells that differ only in mask, target and seed, at least two of them. Cells that use the
    true label, or with noise, are left out.

    Args:
        finished: the results of the cells.

    Returns:
        `COLUMNS`, with intervals over groups.
    """
    cells = [one for one in _label_free(finished) if _is_of_mask_alone(one)]
    groups = [one for one in grouped(cells, without=_OF_MASKS) if len(one) > 1]
    rows = []
    for of, members in zip(labels(groups), groups, strict=True):
        pairs = [(one.clean, one) for one in members if one.clean is not None]
        rows += _row("robustness/mean_change", f"{len(pairs)} cells {of}".strip(), pairs)
    return pd.DataFrame(rows, columns=COLUMNS)


def differences(finished: Sequence[Result]) -> pd.DataFrame:
    """Return ``robustness/mean_difference``: top-1 of two models, prompts, noises or frame orders.

    Each value of the setting is compared with the first one (each order with the forward one, if
    there is one), over the cells that are otherwise alike, such as all masks, also in the content
    of their data, weights and prompts. Cells that use the true label are left out.

    Args:
        finished: the results of the cells.

    Returns:
        `COLUMNS`, with intervals over groups.
    """
    cells, rows = _label_free(finished), []
    texts, pooled = prompt_texts(cells), _OF_MASKS | root_seed_keys(cells)
    for setting in _SETTINGS:
        pairs: dict[tuple[str, str, tuple[str, ...]], list[tuple[Result, Result]]] = {}
        for members in grouped(cells, without={setting}):
            by_content: dict[tuple[str, ...], list[Result]] = {}
            for one in sorted(members, key=lambda one: (_is_reordered(one), cells.index(one))):
                content = {
                    "data": data_of(one),
                    "model": str(one.protocol.get("weights_digest")),
                    "prompts": texts[one.folder],
                }
                alike = tuple(text for key, text in content.items() if key != setting)
                by_content.setdefault(alike, []).append(one)
            for same, (first, *rest) in by_content.items():
                alike = str(described(first, without={setting, *pooled})), *same
                for one in rest:
                    if _value(first, setting) != _value(one, setting):
                        key = _value(first, setting), _value(one, setting), alike
                        pairs.setdefault(key, []).append((first, one))
        of_pairs = labels([[found[0][0]] for found in pairs.values()])
        for others, found in zip(of_pairs, pairs.values(), strict=True):
            base, other = _names(*found[0], setting)
            of = f"{setting}: {other} minus {base} {others}".strip()
            if any(tokens_differ(*pair) for pair in found):
                of += f", {NOT_THE_SAME}"
            rows += _row("robustness/mean_difference", of, found)
    return pd.DataFrame(rows, columns=COLUMNS)


def _label_free(finished: Sequence[Result]) -> list[Result]:
    return [one for one in {one.folder: one for one in finished}.values() if not one.leaks]


def _is_of_mask_alone(one: Result) -> bool:
    """Return whether only a mask sets a cell apart from its clean twin, which has no noise."""
    mask = one.cell.masking
    alone = one.cell.noise.is_clean and not (mask.is_clean or mask.swaps_scene)
    return alone and one.clean is not None


def _value(one: Result, setting: str) -> str:
    flat = described(one, without=())
    return str({key: flat[key] for key in flat if setting in (key, key.partition(".")[0])})


def _is_reordered(one: Result) -> bool:
    return bool(one.cell.frames.order != "forward")


def _names(first: Result, other: Result, setting: str) -> tuple[str, str]:
    """Return what a setting is called in two cells; what differs in it where both names are one."""
    names = _name(first, setting), _name(other, setting)
    if names[0] != names[1]:
        return names
    flats = [described(one, without=()) for one in (first, other)]
    keys = [
        key
        for key in flats[0] | flats[1]
        if key.partition(".")[0] == setting and flats[0].get(key) != flats[1].get(key)
    ]
    base, than = (" ".join(f"{key}={flat.get(key, 'null')}" for key in keys) for flat in flats)
    return (base, than) if keys else names


def _name(one: Result, setting: str) -> str:
    """Return what a setting of a cell is called."""
    own = one.varies.get(setting)
    if own is not None:
        return str(own)
    if setting == ORDER:
        return str(one.cell.frames.order)
    option = getattr(one.cell, setting)
    return str(getattr(option, "checkpoint", type(option).__name__))


def _row(measure: str, of: str, pairs: Sequence[tuple[Result, Result]]) -> list[dict[str, object]]:
    found = pooled_contrast([one.table for one, _ in pairs], [one.table for _, one in pairs])
    if found is None:
        return []
    row = {"measure": measure, "of": of, "value": found.difference, "low": found.low}
    return [row | {"high": found.high, "clips": found.clips, "groups": found.groups}]
