"""The settings of a cell that learned noise depends on."""

from typing import Any, Protocol

from clip_har.data.clips import ClipSource
from clip_har.data.sampling import FrameSettings
from clip_har.masking.mask import Mask
from clip_har.models.source import ModelSource
from clip_har.prompts.prompt_set import PromptSet
from clip_har.regions.source import RegionSource


class LearningCell(Protocol):
    """What learned noise depends on: a part of a `clip_har.config.cell.Cell`."""

    @property
    def dataset(self) -> ClipSource:
        """The data set; it also names the training clips."""

    @property
    def frames(self) -> FrameSettings:
        """Which frames of a clip are taken."""

    @property
    def model(self) -> ModelSource:
        """The model."""

    @property
    def prompts(self) -> PromptSet:
        """The texts of the classes."""

    @property
    def masking(self) -> Mask:
        """The cell's own mask, for ``train_masking=same``."""

    @property
    def region(self) -> RegionSource:
        """Finds the subject."""

    @property
    def noise(self) -> Any:
        """The settings of the noise."""

    @property
    def precision(self) -> str:
        """Of the model's forward pass."""
