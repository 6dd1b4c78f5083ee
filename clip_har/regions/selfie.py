"""People, found by MediaPipe's selfie segmentation; needs no download from a hub."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clip_har.core.settings import Role
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.regions.source import (
    Estimate,
    FindsSubject,
    Locator,
    SureRegionSettings,
)

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot


class SelfieRegion(FindsSubject, SureRegionSettings):
    """Estimate where people are, with MediaPipe's selfie segmentation (a quarter of a megabyte).

    The network sees each frame, its mirror image and the frame at a smaller size. The soft mask is
    the mean of the first two, the frame's confidence is how well all overlap. ``subject`` is all
    people, ``background`` the rest.

    It finds one or a few people well, also small ones. It may add what a person holds or rides on,
    and a bright thing beside the person. It misses bodies that have the colours of the room.

    Attributes:
        model: the file ``selfie_segmentation.tflite``; None fetches it once through npm.
        cache_dir: where the fetched file is kept.
        confidence: least overlap of a frame's masks, in [0, 1].
    """

    model: Annotated[Path | None, Role.CONTENT] = None
    cache_dir: Annotated[Path, Role.RUN]

    def identity(self, clips: ClipSet) -> str:  # noqa: ARG002
        """Return the digest of the network's file, and the version of OpenCV, which runs it.

        Raises:
            ClipHarError: when the file cannot be had; see `clip_har.models.package_file`.
        """
        import cv2

        from clip_har.models.selfie_segmenter import MODEL

        MODEL.content(self.model, self.cache_dir)
        return f"{MODEL.sha256} opencv {cv2.__version__}"

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:  # noqa: ARG002
        """Load the network; it runs on the CPU, in as many threads as PyTorch may use there.

        Raises:
            ClipHarError: when the file cannot be had or loaded.
        """
        import torch

        from clip_har.models.selfie_segmenter import MODEL, SelfieSegmenter, load_network

        model = MODEL.content(self.model, self.cache_dir)
        segmenter = SelfieSegmenter([load_network(model) for _ in range(torch.get_num_threads())])

        def locate(clips: Sequence[ClipFrames], target: str) -> list[Estimate]:
            self.check(target)
            people = [Estimate(*segmenter.find_people(clip.pixels)) for clip in clips]
            return [found.of(target) for found in people]

        return locate
