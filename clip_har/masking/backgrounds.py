"""Backgrounds without their people: inpainted frames that were published for a data set."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.data.sampling import Resample
from clip_har.data.sources.files import existing_folder
from clip_har.regions.frame_images import (
    check_aspect,
    find_images,
    image_files,
    images_mark,
    places_of,
)

if TYPE_CHECKING:
    from torch import Tensor

_SETTING = "masking.backgrounds"


def find_background(folder: Path, clip: Clip) -> Path | None:
    """Return the folder of a clip's inpainted frames, None if there is none.

    Args:
        folder: with one folder per clip, see `clip_har.regions.frame_images`.
        clip: the clip.

    Raises:
        ClipHarError: when the folder does not exist.
    """
    expected = "<class>/<clip>/ with an image for each frame"
    return find_images(existing_folder(folder, expected=expected, setting=_SETTING), clip)


def backgrounds_digest(folder: Path, clips: ClipSet) -> str:
    """Return a digest of the inpainted frames of all clips.

    Raises:
        ClipHarError: when the folder does not exist, or has the frames of no clip.
    """
    found = [(clip.id, find_background(folder, clip)) for clip in clips.clips]
    if not any(path for _, path in found):
        path = clips.clips[0].path
        raise ClipHarError(
            f"{_SETTING}: none of the {len(found)} clips of {clips.name} is found in {folder}:"
            f" expected {folder / path.parent.name / path.stem} with an image for each frame"
        )
    marks = [(name, "" if path is None else images_mark(path)) for name, path in found]
    return hashlib.blake2b(json.dumps(marks).encode(), digest_size=16).hexdigest()


def read_background(path: Path, view: ClipFrames, resample: Resample) -> "Tensor":
    """Return the inpainted frames of a clip, fitted as the clip's own frames are.

    Args:
        path: their folder.
        view: the clip's own frames.
        resample: the interpolation of these.

    Returns:
        ``(T, 3, S, S)`` uint8 RGB.

    Raises:
        ClipHarError: when the images do not fit the clip, or cannot be read.
    """
    import torch

    from clip_har.data.geometry import fit_frames

    files = image_files(path, setting=_SETTING)
    length = view.frame_count or None
    places = places_of(view.indices, len(files), length, path=path, setting=_SETTING)
    fitted = {}
    for place in set(places):
        picture = _read_picture(files[place])
        check_aspect(
            (picture.shape[1], picture.shape[2]),
            (view.height, view.width),
            path=path,
            setting=_SETTING,
        )
        fitted[place] = fit_frames(
            picture[None], view.pixels.shape[-1], view.fit, resample, view.edge
        )
    return torch.cat([fitted[place] for place in places])


def _read_picture(path: Path) -> "Tensor":
    """Return a picture as ``(3, H, W)`` uint8 RGB."""
    import torch
    from PIL import Image

    try:
        with Image.open(path) as image:
            pixels = np.array(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ClipHarError(
            f"{_SETTING}: {path} is not a picture that can be read ({reason})"
        ) from error
    return torch.from_numpy(pixels).permute(2, 0, 1)
