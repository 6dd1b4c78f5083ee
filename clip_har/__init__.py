"""Do CLIP models recognise the human action, or the room?"""

from clip_har.core.code_version import __version__

__all__ = ["__version__"]
