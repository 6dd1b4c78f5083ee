"""No noise."""

from typing import ClassVar

from clip_har.core.settings import Settings


class NoNoise(Settings):
    """Leave the frames as they are. Has no seed, so a sweep over ``noise_seed`` runs it once."""

    uses_label: ClassVar[bool] = False
