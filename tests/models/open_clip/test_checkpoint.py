"""Checkpoints of open_clip: names, what is refused, and what makes another digest."""

import json
import logging
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg
from safetensors.torch import load_file, save_file

from clip_har.core.errors import ClipHarError
from clip_har.models.open_clip import checkpoint as checkpoints
from clip_har.models.open_clip import library
from clip_har.models.open_clip.checkpoint import OpenClipFormat, parse_hub
from clip_har.models.open_clip.config import DEFAULTS
from clip_har.models.open_clip.library import Tag, tags
from clip_har.models.open_clip.option import OpenCLIP
from tests.damage import DAMAGES
from tests.models.open_clip.made import write

CPU = torch.device("cpu")
WEIGHTS, CONFIG = "open_clip_model.safetensors", "open_clip_config.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "model", "vit")


def changed(folder: Path, **parts: dict[str, object]) -> None:
    """Change settings of a folder's configuration, by their part."""
    settings = json.loads((folder / CONFIG).read_text())
    for part, values in parts.items():
        (settings if part in settings else settings["model_cfg"])[part].update(values)
    (folder / CONFIG).write_text(json.dumps(settings))


def loaded(folder: Path) -> None:
    OpenCLIP(checkpoint=str(folder)).load(device=CPU, precision="fp32")


def test_the_defaults_are_those_of_the_library():
    own = PreprocessCfg()
    assert {key: getattr(own, key) for key in DEFAULTS} == DEFAULTS


def test_pickles_are_refused_with_a_command_that_converts_them(folder):
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    torch.save({"state_dict": weights}, folder / "open_clip_pytorch_model.bin")
    with pytest.raises(ClipHarError, match=r"pickles are not read, because they can run") as raised:
        loaded(folder)
    command = str(raised.value).partition("convert it once with ")[2].partition(", then set")[0]
    program, flag, code = shlex.split(command)
    assert (program, flag) == ("python", "-c")
    subprocess.run([sys.executable, flag, code], cwd=folder, check=True)
    read = load_file(folder / WEIGHTS)
    assert all(torch.equal(read[name], one) for name, one in weights.items())
    loaded(folder)


def test_a_pickle_beside_safetensors_is_not_read(folder, monkeypatch):
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"not read")
    (folder / WEIGHTS).rename(folder / "model.safetensors")  # open_clip would take the pickle
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("a pickle is read"))
    loaded(folder)
    assert ".bin" not in "".join(OpenClipFormat("", "").wanted)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ViT-B-16/datacomp", r"no such weights; did you mean ViT-B-16/datacomp_[lx]"),
        ("nowhere", r"no such folder; expected ARCHITECTURE/TAG such as ViT-B-16/"),
        ("/no/where", r"no such folder"),
        ("hf-hub:owner", r"not a hub name"),
    ],
)
def test_a_name_that_is_nothing_is_one_line(name, message):
    with pytest.raises(ClipHarError, match=message):
        OpenCLIP(checkpoint=name).folder()


@pytest.mark.parametrize(
    ("name", "revision"),
    [
        ("ViT-B-32/laion2b_s34b_b79k", "1a2b"),
        ("hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K@1a2b", None),
    ],
)
def test_the_pinned_commit_is_fetched_and_offline_the_advice_names_it(
    name, revision, tmp_path, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(
        ClipHarError, match=r"hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K --revision 1a2b"
    ):
        OpenCLIP(checkpoint=name, revision=revision).folder()


def test_two_commits_are_refused():
    with pytest.raises(ClipHarError, match=r"model\.revision=b names another commit"):
        parse_hub("hf-hub:owner/name@a", "b")


def test_a_missing_or_other_library_is_one_line(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(library, "find_spec", lambda _: None)
        with pytest.raises(ClipHarError, match=r"pip install 'clip-har\[open_clip\]'$"):
            OpenCLIP(checkpoint="ViT-B-32/openai").folder()
    monkeypatch.setattr(library, "version", lambda _: "4.0.1")
    with pytest.raises(ClipHarError, match=r"at least 3\.3 and below 4, got 4\.0\.1"):
        OpenCLIP(checkpoint="ViT-B-32/openai").folder()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"text_cfg": {"tokenizer_kwargs": {"trust_remote_code": True}}}, "_remote_code is not"),
        ({"text_cfg": {"tokenizer_kwargs": {"reduction_mask": "random"}}}, "cuts long texts at"),
        ({"text_cfg": {"vocab_size": 100}}, r"cannot be loaded .*token_embedding\.weight"),
        ({"text_cfg": {"layers": 10**6}}, r"asks for 1000000 layers"),
        ({"text_cfg": {"width": 3200}}, r"asks for [\d,]+ parameters"),
        ({"text_cfg": {"width": 10**12}}, r"at most 10,000,000"),
        ({"vision_cfg": {"timm_model_name": "hf-hub:owner/name"}}, r"a name of timm's own"),
        ({"vision_cfg": {"image_size": [64, 32]}}, r"square image_size"),
        ({"vision_cfg": {"width": 96}}, r"cannot be loaded|parameters"),
        ({"preprocess_cfg": {"mean": [0.5]}}, r"mean of three channels"),
        ({"preprocess_cfg": {"std": [0, 1, 1]}}, r"std of three channels"),
        ({"preprocess_cfg": {"resize_mode": "other"}}, r"expected resize_mode"),
        ({"preprocess_cfg": {"interpolation": "nearest"}}, r"expected interpolation"),
        ({"preprocess_cfg": {"resize_mode": "longest", "fill_color": 9}}, r"fill_color 0"),
    ],
)  # fmt: skip
def test_what_a_configuration_cannot_ask_for_is_one_line(folder, parts, message):
    changed(folder, **parts)
    with pytest.raises(ClipHarError, match=message) as raised:
        loaded(folder)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"model.checkpoint={folder}: ")


def test_the_tokenizer_of_another_model_is_refused(tmp_path):
    folder = write(tmp_path / "model", "worldwide")
    changed(folder, text_cfg={"eos_id": 3})
    with pytest.raises(ClipHarError, match=r"reads a text at token 3 \(eos_id\).* is 2"):
        loaded(folder)
    changed(folder, text_cfg={"hf_tokenizer_name": None})
    with pytest.raises(ClipHarError, match=r"tokenizer has 49408 words and the text tower 24"):
        loaded(folder)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", [WEIGHTS, CONFIG])
def test_a_damaged_file_is_one_line_if_it_is_found(folder, file, damage):
    damage(folder / file)
    try:  # numbers that are changed within the weights cannot be found
        loaded(folder)
    except ClipHarError as error:
        assert str(error).startswith("model.checkpoint=")  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


def test_the_digest_covers_what_is_read_and_nothing_else(tmp_path):
    def digest(name: str, **more: Any) -> str:
        return OpenCLIP(checkpoint=str(write(tmp_path / name, "siglip", **more))).digest()

    first = digest("a")
    assert digest("same") == first
    assert digest("weights", seed=1) != first
    assert digest("pixels", pixels={"interpolation": "bilinear"}) != first
    words = write(tmp_path / "words", "siglip")
    tokenizer = words / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text().replace('"dog"', '"cat"'))
    assert OpenCLIP(checkpoint=str(words)).digest() != first
    more = write(tmp_path / "more", "siglip")
    save_file({"image": torch.ones(2)}, more / "model.safetensors")  # of transformers or timm
    assert OpenCLIP(checkpoint=str(more)).digest() == first


def test_a_tag_is_loaded_as_the_librarys_table_says(folder, monkeypatch, caplog):
    monkeypatch.setattr(checkpoints, "find_checkpoint", lambda *_: folder)
    changed(folder, vision_cfg={"image_size": 64})
    source = OpenCLIP(checkpoint="ViT-B-16/dfn2b")
    with caplog.at_level(logging.WARNING):
        config = source.config()
    assert dict(config.overrides) == {"force_image_size": 224, "quick_gelu": True}
    assert "quick_gelu=True, not False" in caplog.text
    assert config.image_size == 224
    assert source.name == "ViT-B-16/dfn2b"
    model = source.load(device=CPU, precision="fp32")
    activation = model.network.model.visual.transformer.resblocks[0].mlp.gelu
    assert isinstance(activation, open_clip.transformer.QuickGELU)
    assert model.network.model.visual.grid_size == (14, 14)
    assert OpenCLIP(checkpoint=str(folder)).digest() != source.digest()
    changed(folder, vision_cfg={"image_size": 224})
    settings = json.loads((folder / CONFIG).read_text())
    settings["model_cfg"]["quick_gelu"] = True
    (folder / CONFIG).write_text(json.dumps(settings))
    changed(folder, preprocess_cfg=dict(library.entry(Tag("ViT-B-16", "dfn2b"))))
    assert not source.config().overrides
    assert OpenCLIP(checkpoint=str(folder)).digest() == source.digest(), "the same in effect"


def test_every_tag_is_on_the_hub_and_named_once():
    found = tags()
    assert len(found) > 120
    assert len({str(tag) for tag in found}) == len(found)
    assert all("/" in library.hub_place(tag)[0] for tag in found)
    assert not [tag for tag in found if tag.architecture.endswith("-quickgelu")]
