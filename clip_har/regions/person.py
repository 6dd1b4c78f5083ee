"""People, found by torchvision's Mask R-CNN trained on COCO."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.models.checkpoint import REGION, CheckpointFormat, find_checkpoint, weights_digest
from clip_har.regions.source import (
    Estimate,
    FindsSubject,
    Locator,
    RegionSettings,
)

if TYPE_CHECKING:
    from pathlib import Path

    from clip_har.models.zero_shot import ZeroShot


class PersonRegion(FindsSubject, RegionSettings):
    """Estimate where people are, with Mask R-CNN (He et al. 2017) of torchvision.

    A pixel's soft mask is the highest mask probability of any person found there. ``subject`` is
    all people, ``background`` the rest.

    The weights are a folder (or a hub name) with ``*.safetensors``: torchvision's own state
    dictionary, which it publishes only as a pickle. `conversion` is the command to convert it.

    Attributes:
        checkpoint: local folder or hub name; while it is None the source cannot be used.
        revision: hub commit; not used for a local folder.
        architecture: of torchvision; the weights must fit it, with the 91 categories of COCO.
        score: least score of a person, in [0, 1].
        input_size: side that a frame is scaled to before detection, in pixels; torchvision's
            default is 800. Time grows with its square.
    """

    checkpoint: Annotated[str | None, Role.CONTENT] = None
    revision: Annotated[str | None, Role.CONTENT] = None
    architecture: Literal["maskrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn"] = (
        "maskrcnn_resnet50_fpn_v2"
    )
    score: Annotated[float, Field(ge=0, le=1)] = 0.5
    input_size: Annotated[int, Field(ge=32, le=1333)] = 800

    def conversion(self) -> str:
        """Return the command that writes torchvision's weights as safetensors, once."""
        return (
            'python -c "from torchvision.models import get_model;'
            " from safetensors.torch import save_file;"
            f" save_file(get_model('{self.architecture}', weights='DEFAULT').state_dict(),"
            " 'FOLDER/model.safetensors')\""
        )

    def folder(self) -> "Path":
        """Return the folder of the weights; download it if needed.

        Raises:
            ClipHarError: when it is not set or cannot be downloaded.
        """
        if self.checkpoint is None:
            raise ClipHarError(
                f"{REGION} is not set: torchvision publishes its weights pickled, which are not"
                " read; where you trust them, convert them once where there is a network"
                f" ({self.conversion()}), and set {REGION}=FOLDER"
            )
        expected = CheckpointFormat(REGION, conversion=f"({self.conversion()})", weights_only=True)
        return find_checkpoint(self.checkpoint, self.revision, expected)

    def identity(self, clips: ClipSet) -> str:  # noqa: ARG002
        """Return the digest of the weights, see `folder` for what it raises."""
        return weights_digest(self.folder())

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:
        """Load the detector on the device of the cell's model, in float32.

        Raises:
            ClipHarError: when the weights cannot be downloaded or loaded.
        """
        import torch

        from clip_har.models.person_detector import load_detector

        detector = load_detector(
            self.folder(),
            zero_shot().model.device,
            architecture=self.architecture,
            score=self.score,
            input_size=self.input_size,
        )

        def locate(clips: Sequence[ClipFrames], target: str) -> list[Estimate]:
            maps = []
            for clip in clips:
                frames = torch.from_numpy(np.array(clip.pixels))  # (T, 3, S, S)
                people = Estimate.sure(detector.soft_mask(frames).cpu().numpy())
                maps.append(people.of(target))
            return maps

        return locate
