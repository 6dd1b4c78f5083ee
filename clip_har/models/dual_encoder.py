"""The interface that every model offers: frames and texts in one embedding space."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import MODEL, pixel_statistics, weights_digest
from clip_har.models.preprocess import normalise
from clip_har.models.pretrained import check_answers, load_pretrained
from clip_har.models.runtime import Runtime
from clip_har.models.tower import Tower, build_tower

Precision = Literal["fp32", "bf16", "fp16"]
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_TEXT_BATCH = 256


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
        logit_bias: learned, added to every logit; 0 where there is none.
        padded_texts: whether texts are put in lower case and padded to ``context_length``, and the
            padding is read, as SigLIP was trained.
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
    logit_bias: float = 0.0
    padded_texts: bool = False
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
        features = text_features(
            self.network,
            self.tokenizer,
            texts,
            context_length=self.context_length,
            padded=self.padded_texts,
            device=self.device,
        )
        return normalize(features, dim=-1)


@torch.inference_mode()
def text_features(
    network: Any,
    tokenizer: Any,
    texts: Sequence[str],
    *,
    context_length: int,
    padded: bool,
    device: torch.device,
) -> Tensor:
    """Return what a network makes of texts, not yet of length 1.

    Args:
        network: a transformers model with ``get_text_features``.
        tokenizer: a transformers tokenizer.
        texts: N texts; one longer than the context is cut, as the tokenizer does.
        context_length: longest text, in tokens.
        padded: see `DualEncoder`.
        device: where the network is.

    Returns:
        ``(N, D)`` float32 on the CPU.
    """
    batches = []
    for start in range(0, len(texts), _TEXT_BATCH):
        batch = list(texts[start : start + _TEXT_BATCH])
        # CLIP's are padded to the longest text only: the text tower is causal and reads the
        # embedding at the end token, so what follows it cannot matter.
        tokens = tokenizer(
            [text.lower() for text in batch] if padded else batch,
            padding="max_length" if padded else True,
            truncation=True,
            max_length=context_length,
            return_tensors="pt",
        ).to(device)
        mask = {} if padded else {"attention_mask": tokens["attention_mask"]}
        features = network.get_text_features(input_ids=tokens["input_ids"], **mask).pooler_output
        batches.append(features.float().cpu())
    return torch.cat(batches)


def load_dual_encoder(
    architecture: Any,
    folder: Path,
    *,
    name: str,
    runtime: Runtime,
    device: torch.device,
    precision: Precision,
    padded_texts: bool = False,
) -> DualEncoder:
    """Load a dual encoder, frozen and in evaluation mode.

    Args:
        architecture: a class of transformers with ``get_image_features``, ``get_text_features``
            and ``logit_scale``.
        folder: the checkpoint.
        name: what the user calls it.
        runtime: of the image tower, see `clip_har.models.tower.build_tower`.
        device: where it is to run.
        precision: of the forward pass.
        padded_texts: see `DualEncoder`.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged.
    """
    named = f"{MODEL}={name}"
    dtype = pick_dtype(precision, device)
    mean, std = pixel_statistics(folder)
    network, tokenizer = load_pretrained(architecture, folder, named=named)
    # Read in full precision: in bf16 the factor 100 would become 99.
    logit_scale = float(network.logit_scale.detach().exp())
    logit_bias = float(network.logit_bias.detach()) if hasattr(network, "logit_bias") else 0.0
    network.to(device=device, dtype=dtype)
    size = network.config.vision_config.image_size
    model = DualEncoder(
        network=network,
        tokenizer=tokenizer,
        name=name,
        digest=weights_digest(folder),
        image_size=size,
        context_length=network.config.text_config.max_position_embeddings,
        mean=mean,
        std=std,
        logit_scale=logit_scale,
        logit_bias=logit_bias,
        device=device,
        dtype=dtype,
        padded_texts=padded_texts,
        tower=build_tower(runtime, network, image_size=size, device=device, precision=precision),
    )
    try_out(model, named=named)
    return model


def try_out(model: DualEncoder, *, named: str) -> None:
    """Show a model one black frame and one word, before hours are spent on clips.

    Args:
        model: as it was loaded.
        named: what the user calls it, such as ``model.checkpoint=FOLDER``, for messages.

    Raises:
        ClipHarError: when it cannot answer, or answers with something that is no number.
    """
    size = model.image_size

    def ask() -> list[Tensor]:
        frame = torch.zeros(1, 3, size, size, device=model.device, dtype=model.dtype)
        return [model.encode_pixels(frame), model.encode_texts(["a"])]

    check_answers(ask, named=named)


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
