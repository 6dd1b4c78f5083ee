"""Cut a video into windows of time; `clip_har.data.decode.sections` decodes them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from clip_har.data.decode.containers import DecodeError, check_index
from clip_har.data.decode.images import image_times
from clip_har.data.decode.open_video import Bounds
from clip_har.data.decode.passes import Window, listed
from clip_har.data.decode.source import open_source
from clip_har.data.image_files import is_of_images
from clip_har.data.sampling import FrameSettings

_SLACK = 1e-6  # s; as that of `Window.span`
_LEAST_REST = 0.5  # of a window; a shorter rest at the end belongs to the window before


@dataclass(frozen=True)
class Timeline:
    """When the frames of a video are shown, according to its packets.

    Attributes:
        times: of each frame, seconds from the stream's start, ascending; at least one.
        seconds: when the last frame's time on screen ends.
        fps: average frame rate that the container states; None if it does not.
    """

    times: Sequence[float]
    seconds: float
    fps: float | None


def timeline(path: Path, settings: FrameSettings, *, fps: float | None = None) -> Timeline:
    """List the frames of a video without decoding it.

    Args:
        path: the video file; or an image, a folder of images, or a zip of images.
        settings: the bounds.
        fps: frames per second of images; None = not known: then their times are their positions.

    Raises:
        DecodeError: when the file is missing, empty, no video, or cut off.
    """
    if is_of_images(path):
        shown = image_times(path, settings, fps)
        return Timeline(shown, shown[-1] + 1 / (fps or 1), fps)
    bounds = Bounds(path, settings)
    with open_source(path, bounds) as source:
        check_index(source.container, source.stream)
        times = listed(source, Window(), bounds).times
        rate = source.stream.average_rate or source.stream.guessed_rate
    if not times:
        raise DecodeError("no frame can be decoded")
    fps = float(rate) if rate else None
    return Timeline(times, times[-1] + (1 / fps if fps else 0.0), fps)


def cut_windows(found: Timeline, every: float) -> list[Window]:
    """Cut a video into windows of the same length.

    A rest of less than half a window belongs to the last one. A window in which no new frame is
    shown belongs to the one before. So a video of less than one and a half windows is one window.

    Args:
        found: the video's timeline.
        every: length of a window, seconds; infinite for one window.

    Returns:
        At least one window; together they cover the video.

    Example:
        >>> found = Timeline([0.5 * i for i in range(11)], 5.5, 2.0)
        >>> [(window.start, window.end) for window in cut_windows(found, 2)]
        [(0.0, 2.0), (2.0, 4.0), (4.0, inf)]
        >>> cut_windows(found, 4)
        [Window(start=0.0, end=inf)]
    """
    if not math.isfinite(every):
        return [Window()]
    places = {max(0, int((time + _SLACK) // every)) for time in found.times}
    starts = [float(place * every) for place in sorted(places)][1:]
    if starts and found.seconds - starts[-1] < _LEAST_REST * every - _SLACK:
        starts.pop()
    return [Window(*ends) for ends in pairwise([0.0, *starts, math.inf])]
