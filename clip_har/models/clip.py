"""CLIP (Radford et al. 2021) and its kin that compare images with texts, through transformers."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from clip_har.errors import ClipHarError
from clip_har.models.checkpoint import (
    MODEL,
    CheckpointFormat,
    find_checkpoint,
    pixel_statistics,
    read_json,
    weights_digest,
)
from clip_har.models.runtime import Runtime
from clip_har.settings import Settings

if TYPE_CHECKING:
    import torch

    from clip_har.models.dual_encoder import DualEncoder, Precision

FORMAT = CheckpointFormat(
    MODEL,
    conversion="with transformers (CLIPModel.from_pretrained, then save_pretrained)",
)


ARCHITECTURES = {"clip": "CLIPModel", "metaclip_2": "MetaClip2Model", "siglip": "SiglipModel"}
"""Classes of transformers by the ``model_type`` of config.json.

MetaCLIP 1 is a ``clip``, SigLIP 2 of a fixed size a ``siglip``.
"""


class CLIP(Settings):
    """A checkpoint of CLIP, MetaCLIP, SigLIP or SigLIP 2.

    SigLIP is trained with a sigmoid per pair. Here its classes compete, as those of CLIP do: the
    scores are its logits without their common bias, which changes no answer.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: over the frames of a clip, see `clip_har.models.pooling.clip_scores`.
        runtime: of the image tower's forward pass, see `clip_har.models.tower.build_tower`; scores
            are equal but for rounding, so that another runtime is not another cell.
    """

    checkpoint: str
    revision: str | None = None
    pooling: Literal["mean", "mean_probability", "max"] = "mean"
    runtime: Runtime = "torch"

    def folder(self) -> Path:
        """Return the checkpoint's folder, fetching it where needed.

        Raises:
            ClipHarError: when it cannot be had or is of another architecture.
        """
        folder = find_checkpoint(self.checkpoint, self.revision, FORMAT)
        self._architecture(folder)
        return folder

    def _architecture(self, folder: Path) -> str:
        kind = read_json(folder, "config.json").get("model_type")
        if not isinstance(kind, str) or kind not in ARCHITECTURES:
            raise ClipHarError(
                f"{MODEL}={self.checkpoint}: expected model_type {', '.join(ARCHITECTURES)} in"
                f" config.json, got {kind!r}"
            )
        return ARCHITECTURES[kind]

    def image_size(self) -> int:
        """Return the input's side in pixels, from the checkpoint's configuration.

        Raises:
            ClipHarError: when the configuration does not say.
        """
        vision = read_json(self.folder(), "config.json").get("vision_config", {})
        size = vision.get("image_size", 224) if isinstance(vision, dict) else None
        if not isinstance(size, int) or size < 1:
            raise ClipHarError(
                f"{MODEL}={self.checkpoint}: expected vision_config.image_size in config.json, a"
                f" number of pixels, got {size!r}"
            )
        return size

    def load(self, *, device: "torch.device", precision: "Precision") -> "DualEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file of the checkpoint is missing or damaged.
        """
        import transformers

        from clip_har.models.dual_encoder import DualEncoder, pick_dtype, try_out
        from clip_har.models.pretrained import load_pretrained
        from clip_har.models.tower import build_tower

        folder = self.folder()
        dtype = pick_dtype(precision, device)
        mean, std = pixel_statistics(folder)
        architecture = getattr(transformers, self._architecture(folder))
        pooled = architecture is transformers.SiglipModel
        named = f"{MODEL}={self.checkpoint}"
        network, tokenizer = load_pretrained(architecture, folder, named=named)
        # Read in full precision: in bf16 the factor 100 would become 99.
        logit_scale = float(network.logit_scale.detach().exp())
        network.to(device=device, dtype=dtype)
        size = network.config.vision_config.image_size
        tower = build_tower(
            self.runtime, network, image_size=size, device=device, precision=precision
        )
        model = DualEncoder(
            network=network,
            tokenizer=tokenizer,
            name=self.checkpoint,
            digest=weights_digest(folder),
            image_size=size,
            context_length=network.config.text_config.max_position_embeddings,
            mean=mean,
            std=std,
            logit_scale=logit_scale,
            device=device,
            dtype=dtype,
            causal_text=not pooled,
            class_token=not pooled,
            tower=tower,
        )
        try_out(model, named=named)
        return model
