"""The base class of the options of ``conf/noise``, and the settings that noise depends on."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Protocol

from clip_har.core.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from clip_har.data.clips import ClipSet, ClipSource
    from clip_har.data.frames.store import FrameStore
    from clip_har.data.sampling import FrameSettings
    from clip_har.masking.mask import Mask
    from clip_har.models.source import ModelSource
    from clip_har.models.zero_shot import Classifier
    from clip_har.noise.contract import CellNoise, Noise
    from clip_har.prompts.prompt_set import PromptSet
    from clip_har.regions.source import RegionSource

OpenFrames = Callable[["ClipSet"], "FrameStore"]
"""Decodes clips for the cell's model, or opens them if they are decoded already."""


class LearningCell(Protocol):
    """What learned noise depends on: a part of a `clip_har.config.cell.Cell`."""

    @property
    def dataset(self) -> "ClipSource":
        """The data set; it also names the training clips."""

    @property
    def classes(self) -> str | None:
        """The table of the classes that the data set shares with others; None: its own classes."""

    @property
    def frames(self) -> "FrameSettings":
        """Which frames of a clip are taken."""

    @property
    def model(self) -> "ModelSource":
        """The model."""

    @property
    def prompts(self) -> "PromptSet":
        """The texts of the classes."""

    @property
    def masking(self) -> "Mask":
        """The cell's own mask, for ``train_masking=same``."""

    @property
    def region(self) -> "RegionSource":
        """Finds the subject."""

    @property
    def precision(self) -> str:
        """Of the model's forward pass."""

    @property
    def seed(self) -> int:
        """Of everything random except noise."""

    @property
    def cache_dir(self) -> "Path":
        """Learned noise is kept below it."""


class NoiseSettings(Settings, ABC):
    """The base class of all noise options: what the rest of the package uses of them."""

    is_clean: ClassVar[bool] = False
    """Whether it changes nothing."""
    is_learned: ClassVar[bool] = False
    """Whether it is learned from training clips, see `clip_har.noise.learned.base.Learned`."""

    @property
    def uses_label(self) -> bool:
        """Whether the noise that a clip gets depends on its true label: a leak."""
        return False

    @property
    def needs_region(self) -> bool:
        """Whether it must be known where the subject is."""
        return False

    @property
    def own_attention_clips(self) -> int | None:
        """Clips on which attention is measured; None for the cell's own ``attention_clips``."""
        return None

    def check(self, cell: LearningCell) -> None:
        """Check that the rest of the cell provides what the noise needs; here nothing is needed.

        Args:
            cell: the checked settings.
        """

    def identity(self, cell: LearningCell) -> str:  # noqa: ARG002
        """Return what decides the noise besides its settings; here nothing does.

        Args:
            cell: the checked settings.
        """
        return ""

    def passes(self, classes: int) -> int:  # noqa: ARG002
        """Return how often each frame of a clip passes through the model, for C classes."""
        return 1

    @abstractmethod
    def unlearned(self) -> "Noise":
        """Return what is added without learning: itself, or no noise."""

    @abstractmethod
    def open(
        self,
        cell: LearningCell,
        frames: "FrameStore",
        classifier: "Classifier",
        open_frames: OpenFrames,
    ) -> "CellNoise":
        """Return all noise of a cell.

        Args:
            cell: the checked settings.
            frames: the decoded frames of its clips.
            classifier: its model with its classes.
            open_frames: opens the frames of other clips, to learn from.
        """
