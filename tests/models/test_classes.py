"""Classes that a model cannot tell apart, words that it does not know, texts that it cuts."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import normalize

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.engine.load_model import load_classifier
from clip_har.models.classes import check_embeddings, warn_of_texts
from clip_har.models.clip import CLIP
from clip_har.models.siglip import SigLIP
from clip_har.models.xclip import XCLIP
from clip_har.prompts.prompt_set import PromptSet
from clip_har.synthetic.actions import ACTIONS
from clip_har.synthetic.tiny_clip import TinyCLIP
from tests.checkpoints import write_metaclip2, write_siglip, write_xclip
from tests.noise.cells import cell_of

CPU = torch.device("cpu")
FAMILIES: dict[str, Any] = {
    "metaclip2": (write_metaclip2, CLIP),
    "siglip": (write_siglip, SigLIP),
    "xclip": (write_xclip, XCLIP),
}
OWN = tuple(action.name for action in ACTIONS)


def clips_of_classes(*names: str) -> ClipSet:
    return ClipSet("own", names, (Clip("c", Path("c.avi"), 0, "g"),), licence="", citation="")


def named(*names: str) -> PromptSet:
    return PromptSet(templates=["a photo of {}"], class_names=list(names))


def turned(angle: float) -> torch.Tensor:
    """Return three class vectors, the last two at an angle in radians to each other."""
    other = torch.tensor([0.0, 1.0]), torch.tensor([torch.tensor(angle).sin(), 1.0])
    return normalize(torch.stack([torch.tensor([1.0, 0.0]), *other]), dim=-1)


def test_nearly_equal_classes_are_named(small_clip: Path) -> None:
    model = CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp32")
    names = ["running", "Fencing", "Punch"]
    check_embeddings(model, turned(2e-3), names)  # cosine 1 - 2e-6
    with pytest.raises(ClipHarError, match=r"2 of 3 classes.*: Fencing, Punch; try other names"):
        check_embeddings(model, turned(1e-3), names)  # cosine 1 - 5e-7
    half = replace(model, dtype=torch.bfloat16)
    with pytest.raises(ClipHarError, match=r"precision=bf16: .*try precision=fp32, other names"):
        check_embeddings(half, turned(1e-3), names)


@pytest.mark.parametrize("family", FAMILIES)
def test_unknown_words_and_equal_classes_of_every_family(
    family: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write, source = FAMILIES[family]
    folder = write(tmp_path / family)
    option = {CLIP: "clip", SigLIP: "siglip", XCLIP: "xclip"}[source]
    cell = cell_of(
        f"model={option}", f"model.checkpoint={folder}", f"cache_dir={tmp_path}", "device=cpu"
    )
    load_classifier(cell, clips_of_classes("running", "Climbing"))
    assert "does not know" not in caplog.text
    load_classifier(cell, clips_of_classes("running", "Fencing"))
    assert "does not know 'fencing', in the texts of 1 of 2 classes (Fencing)" in caplog.text
    with pytest.raises(ClipHarError, match=r"cannot tell apart 2 of 3 classes.*: Fencing, Punch;"):
        load_classifier(cell, clips_of_classes("Fencing", "running", "Punch"))


def test_the_tiny_model_says_what_it_was_not_trained_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cell = cell_of("model=tiny", f"cache_dir={tmp_path}", "device=cpu")
    load_classifier(cell, clips_of_classes(*OWN))
    assert caplog.text == ""
    load_classifier(cell, clips_of_classes("walking", "Fencing"))
    assert "it was not trained on 1 of the 2 classes (fencing)" in caplog.text
    caplog.clear()
    load_classifier(cell, clips_of_classes("Walking", "JumpingJacks"))  # the model reads words
    numbered = cell.model_copy(update={"prompts": named("walking", "running")})
    load_classifier(numbered, clips_of_classes("0", "1"))
    assert caplog.text == ""
    with pytest.raises(ClipHarError, match=r"model.checkpoint=tiny.*: Basketball, Fencing, Punch;"):
        load_classifier(cell, clips_of_classes("Basketball", "Fencing", "Punch", "walking"))
    assert TinyCLIP().unfamiliar([*OWN, "jumping jacks"]) == []
    assert CLIP(checkpoint="x").unfamiliar(["Fencing"]) == []


def test_texts_that_are_cut_are_named(small_clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp32")
    longest = " ".join(["dog"] * 75)  # 77 tokens with start and end
    with caplog.at_level(logging.WARNING):
        warn_of_texts(model, [[longest], ["a photo", "of 🤺 über"]], ["long", "short"])
    assert caplog.text == ""  # byte pairs know every sign
    warn_of_texts(model, [[longest + " s"], ["a"]], ["long", "short"])
    assert "texts of 1 of 2 classes are longer than 77 tokens and are cut (long)" in caplog.text
