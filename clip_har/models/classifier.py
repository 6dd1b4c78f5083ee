"""The zero-shot classifier: one embedding per class, from its prompts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.core.cache import cached, key_of
from clip_har.core.errors import ClipHarError
from clip_har.core.tensor_file import read_tensors, save_tensors
from clip_har.models.classes import check_finite
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.encoder import Encoder
from clip_har.models.whole_clips import WholeClipEncoder

_NAME = "classifier"


def zero_shot_classifier(
    model: DualEncoder, prompts: Sequence[Sequence[str]], *, cache_dir: Path
) -> Tensor:
    """Embed the prompts of each class, average, renormalise (Radford et al. 2021, section 3.1.4).

    The result is cached, because with many templates the text tower costs more than a small
    evaluation. Its key holds the weights with the tokenizer, the texts, and how they are tokenised.

    Args:
        model: the dual encoder.
        prompts: C lists of at least one text each.
        cache_dir: where classifiers are stored between runs.

    Returns:
        ``(C, D)`` float32, L2-normalised, on the CPU.

    Raises:
        ClipHarError: when an embedding is not finite or zero; then nothing is kept.
    """

    def embed() -> Tensor:
        embeddings = model.encode_texts([text for texts in prompts for text in texts])
        per_class = torch.split(embeddings, [len(texts) for texts in prompts])
        means = torch.stack([rows.mean(dim=0) for rows in per_class])
        return check_finite(model, normalize(means, dim=-1), prompts)

    tokens = [prompts, model.padded_texts, model.context_length]
    return _cached(model, [model.digest, str(model.dtype), tokens], embed, cache_dir)


def prompt_features(
    model: WholeClipEncoder, prompts: Sequence[Sequence[str]], *, cache_dir: Path
) -> Tensor:
    """Embed the prompts of each class for a model of whole clips; also cached.

    Args:
        model: the encoder of whole clips.
        prompts: C lists of P texts each.
        cache_dir: where embeddings are stored between runs.

    Returns:
        ``(C, P, D)`` float32, not of length 1, on the CPU.

    Raises:
        ClipHarError: when an embedding is not finite or zero; then nothing is kept. When the
            classes have different numbers of texts: such a model takes one array of them.
    """
    if len(many := {len(texts) for texts in prompts}) > 1:
        raise ClipHarError(
            f"prompts: {model.name} needs as many texts for each class, got {min(many)} to"
            f" {max(many)}: give each class the same number, or use a model of single frames"
        )

    def embed() -> Tensor:
        features = model.encode_texts([text for texts in prompts for text in texts])
        features = features.reshape(len(prompts), -1, features.shape[-1])
        return check_finite(model, features, prompts)

    tokens = [prompts, model.context_length]
    return _cached(model, ["features", model.digest, str(model.dtype), tokens], embed, cache_dir)


def _cached(
    model: Encoder, described: list[Any], make: Callable[[], Tensor], cache_dir: Path
) -> Tensor:
    key = key_of(described, code=(__name__, type(model).__module__), libraries=model.libraries)
    return cached(
        cache_dir / "classifiers" / f"{key}.safetensors",
        "text classifier",
        read=_read,
        make=lambda path: save_tensors(path, {_NAME: make()}, {}),
    )


def _read(path: Path) -> Tensor | None:
    try:
        return read_tensors(path)[0][_NAME]
    except (OSError, ValueError, KeyError):
        return None  # nothing is there, or it is damaged
