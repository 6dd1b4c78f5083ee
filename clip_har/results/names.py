"""The name of a cell: a mapping of what varies, and the short name that is made from it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

MASK, RATIO, SEED = "masking", "ratio", "seed"

_SET_BY_GROUP = {
    "ratio": "masking.ratio",
    "fill": "masking.fill",
    "feature": "masking.feature",
    "noise_seed": "noise.seed",
}
"""Root keys that set a key of an option. The option's value counts, since it may be fixed there."""


def what_varies(
    config: DictConfig, choices: Mapping[str, Any], varying: Sequence[str] = ()
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
        if key == _SET_BY_GROUP[RATIO]:
            continue  # the same as the ratio
        used = _SET_BY_GROUP.get(key)
        value = choices.get(key, OmegaConf.select(config, used or key))
        if not (used and value is None):
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            found.setdefault(key, plain)
    return found


def cell_name(
    varies: Mapping[str, Any], *, without: Collection[str] = (), notes: Iterable[str] = ()
) -> str:
    """Return a short name: the mask, its ratio, and what else varies.

    A key is shown by its shortest end that no other key has.

    Args:
        varies: see `what_varies`.
        without: keys that are left out.
        notes: the warnings that must be shown with every number of the cell.

    Example:
        >>> cell_name({"masking": "percent", "ratio": 0.3, "dataset.seed": 1, "seed": 0})
        'percent r=0.3 dataset.seed=1 seed=0'
        >>> cell_name({"masking": "shape", "masking.shape": "star"}, notes=["uses the true label"])
        'shape shape=star [uses the true label]'
    """
    words = []
    for key, value in varies.items():
        if key in without:
            continue
        if key == MASK:
            words.append(str(value))
        elif key == RATIO:
            words.append(f"r={value:g}")
        else:
            words.append(f"{short_key(key, varies)}={shown_value(key, value)}")
    return " ".join([*words, *(f"[{note}]" for note in notes)])


def shown_value(key: str, value: Any) -> str:
    """Return a value as it is shown in a name: the last part of a path, the items of a list.

    Example:
        >>> shown_value("prompts.file", "my/captions.txt"), shown_value("train_ratios", [0.1, 0.3])
        ('captions.txt', '0.1+0.3')
    """
    if isinstance(value, list):
        return "+".join(str(item) for item in value)
    return str(value) if key == "shard" else Path(str(value)).name


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
