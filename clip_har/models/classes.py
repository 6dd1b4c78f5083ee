"""Check that a model can tell the classes apart, and that it reads all of their texts."""

import logging
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.core.errors import ClipHarError
from clip_har.core.names import listed
from clip_har.models.checkpoint import MODEL
from clip_har.models.encoder import Encoder

log = logging.getLogger(__name__)

_ALIKE = 1e-6  # 1 - cosine of two classes, below which rounding decides between them
_PRECISIONS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


def check_embeddings(model: Encoder, vectors: Tensor, class_names: Sequence[str]) -> None:
    """Check that each class has an embedding of its own.

    Args:
        model: the model that made them.
        vectors: ``(C, D)`` float32, L2-normalised class embeddings.
        class_names: C names, for messages.

    Raises:
        ClipHarError: when two are the same.
    """
    named, advice = _named(model)
    exact = vectors.double().cpu()
    cosines = exact @ exact.T
    alike = (cosines > 1 - _ALIKE).triu(diagonal=1)
    pairs = alike.nonzero().tolist()
    if pairs:
        same = sorted({index for pair in pairs for index in pair})
        raise ClipHarError(
            f"{named}: it cannot tell apart {len(same)} of {len(class_names)} classes, whose text"
            f" embeddings are the same (cosine above 1 - {_ALIKE:g}):"
            f" {listed([class_names[index] for index in same])}; try {advice}other names"
            " (prompts.class_names), or a model that knows these words"
        )


def check_finite(model: Encoder, features: Tensor, prompts: Sequence[Sequence[str]]) -> Tensor:
    """Check the text embeddings of each class before they are kept, and return them.

    Args:
        model: the model that made them.
        features: ``(C, …, D)`` float32, of any length.
        prompts: C lists of texts; a message names a class by its first text.

    Raises:
        ClipHarError: when an embedding is not finite or zero.
    """
    lengths = normalize(features.double(), dim=-1).norm(dim=-1).reshape(len(prompts), -1)
    right = ((lengths > 0.5) & (lengths < 2)).all(dim=1).tolist()
    if broken := [texts[0] for texts, is_right in zip(prompts, right, strict=True) if not is_right]:
        named, advice = _named(model)
        raise ClipHarError(
            f"{named}: the text embeddings of {listed([repr(text) for text in broken])} are not"
            f" finite or zero: try {advice or 'another copy of the weights, '}or other prompts"
        )
    return features


def _named(model: Encoder) -> tuple[str, str]:
    """Return the model's name and precision, and the advice to use another precision."""
    advice = "" if model.dtype == torch.float32 else "precision=fp32, "
    return f"{MODEL}={model.name}, precision={_PRECISIONS[model.dtype]}", advice


def warn_of_texts(
    model: Encoder, prompts: Sequence[Sequence[str]], class_names: Sequence[str]
) -> None:
    """Warn of words that the tokenizer does not know, and of texts that it cuts.

    Args:
        model: the model.
        prompts: C lists of texts.
        class_names: C names, for messages.
    """
    unknown, cut = [], []
    words: dict[str, None] = {}
    for name, texts in zip(class_names, prompts, strict=True):
        read = [model.read_text(text) for text in texts]
        found = [word for one in read for word in one.unknown]
        words.update(dict.fromkeys(found))
        unknown += [name] if found else []
        cut += [name] if any(one.is_cut for one in read) else []
    if unknown:
        log.warning(
            "%s=%s: the tokenizer does not know %s, in the texts of %d of %d classes (%s): the"
            " model cannot use these words",
            MODEL, model.name, listed([f"'{word}'" for word in words]), len(unknown),
            len(class_names), listed(unknown),
        )  # fmt: skip
    if cut:
        log.warning(
            "%s=%s: texts of %d of %d classes are longer than %d tokens and are cut (%s)",
            MODEL, model.name, len(cut), len(class_names), model.context_length, listed(cut),
        )  # fmt: skip
