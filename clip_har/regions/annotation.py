"""Maps that come with the data: what every pixel is, exactly."""

import zipfile
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from clip_har.data.store import ClipFrames
from clip_har.errors import ClipHarError
from clip_har.settings import Settings

LABELS = {"background": 0, "person": 1, "object": 2}
"""What the numbers in a clip's label maps stand for."""


class AnnotationRegion(Settings):
    """Read where a thing is from the label maps beside a clip.

    The maps of a clip are one ``.npz`` with ``labels``: ``(T, H, W)`` uint8 for all T frames of
    the source, 0 background, 1 person, 2 object (see `LABELS`).

    Attributes:
        thing: which of them is the subject.
    """

    thing: Literal["person", "object", "background"] = "person"

    exact: ClassVar[bool] = True

    def relevance(self, frames: ClipFrames) -> NDArray[np.float32]:
        """Return where the thing is in a clip's frames.

        Returns:
            ``(T, S, S)`` in [0, 1]: 1 inside, fractions where an edge falls between the pixels of
            the fitted frame; all zero where the thing is not there.

        Raises:
            ClipHarError: when the data has no maps, or the clip's are missing or do not fit.
        """
        import torch

        from clip_har.data.geometry import fit_maps

        if frames.clip.maps is None:
            raise ClipHarError(
                f"region=annotation: no maps came with clip {frames.clip.id}; use region=motion,"
                " or a data set that has them, such as dataset=synthetic"
            )
        try:
            # allow_pickle stays False: a map file cannot run code
            with np.load(frames.clip.maps) as content:
                labels = content["labels"][list(frames.indices)]
        except (OSError, KeyError, IndexError, ValueError, zipfile.BadZipFile) as error:
            raise ClipHarError(
                f"region=annotation: {frames.clip.maps} has no label map for each of the"
                f" {max(frames.indices) + 1} frames of its clip"
            ) from error
        inside = torch.from_numpy((labels == LABELS[self.thing]).astype(np.float32))
        fitted: NDArray[np.float32] = fit_maps(inside, frames.pixels.shape[-1], frames.fit).numpy()
        return fitted
