"""The cache of text classifiers: what its key holds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from clip_har.models.classifier import zero_shot_classifier
from clip_har.models.clip import CLIP


@pytest.mark.parametrize(
    "change", [{}, {"padded_texts": True}, {"context_length": 8}, {"digest": "0" * 32}]
)
def test_texts_that_are_tokenised_differently_are_embedded_again(
    small_clip: Path, tmp_path: Path, change: Any
) -> None:
    model = CLIP(checkpoint=str(small_clip)).load(device=torch.device("cpu"), precision="fp32")
    for one in (model, replace(model, **change)):
        zero_shot_classifier(one, [["a photo of running"]], cache_dir=tmp_path)
    kept = list((tmp_path / "classifiers").glob("*.safetensors"))
    assert len(kept) == (2 if change else 1)
