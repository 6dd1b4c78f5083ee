"""X-CLIP (Ni et al. 2022), a video model, through transformers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from clip_har.models.checkpoint import vision_number
from clip_har.models.whole_clip_option import WholeClipModel

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.video_encoder import VideoEncoder


class XCLIP(WholeClipModel):
    """An X-CLIP checkpoint.

    The checkpoint fixes the number of frames.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: the model's own; there is no choice.
        runtime: PyTorch only.
    """

    architectures: ClassVar[Mapping[str, str]] = {"xclip": "XCLIPModel"}

    def clip_length(self) -> int:
        """Return the frames that a clip must have, from the checkpoint's configuration.

        Raises:
            ClipHarError: when the configuration does not have it.
        """
        return vision_number(self.folder(), "num_frames", default=8)

    def load(self, *, device: "torch.device", precision: "Precision") -> "VideoEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file of the checkpoint is missing or damaged.
        """
        from clip_har.models.video_encoder import load_video_encoder

        return load_video_encoder(
            self.architecture(),
            self.folder(),
            name=self.checkpoint,
            device=device,
            precision=precision,
        )
