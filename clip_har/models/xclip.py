"""X-CLIP (Ni et al. 2022), a video model, through transformers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from clip_har.models.checkpoint import vision_number
from clip_har.models.option import PretrainedModel

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.video_encoder import VideoEncoder
    from clip_har.models.video_zero_shot import VideoZeroShot


class XCLIP(PretrainedModel):
    """An X-CLIP checkpoint.

    It sees a clip as a whole. The checkpoint fixes the number of frames, and the model itself pools
    them. Learned noise and attribution need single frames, so they raise an error.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: the model's own; there is no choice.
        runtime: PyTorch only.
    """

    pooling: Literal["model"] = "model"
    runtime: Literal["torch"] = "torch"

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

    def classifier(
        self,
        model: "VideoEncoder",
        prompts: Sequence[Sequence[str]],
        *,
        batch_size: int,
        cache_dir: Path,
    ) -> "VideoZeroShot":
        """Return the zero-shot classifier of a loaded model, see `VideoZeroShot.build`."""
        from clip_har.models.video_zero_shot import VideoZeroShot

        return VideoZeroShot.build(model, prompts, batch_size=batch_size, cache_dir=cache_dir)
