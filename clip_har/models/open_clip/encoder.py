"""An open_clip model as a dual encoder: loaded from safetensors, with its own tokenizer."""

import logging
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from safetensors import safe_open
from torch import Tensor

from clip_har.core.errors import ClipHarError
from clip_har.core.imports import quick_imports
from clip_har.models.checkpoint import MODEL
from clip_har.models.device import Precision, pick_dtype
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.encoder import ReadText, place, try_out
from clip_har.models.open_clip.config import OpenClipConfig
from clip_har.models.open_clip.library import silent
from clip_har.models.open_clip.network import OpenClipNetwork, build, skeleton
from clip_har.models.runtime import Runtime
from clip_har.models.tower import build_tower

log = logging.getLogger(__name__)

_SLACK = 2  # as in `clip_har.models.pretrained`: shared weights may be counted twice
_PLAIN = ("F64", "F32", "F16", "BF16", "I64")  # batch norms count their batches


@dataclass(frozen=True, kw_only=True)
class OpenClipEncoder(DualEncoder):
    """A `DualEncoder` whose tokenizer is open_clip's: texts are cleaned and padded as it does."""

    libraries: ClassVar[tuple[str, ...]] = ("open_clip_torch", "timm", "transformers")

    def read_text(self, text: str) -> ReadText:
        """Return what the tokenizer makes of a text."""
        own = getattr(self.tokenizer, "tokenizer", None)  # of transformers
        if own is None:  # CLIP's: every text can be spelled
            longest = self.context_length - len(self.tokenizer("")[0].nonzero())
            return ReadText((), is_cut=len(self.tokenizer.encode(text)) > longest)
        words = self.tokenizer.clean_fn(text)
        found = own(words, add_special_tokens=False, return_offsets_mapping=True)
        places = zip(found["input_ids"], found["offset_mapping"], strict=True)
        longest = self.context_length - own.num_special_tokens_to_add()
        return ReadText(
            tuple(words[start:end] for token, (start, end) in places if token == own.unk_token_id),
            is_cut=len(found["input_ids"]) > longest,
        )

    def tokens(self, texts: list[str]) -> dict[str, Tensor]:
        """Tokenise N texts, ``(N, context)``; long ones are cut."""
        return {"input_ids": self.tokenizer(texts).to(self.device)}


def load_open_clip(
    config: OpenClipConfig, *, runtime: Runtime, device: torch.device, precision: Precision
) -> OpenClipEncoder:
    """Load a model, frozen and in evaluation mode.

    Args:
        config: of its checkpoint.
        runtime: of the image tower, see `clip_har.models.tower.build_tower`.
        device: where it runs.
        precision: of the forward pass.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged.
    """
    pick_dtype(precision, device)  # before the work of loading
    name = config.checkpoint.name
    model, tokenizer = _loaded(config)
    network = OpenClipNetwork(model).eval().requires_grad_(requires_grad=False)
    # Read in full precision: in bf16 the factor 100 would become 99.
    scale, bias = float(model.logit_scale.exp().squeeze()), model.logit_bias
    bias = 0.0 if bias is None else float(bias.squeeze())
    dtype = place(network, name, device=device, precision=precision)
    size = config.image_size
    encoder = OpenClipEncoder(
        network=network,
        tokenizer=tokenizer,
        name=name,
        digest=config.digest(),
        image_size=size,
        context_length=config.context_length,
        scale=config.scale,
        logit_scale=scale,
        logit_bias=bias,
        device=device,
        dtype=dtype,
        tower=build_tower(runtime, network, image_size=size, device=device, precision=precision),
    )
    try_out(encoder)
    return encoder


def _loaded(config: OpenClipConfig) -> tuple[Any, Any]:
    """Return model and tokenizer, with one-line errors."""
    with quick_imports():
        import open_clip

    overrides, source = dict(config.overrides), f"local-dir:{config.checkpoint.folder}"
    if (tower := config.text_tower) is not None:
        overrides["text_cfg"] = {**config.text, "hf_model_name": str(tower)}
        overrides["text_cfg"] |= {"hf_model_pretrained": False}
    named = f"{MODEL}={config.checkpoint.name}"
    # A tokenizer of transformers must not run code of the folder, nor ask the hub.
    safe = {"trust_remote_code": False, "local_files_only": True}
    try:
        with silent():
            tokenizer = open_clip.get_tokenizer(
                source,
                context_length=config.context_length,
                **(safe if config.has_own_tokenizer else {}),
            )
            _check_size(config, named, source, overrides)
            model = build(source, overrides)
            open_clip.load_checkpoint(model, str(config.checkpoint.weights()), strict=True)
    except ClipHarError:
        raise
    except Exception as error:  # a damaged file may cause any error
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ClipHarError(f"{named}: cannot be loaded ({reason})") from error
    _check_words(config, tokenizer, named)
    if hasattr(model, "text_decoder"):  # CoCa's, which writes captions and may never be trained
        del model.text_decoder
    return model, tokenizer


def _check_size(config: OpenClipConfig, named: str, source: str, overrides: dict[str, Any]) -> None:
    """Raise if the weights are quantised, or the file asks for a far larger network than they are.

    Memory for the whole network is allocated before a weight is read, and layers are made one by
    one. So a damaged number would fill the memory or never end.
    """
    sizes: dict[str, int] = {}
    with safe_open(config.checkpoint.weights(), "pt") as file:
        for key in file.keys():  # noqa: SIM118
            held = file.get_slice(key)
            if held.get_dtype() not in _PLAIN:
                raise ClipHarError(
                    f"{named}: {key} is stored as {held.get_dtype()}: quantised weights are not"
                    " read as such; use weights in F32, F16 or BF16"
                )
            sizes[key] = math.prod(held.get_shape())
    for part in (config.vision, config.text):
        layers = part.get("layers")
        count = sum(layers) if isinstance(layers, list) else int(layers or 0)
        if count > len(sizes):
            raise ClipHarError(
                f"{named}: open_clip_config.json asks for {count} layers, the weights hold"
                f" {len(sizes)} tensors in all: one of them is damaged"
            )
    held_numbers = sum(sizes.values())
    expected = sum(one.numel() for one in skeleton(source, overrides).state_dict().values())
    if expected > _SLACK * held_numbers:
        raise ClipHarError(
            f"{named}: open_clip_config.json asks for {expected:,} parameters, the weights hold"
            f" {held_numbers:,}: one of them is damaged"
        )


def _check_words(config: OpenClipConfig, tokenizer: Any, named: str) -> None:
    """Raise if the tokenizer and the text tower do not belong together."""
    own = getattr(tokenizer, "tokenizer", None)
    words = tokenizer.vocab_size if own is None else len(own)
    if config.text_tower is not None:  # a tower of transformers; its configuration says it
        return
    held = int(config.text.get("vocab_size", 49408))
    if words > held:
        raise ClipHarError(
            f"{named}: the tokenizer has {words} words and the text tower {held}; the tokenizer is"
            " not this model's (text_cfg.hf_tokenizer_name says whether the folder's is read)"
        )
    if own is None:
        if words < held:
            log.warning(
                "%s: its text tower has %d words and CLIP's tokenizer, which text_cfg asks for, %d",
                named, held, words,
            )  # fmt: skip
        return
    pool = config.text.get("pool_type", "argmax")
    tokens = tokenizer(["a"])[0]
    end, read = own.eos_token_id, int(config.text.get("eos_id", 2))
    if pool == "eos" and (read != end or end not in tokens):
        raise ClipHarError(
            f"{named}: the model reads a text at token {read} (eos_id), and the tokenizer's end"
            f" token is {end}"
        )
    if pool == "argmax" and int(tokens.max()) != end:
        raise ClipHarError(
            f"{named}: the model reads a text at the token with the largest number, and the"
            f" tokenizer's end token, {end}, has not the largest"
        )
