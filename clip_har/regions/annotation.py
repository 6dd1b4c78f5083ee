"""Ground truth of where targets are: maps that come with the data, or were published for it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.data.sources.files import existing_file, existing_folder
from clip_har.regions.boxes import EXTENSIONS, BoxFile, read_boxes
from clip_har.regions.mask_files import Maps, find_maps, maps_mark, read_maps
from clip_har.regions.source import (
    BACKGROUND,
    OBJECT,
    PERSON,
    SUBJECT,
    Estimate,
    Locator,
    RegionSettings,
    refuse,
)

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot

_Edge = Annotated[int, Field(ge=1, le=16384)]


class AnnotationRegion(RegionSettings):
    """Read where targets are from maps, masks or boxes of the clips.

    Without a setting they are the maps that come with the data set (``dataset=synthetic`` has
    them). The subject is the person. The background is ground truth too: a frame without a person
    is all background. In a clip that has no maps, or no box in any frame that is shown, no target
    is found.

    Exact means that nothing is estimated here. Boxes are exact as boxes, not as silhouettes, and
    UCF101-24 has them for the actors of 24 classes while they act: a frame without a box may still
    show a person. Boxes are placed at the size that they were measured on and then fitted like a
    frame. For a copy of the clip in another size this is right to a pixel of the model's frame if
    the aspect ratio is about the same (320x240 and 340x256). For a copy with another frame rate no
    map and no box fits.

    Attributes:
        maps: folder of one ``.npz`` or one folder of mask images per clip, laid out like the
            clips; see `clip_har.regions.mask_files`.
        boxes: table of boxes, ``.csv`` or ``.parquet``; see `clip_har.regions.boxes.read_boxes`.
        resolution: height and width, in pixels, of the pictures that the boxes were measured on,
            if their file does not say; UCF-101's by default.

    Raises:
        ValueError: (by pydantic) on both ``maps`` and ``boxes``, or another kind of file.
    """

    maps: Annotated[Path | None, Role.CONTENT] = None
    boxes: Annotated[Path | None, Role.CONTENT] = None
    resolution: tuple[_Edge, _Edge] = (240, 320)

    finds_regions: ClassVar[bool] = True
    exact: ClassVar[bool] = True
    person_is_subject: ClassVar[bool] = True
    asks_model: ClassVar[bool] = False

    @field_validator("boxes")
    @classmethod
    def _known_extension(cls, boxes: Path | None) -> Path | None:
        if boxes is not None and boxes.suffix.lower() not in EXTENSIONS:
            raise ValueError(
                f"expected a table of boxes with {' or '.join(EXTENSIONS)}; the pickles of"
                " UCF101-24 are converted once by python -m experiments.ucf101_24.convert"
            )
        return boxes

    @model_validator(mode="after")
    def _maps_or_boxes(self) -> Self:
        if self.maps is not None and self.boxes is not None:
            raise ValueError("region.maps and region.boxes are two sources: set one of them")
        return self

    def check(self, target: str) -> None:
        """Raise `ClipHarError` for a target that is not annotated."""
        targets = (SUBJECT, PERSON, BACKGROUND) + (() if self.boxes is not None else (OBJECT,))
        if target not in targets:
            raise refuse("annotation", target, targets)

    def uses_label(self, target: str) -> bool:  # noqa: ARG002
        """Return False: the boxes of all classes count."""
        return False

    def identity(self, clips: ClipSet) -> str:
        """Return a digest of the maps of the clips, or of the file of boxes.

        Raises:
            ClipHarError: when no clip has a map or box, or two clips would share one.
        """
        if self.boxes is not None:
            file = self._box_file(self.boxes)
            names = [file.name_of(clip) for clip in clips.clips]
            example = next(iter(file.videos), "nothing")
            _check_found(clips, names, f"named in {file.path} (which names {example!r}, …)")
            return hashlib.blake2b(file.path.read_bytes(), digest_size=16).hexdigest()
        if self.maps is not None:
            folder = self._folder(self.maps)
            paths = [find_maps(folder, clip) for clip in clips.clips]
            path = clips.clips[0].path
            example = f"{folder / path.parent.name / path.stem}.npz"
            _check_found(clips, paths, f"found in {folder} (expected {example}, or a folder there)")
        else:
            paths = [clip.maps for clip in clips.clips]
            if not any(paths):
                raise ClipHarError(
                    f"region=annotation: no maps came with {clips.name}; use region=subject, which"
                    " needs none, or set region.maps=<folder> or region.boxes=<file>"
                )
        marks = [
            (clip.id, "" if path is None else maps_mark(path))
            for clip, path in zip(clips.clips, paths, strict=True)
        ]
        return hashlib.blake2b(json.dumps(marks).encode(), digest_size=16).hexdigest()

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:  # noqa: ARG002
        """Return the reader of the maps; a file of boxes is read now.

        It gives 1 inside a target and fractions where an edge falls between the pixels of the
        fitted frame; letterbox bars belong to no target.

        Raises:
            ClipHarError: (the reader too) when a file is missing, damaged or does not fit.
        """
        read = self._reader()

        def locate(clips: Sequence[ClipFrames], target: str) -> list[Estimate]:
            self.check(target)
            return [Estimate.sure(_fitted(read(frames), frames, target)) for frames in clips]

        return locate

    def _reader(self) -> Callable[[ClipFrames], Maps | None]:
        if self.boxes is not None:
            file = self._box_file(self.boxes)
            return lambda frames: _boxed(file, frames)
        if self.maps is not None:
            folder = self._folder(self.maps)
            return lambda frames: _read(find_maps(folder, frames.clip), frames)
        return lambda frames: _read(frames.clip.maps, frames)

    def _box_file(self, boxes: Path) -> BoxFile:
        path = existing_file(boxes, expected="a file of boxes", setting="region.boxes")
        return read_boxes(path, size=self.resolution)

    def _folder(self, maps: Path) -> Path:
        return existing_folder(
            maps, expected="<class>/<clip>.npz or folders of masks", setting="region.maps"
        )


def _read(path: Path | None, frames: ClipFrames) -> Maps | None:
    if path is None:
        return None
    size = (frames.height, frames.width)
    return read_maps(path, frames.indices, length=frames.frame_count or None, size=size)


def _boxed(file: BoxFile, frames: ClipFrames) -> Maps | None:
    name = file.name_of(frames.clip)
    if name is None:
        return None
    covered = file.videos[name].coverage(frames.indices)
    return Maps(covered) if covered.any() else None


def _fitted(maps: Maps | None, frames: ClipFrames, target: str) -> NDArray[np.float32]:
    """Return where a target is in the fitted frames, ``(T, S, S)`` in [0, 1]."""
    import torch

    from clip_har.data.geometry import fit_maps

    size = frames.pixels.shape[-1]
    if maps is None:
        return np.zeros((len(frames.indices), size, size), np.float32)
    plane = maps.of(target)
    if plane is None:
        raise ClipHarError(
            f"feature={target}: the masks of {frames.clip.id} are of the person only; an object"
            " needs label maps, or region=prompted"
        )
    fitted = fit_maps(torch.from_numpy(plane), size, frames.fit, frames.edge)
    found: NDArray[np.float32] = fitted.numpy()
    return found


def _check_found(clips: ClipSet, found: Sequence[str | Path | None], where: str) -> None:
    """Raise if no name matches a clip, as after a typing error, or one name matches two clips."""
    if not any(found):
        raise ClipHarError(
            f"region=annotation: none of the {len(clips.clips)} clips of {clips.name}, such as"
            f" {clips.clips[0].id}, is {where}; correct the names, or use region=subject, which"
            " needs no maps"
        )
    owners: dict[str | Path, Clip] = {}
    for clip, name in zip(clips.clips, found, strict=True):
        if name is not None and owners.setdefault(name, clip) is not clip:
            raise ClipHarError(
                f"region=annotation: {name} would belong to two clips, {owners[name].id} and"
                f" {clip.id}: name it by the class folder too, or by the clip's id"
            )
