"""X-CLIP (Ni et al. 2022), a video model, through transformers."""

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
    pixel_statistics,
    vision_number,
    weights_digest,
)

if TYPE_CHECKING:
    import torch

    from clip_har.models.dual_encoder import Precision
    from clip_har.models.video_encoder import VideoEncoder

FORMAT = CheckpointFormat(
    MODEL,
    conversion="with transformers (XCLIPModel.from_pretrained, then save_pretrained)",
    model_types=("xclip",),
)


class XCLIP(Settings):
    """An X-CLIP checkpoint.

    It sees a clip as a whole: the number of frames is the checkpoint's, how they become a clip is
    the model's own doing, and what needs single frames (learned noise, attribution) is refused.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: there is nothing to choose.
        runtime: PyTorch alone.
    """

    checkpoint: str
    revision: str | None = None
    pooling: Literal["model"] = "model"
    runtime: Literal["torch"] = "torch"

    caution: ClassVar[str] = ""
    single_frames: ClassVar[bool] = False
    gives_attribution: ClassVar[bool] = False

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

    def clip_length(self) -> int:
        """Return the frames that a clip must have, from the checkpoint's configuration.

        Raises:
            ClipHarError: when the configuration does not say.
        """
        return vision_number(self.folder(), "num_frames", default=8)

    def load(self, *, device: "torch.device", precision: "Precision") -> "VideoEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file of the checkpoint is missing or damaged.
        """
        from transformers import XCLIPModel

        from clip_har.models.dual_encoder import pick_dtype
        from clip_har.models.pretrained import load_pretrained
        from clip_har.models.video_encoder import VideoEncoder, try_out

        folder, named = self.folder(), f"{MODEL}={self.checkpoint}"
        dtype = pick_dtype(precision, device)
        mean, std = pixel_statistics(folder)
        network, tokenizer = load_pretrained(XCLIPModel, folder, named=named)
        logit_scale = float(network.logit_scale.detach().exp())  # in full precision
        network.to(device=device, dtype=dtype)
        model = VideoEncoder(
            network=network,
            tokenizer=tokenizer,
            name=self.checkpoint,
            digest=weights_digest(folder),
            image_size=network.config.vision_config.image_size,
            clip_length=network.config.vision_config.num_frames,
            context_length=network.config.text_config.max_position_embeddings,
            mean=mean,
            std=std,
            logit_scale=logit_scale,
            device=device,
            dtype=dtype,
        )
        try_out(model, named=named)
        return model
