"""The names under which data about a clip may be stored outside of its data set."""

from clip_har.core.names import plain_name
from clip_har.data.clips import Clip
from clip_har.data.sources.files import clip_stem, stem_of


def clip_names(clip: Clip) -> list[str]:
    """Return names of a clip, the most specific first, without an extension if possible.

    They are its id, ``<class folder>/<file>`` and the file's name alone, as `plain_name` gives
    them. A clip that is a section of a longer video has its id only, since the other names are
    those of the whole video.

    Example:
        >>> from pathlib import Path
        >>> clip_names(Clip("v_Surfing_g01_c01", Path("Surfing/v_Surfing_g01_c01.avi"), 0, "g"))
        ['v_Surfing_g01_c01', 'Surfing/v_Surfing_g01_c01']
        >>> clip_names(Clip("long.mp4#2-4", Path("long.mp4"), 0, "g", start=2, end=4))
        ['long.mp4#2-4']
    """
    names = [clip.id, stem_of(clip.id)]
    if clip.start is None and clip.end is None:
        stem = clip_stem(clip.path)
        names += [f"{clip.path.parent.name}/{stem}", stem]
    return list(dict.fromkeys(map(plain_name, names)))
