"""Mask R-CNN (He et al. 2017) of torchvision: find the people in a picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import detection
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops import FrozenBatchNorm2d

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import REGION, weight_files

PERSON = 1
"""COCO's category of people, as torchvision numbers them."""

_CATEGORIES = 91  # COCO's with their gaps, and 0 for none


@dataclass(frozen=True)
class PersonDetector:
    """A frozen instance segmentation network, of which only people are used.

    Attributes:
        network: from a list of pictures ``(3, H, W)`` float32 in [0, 1] to one dictionary per
            picture: ``labels`` ``(N,)``, ``scores`` ``(N,)`` in [0, 1] and ``masks``
            ``(N, 1, H, W)`` in [0, 1], as torchvision's detectors return them.
        score: least score of a person.
        device: where it runs.
    """

    network: Callable[[list[Tensor]], list[dict[str, Tensor]]]
    score: float
    device: torch.device

    @torch.inference_mode()
    def soft_mask(self, frames: Tensor) -> Tensor:
        """Return the probability that each pixel belongs to a person.

        Args:
            frames: ``(T, 3, H, W)`` uint8 RGB.

        Returns:
            ``(T, H, W)`` float32 in [0, 1]: the highest mask probability of any person there;
            zero where no person is found.
        """
        # One frame at a time: rounding depends on the batch, and with the detector's thresholds it
        # could add or drop a whole person.
        return torch.stack([self._of_frame(frame) for frame in frames.to(self.device)])

    def _of_frame(self, frame: Tensor) -> Tensor:
        (found,) = self.network([frame.float() / 255])
        people = (found["labels"] == PERSON) & (found["scores"] >= self.score)
        masks = found["masks"][people, 0]  # (P, H, W)
        if not len(masks):
            return torch.zeros(frame.shape[-2:], device=self.device)
        return masks.amax(dim=0).clamp(0, 1)


@lru_cache(maxsize=1)
def load_detector(
    folder: Path,
    device: torch.device,
    *,
    architecture: str,
    score: float,
    input_size: int,
) -> PersonDetector:
    """Load a detector; the cells of a sweep that run in one process share it.

    Args:
        folder: with torchvision's state dictionary of that architecture as safetensors.
        device: where it runs.
        architecture: ``maskrcnn_resnet50_fpn_v2`` or ``maskrcnn_resnet50_fpn``.
        score: least score of a person, in [0, 1].
        input_size: side that frames are scaled to, in pixels.

    Raises:
        ClipHarError: when the weights are damaged or of another architecture.
    """
    # The network makes no masks for people below the least score.
    options = {"box_score_thresh": score, "min_size": input_size, "max_size": input_size}
    network = _build(architecture, options)
    weights = _read(folder)
    if lack := _difference(network.state_dict(), weights):
        raise ClipHarError(
            f"{REGION}={folder}: the weights are not torchvision's {architecture} for COCO ({lack})"
        )
    network.load_state_dict(weights, strict=True)
    network.eval().requires_grad_(requires_grad=False).to(device)
    return PersonDetector(network=network, score=score, device=device)


def _build(architecture: str, options: dict[str, Any]) -> Any:
    """Return torchvision's network as it is after it loaded its published weights."""
    if architecture == "maskrcnn_resnet50_fpn_v2":
        return detection.maskrcnn_resnet50_fpn_v2(
            weights=None, weights_backbone=None, num_classes=_CATEGORIES, **options
        )
    # torchvision freezes the normalisation, without its epsilon, only when it loads the published
    # weights itself: without weights its builder makes another network.
    backbone = resnet_fpn_backbone(
        backbone_name="resnet50", weights=None, norm_layer=FrozenBatchNorm2d
    )
    network = detection.MaskRCNN(backbone, num_classes=_CATEGORIES, **options)
    for module in network.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = 0.0
    return network


def _read(folder: Path) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {}
    try:
        for path in weight_files(folder):
            weights |= load_file(path)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ClipHarError(f"{REGION}={folder}: cannot be loaded ({reason})") from error
    return weights


def _difference(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str | None:
    """Return how two state dictionaries differ; None if names and shapes are equal."""
    missing, extra = wanted.keys() - given.keys(), given.keys() - wanted.keys()
    reshaped = {
        name for name in wanted.keys() & given.keys() if wanted[name].shape != given[name].shape
    }
    if not (missing or extra or reshaped):
        return None
    example = min(missing or extra or reshaped)
    return (
        f"{len(missing)} missing, {len(extra)} unknown, {len(reshaped)} of another shape, such as"
        f" {example}"
    )
