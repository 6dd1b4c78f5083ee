"""SigLIP (Zhai et al. 2023) and SigLIP 2 (Tschannen et al. 2025) through transformers."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from clip_har.core.settings import Settings
from clip_har.data.sampling import Fit, Resample
from clip_har.models.checkpoint import (
    MODEL,
    CheckpointFormat,
    find_checkpoint,
    fitting,
    image_size,
)
from clip_har.models.runtime import Runtime

if TYPE_CHECKING:
    import torch

    from clip_har.models.dual_encoder import DualEncoder, Precision

FORMAT = CheckpointFormat(
    MODEL,
    conversion="with transformers (SiglipModel.from_pretrained, then save_pretrained)",
    model_types=("siglip",),
)


class SigLIP(Settings):
    """A SigLIP or SigLIP 2 checkpoint of fixed resolution (``model_type`` siglip).

    Those of variable resolution (NaFlex, ``model_type`` siglip2) are another architecture and are
    refused. Scores are SigLIP's logits, scale times cosine plus bias: their sigmoid is what the
    model was trained on, and says how well each class fits alone; measures of confidence use their
    softmax over the classes, from which the bias falls out, as for every model here.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: over the frames of a clip, see `clip_har.models.pooling.clip_scores`.
        runtime: of the image tower's forward pass, see `clip_har.models.tower.build_tower`.
    """

    checkpoint: str
    revision: str | None = None
    pooling: Literal["mean", "mean_probability", "max"] = "mean"
    runtime: Runtime = "torch"

    caution: ClassVar[str] = ""
    single_frames: ClassVar[bool] = True
    gives_attribution: ClassVar[bool] = False  # there is no class token

    def folder(self) -> Path:
        """Return the checkpoint's folder, fetching it where needed.

        Raises:
            ClipHarError: when it cannot be had or is of another architecture.
        """
        return find_checkpoint(self.checkpoint, self.revision, FORMAT)

    def image_size(self) -> int:
        """Return the input's side in pixels, see `clip_har.models.checkpoint.image_size`."""
        return image_size(self.folder())

    def fitting(self) -> tuple[Fit, Resample]:
        """Return how frames are fitted to it, see `clip_har.models.checkpoint.fitting`."""
        return fitting(self.folder())

    def clip_length(self) -> None:
        """Return None: a clip may have any number of frames."""

    def load(self, *, device: "torch.device", precision: "Precision") -> "DualEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file of the checkpoint is missing or damaged.
        """
        from transformers import SiglipModel

        from clip_har.models.dual_encoder import load_dual_encoder

        return load_dual_encoder(
            SiglipModel,
            self.folder(),
            name=self.checkpoint,
            runtime=self.runtime,
            device=device,
            precision=precision,
            padded_texts=True,
        )
