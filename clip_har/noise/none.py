"""No noise."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from clip_har.noise.contract import Seen, unchanged
from clip_har.noise.fixed import FixedNoise

if TYPE_CHECKING:
    from clip_har.noise.batch import ClipBatch


class NoNoise(FixedNoise):
    """Leave the frames as they are. Has no seed, so a sweep over ``noise_seed`` runs it once."""

    is_clean: ClassVar[bool] = True

    def seen(self, clips: "ClipBatch", columns: NDArray[np.int64]) -> Seen:  # noqa: ARG002
        """Return the frames as they are."""
        return unchanged(clips)
