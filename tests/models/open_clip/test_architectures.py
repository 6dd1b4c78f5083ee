"""All architectures that open_clip lists and that fit in memory: equality with open_clip alone."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from transformers import M2M100Config, MT5Config, RobertaConfig, XLMRobertaConfig

from clip_har.models.open_clip.network import skeleton
from clip_har.models.open_clip.option import OpenCLIP
from clip_har.models.preprocess import normalise
from clip_har.models.zero_shot import ZeroShot
from tests.models.open_clip.made import write_words

# Millions of parameters; three copies of them are in memory at once, 12 bytes each.
LARGEST = int(os.environ.get("CLIP_HAR_LARGEST_MODEL", "450"))
CPU = torch.device("cpu")
PROMPTS = ["a photo of a dog running", "a video of a person"]
# The text towers of transformers, by their name on the hub.
TOWERS: dict[str, Any] = {
    "roberta-base": lambda: RobertaConfig(vocab_size=50265, max_position_embeddings=514),
    "xlm-roberta-base": lambda: XLMRobertaConfig(vocab_size=250002, max_position_embeddings=514),
    "xlm-roberta-large": lambda: XLMRobertaConfig(
        vocab_size=250002,
        max_position_embeddings=514,
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=24,
        num_attention_heads=16,
    ),
    "google/mt5-base": lambda: MT5Config(
        vocab_size=250112, d_model=768, d_ff=2048, num_heads=12, num_layers=12
    ),
    "facebook/nllb-200-distilled-600M": lambda: M2M100Config(
        vocab_size=256206,
        d_model=1024,
        encoder_layers=12,
        decoder_layers=12,
        encoder_ffn_dim=4096,
        decoder_ffn_dim=4096,
    ),
}


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of the libraries, about their own models
@pytest.mark.parametrize("name", open_clip.list_models())
def test_an_architecture_equals_open_clip(name: str, tmp_path: Path) -> None:
    config = open_clip.get_model_config(name)
    text = config["text_cfg"]
    if tower := text.get("hf_model_name"):
        if tower not in TOWERS:
            pytest.skip(f"no configuration of {tower} here")
        TOWERS[tower]().save_pretrained(tmp_path / "tower")
        text["hf_model_name"] = str(tmp_path / "tower")
    write_words(tmp_path, "metaclip2" if text.get("eos_id") == 2 else "siglip")
    settings = {"model_cfg": config, "preprocess_cfg": {}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(settings))
    size = sum(one.numel() for one in skeleton(f"local-dir:{tmp_path}", {}).state_dict().values())
    if size > LARGEST * 1e6:
        pytest.skip(f"{size / 1e6:.0f} million parameters")
    try:
        _compare(name, tmp_path)
    finally:
        shutil.rmtree(tmp_path)  # gigabytes, which pytest would keep


def _compare(name: str, folder: Path) -> None:
    torch.manual_seed(0)
    theirs, _, _ = open_clip.create_model_and_transforms(
        f"local-dir:{folder}", load_weights=False, pretrained_text=False
    )
    theirs.eval()
    save_file(theirs.state_dict(), folder / "open_clip_model.safetensors")
    source = OpenCLIP(checkpoint=str(folder))
    model = source.load(device=CPU, precision="fp32")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    frames = torch.randint(0, 256, (2, 3, model.image_size, model.image_size), dtype=torch.uint8)
    classifier = ZeroShot.build(
        model, [[text] for text in PROMPTS], pooling="mean", batch_size=2, cache_dir=folder
    )
    scores, embeddings = classifier.forward([frame[None] for frame in frames])
    with torch.inference_mode():
        pixels = normalise(frames, source.config().scale, dtype=torch.float32)
        expected = theirs.encode_image(pixels, normalize=True)
        classes = open_clip.build_zero_shot_classifier(theirs, tokenizer, PROMPTS, ["{}"])
        logits = theirs.logit_scale.exp() * expected @ classes
        logits += 0 if theirs.logit_bias is None else theirs.logit_bias
    torch.testing.assert_close(embeddings, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(classifier.class_embeddings, classes.T, atol=1e-5, rtol=0)
    torch.testing.assert_close(scores, logits, atol=1e-5, rtol=0)
