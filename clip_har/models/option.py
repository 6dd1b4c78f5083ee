"""What the options of the ``model`` group share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from clip_har.core.imports import quick_imports
from clip_har.core.settings import Role, Settings
from clip_har.data.sampling import Fitting
from clip_har.models.checkpoint import (
    MODEL,
    CheckpointFormat,
    find_checkpoint,
    image_size,
    patch_size,
    read_json,
    weights_digest,
)
from clip_har.models.runtime import Runtime

if TYPE_CHECKING:
    import torch

    from clip_har.models.device import Precision
    from clip_har.models.dual_encoder import DualEncoder
    from clip_har.models.tuned_weights import TunedWeights
    from clip_har.models.zero_shot import ZeroShot


class ModelOption(Settings):
    """A checkpoint of any library.

    Attributes:
        checkpoint: where it is.
        revision: hub commit, pinned so that the weights never change under a study.
    """

    checkpoint: Annotated[str, Role.CONTENT]
    revision: Annotated[str | None, Role.CONTENT] = None

    caution: ClassVar[str] = ""
    single_frames: ClassVar[bool] = False
    sees_rows: ClassVar[bool] = False

    def unfamiliar(self, words: Sequence[str]) -> list[str]:  # noqa: ARG002
        """Return the classes that the model cannot know: none, it was trained on any texts."""
        return []

    def clip_length(self) -> int | None:
        """Return None: a clip may have any number of frames."""
        return None


class SingleFrames(ModelOption):
    """A model of any library that embeds single frames and texts.

    Attributes:
        checkpoint: where it is.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: over the frames of a clip, see `clip_har.models.pooling.clip_scores`.
        runtime: of the image tower's forward pass, see `clip_har.models.tower.build_tower`. Scores
            are equal up to rounding, so the runtime does not make another cell.
    """

    pooling: Literal["mean", "mean_probability", "max"] = "mean"
    runtime: Annotated[Runtime, Role.RUN] = "torch"

    single_frames: ClassVar[bool] = True

    def classifier(
        self,
        model: "DualEncoder",
        prompts: Sequence[Sequence[str]],
        *,
        batch_size: int,
        cache_dir: Path,
    ) -> "ZeroShot":
        """Return the zero-shot classifier of a loaded model, see `ZeroShot.build`."""
        from clip_har.models.zero_shot import ZeroShot

        return ZeroShot.build(
            model, prompts, pooling=self.pooling, batch_size=batch_size, cache_dir=cache_dir
        )


class PretrainedModel(ModelOption):
    """A checkpoint of transformers.

    An option sets ``architectures`` and defines ``load`` and ``classifier``, see
    `clip_har.models.source.ModelSource`.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
    """

    architectures: ClassVar[Mapping[str, str]] = {}  # class of transformers by model_type
    gives_attribution: ClassVar[bool] = False

    @classmethod
    def format(cls) -> CheckpointFormat:
        """Return what the checkpoint's folder must hold."""
        first = next(iter(cls.architectures.values()))
        return CheckpointFormat(
            MODEL,
            conversion=f"with transformers ({first}.from_pretrained, then save_pretrained)",
            model_types=tuple(cls.architectures),
        )

    def folder(self) -> Path:
        """Return the checkpoint's folder; download it if it is not on this machine.

        Raises:
            ClipHarError: when it cannot be downloaded, or is of another architecture.
        """
        return find_checkpoint(self.checkpoint, self.revision, self.format())

    @property
    def name(self) -> str:
        """The last part of the checkpoint's name."""
        return Path(self.checkpoint).name

    def digest(self) -> str:
        """Return a digest of the weights with their configuration and tokenizer.

        Raises:
            ClipHarError: as `folder`.
        """
        return weights_digest(self.folder())

    def architecture(self) -> Any:
        """Return the class of transformers that the checkpoint needs."""
        import transformers

        kind = str(read_json(self.folder(), "config.json")["model_type"])
        with quick_imports():  # transformers imports the module of a class when it is asked for
            return getattr(transformers, self.architectures[kind])

    def image_size(self) -> int:
        """Return the input's side in pixels, see `clip_har.models.checkpoint.image_size`."""
        return image_size(self.folder())

    def patch_size(self) -> int | None:
        """Return the side of the model's own patches, see `clip_har.models.checkpoint`."""
        return patch_size(self.folder())

    def fitting(self) -> Fitting:
        """Return how frames are fitted to the input, see `clip_har.models.processor.fitting`."""
        from clip_har.models.processor import fitting  # it imports transformers

        return fitting(self.folder())


class FrameModel(SingleFrames, PretrainedModel):
    """A dual encoder of single frames and texts of transformers: CLIP and similar models.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: over the frames of a clip, see `clip_har.models.pooling.clip_scores`.
        runtime: of the image tower's forward pass, see `clip_har.models.tower.build_tower`. Scores
            are equal up to rounding, so the runtime does not make another cell.
    """

    padded_texts: ClassVar[bool] = False  # see `clip_har.models.encoder.Encoder`

    def tuned(self) -> "TunedWeights | None":
        """Return the fine-tuned weights that replace the checkpoint's; None for its own."""
        return None

    def load(self, *, device: "torch.device", precision: "Precision") -> "DualEncoder":
        """Load the model, frozen and in evaluation mode.

        Raises:
            ClipHarError: when a file of the checkpoint is missing or damaged.
        """
        from clip_har.models.dual_encoder import load_dual_encoder

        return load_dual_encoder(
            self.architecture(),
            self.folder(),
            name=self.checkpoint,
            runtime=self.runtime,
            device=device,
            precision=precision,
            padded_texts=self.padded_texts,
            tuned=self.tuned(),
        )
