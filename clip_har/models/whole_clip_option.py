"""What the options of models of whole clips share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from clip_har.data.sampling import Fitting
from clip_har.models.option import PretrainedModel

if TYPE_CHECKING:
    from clip_har.models.video_zero_shot import VideoZeroShot
    from clip_har.models.whole_clips import WholeClipEncoder


class WholeClipModel(PretrainedModel):
    """A model that sees a clip as a whole, and pools its frames itself.

    Learned noise and attribution need single frames, so they raise an error.

    Attributes:
        checkpoint: hub name, or a local folder in the hub's format.
        revision: hub commit, pinned so that the weights never change under a study.
        pooling: the model's own; there is no choice.
        runtime: PyTorch only.
    """

    pooling: Literal["model"] = "model"
    runtime: Literal["torch"] = "torch"

    def classifier(
        self,
        model: "WholeClipEncoder",
        prompts: Sequence[Sequence[str]],
        *,
        batch_size: int,
        cache_dir: Path,
    ) -> "VideoZeroShot":
        """Return the zero-shot classifier of a loaded model, see `VideoZeroShot.build`."""
        from clip_har.models.video_zero_shot import VideoZeroShot

        return VideoZeroShot.build(model, prompts, batch_size=batch_size, cache_dir=cache_dir)


class VideoProcessorModel(WholeClipModel):
    """A model of whole clips whose checkpoint has a video processor of transformers."""

    def fitting(self) -> Fitting:
        """Return how frames are fitted to the input, as the video processor does it."""
        found, side = self._square()
        return found._replace(edge=None if found.edge == side else found.edge)

    def _square(self) -> tuple[Fitting, int]:
        from clip_har.models.processor import square, video_processor  # they import transformers

        folder = self.folder()
        return square(folder, processor=video_processor(folder))
