"""What learned noise needs to know of the cell that it is for."""

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
        """What is evaluated; says which clips are for training."""

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
        """Says where the subject is."""

    @property
    def noise(self) -> Any:
        """The settings of the noise."""

    @property
    def precision(self) -> str:
        """Of the model's forward pass."""
