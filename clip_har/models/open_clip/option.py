"""The models of open_clip as an option of the ``model`` group."""

from pathlib import Path
from typing import TYPE_CHECKING

from clip_har.data.sampling import Fitting
from clip_har.models.checkpoint import local_folder
from clip_har.models.open_clip.checkpoint import find, parse_hub
from clip_har.models.option import SingleFrames

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.open_clip.config import OpenClipConfig
    from clip_har.models.open_clip.encoder import OpenClipEncoder


class OpenCLIP(SingleFrames):
    """A model of open_clip (Ilharco et al. 2021; Cherti et al. 2023), such as LAION's.

    How frames are fitted and scaled, the tokenizer, the length of texts, the activation, scale and
    bias of the logits are all taken from the checkpoint's ``open_clip_config.json``; for weights
    of open_clip's table, what the table says counts before it. Only safetensors are read.

    Attributes:
        checkpoint: ``ARCHITECTURE/TAG`` of open_clip's table (``clip-har-models`` lists them),
            ``hf-hub:OWNER/NAME@COMMIT``, or a local folder with ``open_clip_config.json``.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: over the frames of a clip, see `clip_har.models.pooling.clip_scores`.
        runtime: of the image tower's forward pass, see `clip_har.models.tower.build_tower`. Scores
            are equal up to rounding, so the runtime does not make another cell.
    """

    @property
    def name(self) -> str:
        """The architecture and its tag, or the last part of a folder's or repository's name."""
        if local_folder(self.checkpoint) is not None:
            return Path(self.checkpoint).name
        if self.checkpoint.startswith("hf-hub:"):
            return parse_hub(self.checkpoint, None)[0].rpartition("/")[2]
        return self.checkpoint

    @property
    def gives_attribution(self) -> bool:
        """Whether the image tower has a class token that attends to patches and is read alone."""
        from clip_har.models.open_clip.image_tower import attending

        return attending(self._image_tower()) is not None

    def folder(self) -> Path:
        """Return the checkpoint's folder; download it if it is not on this machine.

        Raises:
            ClipHarError: when it cannot be downloaded, or has no safetensors.
        """
        return find(self.checkpoint, self.revision).folder

    def config(self) -> "OpenClipConfig":
        """Return the checkpoint's settings.

        Raises:
            ClipHarError: when there is none, or they are damaged.
        """
        from clip_har.models.open_clip.config import read_config

        return read_config(find(self.checkpoint, self.revision))

    def digest(self) -> str:
        """Return a digest of weights, configuration and tokenizer."""
        return self.config().digest()

    def image_size(self) -> int:
        """Return the input's side in pixels."""
        return self.config().image_size

    def patch_size(self) -> int | None:
        """Return the side of the model's own patches in pixels; None if it has none."""
        from clip_har.models.open_clip.image_tower import patch_size

        return patch_size(self._image_tower())

    def fitting(self) -> Fitting:
        """Return how frames are fitted to the input."""
        return self.config().fitting

    def load(self, *, device: "torch.device", precision: "Precision") -> "OpenClipEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file of the checkpoint is missing or damaged.
        """
        from clip_har.models.open_clip.encoder import load_open_clip

        return load_open_clip(
            self.config(), runtime=self.runtime, device=device, precision=precision
        )

    def _image_tower(self) -> object:
        from clip_har.models.open_clip.network import image_tower

        config = self.config()
        size = config.overrides.get("force_image_size")
        return image_tower(f"local-dir:{config.checkpoint.folder}", size)
