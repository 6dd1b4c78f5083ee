"""A dual encoder of any family of transformers, after its trial."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from clip_har.core.errors import ClipHarError
from clip_har.core.imports import quick_imports
from clip_har.models.checkpoint import MODEL, weights_digest
from clip_har.models.device import Precision, pick_dtype
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.encoder import place, try_out
from clip_har.models.family_trial import (
    TEXTS,
    check_alone,
    check_embeddings,
    check_frames,
    measured_scale,
    own_logits,
    processor_of,
    scale_and_bias,
)
from clip_har.models.preprocess import normalise
from clip_har.models.pretrained import load_pretrained
from clip_har.models.processor import image_processor, square
from clip_har.models.runtime import Runtime
from clip_har.models.tower import build_tower

Padding = Literal["longest", "max_length"]
_LONG = "running " * 1000  # cut to the context: the last place must be there
_NEEDED = ("get_image_features", "get_text_features")


@dataclass(frozen=True, kw_only=True)
class FamilyEncoder(DualEncoder):
    """A dual encoder whose texts are padded as its own processor pads them.

    Attributes:
        padding: to the longest text of a batch, or to ``context_length``; the model sees the
            attention mask.
    """

    padding: Padding = "longest"

    def tokens(self, texts: list[str]) -> dict[str, Tensor]:
        """Tokenise texts, see `Encoder.tokens`."""
        if self.padded_texts:
            return super().tokens(texts)
        return self.tokenised(texts, to_context=self.padding == "max_length")


def architecture_of(folder: Path, kind: str) -> Any:
    """Return the class of transformers for a ``model_type``, a dual encoder.

    Raises:
        ClipHarError: when the installed transformers has none.
    """
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    names = MODEL_MAPPING_NAMES.get(kind, ())
    with quick_imports():
        found = [
            getattr(transformers, name) for name in ([names] if isinstance(names, str) else names)
        ]
    fit = [one for one in found if all(hasattr(one, method) for method in _NEEDED)]
    if not fit:
        which = ", ".join(one.__name__ for one in found) or "no class"
        raise ClipHarError(
            f"{MODEL}={folder}: expected a dual encoder, which has {' and '.join(_NEEDED)}; for"
            f" model_type {kind!r} transformers {transformers.__version__} has {which}"
        )
    return fit[0]


def load_family(
    architecture: Any,
    folder: Path,
    *,
    name: str,
    runtime: Runtime,
    device: torch.device,
    precision: Precision,
    padded_texts: bool,
) -> FamilyEncoder:
    """Load a dual encoder of any family, frozen and in evaluation mode, and try it.

    Args:
        architecture: a class of transformers with ``get_image_features`` and ``get_text_features``.
        folder: the checkpoint.
        name: as the user wrote it.
        runtime: of the image tower, see `clip_har.models.tower.build_tower`.
        device: where it runs.
        precision: of the forward pass; the trial is in fp32.
        padded_texts: see `clip_har.models.encoder.Encoder`.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged, or the family's own
            classes give other frames, texts or logits than this package.
    """
    pick_dtype(precision, device)  # before the work of loading
    named = f"{MODEL}={name}"
    pictures = image_processor(folder, kinds=None)
    fitting, size = square(folder, processor=pictures)
    network, tokenizer = load_pretrained(architecture, folder, named=named, reads_end=False)
    place(network, name, device=torch.device("cpu"), precision="fp32")
    try:
        scale = measured_scale(pictures, size)
        check_frames(pictures, fitting, size, scale)
        processor = processor_of(folder)
        own = dict(getattr(processor, "text_kwargs", {}))
        fields: dict[str, Any] = {
            "network": network,
            "tokenizer": tokenizer,
            "name": name,
            "digest": weights_digest(folder),
            "image_size": size,
            "context_length": _context_length(network.config, tokenizer, own),
            "scale": scale,
            "device": torch.device("cpu"),
            "dtype": torch.float32,
            "padded_texts": padded_texts,
            "padding": "max_length" if own.get("padding") == "max_length" else "longest",
        }
        factor, bias = _trial(FamilyEncoder(**fields, logit_scale=1.0), processor, own)
    except ClipHarError as error:
        raise ClipHarError(f"{named} ({architecture.__name__}) cannot be used: {error}") from error
    except Exception as error:  # the classes of an unknown family may raise any error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClipHarError(
            f"{named} ({architecture.__name__}) cannot be used: its trial failed ({reason})"
        ) from error
    dtype = place(network, name, device=device, precision=precision)
    fields |= {"device": device, "dtype": dtype, "logit_scale": factor, "logit_bias": bias}
    fields["tower"] = build_tower(
        runtime, network, image_size=size, device=device, precision=precision
    )
    model = FamilyEncoder(**fields)
    try_out(model)
    return model


def _context_length(config: Any, tokenizer: Any, own: Mapping[str, Any]) -> int:
    """Return the longest text in tokens: the processor's own, or what the positions allow."""
    text = config.text_config
    # RoBERTa's positions begin after the number of its padding token.
    shift = text.pad_token_id + 1 if "roberta" in _kinds(config) else 0
    longest = int(own.get("max_length") or tokenizer.model_max_length)
    return min(longest, int(text.max_position_embeddings) - shift)


def _kinds(config: Any) -> str:
    text = config.text_config
    bases = [base.__module__ for base in type(text).__mro__]
    roberta = config.model_type == "altclip"  # XLM-RoBERTa's text tower under another name
    return " ".join([str(text.model_type), *bases, *(["roberta"] if roberta else [])])


@torch.inference_mode()
def _trial(model: FamilyEncoder, processor: Any, own: Mapping[str, Any]) -> tuple[float, float]:
    """Compare logits of two frames and two texts with the network's own; return scale and bias."""
    size = model.image_size
    draws = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (1, 3, size, size), dtype=torch.uint8, generator=draws)
    pixels = normalise(
        torch.cat([torch.zeros_like(noise), noise]), model.scale, dtype=torch.float32
    )
    frames = model.network.get_image_features(pixel_values=pixels).pooler_output
    check_embeddings(frames, model.features_of_tokens(model.tokens([TEXTS[0]])))
    texts = model.text_features(TEXTS)
    check_alone(texts, torch.cat([model.text_features([text]) for text in TEXTS]))
    if model.padded_texts:  # the processor would not put them in lower case
        tokens: list[Mapping[str, Tensor]] = [model.tokens([text]) for text in TEXTS]
    else:
        # A processor with a largest length and no padding of its own warns unless it may cut.
        more = {} if "padding" in own else {"padding": True, "truncation": "max_length" in own}
        tokens = [processor(text=[text], return_tensors="pt", **more) for text in TEXTS]
    model.text_features([_LONG])
    return scale_and_bias(model.network, frames, texts, own_logits(model.network, pixels, tokens))
