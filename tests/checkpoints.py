"""Random weights of the true architectures, in the hub's folder format."""

import gzip
import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizer,
    MetaClip2Config,
    MetaClip2Model,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    XCLIPConfig,
    XCLIPModel,
)

END = "<|endoftext|>"
WORDS = (
    "<pad>",
    "</s>",
    "<s>",
    "<unk>",
    *["a", "photo", "of", "person", "doing", "swimming", "climbing", "running"],
)
VIT_B32 = {
    "projection_dim": 512,
    "text_config": {
        "hidden_size": 512,
        "intermediate_size": 2048,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
        "projection_dim": 512,
    },
    "vision_config": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "patch_size": 32,
        "image_size": 224,
        "projection_dim": 512,
    },
}
SMALL = {
    "projection_dim": 32,
    "text_config": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "projection_dim": 32,
    },
    "vision_config": {
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "patch_size": 16,
        "image_size": 64,
        "projection_dim": 32,
    },
}


def write_checkpoint(folder: Path, shape: dict[str, object], *, seed: int = 0) -> Path:
    """Write a CLIP folder with random weights and OpenAI's tokenizer."""
    config: Any = CLIPConfig(**json.loads(json.dumps(shape)))
    config.text_config.bos_token_id, config.text_config.eos_token_id = 49406, 49407
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = CLIPModel(config)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    size = config.vision_config.image_size
    CLIPImageProcessor(
        size={"shortest_edge": size}, crop_size={"height": size, "width": size}
    ).save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def write_siglip(folder: Path, *, seed: int = 0) -> Path:
    """Write a small SigLIP folder with random weights and a tokenizer of whole words."""
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    shape["num_attention_heads"] = 2
    config: Any = SiglipConfig(
        text_config=shape | {"vocab_size": len(WORDS), "max_position_embeddings": 16},
        vision_config=shape | {"image_size": 64, "patch_size": 16},
    )
    _write_words(folder, SiglipModel, config, seed)
    SiglipImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def write_metaclip2(folder: Path, *, seed: int = 0) -> Path:
    """Write a small MetaCLIP 2 folder with random weights and a tokenizer of whole words."""
    text, vision = dict(SMALL["text_config"]), dict(SMALL["vision_config"])  # type: ignore[call-overload]
    text |= {"vocab_size": len(WORDS), "eos_token_id": 1, "pad_token_id": 0, "bos_token_id": 2}
    config: Any = MetaClip2Config(text_config=text, vision_config=vision, projection_dim=32)
    _write_words(folder, MetaClip2Model, config, seed)
    CLIPImageProcessor(
        size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}
    ).save_pretrained(folder)
    return folder


def write_xclip(folder: Path, *, seed: int = 0, frames: int = 4) -> Path:
    """Write a small X-CLIP folder with random weights and OpenAI's tokenizer."""
    text, vision = dict(SMALL["text_config"]), dict(SMALL["vision_config"])  # type: ignore[call-overload]
    vision |= {
        "num_frames": frames, "mit_hidden_size": 32, "mit_intermediate_size": 64,
        "mit_num_hidden_layers": 1, "mit_num_attention_heads": 2, "drop_path_rate": 0.0,
    }  # fmt: skip
    config: Any = XCLIPConfig(
        text_config=text, vision_config=vision, projection_dim=32, prompt_layers=1,
        prompt_num_attention_heads=2,
    )  # fmt: skip
    config.text_config.bos_token_id, config.text_config.eos_token_id = 49406, 49407
    _write_weights(folder, XCLIPModel, config, seed)
    CLIPImageProcessor(
        size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}
    ).save_pretrained(folder)
    write_tokenizer(folder)
    return folder


def _write_words(folder: Path, architecture: Any, config: Any, seed: int) -> None:
    _write_weights(folder, architecture, config, seed)
    words = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    words.post_processor = TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)


def _write_weights(folder: Path, architecture: Any, config: Any, seed: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        architecture(config).save_pretrained(folder)


def write_tokenizer(folder: Path) -> None:
    """Write OpenAI's tokenizer from the BPE vocabulary that open_clip ships."""
    source = Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(source.read_bytes()).decode().split("\n")
    merges = lines[1 : 49152 - 256 - 2 + 1]
    base = list(open_clip.tokenizer.bytes_to_unicode().values())
    words = [*base, *(f"{b}</w>" for b in base), *("".join(m.split()) for m in merges)]
    words += ["<|startoftext|>", END]
    raw = folder / "raw"
    raw.mkdir(exist_ok=True)
    (raw / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (raw / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    tokenizer = CLIPTokenizer.from_pretrained(raw, model_max_length=77)
    tokenizer.save_pretrained(folder)
    for path in raw.iterdir():
        path.unlink()
    raw.rmdir()
