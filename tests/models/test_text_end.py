"""Texts are read at their end token, whatever their batch, or the checkpoint is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize
from transformers import AutoTokenizer

from clip_har.core.errors import ClipHarError
from clip_har.models.clip import CLIP
from clip_har.models.siglip import SigLIP
from clip_har.models.xclip import XCLIP
from tests.checkpoints import SMALL, write_checkpoint, write_metaclip2, write_siglip, write_xclip

FAMILIES: dict[str, tuple[Callable[[Path], Path], Any]] = {
    "clip": (lambda folder: write_checkpoint(folder, SMALL), CLIP),
    "metaclip2": (write_metaclip2, CLIP),
    "xclip": (write_xclip, XCLIP),
    "siglip": (write_siglip, SigLIP),
}
TEXTS = ["a dog", "a photo of a person doing a dog running jumping", "person"]


def change(path: Path, **more: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


def end_of(folder: Path, token: int) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["eos_token_id"] = token
    (folder / "config.json").write_text(json.dumps(config))


def embedded(source: Any, folder: Path, texts: list[str]) -> torch.Tensor:
    model = source(checkpoint=str(folder)).load(device=torch.device("cpu"), precision="fp32")
    found: torch.Tensor = normalize(model.encode_texts(texts), dim=-1)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_does_not_depend_on_its_batch(family: str, tmp_path: Path) -> None:
    write, source = FAMILIES[family]
    folder = write(tmp_path / family)
    change(folder / "tokenizer_config.json", padding_side="left")
    together = embedded(source, folder, TEXTS)
    alone = torch.cat([embedded(source, folder, [text]) for text in TEXTS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    assert (together @ together.T).triu(1).max() < 0.99


@pytest.mark.parametrize("family", ["clip", "metaclip2"])
def test_another_end_token_than_the_tokenizers(family: str, tmp_path: Path) -> None:
    write, source = FAMILIES[family]
    folder = write(tmp_path / family)
    end_of(folder, 0)
    with pytest.raises(ClipHarError, match=r"at the token with eos_token_id=0 .*end token is"):
        embedded(source, folder, TEXTS)


def test_the_old_number_of_the_end_token_still_means_the_largest(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "clip", SMALL)
    expected = embedded(CLIP, folder, TEXTS)
    end_of(folder, 2)
    assert torch.equal(embedded(CLIP, folder, TEXTS), expected)


@pytest.mark.parametrize("family", ["clip", "xclip"])
def test_words_added_after_the_end_token(family: str, tmp_path: Path) -> None:
    """The largest number would be the new word's: https://github.com/huggingface/transformers/issues/24650."""
    write, source = FAMILIES[family]
    folder = write(tmp_path / family)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["somersault"])
    tokenizer.save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    name = "text_model.embeddings.token_embedding.weight"
    weights[name] = torch.cat([weights[name], weights[name][-1:]])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["vocab_size"] = len(tokenizer)
    (folder / "config.json").write_text(json.dumps(config))
    if family == "clip":
        assert torch.isfinite(embedded(source, folder, TEXTS)).all()  # by its own number
        end_of(folder, 2)
    with pytest.raises(ClipHarError, match="at the token with the largest number"):
        embedded(source, folder, TEXTS)


@pytest.mark.parametrize("family", ["metaclip2", "xclip"])  # CLIP's own class adds the end
def test_a_tokenizer_that_ends_no_text(family: str, tmp_path: Path) -> None:
    write, source = FAMILIES[family]
    folder = write(tmp_path / family)
    change(folder / "tokenizer.json", post_processor=None)
    with pytest.raises(ClipHarError, match="puts no end token after a text"):
        embedded(source, folder, TEXTS)
