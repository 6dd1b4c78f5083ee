"""What is said once, when clips of images are decoded: missing images, and clips of one frame."""

import logging
from collections.abc import Sequence

from clip_har.data.clips import ClipSet
from clip_har.data.frames.index import Entry
from clip_har.data.image_files import is_of_images, series_note

_log = logging.getLogger(__name__)
_NAMED = 3  # clips in a message


def tell_about_images(clip_set: ClipSet, entries: Sequence[Entry]) -> None:
    """Log what the frames of clips of images do not show.

    Args:
        clip_set: the clips.
        entries: of their decoded frames, in the same order.
    """
    pairs = [
        (clip, entry)
        for clip, entry in zip(clip_set.clips, entries, strict=True)
        if entry.error is None and is_of_images(clip.path)
    ]
    if not pairs:
        return
    notes = {clip.id: note for clip, _ in pairs if (note := series_note(clip.path))}
    if notes:
        first = "; ".join(f"{name}: {note}" for name, note in list(notes.items())[:_NAMED])
        more = "; …" if len(notes) > _NAMED else ""
        _log.warning(
            "%d of %d clips of images have gaps, or other images beside them: %s%s",
            len(notes),
            len(pairs),
            first,
            more,
        )
    repeated = [entry for _, entry in pairs if len(set(entry.indices)) == 1 < len(entry.indices)]
    if repeated:
        _log.warning(
            "%d of %d clips are one image, which is shown %d times: frames.sampler=middle shows it"
            " once; images of one clip belong into a folder of their own",
            len(repeated),
            len(clip_set.clips),
            len(repeated[0].indices),
        )
