"""People, found by MediaPipe's selfie segmentation; needs no download from a hub."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from clip_har.core.settings import Role, Settings
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.regions.gaps import without_gaps
from clip_har.regions.source import (
    BACKGROUND,
    INSIDE,
    PERSON,
    SUBJECT,
    Locator,
    OnEmpty,
    refuse,
    rest,
)

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

_THINGS = (PERSON, SUBJECT, BACKGROUND)
# In a clip that shows people, an unsure mask is better than that of another frame, from which the
# people or the camera have moved on.
_KEPT = 0.5


class SelfieRegion(Settings):
    """Estimate where people are, with MediaPipe's selfie segmentation (a quarter of a megabyte).

    The network sees each frame, its mirror image and the frame at a smaller size. The soft mask is
    the mean of the first two, the frame's confidence is how well all overlap. ``subject`` is all
    people, ``background`` the rest. Sure frames decide whether a clip shows people. If it does, a
    frame with half of the least confidence keeps its own region, and any other takes that of the
    nearest frame.

    It finds one or a few people well, also small ones. It may add what a person holds or rides on,
    and a bright thing beside the person. It misses bodies that have the colours of the room.

    Attributes:
        model: the file ``selfie_segmentation.tflite``; None fetches it once through npm.
        cache_dir: where the fetched file is kept.
        confidence: a frame is sure from this overlap of its masks on, in [0, 1].
        min_frames: least share of sure frames, in [0, 1]; with fewer, no person is found in the
            clip.
        on_empty: what happens to a clip without people.
    """

    model: Annotated[Path | None, Role.CONTENT] = None
    cache_dir: Annotated[Path, Role.RUN]
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    min_frames: Annotated[float, Field(ge=0, le=1)] = 0.5
    on_empty: OnEmpty = "skip"

    finds_regions: ClassVar[bool] = True
    exact: ClassVar[bool] = False
    person_is_subject: ClassVar[bool] = True
    asks_model: ClassVar[bool] = False

    def check(self, target: str) -> None:
        """Raise `ClipHarError` unless it is the subject, the person or the background."""
        if target not in _THINGS:
            raise refuse("selfie", target, _THINGS)

    def uses_label(self, target: str) -> bool:  # noqa: ARG002
        """Return False."""
        return False

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

        def locate(clips: Sequence[ClipFrames], target: str) -> list[NDArray[np.float32]]:
            self.check(target)
            maps = []
            for clip in clips:
                people = self._people(*segmenter.find_people(clip.pixels))
                maps.append(rest(people) if target == BACKGROUND else people)
            return maps

        return locate

    def _people(
        self, soft_mask: NDArray[np.float32], confidence: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the soft masks ``(T, S, S)`` of a clip that is sure enough; else all zero."""
        shown = (soft_mask >= INSIDE).any(axis=(1, 2))
        sure = shown & (confidence >= self.confidence)
        if sure.mean() < self.min_frames:
            return np.zeros_like(soft_mask)
        return without_gaps(soft_mask, shown & (confidence >= _KEPT * self.confidence))
