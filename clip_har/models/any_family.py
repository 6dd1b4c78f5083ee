"""Any dual encoder of the installed transformers, also of a family that nobody listed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from clip_har.core.errors import ClipHarError
from clip_har.data.sampling import Fitting
from clip_har.models.checkpoint import MODEL, CheckpointFormat, find_checkpoint, read_json
from clip_har.models.option import FrameModel

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.dual_encoder import DualEncoder

_LOWER_CASE = ("siglip",)  # trained on texts in lower case, padded, without a mask
_OTHER = {  # families that need more than `FrameModel` offers
    "siglip2": "model=naflex",
    "xclip": "model=xclip",
    "videoprism": "model=videoprism",
    "pe_video": "model=pe_video",
    "pe_audio_video": "model=pe_video",
}


class AnyFamily(FrameModel):
    """A dual encoder of any family: ALIGN, AltCLIP, Chinese-CLIP, BLIP, AIMv2 and others.

    The class of transformers, the image processor, the tokenizer and the padding of texts come from
    the checkpoint. When it is loaded, its frames, texts and logits are compared with those of the
    family's own classes, see `clip_har.models.family_trial`; a family that does not fit is refused.
    It has no attribution; ``model=clip`` has.
    """

    architectures: ClassVar[Mapping[str, str]] = {}  # those of the installed transformers

    @classmethod
    def format(cls) -> CheckpointFormat:
        """Return what the checkpoint's folder must hold."""
        return CheckpointFormat(
            MODEL,
            conversion="with transformers (AutoModel.from_pretrained, then save_pretrained)",
        )

    def folder(self) -> Path:
        """Return the checkpoint's folder; download it if it is not on this machine.

        Raises:
            ClipHarError: when it cannot be downloaded, or has an option of its own.
        """
        folder = find_checkpoint(self.checkpoint, self.revision, self.format())
        if other := _OTHER.get(self._kind(folder)):
            raise ClipHarError(f"{MODEL}={self.checkpoint}: use {other}, which knows this family")
        return folder

    def architecture(self) -> Any:
        """Return the class of transformers that the checkpoint needs.

        Raises:
            ClipHarError: when the installed transformers has no dual encoder for it.
        """
        from clip_har.models.family_encoder import architecture_of

        folder = self.folder()
        return architecture_of(folder, self._kind(folder))

    def image_size(self) -> int:
        """Return the input's side in pixels, as the image processor makes it."""
        return self._square()[1]

    def patch_size(self) -> int | None:
        """Return the side of the model's own patches in pixels; None if it names none."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(self.folder(), local_files_only=True)
        size = getattr(config.vision_config, "patch_size", None)
        return size if isinstance(size, int) else None

    def fitting(self) -> Fitting:
        """Return how frames are fitted to the input; the trial checks it."""
        found, side = self._square()
        return found._replace(edge=None if found.edge == side else found.edge)

    def load(self, *, device: "torch.device", precision: "Precision") -> "DualEncoder":
        """Load the model, frozen and in evaluation mode, and try it.

        Raises:
            ClipHarError: when a file is missing or damaged, or the family does not fit.
        """
        from clip_har.models.family_encoder import load_family

        folder = self.folder()
        return load_family(
            self.architecture(),
            folder,
            name=self.checkpoint,
            runtime=self.runtime,
            device=device,
            precision=precision,
            padded_texts=self._kind(folder) in _LOWER_CASE,
        )

    def _square(self) -> tuple[Fitting, int]:
        from clip_har.models.processor import image_processor, square  # they import transformers

        folder = self.folder()
        return square(folder, processor=image_processor(folder, kinds=None))

    def _kind(self, folder: Path) -> str:
        return str(read_json(folder, "config.json").get("model_type"))
