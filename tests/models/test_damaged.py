"""Damaged checkpoints: loaded and able to answer, or refused in one line, and never for ever.

``CLIP_HAR_FUZZ_SEED`` says which damage is done.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import clip_har.synthetic
from clip_har.core.errors import ClipHarError
from clip_har.models.clip import CLIP
from tests.data.test_fuzz import mutant

SEED = int(os.environ.get("CLIP_HAR_FUZZ_SEED", "0"))
TINY = Path(clip_har.synthetic.__file__).parent / "checkpoint"
SETTINGS = ("config.json", "tokenizer_config.json", "preprocessor_config.json")
JUNK: tuple[Any, ...] = ("x", -1, 0, None, 10**9, [], {}, 1.5, True, "nan")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "checkpoint"))


def tried(folder: Path) -> str:
    """Load a checkpoint and let it answer; anything but these two ends is a fault."""
    try:
        source = CLIP(checkpoint=str(folder))
        source.image_size()
        source.load(device=torch.device("cpu"), precision="fp32")
    except ClipHarError as error:
        message = str(error)
        return "refused" if "\n" not in message and str(folder) in message else message
    return "answers"


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", *SETTINGS])
def test_damaged_files(name, folder):
    assert tried(folder) == "answers"
    whole = (folder / name).read_bytes()
    draws = np.random.default_rng(SEED)
    found: Counter[str] = Counter()
    for _ in range(40):
        (folder / name).write_bytes(mutant([whole, whole[::-1]], draws))
        found[tried(folder)] += 1
    assert found.keys() <= {"answers", "refused"}, found
    assert found["refused"] > 20


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield from leaves(child, (*path, key))
    else:
        yield path


def test_junk_values_in_settings(folder):
    draws = np.random.default_rng(SEED)
    found: Counter[str] = Counter()
    for name in SETTINGS:
        whole = json.loads((folder / name).read_text())
        cases = [(path, junk) for path in leaves(whole) for junk in JUNK]
        for number in draws.permutation(len(cases))[:40]:
            (*way, key), junk = cases[number]
            changed = node = deepcopy(whole)
            for step in way:
                node = node[step]
            node[key] = junk
            (folder / name).write_text(json.dumps(changed))
            found[tried(folder)] += 1
        (folder / name).write_text(json.dumps(whole))
    assert found.keys() == {"answers", "refused"}, found
    assert found["refused"] > 25
    assert found["answers"] > 10


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "intermediate_size"])
def test_a_size_that_would_fill_the_machine_is_refused_before_it_does(key, folder):
    config = json.loads((folder / "config.json").read_text())
    config["text_config"][key] = 10**9
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ClipHarError, match=r"config\.json asks for .* damaged"):
        CLIP(checkpoint=str(folder)).load(device=torch.device("cpu"), precision="fp32")


def test_weights_that_are_no_numbers_are_refused(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("layer_norm1.weight"))
    weights[name] = torch.full_like(weights[name], float("nan"))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ClipHarError, match="is not finite"):
        CLIP(checkpoint=str(folder)).load(device=torch.device("cpu"), precision="fp32")
