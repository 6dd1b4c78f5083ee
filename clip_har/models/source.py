"""The contract of an option of the ``model`` group, with no logic."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from clip_har.core.settings import Option
from clip_har.data.sampling import Fitting
from clip_har.models.runtime import Runtime

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.encoder import Encoder
    from clip_har.models.pooling import Pooling
    from clip_har.models.zero_shot import TextClassifier

NO_ATTRIBUTION = "the model has no class token that attends to patches; a CLIP has"
"""Why some models give no attribution."""


class ModelSource(Option, Protocol):
    """A checkpoint and how it is used.

    Attributes:
        caution: a warning that is shown with each of its numbers; empty for none.
        single_frames: whether frames are embedded one by one, as learned noise needs it.
        sees_rows: whether it sees only the middle rows of the square, which its own ``fitting``
            fills, so that no other fit is right.
    """

    caution: ClassVar[str]
    single_frames: ClassVar[bool]
    sees_rows: ClassVar[bool]

    @property
    def checkpoint(self) -> str:
        """Hub name, or a local folder in the hub's format."""

    @property
    def name(self) -> str:
        """A short name of the checkpoint, for messages and tables."""

    @property
    def gives_attribution(self) -> bool:
        """Whether `clip_har.models.attribution` works for it."""

    @property
    def pooling(self) -> "Pooling | Literal['model']":
        """How frames become a clip; ``model`` for a model of whole clips."""

    @property
    def runtime(self) -> Runtime:
        """Of the image tower's forward pass."""

    def unfamiliar(self, words: Sequence[str]) -> list[str]:
        """Return the classes that the model cannot know; empty for a model of any classes."""

    def folder(self) -> Path:
        """Return the checkpoint's folder; download it if it is not on this machine."""

    def digest(self) -> str:
        """Return a digest of all that is read of the checkpoint: weights, settings, tokenizer."""

    def image_size(self) -> int:
        """Return the input's side in pixels, without loading the model."""

    def patch_size(self) -> int | None:
        """Return the side of the model's own patches (tokens) in pixels, without loading it.

        None for a model that does not cut the picture into patches.
        """

    def fitting(self) -> Fitting:
        """Return how frames are fitted to the input, without loading the model."""

    def clip_length(self) -> int | None:
        """Return the frames that a clip must have; None for any number."""

    def load(self, *, device: "torch.device", precision: "Precision") -> "Encoder":
        """Load the model, frozen and in evaluation mode."""

    def classifier(
        self,
        model: Any,
        prompts: Sequence[Sequence[str]],
        *,
        batch_size: int,
        cache_dir: Path,
    ) -> "TextClassifier":
        """Return the classifier of a set of classes.

        Args:
            model: the model that `load` returned.
            prompts: C lists of at least one text each.
            batch_size: frames in one forward pass.
            cache_dir: where text embeddings are stored between runs.
        """
