"""Damage to whole checkpoints of each architecture: loaded and able to answer, or refused.

Files are damaged, tensors' headers are made to lie, files are put in each other's place, and
weights are pickled, which must never be read. ``CLIP_HAR_FUZZ_SEED`` says which damage is done.
"""

import json
import os
import pickle
import shutil
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import clip_har.synthetic
from clip_har.core.errors import ClipHarError
from clip_har.models.clip import CLIP
from clip_har.models.siglip import SigLIP
from clip_har.models.xclip import XCLIP
from tests.checkpoints import write_metaclip2, write_siglip, write_xclip
from tests.data.test_fuzz import mutant

TINY = Path(clip_har.synthetic.__file__).parent / "checkpoint"
SEED = int(os.environ.get("CLIP_HAR_FUZZ_SEED", "0"))


def copy_tiny(folder: Path) -> Path:
    """Copy the files of the tiny CLIP that are read."""
    unread = shutil.ignore_patterns("*.md", "*.yaml", "*.csv")
    return Path(shutil.copytree(TINY, folder / "checkpoint", ignore=unread))


FAMILIES: dict[str, Any] = {
    "clip": (copy_tiny, CLIP),
    "siglip": (write_siglip, SigLIP),
    "metaclip2": (write_metaclip2, CLIP),
    "xclip": (write_xclip, XCLIP),
}
MUTANTS = 60  # of each family
SETTINGS = ("config.json", "tokenizer_config.json", "preprocessor_config.json")
JUNK: tuple[Any, ...] = ("x", -1, 0, None, 10**9, [], {}, 1.5, True, "nan")
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module", params=FAMILIES)
def family(request, tmp_path_factory):
    write, source = FAMILIES[request.param]
    return write(tmp_path_factory.mktemp(request.param)), source


@pytest.fixture
def folder(family, tmp_path):
    return Path(shutil.copytree(family[0], tmp_path / "checkpoint"))


def tried(folder, source):
    """Load a checkpoint and let it answer; anything but these two ends is a fault."""
    try:
        settings = source(checkpoint=str(folder))
        settings.image_size()
        settings.fitting()
        settings.clip_length()
        settings.load(device=torch.device("cpu"), precision="fp32")
    except ClipHarError as error:
        message = str(error)
        return "refused" if "\n" not in message and str(folder) in message else message
    return "answers"


def test_damaged_files(family, folder):
    whole = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    assert tried(folder, family[1]) == "answers"
    draws = np.random.default_rng(SEED)
    found: Counter[str] = Counter()
    for _ in range(MUTANTS):
        name = str(draws.choice(sorted(whole)))
        others = [whole[name], whole[str(draws.choice(sorted(whole)))]]
        (folder / name).write_bytes(mutant(others, draws))
        found[tried(folder, family[1])] += 1
        (folder / name).write_bytes(whole[name])
    assert found.keys() <= {"answers", "refused"}, found
    assert found["refused"] > MUTANTS // 2


def with_header(content, change):
    """Return a safetensors file whose header, a JSON object, was changed."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header, [name for name in header if name != "__metadata__"])
    new = json.dumps(header).encode()
    return len(new).to_bytes(8, "little") + new + content[8 + length :]


def end_beyond_the_file(header, names):
    header[names[-1]]["data_offsets"][1] = 10**12


def other_shape(header, names):
    header[names[0]]["shape"] = [10**9, 10**9]


def unknown_type(header, names):
    header[names[0]]["dtype"] = "F7"


def shorter_type(header, names):
    header[names[0]]["dtype"] = "F16"


def overlap(header, names):
    header[names[1]]["data_offsets"] = header[names[0]]["data_offsets"]


def negative(header, names):
    header[names[0]]["data_offsets"] = [-8, 0]


def one_less(header, names):
    del header[names[0]]


def two_swapped(header, names):
    header[names[0]], header[names[-1]] = header[names[-1]], header[names[0]]


LIES = (
    *(end_beyond_the_file, other_shape, unknown_type, shorter_type, overlap, negative),
    *(one_less, two_swapped),
)


def test_headers_that_lie(family, folder):
    whole = (folder / WEIGHTS).read_bytes()
    for lie in LIES:
        (folder / WEIGHTS).write_bytes(with_header(whole, lie))
        assert tried(folder, family[1]) == "refused", lie.__name__
    for length in (0, 7, len(whole) + 1, 2**63):
        (folder / WEIGHTS).write_bytes(length.to_bytes(8, "little") + whole[8:])
        assert tried(folder, family[1]) == "refused", length


def test_files_in_each_others_place(family, folder):
    names = sorted(path.name for path in folder.iterdir())
    whole = {name: (folder / name).read_bytes() for name in names}
    for number, name in enumerate(names):
        for other in names[number + 1 :]:
            (folder / name).write_bytes(whole[other])
            (folder / other).write_bytes(whole[name])
            assert tried(folder, family[1]) == "refused", (name, other)
            for each in (name, other):
                (folder / each).write_bytes(whole[each])


class Payload:
    """A pickle that leaves a trace when it is read."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


def test_pickles_are_never_read(family, folder, tmp_path):
    trace = tmp_path / "read"
    pickled = pickle.dumps(Payload(trace))
    (folder / "pytorch_model.bin").write_bytes(pickled)
    assert tried(folder, family[1]) == "answers", "from the safetensors beside it"
    (folder / WEIGHTS).write_bytes(pickled)
    assert tried(folder, family[1]) == "refused"
    (folder / WEIGHTS).unlink()
    for name in ("pytorch_model.bin", "model.pt", "pytorch_model.bin.index.json"):
        (folder / name).write_bytes(pickled)
    with pytest.raises(ClipHarError, match=r"pickled weights are not read.*convert them once"):
        family[1](checkpoint=str(folder)).folder()
    assert not trace.exists()
    pickle.loads(pickled)  # the trap works
    assert trace.exists()


# What only one architecture is needed for


def leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield from leaves(child, (*path, key))
    else:
        yield path


@pytest.fixture
def tiny(tmp_path):
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


def test_junk_values_in_settings(tiny):
    draws = np.random.default_rng(SEED)
    found: Counter[str] = Counter()
    for name in SETTINGS:
        whole = json.loads((tiny / name).read_text())
        cases = [(path, junk) for path in leaves(whole) for junk in JUNK]
        for number in draws.permutation(len(cases))[:40]:
            (*way, key), junk = cases[number]
            changed = node = deepcopy(whole)
            for step in way:
                node = node[step]
            node[key] = junk
            (tiny / name).write_text(json.dumps(changed))
            found[tried(tiny, CLIP)] += 1
        (tiny / name).write_text(json.dumps(whole))
    assert found.keys() == {"answers", "refused"}, found
    assert found["refused"] > 25
    assert found["answers"] > 10


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "intermediate_size"])
def test_a_size_that_would_fill_the_machine_is_refused_before_it_does(key, tiny):
    config = json.loads((tiny / "config.json").read_text())
    config["text_config"][key] = 10**9
    (tiny / "config.json").write_text(json.dumps(config))
    with pytest.raises(ClipHarError, match=r"config\.json asks for .* damaged"):
        CLIP(checkpoint=str(tiny)).load(device=torch.device("cpu"), precision="fp32")


def test_weights_that_are_no_numbers_are_refused(tiny):
    weights = load_file(tiny / "model.safetensors")
    name = next(name for name in weights if name.endswith("layer_norm1.weight"))
    weights[name] = torch.full_like(weights[name], float("nan"))
    save_file(weights, tiny / "model.safetensors", {"format": "pt"})
    with pytest.raises(ClipHarError, match="are not finite"):
        CLIP(checkpoint=str(tiny)).load(device=torch.device("cpu"), precision="fp32")
