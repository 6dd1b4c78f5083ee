"""What an option of the ``model`` group is: the contract, with no logic."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from clip_har.core.settings import Option
from clip_har.data.sampling import Fit, Resample
from clip_har.models.runtime import Runtime

if TYPE_CHECKING:
    import torch

    from clip_har.models.dual_encoder import DualEncoder, Precision
    from clip_har.models.pooling import Pooling
    from clip_har.models.video_encoder import VideoEncoder

NO_ATTRIBUTION = "the model has no class token that attends to patches; a CLIP has"
"""Why some models cannot say what in a frame their answers rest on."""


class ModelSource(Option, Protocol):
    """A checkpoint and how it is used.

    Attributes:
        caution: what must stand beside each of its numbers; empty for nothing.
        single_frames: whether frames are embedded one by one, as learned noise needs it.
        gives_attribution: whether `clip_har.models.attribution` can say what in a frame an
            answer rests on.
    """

    caution: ClassVar[str]
    single_frames: ClassVar[bool]
    gives_attribution: ClassVar[bool]

    @property
    def checkpoint(self) -> str:
        """Hub name, or a local folder in the hub's format."""

    @property
    def pooling(self) -> "Pooling | Literal['model']":
        """How frames become a clip; ``model`` for a model of whole clips."""

    @property
    def runtime(self) -> Runtime:
        """Of the image tower's forward pass."""

    def folder(self) -> Path:
        """Return the checkpoint's folder, fetching it where needed."""

    def image_size(self) -> int:
        """Return the input's side in pixels, without loading the model."""

    def fitting(self) -> tuple[Fit, Resample]:
        """Return how frames are fitted to the input, without loading the model."""

    def clip_length(self) -> int | None:
        """Return the frames that a clip must have; None for any number."""

    def load(
        self, *, device: "torch.device", precision: "Precision"
    ) -> "DualEncoder | VideoEncoder":
        """Load the model, frozen and in evaluation mode."""
