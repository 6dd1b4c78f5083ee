"""VideoPrism with its text tower (Zhao et al. 2024), a video model, through transformers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from clip_har.core.errors import ClipHarError
from clip_har.data.sampling import Fitting
from clip_har.models.checkpoint import MODEL, vision_number
from clip_har.models.whole_clip_option import VideoProcessorModel

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.videoprism_encoder import VideoPrismEncoder


class VideoPrism(VideoProcessorModel):
    """A VideoPrism checkpoint of video and text (LvT), ``model_type`` videoprism.

    Texts are put in lower case, without punctuation and with a full stop, as the authors' code does
    it. The network gives cosines without a scale of its own.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: the model's own; there is no choice.
        runtime: PyTorch only.
        temperature: logits are cosines divided by it. It has no effect on top-1, and on confidence
            and calibration it has.
    """

    temperature: float = Field(default=0.01, gt=0)

    architectures: ClassVar[Mapping[str, str]] = {"videoprism": "VideoPrismClipModel"}

    def image_size(self) -> int:
        """Return the input's side in pixels, from the checkpoint's configuration."""
        return vision_number(self.folder(), "image_size", default=288)

    def patch_size(self) -> int | None:
        """Return the side of the model's own patches in pixels."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(self.folder(), local_files_only=True)
        return int(config.vision_config.tubelet_size[1])

    def fitting(self) -> Fitting:
        """Return how frames are fitted to the input, as the video processor does it.

        Raises:
            ClipHarError: when its output is not the model's input.
        """
        found, side = self._square()
        if side != (size := self.image_size()):
            raise ClipHarError(
                f"{MODEL}={self.checkpoint}: the video processor gives frames of {side} px, and the"
                f" model takes {size} px; repair the file, or set frames.fit and frames.resample"
            )
        return found._replace(edge=None if found.edge == side else found.edge)

    def clip_length(self) -> int:
        """Return the frames that a clip must have, from the checkpoint's configuration."""
        return vision_number(self.folder(), "num_frames", default=16)

    def load(self, *, device: "torch.device", precision: "Precision") -> "VideoPrismEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file of the checkpoint is missing or damaged.
        """
        from clip_har.models.videoprism_encoder import load_videoprism

        return load_videoprism(
            self.architecture(),
            self.folder(),
            name=self.checkpoint,
            temperature=self.temperature,
            device=device,
            precision=precision,
        )
