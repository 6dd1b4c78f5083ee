"""What every loaded model has, and the check that it works."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import MODEL, weights_digest
from clip_har.models.device import Precision, pick_dtype
from clip_har.models.pretrained import load_pretrained
from clip_har.models.processor import PixelScale, pixel_scale
from clip_har.models.tuned_weights import TunedWeights

_TEXT_BATCH = 256


@dataclass(frozen=True)
class ReadText:
    """What a tokenizer makes of a text.

    Attributes:
        unknown: words and signs that it does not know; the model sees one token for all of them.
        is_cut: whether the text is longer than the model's context.
    """

    unknown: tuple[str, ...]
    is_cut: bool


@dataclass(frozen=True, kw_only=True)
class Encoder(ABC):
    """A frozen network of pictures and texts.

    Attributes:
        network: a transformers model with ``get_text_features``, frozen.
        tokenizer: a transformers tokenizer.
        name: for messages and reports.
        digest: of the weights and their configuration.
        image_size: side of the square input, pixels.
        context_length: longest text, in tokens.
        scale: of the pixels.
        logit_scale: learned temperature, as a factor.
        device: where it runs.
        dtype: of the forward pass.
        padded_texts: whether texts are converted to lower case and padded to ``context_length``,
            and the model reads the padding, as SigLIP was trained.
    """

    network: Any
    tokenizer: Any
    name: str
    digest: str
    image_size: int
    context_length: int
    scale: PixelScale
    logit_scale: float
    device: torch.device
    dtype: torch.dtype
    padded_texts: bool = False

    libraries: ClassVar[tuple[str, ...]] = ("transformers",)  # whose versions may change embeddings

    @property
    def parameters(self) -> int:
        """The number of weights, of pictures and texts together."""
        return sum(tensor.numel() for tensor in self.network.parameters())

    @abstractmethod
    def trial(self) -> list[Tensor]:
        """Return the outputs for one word and one black frame or clip."""

    def read_text(self, text: str) -> "ReadText":
        """Return what the tokenizer makes of a text.

        Args:
            text: as `text_features` takes it.
        """
        text = text.lower() if self.padded_texts else text
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        places = zip(found["input_ids"], found["offset_mapping"], strict=True)
        unknown = self.tokenizer.unk_token_id
        longest = self.context_length - self.tokenizer.num_special_tokens_to_add()
        return ReadText(
            unknown=tuple(text[start:end] for token, (start, end) in places if token == unknown),
            is_cut=len(found["input_ids"]) > longest,
        )

    @torch.inference_mode()
    def text_features(self, texts: Sequence[str]) -> Tensor:
        """Embed texts.

        Args:
            texts: N texts; the tokenizer cuts a text that is longer than the context.

        Returns:
            ``(N, D)`` float32 on the CPU, not of length 1.
        """
        batches = []
        for start in range(0, len(texts), _TEXT_BATCH):
            tokens = self.tokens(list(texts[start : start + _TEXT_BATCH]))
            batches.append(self.features_of_tokens(tokens).float().cpu())
        return torch.cat(batches)

    def features_of_tokens(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """Embed texts ``(N, D)`` that are tokenised, see `tokens`."""
        features: Tensor = self.network.get_text_features(**tokens).pooler_output
        return features

    def tokens(self, texts: list[str]) -> dict[str, Tensor]:
        """Tokenise texts as the model was trained.

        Args:
            texts: N texts; the tokenizer cuts a text that is longer than the context.

        Returns:
            What ``get_text_features`` takes, ``(N, L)`` each, on the model's device.
        """
        if self.padded_texts:
            found = self.tokenised([text.lower() for text in texts], to_context=True)
            return {"input_ids": found["input_ids"]}
        # CLIP's text tower is causal and reads the embedding at the end token, so the padding has
        # no effect.
        return self.tokenised(texts, to_context=False)

    def tokenised(self, texts: list[str], *, to_context: bool) -> dict[str, Tensor]:
        """Return what the tokenizer makes of texts, cut to the context and padded.

        Args:
            texts: N texts, spelled as the model was trained.
            to_context: whether they are padded to ``context_length``, at the tokenizer's own side;
                else to the longest one.

        Returns:
            ``input_ids``, and ``attention_mask`` if the tokenizer gives one: ``(N, L)`` each, on
            the model's device.
        """
        found = self.tokenizer(
            texts,
            padding="max_length" if to_context else "longest",
            truncation=True,
            max_length=self.context_length,
            # At the left it would move the words, so that a text depended on its batch.
            padding_side=None if to_context else "right",
            return_tensors="pt",
        ).to(self.device)
        return {name: found[name] for name in ("input_ids", "attention_mask") if name in found}


def load_fields(
    architecture: Any,
    folder: Path,
    *,
    name: str,
    device: torch.device,
    precision: Precision,
    tuned: TunedWeights | None = None,
    processor: Any | None = None,
    image_size: int | None = None,
) -> dict[str, Any]:
    """Load what every `Encoder` has, frozen and in evaluation mode.

    Args:
        architecture: a class of transformers with ``get_text_features`` and ``logit_scale``.
        folder: the checkpoint.
        name: as the user wrote it.
        device: where it runs.
        precision: of the forward pass.
        tuned: fine-tuned weights that replace the checkpoint's.
        processor: see `clip_har.models.processor.square`.
        image_size: side of the input, pixels; None: from the network's configuration.

    Returns:
        The fields of an `Encoder` by name.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged, or the fine-tuned weights
            do not fit it.
    """
    pick_dtype(precision, device)  # before the work of loading
    scale = pixel_scale(folder, processor=processor)
    network, tokenizer = load_pretrained(architecture, folder, named=f"{MODEL}={name}")
    digest = weights_digest(folder)
    if tuned is not None:
        tuned.apply(network)
        digest = tuned.digest(digest)
    # Read in full precision: in bf16 the factor 100 would become 99.
    logit_scale = float(network.logit_scale.detach().exp())
    dtype = place(network, name, device=device, precision=precision)
    return {
        "network": network,
        "tokenizer": tokenizer,
        "name": name,
        "digest": digest,
        "image_size": image_size or network.config.vision_config.image_size,
        "context_length": network.config.text_config.max_position_embeddings,
        "scale": scale,
        "logit_scale": logit_scale,
        "device": device,
        "dtype": dtype,
    }


def place(network: Any, name: str, *, device: torch.device, precision: Precision) -> torch.dtype:
    """Move a loaded network to its device, and return its number type there.

    Args:
        network: of PyTorch.
        name: of the model, for messages.
        device: where it will run.
        precision: of the forward pass.

    Raises:
        ClipHarError: when a weight is not finite, in the checkpoint or in this number type.
    """
    dtype = pick_dtype(precision, device)
    _check_finite(network, name, "the weights")
    network.to(device=device, dtype=dtype)
    if dtype != torch.float32:
        _check_finite(network, name, f"precision={precision} is too narrow: the weights")
    return dtype


def _check_finite(network: Any, name: str, what: str) -> None:
    """Raise if a weight is not finite: it may spoil some clips only, after hours."""
    broken = [key for key, one in network.named_parameters() if not torch.isfinite(one).all()]
    if broken:
        advice = "try precision=fp32" if "precision" in what else "take another copy"
        raise ClipHarError(
            f"{MODEL}={name}: {what} of {broken[0]} are not finite ({len(broken)} of the network's"
            f" tensors): {advice}"
        )


def try_out(model: Encoder) -> None:
    """Run a model once, before hours are spent on clips.

    Args:
        model: the loaded model.

    Raises:
        ClipHarError: when it cannot run, or its output is not finite.
    """
    try:
        with torch.inference_mode():
            answers = model.trial()
    except Exception as error:  # a damaged config.json may cause any error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClipHarError(f"{MODEL}={model.name}: the model cannot run ({reason})") from error
    if not all(bool(torch.isfinite(answer).all()) for answer in answers):
        raise ClipHarError(
            f"{MODEL}={model.name}: the model's output is not finite: its weights are damaged, or"
            " precision=fp16 is too narrow for it (try bf16 or fp32)"
        )
