"""Refuse a checkpoint's folder with files that change the model and would not be read."""

import json
import re
from pathlib import Path
from typing import Any

INDEX = "model.safetensors.index.json"
WEIGHTS = "model.safetensors"
OF_OPEN_CLIP = "open_clip_"
"""How the names of files begin that hold the same weights for open_clip alone."""

_ADAPTER = re.compile(r"adapter_(config\.json|model\..+)|.*[Ll]o[Rr][Aa].*\.(safetensors|bin|pt)")
_OTHER_FRAMEWORK = re.compile(r"tf_model.*\.h5|flax_model.*\.msgpack|.*\.ckpt\.index")
_CODE = "auto_map"
_QUANTISED = ("quantization_config", "compression_config")


def unread_change(folder: Path, *, weights_only: bool = False) -> str | None:
    """Return what would change the model and is not read, with what to do; None if nothing is.

    Args:
        folder: the checkpoint.
        weights_only: whether only its weights are read, all files of them.
    """
    names = sorted(path.name for path in folder.iterdir())
    if adapters := [name for name in names if _ADAPTER.fullmatch(name)]:
        return (
            f"{adapters[0]} belongs to an adapter (LoRA), which is not applied: merge it first with"
            " peft (PeftModel.from_pretrained(BASE, FOLDER).merge_and_unload(), save_pretrained)"
            " and copy the processor's and the tokenizer's files; if the base model is meant, move"
            " the adapter's files away"
        )
    weights = [name for name in names if name.endswith(".safetensors")]
    if not weights:
        return _of_other_framework(names)
    if weights_only:
        return _of_shards(folder, names, weights) if INDEX in names else None
    return _of_shards(folder, names, weights) or _of_settings(folder, names)


def _of_other_framework(names: list[str]) -> str | None:
    other = [name for name in names if _OTHER_FRAMEWORK.fullmatch(name)]
    if not other or any(name.endswith((".bin", ".pt", ".pth")) for name in names):
        return None
    return (
        f"there are weights of TensorFlow or Flax only ({other[0]}), no *.safetensors: convert them"
        " once with transformers 4 (from_pretrained with from_tf or from_flax, then"
        " save_pretrained)"
    )


def _of_shards(folder: Path, names: list[str], weights: list[str]) -> str | None:
    """Return why the weights are not those that transformers reads: one file, or all shards."""
    if INDEX in names:
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            shards = sorted(set(index["weight_map"].values()))
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return f"{INDEX} is damaged: expected a weight_map of file names"
        if missing := [name for name in shards if name not in names]:
            return f"{missing[0]} is missing"
        if WEIGHTS not in names:
            return _several(weights, shards)
    if WEIGHTS in names:
        return _several(weights, [WEIGHTS])
    if any("-of-" in name for name in weights):
        return f"{INDEX} is missing, which says what the shards hold"
    return f"expected the weights as {WEIGHTS}, got {', '.join(weights[:3])}"


def _several(weights: list[str], read: list[str]) -> str | None:
    unread = [one for one in weights if one not in read and not one.startswith(OF_OPEN_CLIP)]
    if unread:
        return (
            f"there are several files of weights, and {unread[0]} would not be read beside"
            f" {read[0]}: leave only the one that is meant"
        )
    return None


def _of_settings(folder: Path, names: list[str]) -> str | None:
    """Return which setting asks for another model than transformers' own in full precision."""
    for name in names:
        content = _object(folder / name) if name.endswith("config.json") else {}
        nodes = [content, *(one for one in content.values() if isinstance(one, dict))]
        if any(_CODE in node for node in nodes):
            return (
                f"{name} names code of its own ({_CODE}), which is never run: remove {_CODE} if the"
                " model is the same in transformers' own classes"
            )
        if quantised := [key for key in _QUANTISED if content.get(key)]:
            return (
                f"{name} has a {quantised[0]}: quantised weights are not read as such; save the"
                " model dequantised (model.dequantize().save_pretrained(NEW)), or use the original"
            )
    return None


def _object(path: Path) -> dict[str, Any]:
    """Return a JSON object; empty if the file is damaged, which is found where it is read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
