"""The zero-shot classifier: one embedding per class, from its prompts."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.core.atomic import whole_file
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.video_encoder import VideoEncoder

_FORMAT = (1, transformers.__version__)  # raise the number when the construction changes


def zero_shot_classifier(
    model: DualEncoder, prompts: Sequence[Sequence[str]], *, cache_dir: Path
) -> Tensor:
    """Embed the prompts of each class, average, renormalise (Radford et al. 2021, section 3.1.4).

    The result is cached by the weights and the texts, since the text tower costs more than a small
    evaluation when there are many templates.

    Args:
        model: the dual encoder.
        prompts: C lists of at least one text each.
        cache_dir: where classifiers are kept between runs.

    Returns:
        ``(C, D)`` float32, L2-normalised, on the CPU.
    """

    def embed() -> Tensor:
        embeddings = model.encode_texts([text for texts in prompts for text in texts])
        per_class = torch.split(embeddings, [len(texts) for texts in prompts])
        return normalize(torch.stack([rows.mean(dim=0) for rows in per_class]), dim=-1)

    return _cached([model.digest, str(model.dtype), prompts], embed, cache_dir)


def prompt_features(
    model: VideoEncoder, prompts: Sequence[Sequence[str]], *, cache_dir: Path
) -> Tensor:
    """Embed the prompts of each class, for a model that adapts each to the video; cached likewise.

    Args:
        model: the video encoder.
        prompts: C lists of P texts each.
        cache_dir: where embeddings are kept between runs.

    Returns:
        ``(C, P, D)`` float32, not of length 1, on the CPU.
    """

    def embed() -> Tensor:
        features = model.encode_texts([text for texts in prompts for text in texts])
        return features.reshape(len(prompts), -1, features.shape[-1])

    return _cached(["features", model.digest, str(model.dtype), prompts], embed, cache_dir)


def _cached(key: list[Any], make: Callable[[], Tensor], cache_dir: Path) -> Tensor:
    described = json.dumps([_FORMAT, *key]).encode()
    path = cache_dir / "classifiers" / f"{hashlib.sha256(described).hexdigest()[:32]}.safetensors"
    if path.is_file():
        try:
            return load_file(path)["classifier"]
        except (SafetensorError, KeyError):
            path.unlink(missing_ok=True)  # damaged: make it again
    classifier = make()
    with whole_file(path) as temporary:
        save_file({"classifier": classifier.contiguous()}, temporary)
    return classifier
