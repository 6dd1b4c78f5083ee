"""CLIP (Radford et al. 2021) and models of the same architecture, through transformers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from clip_har.core.settings import Role
from clip_har.models.option import FrameModel
from clip_har.models.tuned_weights import TunedWeights


class CLIP(FrameModel):
    """A CLIP: OpenAI's, MetaCLIP (Xu et al. 2024) or MetaCLIP 2 (Chuang et al. 2025).

    They differ in their training data; MetaCLIP 2 also has its own tokenizer. A CLIP that was
    fine-tuned with OpenAI's code (ViFi-CLIP and others) is the base checkpoint with other weights.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        weights: a safetensors file with the fine-tuned weights of this checkpoint, see
            `clip_har.models.tuned_weights`; None for the checkpoint's own.
        base_share: share of the checkpoint's own weights in [0, 1) if ``weights`` is set, as
            Open-VCLIP mixes them; 0 = the fine-tuned weights alone.
        pooling: see `FrameModel`.
        runtime: see `FrameModel`.
    """

    weights: Annotated[str | None, Role.CONTENT] = None
    base_share: float = Field(default=0.0, ge=0, lt=1)

    architectures: ClassVar[Mapping[str, str]] = {
        "clip": "CLIPModel",
        "metaclip_2": "MetaClip2Model",
    }
    gives_attribution: ClassVar[bool] = True

    @model_validator(mode="after")
    def _share_has_weights(self) -> Self:
        if self.base_share and self.weights is None:
            raise ValueError("base_share mixes fine-tuned weights into the checkpoint: set weights")
        return self

    def tuned(self) -> TunedWeights | None:
        """Return the fine-tuned weights; None for the checkpoint's own."""
        if self.weights is None:
            return None
        return TunedWeights(Path(self.weights).expanduser(), self.base_share)

    def folder(self) -> Path:
        """Return the base checkpoint's folder; download it if it is not on this machine.

        Raises:
            ClipHarError: when it cannot be downloaded, or is of another architecture, or the file
                of fine-tuned weights is missing.
        """
        folder = super().folder()
        if tuned := self.tuned():
            tuned.check()
        return folder

    def digest(self) -> str:
        """Return a digest of the weights with their configuration and tokenizer.

        Raises:
            ClipHarError: as `folder`.
        """
        base, tuned = super().digest(), self.tuned()
        return base if tuned is None else tuned.digest(base)
