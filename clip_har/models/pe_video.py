"""PE-Video, the video part of PE-AV (Meta 2025), a video model, through transformers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from clip_har.models.whole_clip_option import VideoProcessorModel

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.pe_video_encoder import PeVideoEncoder


class PeVideo(VideoProcessorModel):
    """A checkpoint of video and text, ``model_type`` pe_video, or of audio as well, pe_audio_video.

    Of a checkpoint with audio the video part alone is used: clips are shown without their sound.
    Its frame tower comes from timm. A checkpoint that samples frames takes that many; another one
    takes any number. It has no patches here, because timm's settings do not name them.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: the model's own; there is no choice.
        runtime: PyTorch only.
    """

    architectures: ClassVar[Mapping[str, str]] = {
        "pe_video": "PeVideoModel",
        "pe_audio_video": "PeAudioVideoModel",
    }

    def image_size(self) -> int:
        """Return the input's side in pixels, as the video processor makes it."""
        return self._square()[1]

    def patch_size(self) -> int | None:
        """Return None: the configuration does not name the patches of the frame tower."""
        return None

    def clip_length(self) -> int | None:
        """Return the frames that a clip must have; None for any number."""
        from clip_har.models.pe_video_encoder import frames_of
        from clip_har.models.processor import video_processor

        return frames_of(video_processor(self.folder()))

    def load(self, *, device: "torch.device", precision: "Precision") -> "PeVideoEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file of the checkpoint is missing or damaged.
        """
        from clip_har.models.pe_video_encoder import load_pe_video

        return load_pe_video(
            self.architecture(),
            self.folder(),
            name=self.checkpoint,
            device=device,
            precision=precision,
        )
