"""Heads on disk: all of them in one file of tensors."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import torch
from torch import Tensor

from clip_har.core.tensor_file import read_tensors, save_tensors
from clip_har.heads.fit import KINDS
from clip_har.heads.head import Head

_HEADS = "heads"


def save_heads(path: Path, heads: Mapping[str, Head]) -> None:
    """Write heads to a temporary file that is renamed later, see `clip_har.core.cache.cached`."""
    tensors: dict[str, Tensor] = {}
    for name, head in heads.items():
        tensors |= _tensors(head, f"{name}/")
    save_tensors(path, tensors, {_HEADS: json.dumps(list(heads))})


def read_heads(path: Path) -> dict[str, Head] | None:
    """Return what `save_heads` wrote, equal to the bit; None if it is not there, or damaged."""
    try:
        tensors, texts = read_tensors(path)
        return {
            name: _restored(KINDS[name], tensors, f"{name}/") for name in json.loads(texts[_HEADS])
        }
    except (OSError, ValueError, KeyError):
        return None


def _tensors(head: Any, prefix: str) -> dict[str, Tensor]:
    """Return the arrays and numbers of a head by their names, those of its parts included."""
    found: dict[str, Tensor] = {}
    for field in fields(head):
        value, name = getattr(head, field.name), f"{prefix}{field.name}"
        if is_dataclass(value):
            found |= _tensors(value, f"{name}/")
        elif isinstance(value, np.ndarray):
            found[name] = torch.from_numpy(value).clone()  # heads share classes
        else:
            found[name] = torch.tensor(value, dtype=torch.float64)
    return found


def _restored(kind: Any, tensors: Mapping[str, Tensor], prefix: str) -> Any:
    values: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint):
            values[name] = _restored(hint, tensors, f"{prefix}{name}/")
        else:
            tensor = tensors[prefix + name]
            values[name] = hint(tensor.item()) if hint in (int, float) else tensor.numpy()
    return kind(**values)
