"""The name of a cell: a mapping of what varies, and the short name that is made from it.

A name is short and still tells a cell from the others of its set: keys and values are shortened
only as far as they stay different, see `Words`.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import Cell
from clip_har.core.settings import Role

MASK, RATIO, SEED = "masking", "ratio", "seed"
ORDER = "frames.order"

_SET_BY_ROOT = {
    "noise_seed": "noise.seed",
    **{key: f"{MASK}.{key}" for key in Cell.fields_for(Role.MASK)},
}
"""Root keys that set a key of an option. The option's value counts, since it may be fixed there."""

_WHOLE = (MASK, "shard")  # keys whose values are no paths


def what_varies(
    config: DictConfig, choices: Mapping[str, Any], varying: Iterable[str] = ()
) -> dict[str, Any]:
    """Return what differs between a cell and the others of its sweep.

    Args:
        config: the composed configuration, without Hydra's own node.
        choices: the chosen option of each configuration group.
        varying: the keys that differ between the sweep's cells.

    Returns:
        Values by their full keys, such as ``dataset.seed``: the mask, its ratio if it has one, then
        the varying keys; keys that this cell does not use are left out.

    Example:
        >>> config = OmegaConf.create({"masking": {"ratio": 0.3}, "seed": 1, "fill": "mean"})
        >>> what_varies(config, {"masking": "percent"}, ("seed", "fill"))
        {'masking': 'percent', 'ratio': 0.3, 'seed': 1}
    """
    found: dict[str, Any] = {MASK: str(choices[MASK])}
    for key in (RATIO, *varying):
        if key == _SET_BY_ROOT[RATIO]:
            continue  # the same as the ratio
        used = _SET_BY_ROOT.get(key)
        value = choices.get(key, OmegaConf.select(config, used or key))
        if not (used and value is None):
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            found.setdefault(key, plain)
    return found


def with_source(
    varies: Mapping[str, Any], cell: Cell, named: Mapping[str, Any], choices: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what varies, with the source of regions if the command left it to the data.

    Args:
        varies: see `what_varies`.
        cell: the checked settings.
        named: the option of each group that the command names.
        choices: the option of each group that is used, see
            `clip_har.config.compose.without_auto`.
    """
    if named == choices:
        return dict(varies)
    others = {key: value for key, value in varies.items() if key != "region"}
    return others | ({"region": choices["region"]} if cell.finds_regions else {})


@dataclass(frozen=True)
class Words:
    """How the keys and values of a set of cells are written in their names.

    Attributes:
        keys: the shortest end of each key that no other key of the set has.
        values: by key, the text of each value, by its JSON.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, cells: Iterable[Mapping[str, Any]]) -> "Words":
        """Return the words for cells whose names must be different.

        Args:
            cells: what varies of each, see `what_varies`.

        Example:
            >>> cells = [{"model.checkpoint": f"{run}/final"} for run in ("r1", "r2")]
            >>> [cell_name(varies, Words.of(cells)) for varies in cells]
            ['checkpoint=r1/final', 'checkpoint=r2/final']
        """
        found: dict[str, dict[str, Any]] = {}
        for varies in cells:
            for key, value in varies.items():
                found.setdefault(key, {})[_json(value)] = value
        return cls(
            {key: short_key(key, found) for key in found},
            {key: _texts(key, values) for key, values in found.items()},
        )

    def text(self, key: str, value: Any) -> str:
        """Return the text of a value of a key; of one that is not in the set, the shortest."""
        known = self.values.get(key, {})
        return known.get(_json(value)) or value_text(key, value)


def cell_name(
    varies: Mapping[str, Any],
    words: Words | None = None,
    *,
    without: Collection[str] = (),
    notes: Iterable[str] = (),
) -> str:
    """Return a short name: the mask, its ratio, and what else varies.

    Args:
        varies: see `what_varies`.
        words: the words of the cells that it is shown with; None for a cell on its own.
        without: keys that are left out.
        notes: the warnings that must be shown with every number of the cell.

    Example:
        >>> cell_name({"masking": "percent", "ratio": 0.3, "dataset.seed": 1, "seed": 0})
        'percent r=0.3 dataset.seed=1 seed=0'
        >>> cell_name({"masking": "shape", "masking.shape": "star"}, notes=["uses the true label"])
        'shape shape=star [uses the true label]'
    """
    words = words or Words.of([varies])
    found = []
    for key, value in varies.items():
        if key in without:
            continue
        text = words.text(key, value)
        if key == MASK:
            found.append(text)
        elif key == RATIO:
            found.append(f"r={text}")
        else:
            found.append(f"{words.keys.get(key) or short_key(key, varies)}={text}")
    return " ".join([*found, *(f"[{note}]" for note in notes)])


def value_text(key: str, value: Any) -> str:
    """Return the shortest text of a value: the last part of a path, the items of a list.

    Example:
        >>> value_text("prompts.file", "my/captions.txt"), value_text("train_ratios", [0.1, 0.3])
        ('captions.txt', '0.1+0.3')
    """
    return _spellings(key, value)[0]


def short_key(key: str, keys: Iterable[str]) -> str:
    """Return the shortest end of a key that no other key has.

    Example:
        >>> short_key("masking.patch", ["seed", "masking.patch"])
        'patch'
    """
    others = [f".{other}" for other in keys if other not in (key, MASK)]
    parts = key.split(".")
    ends = (".".join(parts[-count:]) for count in range(1, len(parts)))
    return next((end for end in ends if not any(o.endswith(f".{end}") for o in others)), key)


def _texts(key: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return for each value its shortest spelling that no other value of the key has."""
    spelled = {name: _spellings(key, value) for name, value in values.items()}
    used = Counter(text for texts in spelled.values() for text in set(texts))
    return {
        name: next((text for text in texts if used[text] == 1), texts[-1])
        for name, texts in spelled.items()
    }


def _spellings(key: str, value: Any) -> list[str]:
    """Return the texts of a value from the shortest to the one that no other value can have.

    Example:
        >>> _spellings("model.checkpoint", "r1/final/")
        ['final', 'r1/final', 'r1/final/', '"r1/final/"']
        >>> _spellings("prompts.file", None), _spellings("prompts.file", "null")
        (['null'], ['null', '"null"'])
    """
    texts = []
    if isinstance(value, list):
        texts = ["+".join(_spellings("", item)[-1].strip('"') for item in value)]
    elif isinstance(value, str):
        parts = [part for part in value.split("/") if part] if key not in _WHOLE else []
        if "=" in value:  # between other words it would read as another key
            return [_json(value)]
        texts = [*("/".join(parts[-count:]) for count in range(1, len(parts) + 1)), value]
    elif isinstance(value, float) and float(f"{value:g}") == value:
        texts = [f"{value:g}"]
    return list(dict.fromkeys([*texts, _json(value)]))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
