"""Files that change a model and would not be read are refused, for every family."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import weights_digest
from clip_har.models.clip import CLIP
from clip_har.models.siglip import SigLIP
from clip_har.models.xclip import XCLIP
from tests.checkpoints import SMALL, write_checkpoint, write_metaclip2, write_siglip, write_xclip

Families = dict[str, tuple[Path, type[CLIP | SigLIP | XCLIP]]]
LORA = {"peft_type": "LORA", "r": 4, "base_model_name_or_path": "openai/clip-vit-base-patch32"}


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Families:
    folder = tmp_path_factory.mktemp("families")
    return {
        "clip": (write_checkpoint(folder / "clip", SMALL), CLIP),
        "metaclip2": (write_metaclip2(folder / "metaclip2"), CLIP),
        "siglip": (write_siglip(folder / "siglip"), SigLIP),
        "xclip": (write_xclip(folder / "xclip"), XCLIP),
    }


def beside(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(json.dumps(LORA))


def adapter_alone(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")


def only(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "model.safetensors").rename(folder / name)


def second(name: str) -> Callable[[Path], object]:
    return lambda folder: shutil.copy(folder / "model.safetensors", folder / name)


def setting(name: str, **more: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | more))

    return change


def in_eight_bits(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    name = next(name for name, one in weights.items() if one.dim() == 2)
    weights[name] = weights[name].to(torch.int8)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def more_tensors(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["text_adapter.weight"] = torch.ones(2, 2)
    weights["text_model.embeddings.position_ids"] = torch.arange(16)[None]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def index(content: object) -> Callable[[Path], object]:
    return lambda folder: (folder / "model.safetensors.index.json").write_text(json.dumps(content))


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "adapter beside the base": (beside("adapter_config.json"), "LoRA.*merge it first with peft"),
    "adapter alone": (adapter_alone, "LoRA.*merge it first"),
    "adapter of diffusers": (second("pytorch_lora_weights.safetensors"), "LoRA.*merge it first"),
    "quantised by its configuration": (
        setting("config.json", quantization_config={"load_in_8bit": True}),
        "config.json has a quantization_config.*dequantised",
    ),
    "quantised weights": (in_eight_bits, "is stored as I8: quantised"),
    "parts that the model does not have": (
        more_tensors,
        "1 tensors of the weights have no place in the model, such as text_adapter.weight",
    ),
    "code of its own": (
        setting("config.json", auto_map={"AutoModel": "own.Model"}),
        "config.json names code of its own",
    ),
    "code of the processor": (
        setting("preprocessor_config.json", auto_map={"AutoImageProcessor": "own.Processor"}),
        "preprocessor_config.json names code of its own",
    ),
    "TensorFlow only": (only("tf_model.h5"), "TensorFlow or Flax only .*transformers 4"),
    "Flax only": (only("flax_model.msgpack"), "TensorFlow or Flax only .*transformers 4"),
    "a second file": (second("model_ema.safetensors"), "several files.*model_ema.safetensors"),
    "another name": (only("weights.safetensors"), "expected the weights as model.safetensors, got"),
    "shards without an index": (
        only("model-00001-of-00002.safetensors"),
        "model.safetensors.index.json is missing",
    ),
    "a lost shard": (
        index({"weight_map": {"a": "model-00002-of-00002.safetensors"}}),
        "model-00002-of-00002.safetensors is missing",
    ),
    "a damaged index": (index([1]), "index.json is damaged"),
}


@pytest.mark.parametrize("family", ["clip", "metaclip2", "siglip", "xclip"])
def test_what_would_change_the_model_is_refused(
    families: Families, family: str, tmp_path: Path
) -> None:
    whole, source = families[family]
    source(checkpoint=str(whole)).load(device=torch.device("cpu"), precision="fp32")
    for name, (spoil, message) in REFUSED.items():
        folder = shutil.copytree(whole, tmp_path / name.replace(" ", "_"))
        spoil(folder)
        with pytest.raises(ClipHarError, match=message) as caught:
            source(checkpoint=str(folder)).load(device=torch.device("cpu"), precision="fp32")
        assert str(caught.value).startswith(f"model.checkpoint={folder}")
        assert "\n" not in str(caught.value)


def test_a_copy_for_open_clip_changes_nothing(families: Families, tmp_path: Path) -> None:
    whole, source = families["clip"]
    folder = shutil.copytree(whole, tmp_path / "both")
    save_file({"visual.proj": torch.ones(2)}, folder / "open_clip_model.safetensors")
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"")
    assert weights_digest(folder) == weights_digest(whole)
    model: Any = source(checkpoint=str(whole)).load(device=torch.device("cpu"), precision="fp32")
    again: Any = source(checkpoint=str(folder)).load(device=torch.device("cpu"), precision="fp32")
    torch.testing.assert_close(again.encode_texts(["a"]), model.encode_texts(["a"]))
    (folder / "model.safetensors").unlink()
    with pytest.raises(ClipHarError, match=r"as model\.safetensors, got open_clip_model"):
        source(checkpoint=str(folder)).folder()


def test_shards_with_their_index_are_read(families: Families, tmp_path: Path) -> None:
    whole, source = families["clip"]
    folder = shutil.copytree(whole, tmp_path / "sharded")
    model: Any = source(checkpoint=str(whole)).load(device=torch.device("cpu"), precision="fp32")
    model.network.save_pretrained(folder, max_shard_size="1MB")
    (folder / "model.safetensors").unlink(missing_ok=True)
    assert len(list(folder.glob("*.safetensors"))) > 1
    again: Any = source(checkpoint=str(folder)).load(device=torch.device("cpu"), precision="fp32")
    torch.testing.assert_close(again.encode_texts(["a"]), model.encode_texts(["a"]))
