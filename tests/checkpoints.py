"""Random weights of the true architectures, in the hub's folder format."""

import gzip
import json
from pathlib import Path
from typing import Any

import open_clip
import torch
from tokenizers import Tokenizer, pre_tokenizers, processors
from tokenizers.models import WordLevel
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
    VideoMAEImageProcessor,
    XCLIPConfig,
    XCLIPModel,
)

END = "<|endoftext|>"
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


def openai_network() -> open_clip.model.CLIP:
    """Return OpenAI's network of the shape `SMALL`, as open_clip builds it."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        depth = {"layers": 2, "mlp_ratio": 2.0}
        network = open_clip.model.CLIP(
            32,
            {"image_size": 64, "patch_size": 16, "width": 48, "head_width": 16, **depth},
            {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, **depth},
            quick_gelu=True,
        )
        for weight in network.parameters():
            torch.nn.init.normal_(weight, std=0.2)
    return network.eval()


def write_siglip(folder: Path) -> Path:
    """Write a small SigLIP 2 folder: random weights, and a tokenizer that ends and pads as its."""
    shape = json.loads(json.dumps(SMALL))
    words = vocabulary("<pad>", "<eos>", "<unk>")
    shape["text_config"] |= {
        "vocab_size": len(words),
        "max_position_embeddings": 16,
        "projection_size": 48,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
    }
    _write_model(folder, SiglipModel, SiglipConfig(**shape))
    size = {"height": 64, "width": 64}
    SiglipImageProcessor(size=size, resample=2).save_pretrained(folder)
    # SigLIP's tokenizers give no attention mask: the tower reads the padding, too.
    word_tokenizer(
        words, start="", end="<eos>", pad="<pad>", model_input_names=["input_ids"]
    ).save_pretrained(folder)
    return folder


def write_metaclip2(folder: Path) -> Path:
    """Write a small MetaCLIP 2 folder: random weights, and a tokenizer that ends as XLM-R's."""
    shape = json.loads(json.dumps(SMALL))
    words = vocabulary("<s>", "<pad>", "</s>", "<unk>")
    shape["text_config"] |= {"vocab_size": len(words), "eos_token_id": 2, "pad_token_id": 1}
    _write_model(folder, MetaClip2Model, MetaClip2Config(**shape))
    CLIPImageProcessor(
        size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}
    ).save_pretrained(folder)
    word_tokenizer(words, start="<s>", end="</s>", pad="<pad>").save_pretrained(folder)
    return folder


def write_xclip(folder: Path, *, frames: int = 4) -> Path:
    """Write a small X-CLIP folder: random weights, a tokenizer whose last word is the end."""
    shape = json.loads(json.dumps(SMALL))
    words = vocabulary("<start>")
    words["<unk>"], words["<end>"] = len(words), len(words) + 1
    shape["text_config"] |= {"vocab_size": len(words), "bos_token_id": 0, "eos_token_id": 2}
    shape["vision_config"] |= {
        "num_frames": frames,
        "mit_hidden_size": 32,
        "mit_intermediate_size": 64,
        "mit_num_attention_heads": 2,
    }
    shape |= {"prompt_num_attention_heads": 2, "prompt_alpha": 1.0}
    _write_model(folder, XCLIPModel, XCLIPConfig(**shape))
    VideoMAEImageProcessor(
        size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}
    ).save_pretrained(folder)
    word_tokenizer(words, start="<start>", end="<end>", pad="<end>").save_pretrained(folder)
    return folder


def _write_model(folder: Path, architecture: Any, config: Any) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = architecture(config)
        for weight in model.parameters():  # as large as trained ones: random texts would be alike
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=0.3)
        model.logit_scale.data.fill_(1.5)
        if hasattr(model, "logit_bias"):
            model.logit_bias.data.fill_(-3.0)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)


def vocabulary(*special: str) -> dict[str, int]:
    text = "a photo video of person doing is room with dog running jumping ."
    text += " climbing juggling rowing surfing waving"
    return {word: number for number, word in enumerate([*special, *text.split()])}


def word_tokenizer(
    words: dict[str, int], *, start: str, end: str, pad: str, **more: Any
) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words, in place of the sentence pieces of the true ones."""
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}".strip(),
        special_tokens=[(token, words[token]) for token in (start, end) if token],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=end, pad_token=pad, unk_token="<unk>", **more
    )


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
