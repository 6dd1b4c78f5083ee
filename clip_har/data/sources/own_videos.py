"""The user's own videos, without labels: what ``clip-har-predict`` shows to a model."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.decode.passes import Window
from clip_har.data.sources.sections import section_id


class OwnVideos(Settings):
    """Videos of which nothing is known but the classes that they may show.

    The label of each clip is 0 and means nothing: whatever uses labels must be refused.

    Attributes:
        class_names: C names, in class order.
        paths: the videos.
    """

    caution: ClassVar[str] = ""
    brings_maps: ClassVar[bool] = False

    class_names: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()

    def training(self) -> "OwnVideos":
        """Raise, because noise is learned from clips with labels.

        Raises:
            ClipHarError: always.
        """
        raise ClipHarError("these videos have no labels, so no noise can be learned from them")

    def clips(self) -> ClipSet:
        """Return a clip for each video."""
        return self._clip_set([clip for path in self.paths for clip in _cut(path, [Window()])])

    def windows(
        self, path: Path, windows: Sequence[Window], *, fps: float | None = None
    ) -> ClipSet:
        """Return a clip for each window of a video.

        The id of a clip is the file's name, with ``#start-end`` if there are several windows.

        Args:
            path: the video, or the images.
            windows: at least one.
            fps: frames per second of images; None = not known.
        """
        return self._clip_set(_cut(path, windows, fps))

    def _clip_set(self, clips: Sequence[Clip]) -> ClipSet:
        return ClipSet(
            name="own videos",
            class_names=self.class_names,
            clips=tuple(clips),
            licence="not stated (the user's own videos)",
            citation="",
        )


def _cut(path: Path, windows: Sequence[Window], fps: float | None = None) -> list[Clip]:
    if len(windows) == 1:
        return [Clip(path.name, path, 0, path.name, fps=fps)]
    clips = []
    for window in windows:
        end = None if math.isinf(window.end) else window.end
        name = section_id(path.name, window.start, end)
        clips.append(Clip(name, path, 0, path.name, window.start or None, end, fps=fps))
    return clips
