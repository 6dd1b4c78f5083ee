"""Any target that a text names, found by CLIPSeg."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.models.checkpoint import REGION, CheckpointFormat, find_checkpoint, weights_digest
from clip_har.regions.source import (
    BACKGROUND,
    INSIDE,
    PERSON,
    SUBJECT,
    Estimate,
    Locator,
    RegionSettings,
)

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from clip_har.models.clipseg import CLIPSeg
    from clip_har.models.zero_shot import ZeroShot

FORMAT = CheckpointFormat(
    REGION,
    conversion="with transformers (CLIPSegForImageSegmentation.from_pretrained, then"
    " save_pretrained)",
    model_types=("clipseg",),
)


class PromptedRegion(RegionSettings):
    """Find the target that a text names with CLIPSeg (Lüddecke and Ecker 2022).

    Any text is a prompt, as given: "a ball", "the background", "a face". ``person`` is the prompt
    "a person", ``subject`` the setting below, and ``background`` all but the subject.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        subject: the prompt for the subject.
        threshold: a pixel belongs to the target from this probability on. CLIPSeg's probabilities
            are not calibrated and often low; see `soft_mask_of`.
        batch_size: largest number of frames in one forward pass. Frames of two clips never share
            one, so a clip's map does not depend on other clips. Sizes differ by rounding.
    """

    checkpoint: Annotated[str, Role.CONTENT] = "CIDAS/clipseg-rd64-refined"
    revision: Annotated[str | None, Role.CONTENT] = "999e0328d9e10b484360c477313983f9afdd7050"
    subject: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = "a person"
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    batch_size: Annotated[int, Field(ge=1), Role.RUN] = 16

    finds_regions: ClassVar[bool] = True
    exact: ClassVar[bool] = False
    person_is_subject: ClassVar[bool] = False
    asks_model: ClassVar[bool] = False

    def check(self, target: str) -> None:
        """Raise `ClipHarError` for an empty text."""
        if not target.strip():
            raise ClipHarError(
                "feature is empty: region=prompted needs a text that names what to look for, such"
                " as feature='a ball'"
            )

    def uses_label(self, target: str) -> bool:  # noqa: ARG002
        """Return False."""
        return False

    def folder(self) -> "Path":
        """Return the checkpoint's folder; download it if needed.

        Raises:
            ClipHarError: when it cannot be downloaded or is of another architecture.
        """
        return find_checkpoint(self.checkpoint, self.revision, FORMAT)

    def identity(self, clips: ClipSet) -> str:  # noqa: ARG002
        """Return the digest of the weights, see `folder` for what it raises."""
        return weights_digest(self.folder())

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:
        """Load CLIPSeg on the device of the cell's model, in float32, and return its locator.

        Raises:
            ClipHarError: when the checkpoint cannot be downloaded or loaded.
        """
        from clip_har.models.clipseg import load_clipseg

        network = load_clipseg(self.folder(), zero_shot().model.device)

        def locate(clips: Sequence[ClipFrames], target: str) -> list[Estimate]:
            text = network.encode_text(self._prompt(target))
            maps = [Estimate.sure(self._soft_mask(network, clip, text)) for clip in clips]
            return [found.of(target) for found in maps]

        return locate

    def _prompt(self, target: str) -> str:
        prompts = {SUBJECT: self.subject, BACKGROUND: self.subject, PERSON: "a person"}
        return prompts.get(target, target)

    def _soft_mask(
        self, network: "CLIPSeg", clip: ClipFrames, text: "Tensor"
    ) -> NDArray[np.float32]:
        import torch

        frames = torch.from_numpy(np.array(clip.pixels))  # (T, 3, S, S)
        parts = [
            network.probabilities(part, text).cpu() for part in torch.split(frames, self.batch_size)
        ]
        return soft_mask_of(torch.cat(parts).numpy(), self.threshold)


def soft_mask_of(probability: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Map probabilities to a soft mask: the threshold to 0.5, 0 to 0 and 1 to 1.

    It is linear on either side of the threshold, so the order of the pixels does not change.

    Args:
        probability: any shape, in [0, 1].
        threshold: in (0, 1).

    Example:
        >>> soft_mask_of(np.array([0, 0.1, 0.2, 0.6, 1], np.float32), 0.2).round(6).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    limit = np.float32(threshold)
    below = np.float32(INSIDE) * (probability / limit)
    above = 1 - np.float32(1 - INSIDE) * ((1 - probability) / (1 - limit))
    soft_mask: NDArray[np.float32] = np.where(probability < limit, below, above)
    return soft_mask
