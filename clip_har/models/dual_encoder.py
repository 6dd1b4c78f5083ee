"""The interface that every model offers: frames and texts in one embedding space."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.errors import ClipHarError
from clip_har.models.preprocess import normalise
from clip_har.models.runtime import Runtime
from clip_har.models.tower import Tower

Precision = Literal["fp32", "bf16", "fp16"]
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_TEXT_BATCH = 256


class ModelSource(Protocol):
    """What an option of the ``model`` group is."""

    pooling: Literal["mean", "mean_probability", "max"]
    runtime: Runtime

    def folder(self) -> Path:
        """Return the checkpoint's folder, fetching it where needed."""

    def image_size(self) -> int:
        """Return the input's side in pixels, without loading the model."""

    def load(self, *, device: torch.device, precision: Precision) -> "DualEncoder":
        """Load the model."""


@dataclass(frozen=True)
class DualEncoder:
    """A frozen image and text encoder.

    Attributes:
        network: a transformers model with ``get_image_features`` and ``get_text_features``, frozen.
        tokenizer: a transformers tokenizer.
        name: for people.
        digest: of the weights and their configuration.
        image_size: side of the square input, pixels.
        context_length: longest text, in tokens.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        logit_scale: learned temperature, as a factor.
        device: where it runs.
        dtype: of the forward pass.
        causal_text: whether the text tower reads from the left to an end token, as CLIP's does.
        class_token: whether the image tower reads a frame at a token of its own, as CLIP's does;
            SigLIP's pools over its patches, and what `clip_har.attention` measures is not defined.
        tower: runs the image tower where no gradient is needed, see `clip_har.models.tower`;
            None for the network itself.
    """

    network: Any
    tokenizer: Any
    name: str
    digest: str
    image_size: int
    context_length: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    logit_scale: float
    device: torch.device
    dtype: torch.dtype
    causal_text: bool = True
    class_token: bool = True
    tower: Tower | None = None

    def encode_frames(self, frames: Tensor) -> Tensor:
        """Embed frames; no gradient flows.

        Args:
            frames: ``(M, 3, S, S)`` uint8 RGB, S the ``image_size``.

        Returns:
            ``(M, D)`` float32, L2-normalised.
        """
        pixels = normalise(frames.to(self.device), mean=self.mean, std=self.std, dtype=self.dtype)
        if self.tower is None:
            return self.encode_pixels(pixels)
        return normalize(self.tower(pixels).float(), dim=-1)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Embed normalised frames; gradients flow back to ``pixels``.

        Args:
            pixels: ``(M, 3, S, S)`` as `normalise` gives them.

        Returns:
            ``(M, D)`` float32, L2-normalised.
        """
        features = self.network.get_image_features(pixel_values=pixels).pooler_output
        return normalize(features.float(), dim=-1)

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts.

        Args:
            texts: N texts; one longer than the model's context is cut, as the tokenizer does.

        Returns:
            ``(N, D)`` float32, L2-normalised, on the CPU.
        """
        batches = []
        for start in range(0, len(texts), _TEXT_BATCH):
            tokens = self.tokenizer(
                list(texts[start : start + _TEXT_BATCH]),
                # A causal text tower that reads the embedding at the end token does not mind what
                # follows it. SigLIP's reads the last place, whatever is there, and was trained
                # with all places filled and none hidden.
                padding=True if self.causal_text else "max_length",
                truncation=True,
                max_length=self.context_length,
                return_tensors="pt",
            ).to(self.device)
            mask = {"attention_mask": tokens["attention_mask"]} if self.causal_text else {}
            features = self.network.get_text_features(
                input_ids=tokens["input_ids"], **mask
            ).pooler_output
            batches.append(normalize(features.float(), dim=-1).cpu())
        return torch.cat(batches)


def try_out(model: DualEncoder, *, named: str) -> None:
    """Show a model one black frame and one word, before hours are spent on clips.

    Args:
        model: as it was loaded.
        named: what the user calls it, such as ``model.checkpoint=FOLDER``, for messages.

    Raises:
        ClipHarError: when it cannot answer, or answers with something that is no number.
    """
    size = model.image_size
    try:
        with torch.inference_mode():
            frame = torch.zeros(1, 3, size, size, device=model.device, dtype=model.dtype)
            answers = [model.encode_pixels(frame), model.encode_texts(["a"])]
    except Exception as error:  # whatever a damaged config.json leads to
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClipHarError(f"{named}: the model cannot run ({reason})") from error
    if not all(bool(torch.isfinite(answer).all()) for answer in answers):
        raise ClipHarError(
            f"{named}: the model answers with something that is no number: its weights are damaged,"
            " or precision=fp16 is too narrow for it (try bf16 or fp32)"
        )


def pick_device(name: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda:1`` … into a device that is there.

    Raises:
        ClipHarError: when this machine has no such device.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator or torch.device("cpu")
    device = torch.device(name)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ClipHarError(
            f"device={name}: not available to this PyTorch; use device=auto or device=cpu"
        ) from error
    return device


def pick_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the forward pass's type.

    Raises:
        ClipHarError: for fp16 on a CPU, which has no fast or exact enough path for it.
    """
    if precision == "fp16" and device.type == "cpu":
        raise ClipHarError("precision=fp16 needs an accelerator: use precision=bf16 or fp32 on cpu")
    return _DTYPES[precision]
