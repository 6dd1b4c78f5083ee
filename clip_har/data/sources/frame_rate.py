"""The frame rate of clips of images, which no file states."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field

from clip_har.core.errors import ClipHarError
from clip_har.data.image_files import is_of_images

FrameRate = Annotated[float, Field(gt=0, le=1000)]
"""Frames per second."""


def rate_of(path: Path, fps: float | None) -> float | None:
    """Return the frame rate of a clip: None for a video, which states its own."""
    return fps if fps is not None and is_of_images(path) else None


def check_rate(fps: float | None, paths: Iterable[Path], *, name: str) -> None:
    """Raise if a frame rate is set and there is nothing that it could be the rate of.

    Args:
        fps: the setting ``dataset.fps``.
        paths: of the clips.
        name: of the data set.

    Raises:
        ClipHarError: when all clips are videos.
    """
    if fps is not None and not any(map(is_of_images, paths)):
        raise ClipHarError(
            f"dataset.fps={fps:g} is the rate of clips of images, and {name} holds videos, which"
            " state their own: leave dataset.fps=null"
        )
