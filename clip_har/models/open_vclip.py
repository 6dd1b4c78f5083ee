"""Open-VCLIP (Weng et al. 2023) and FROSTER (Huang et al. 2024): CLIPs made into video models."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from clip_har.core.settings import Role
from clip_har.models.tuned_weights import TunedWeights
from clip_har.models.whole_clip_option import WholeClipModel

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.neighbour_encoder import NeighbourEncoder


class OpenVCLIP(WholeClipModel):
    """Fine-tuned weights of a CLIP whose frames attend to their neighbours.

    Attributes:
        checkpoint: the CLIP that was fine-tuned: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: the model's own; there is no choice.
        runtime: PyTorch only.
        weights: a safetensors file with the fine-tuned weights, see
            `clip_har.models.tuned_weights`.
        base_share: share of the checkpoint's own weights in [0, 1): Open-VCLIP's paper evaluates
            0.5, FROSTER's 0.
    """

    weights: Annotated[str, Role.CONTENT]
    base_share: float = Field(default=0.0, ge=0, lt=1)

    architectures: ClassVar[Mapping[str, str]] = {"clip": "CLIPModel"}

    def tuned(self) -> TunedWeights:
        """Return the fine-tuned weights."""
        return TunedWeights(Path(self.weights).expanduser(), self.base_share, frames_alone=False)

    def folder(self) -> Path:
        """Return the base checkpoint's folder; download it if it is not on this machine.

        Raises:
            ClipHarError: when it cannot be downloaded, or is of another architecture, or the file
                of fine-tuned weights is missing.
        """
        self.tuned().check()
        return super().folder()

    def digest(self) -> str:
        """Return a digest of the weights with their configuration and tokenizer.

        Raises:
            ClipHarError: as `folder`.
        """
        return self.tuned().digest(super().digest())

    def load(self, *, device: "torch.device", precision: "Precision") -> "NeighbourEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file is missing or damaged, or the weights do not fit.
        """
        from clip_har.models.neighbour_encoder import load_neighbour_encoder

        return load_neighbour_encoder(
            self.architecture(),
            self.folder(),
            name=self.checkpoint,
            device=device,
            precision=precision,
            tuned=self.tuned(),
        )
