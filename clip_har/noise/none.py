"""No noise."""

from clip_har.settings import Settings


class NoNoise(Settings):
    """Leave the frames as they are."""
