"""SigLIP 2 NaFlex (Tschannen et al. 2025), which keeps the frame's aspect, through transformers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from clip_har.core.settings import Role
from clip_har.data.sampling import Fitting
from clip_har.models.option import FrameModel

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.naflex_encoder import NaFlexEncoder


class NaFlex(FrameModel):
    """A SigLIP 2 of variable resolution, ``model_type`` siglip2.

    The network takes any grid of patches, up to the number that its processor names. All clips of a
    cell share one grid, that of ``aspect``: it is in the middle rows of a square, the form that
    frames have everywhere here. The black rows above and below it are not shown to the network.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: see `FrameModel`.
        runtime: PyTorch only.
        aspect: width to height of the grid, such as ``4:3``, at least 1. Frames of this aspect fill
            it as the checkpoint's own processor makes it; others are letterboxed into it.
    """

    runtime: Annotated[Literal["torch"], Role.RUN] = "torch"
    aspect: str = Field(default="4:3", pattern=r"^[1-9]\d{0,4}:[1-9]\d{0,4}$")

    architectures: ClassVar[Mapping[str, str]] = {"siglip2": "Siglip2Model"}
    padded_texts: ClassVar[bool] = True
    sees_rows: ClassVar[bool] = True

    @field_validator("aspect")
    @classmethod
    def _is_landscape(cls, aspect: str) -> str:
        width, height = (int(side) for side in aspect.split(":"))
        if width < height:
            raise ValueError("expected a width of at least the height: use 1:1 for upright frames")
        return aspect

    def grid(self) -> tuple[int, int]:
        """Return rows and columns of patches."""
        from transformers.models.siglip2.image_processing_siglip2 import (
            get_image_size_for_max_num_patches,
        )

        processor = self._processor()
        width, height = (int(side) for side in self.aspect.split(":"))
        patch = processor.patch_size
        sides = get_image_size_for_max_num_patches(
            patch * height, patch * width, patch, processor.max_num_patches
        )
        return int(sides[0]) // patch, int(sides[1]) // patch

    def image_size(self) -> int:
        """Return the side of the square in pixels: the width of the grid."""
        return self.grid()[1] * self.patch_size()

    def patch_size(self) -> int:
        """Return the side of the model's own patches in pixels."""
        return int(self._processor().patch_size)

    def fitting(self) -> Fitting:
        """Return how frames are fitted: the whole frame into the rows of the grid."""
        resample: Literal["bilinear", "bicubic"]
        resample = "bicubic" if self._processor().resample == 3 else "bilinear"
        return Fitting("letterbox", resample, self.grid()[0] * self.patch_size())

    def load(self, *, device: "torch.device", precision: "Precision") -> "NaFlexEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file of the checkpoint is missing or damaged.
        """
        from clip_har.models.naflex_encoder import load_naflex

        return load_naflex(
            self.architecture(),
            self.folder(),
            name=self.checkpoint,
            processor=self._processor(),
            grid=self.grid(),
            device=device,
            precision=precision,
        )

    def _processor(self) -> Any:
        from clip_har.models.processor import image_processor

        return image_processor(self.folder(), kinds=("Siglip2ImageProcessor",))
