"""Try a dual encoder that nobody listed: its own classes are the oracle.

Settings of a checkpoint may mean anything in a family that is not known here. So frames, texts and
logits are compared with what transformers makes of them by the family's own classes, once, when the
model is loaded. A family that is not followed is refused, instead of scored wrongly.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.core.errors import ClipHarError
from clip_har.data.geometry import fit_frames
from clip_har.data.sampling import Fitting
from clip_har.models.preprocess import normalise
from clip_har.models.processor import PixelScale

TEXTS = ("a photo of a Dog that runs in the park", "swimming")
"""Texts of different lengths, with a capital letter."""

_SIZES = ((120, 160), (150, 90))  # height and width of the pictures
_LEVELS = 1.01  # grey levels that a pixel may differ by: rounding in another order
_CLOSE = 1e-4  # of the logit scale


def measured_scale(processor: Any, size: int) -> PixelScale:
    """Return how an image processor rescales and normalises: what it makes of black and white.

    Args:
        processor: an image processor of transformers.
        size: side of its output, pixels.

    Raises:
        ClipHarError: when white is not above black in each of three channels.
    """
    plain = torch.stack([torch.full((3, size, size), level) for level in (0, 255)])
    black, white = (one.mean(dim=(1, 2)) for one in _processed(processor, plain.to(torch.uint8)))
    spread = (white - black).double()
    if not bool((spread > 0).all()):
        raise ClipHarError(
            f"its image processor ({type(processor).__name__}) makes nothing of the difference"
            " between black and white"
        )
    mean, std = (-black / spread).tolist(), (1 / spread).tolist()
    return PixelScale((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))


def check_frames(processor: Any, fitting: Fitting, size: int, scale: PixelScale) -> None:
    """Check that frames are fitted and scaled as the family's image processor does it.

    Args:
        processor: an image processor of transformers.
        fitting: how frames are fitted here.
        size: side of the model's input, pixels.
        scale: of the pixels here.

    Raises:
        ClipHarError: when a pixel differs by more than one grey level.
    """
    draws = torch.Generator().manual_seed(0)
    level = 1 / (scale.levels * max(scale.std))  # the step of one grey level
    for height, width in _SIZES:
        picture = torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8, generator=draws)
        theirs = _processed(processor, picture)
        ours = normalise(fit_frames(picture, size, *fitting), scale, dtype=torch.float32)
        apart = float("inf") if ours.shape != theirs.shape else float((ours - theirs).abs().max())
        if apart > _LEVELS * level * max(scale.std) / min(scale.std):
            raise ClipHarError(
                f"its image processor ({type(processor).__name__}) makes other pixels of a frame"
                f" than its settings say ({fitting.fit}, {fitting.resample}, {size} px)"
            )


def _processed(processor: Any, pictures: Tensor) -> Tensor:
    pixels: Tensor = processor(list(pictures), return_tensors="pt")["pixel_values"].float()
    return pixels


def check_embeddings(frames: Any, texts: Any) -> None:
    """Check that a network makes one embedding of each frame and each text.

    Args:
        frames: the features of M frames, as the network gives them.
        texts: the features of N texts.

    Raises:
        ClipHarError: when they are not ``(M, D)`` and ``(N, D)``.
    """
    shapes = [
        tuple(one.shape) if isinstance(one, Tensor) else type(one).__name__
        for one in (frames, texts)
    ]
    if any(len(shape) != 2 for shape in shapes) or shapes[0][1] != shapes[1][1]:
        raise ClipHarError(
            "expected one embedding of D numbers for each frame and each text, got"
            f" {shapes[0]} and {shapes[1]}"
        )


def check_alone(together: Tensor, alone: Tensor) -> None:
    """Check that a text's embedding does not depend on the texts that it is embedded with.

    Args:
        together: ``(N, D)`` of one batch.
        alone: ``(N, D)`` of N batches.

    Raises:
        ClipHarError: when it does.
    """
    apart = float((normalize(together, dim=-1) - normalize(alone, dim=-1)).abs().max())
    if not apart < _CLOSE:
        raise ClipHarError(
            "a text's embedding depends on the padding, and so on the texts that it is embedded"
            f" with (a number differs by {apart:.2g})"
        )


def own_logits(network: Any, pixels: Tensor, tokens: Sequence[Mapping[str, Tensor]]) -> Tensor:
    """Return the logits ``(M, N)`` of the network's own forward pass, one text after the other.

    Args:
        network: a dual encoder of transformers.
        pixels: ``(M, 3, S, S)`` normalised.
        tokens: of N single texts, as the family's own processor makes them.

    Raises:
        ClipHarError: when it gives no ``logits_per_image`` of each frame and text.
    """
    columns = []
    for one in tokens:
        logits = getattr(network(pixel_values=pixels, **one), "logits_per_image", None)
        if logits is None or tuple(logits.shape) != (len(pixels), 1):
            shape = None if logits is None else tuple(logits.shape)
            raise ClipHarError(
                "its forward pass gives no logits_per_image of each frame and each text (got"
                f" {shape}): it does not compare frames and texts by their embeddings alone"
            )
        columns.append(logits)
    return torch.cat(columns, dim=1).float()


def scale_and_bias(
    network: Any, frames: Tensor, texts: Tensor, logits: Tensor
) -> tuple[float, float]:
    """Return the factor and the bias that turn cosines into the network's own logits.

    Families name and use their temperature in different ways. The first candidate whose logits are
    the network's own is taken.

    Args:
        network: a dual encoder of transformers.
        frames: ``(M, D)`` embeddings.
        texts: ``(N, D)`` embeddings.
        logits: ``(M, N)``, see `own_logits`.

    Raises:
        ClipHarError: when there is none.
    """
    cosines = normalize(frames.float(), dim=-1) @ normalize(texts.float(), dim=-1).T
    bias = getattr(network, "logit_bias", None)
    added = 0.0 if bias is None else float(bias.detach())
    for factor in _factors(network):
        if float((factor * cosines + added - logits).abs().max()) < _CLOSE * (1 + abs(factor)):
            return factor, added
    raise ClipHarError(
        "its own forward pass gives other logits than scale times cosine of its frame and text"
        f" features (own {_shown(logits)}, cosines {_shown(cosines)})"
    )


def _factors(network: Any) -> Iterator[float]:
    """Return what a network's temperature may mean as a factor of the cosine."""
    scale = getattr(network, "logit_scale", None)
    if scale is not None and scale.numel() == 1:
        plain = float(scale.detach())
        largest = getattr(network, "max_log_logit_scale", plain)  # AIMv2 clamps it
        yield float(torch.tensor(plain).exp())
        yield float(torch.tensor(min(max(plain, 0.0), largest)).exp())
        yield plain
    temperature = getattr(network, "temperature", None)
    if isinstance(temperature, Tensor) and temperature.numel() == 1:
        yield 1 / float(temperature.detach())
        yield float(temperature.detach().exp())
    yield 1.0


def _shown(table: Tensor) -> str:
    return "/".join(",".join(f"{value:.4g}" for value in row) for row in table.tolist())


def processor_of(folder: Path) -> Any:
    """Return the processor of a checkpoint, or its tokenizer if it has no processor class.

    Raises:
        ClipHarError: when there is none.
    """
    from transformers import AutoProcessor

    try:
        return AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # a damaged file may cause any error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClipHarError(f"its processor cannot be loaded ({reason})") from error
