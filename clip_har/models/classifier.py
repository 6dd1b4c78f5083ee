"""The zero-shot classifier: one embedding per class, from its prompts."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.atomic import whole_file
from clip_har.models.dual_encoder import DualEncoder

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
    described = json.dumps([_FORMAT, model.digest, str(model.dtype), prompts]).encode()
    path = cache_dir / "classifiers" / f"{hashlib.sha256(described).hexdigest()[:32]}.safetensors"
    if path.is_file():
        try:
            return load_file(path)["classifier"]
        except (SafetensorError, KeyError):
            path.unlink(missing_ok=True)  # damaged: make it again
    embeddings = model.encode_texts([text for texts in prompts for text in texts])
    per_class = torch.split(embeddings, [len(texts) for texts in prompts])
    classifier = normalize(torch.stack([rows.mean(dim=0) for rows in per_class]), dim=-1)
    with whole_file(path) as temporary:
        save_file({"classifier": classifier.contiguous()}, temporary)
    return classifier
