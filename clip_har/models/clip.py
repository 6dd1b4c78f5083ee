"""CLIP (Radford et al. 2021) and what has its architecture, through transformers."""

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
    read_json,
)
from clip_har.models.runtime import Runtime

if TYPE_CHECKING:
    import torch

    from clip_har.models.dual_encoder import DualEncoder, Precision

_CLASSES = {"clip": "CLIPModel", "metaclip_2": "MetaClip2Model"}  # of transformers
FORMAT = CheckpointFormat(
    MODEL,
    conversion="with transformers (CLIPModel.from_pretrained, then save_pretrained)",
    model_types=tuple(_CLASSES),
)


class CLIP(Settings):
    """A CLIP: OpenAI's, MetaCLIP (Xu et al. 2024) or MetaCLIP 2 (Chuang et al. 2025).

    They differ in what they were trained on; MetaCLIP 2 has a tokenizer of its own, too.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: over the frames of a clip, see `clip_har.models.pooling.clip_scores`.
        runtime: of the image tower's forward pass, see `clip_har.models.tower.build_tower`; scores
            are equal but for rounding, so that another runtime is not another cell.
    """

    checkpoint: str
    revision: str | None = None
    pooling: Literal["mean", "mean_probability", "max"] = "mean"
    runtime: Runtime = "torch"

    caution: ClassVar[str] = ""
    single_frames: ClassVar[bool] = True
    gives_attribution: ClassVar[bool] = True

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
        import transformers

        from clip_har.models.dual_encoder import load_dual_encoder

        folder = self.folder()
        kind = str(read_json(folder, "config.json")["model_type"])
        return load_dual_encoder(
            getattr(transformers, _CLASSES[kind]),
            folder,
            name=self.checkpoint,
            runtime=self.runtime,
            device=device,
            precision=precision,
        )
