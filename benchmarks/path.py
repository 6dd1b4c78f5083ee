"""The data path alone: frames from the store through mask, effect and normalising to a model."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.alike import difference
from benchmarks.inputs import Inputs
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.folder import Folder
from clip_har.engine.score_clips import score_clips
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.models.clip import CLIP
from clip_har.models.device import Precision
from clip_har.models.runtime import Runtime
from clip_har.models.zero_shot import Classifier, ZeroShot
from clip_har.noise.none import NoNoise

MASKS: Mapping[str, Mask] = {
    "shape": ShapeMask(ratio=0.25),
    "percent": PercentMask(ratio=0.3),
    "percent, fresh in each frame": PercentMask(ratio=0.3, static=False),
}


def open_frames(
    inputs: Inputs, cache: Path, *, size: int = 224, resident: object = None
) -> FrameStore:
    """Return the frames of the clips, 8 each.

    Args:
        inputs: the clips.
        cache: where the store is.
        size: of the frames, in pixels.
        resident: ``frames.resident``; None for its default.
    """
    more: dict[str, Any] = {} if resident is None else {"resident": resident}
    settings = FrameSettings(count=8, size=size, **more)
    return FrameStore.open(
        Folder(root=inputs.clips).clips(), settings, cache_dir=cache, progress=False
    )


def has_resident() -> bool:
    """Return whether frames can stay on the device."""
    return "resident" in FrameSettings.model_fields


def load(
    inputs: Inputs,
    checkpoint: Path,
    frames: FrameStore,
    *,
    device: torch.device,
    precision: Precision = "fp32",
    runtime: Runtime = "torch",
    batch_size: int = 32,
) -> ZeroShot:
    """Load a model with the classes of the clips."""
    source = CLIP(checkpoint=str(checkpoint), runtime=runtime)
    model = source.load(device=device, precision=precision)
    prompts = [[f"a photo of a person doing {name}."] for name in frames.clip_set.class_names]
    return ZeroShot.build(
        model, prompts, pooling="mean", batch_size=batch_size, cache_dir=inputs.cache
    )


def without_cost(classifier: ZeroShot) -> ZeroShot:
    """Return the same with an image tower that only returns ones: frames are still normalised."""
    width = classifier.class_embeddings.shape[1]
    tower = partial(_ones, width)
    return replace(classifier, model=replace(classifier.model, tower=tower))


def _ones(width: int, pixels: torch.Tensor) -> torch.Tensor:
    return pixels.new_ones(len(pixels), width)


def masked(inputs: Inputs, frames: FrameStore, mask: Mask) -> MaskedClips:
    """Return the clips under a mask."""
    patch = CLIP(checkpoint=str(inputs.vit)).patch_size()
    return MaskedClips(masking=mask, seed=0, frames=frames, patch=patch)


def cell(clips: MaskedClips, classifier: Classifier) -> Callable[[], float]:
    """Return a function that shows the clips to the model once: the seconds of a warm cell."""

    def seconds() -> float:
        started = time.perf_counter()
        score_clips(clips, classifier, {"none": NoNoise()})
        return time.perf_counter() - started

    return seconds


@torch.inference_mode()
def mask_change(clips: MaskedClips, classifier: ZeroShot, side: int) -> float:
    """Compare scores with those of frames that numpy paints and torch normalises, clip by clip.

    Args:
        clips: under a black square in the middle.
        classifier: the model.
        side: of the square, in pixels.

    Returns:
        The largest difference of a logit.
    """
    found = score_clips(clips, classifier, {"none": NoNoise()}).by_noise["none"].scores[:, 0]
    model = classifier.model
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (model.scale.mean, model.scale.std))
    plain = []
    for index in clips.evaluated:
        seen = clips.frames.clip(index).copy()
        top = (seen.shape[-1] - side) // 2
        seen[:, :, top : top + side, top : top + side] = 0
        pixels = (torch.from_numpy(seen) / 255 - mean) / std
        features = model.network.get_image_features(
            pixel_values=pixels.to(model.device, model.dtype)
        ).pooler_output.float()
        features = torch.nn.functional.normalize(features, dim=-1).mean(dim=0)
        features = torch.nn.functional.normalize(features, dim=-1)
        plain.append(model.logit_scale * features @ classifier.class_embeddings.T)
    return difference(found, np.asarray(torch.stack(plain).cpu().numpy()))


def synchronise(device: torch.device) -> None:
    """Wait until a device has done its work."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
