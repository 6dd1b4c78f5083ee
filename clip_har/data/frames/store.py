"""Decoded frames of a clip set: decoded once, then read from one memory-mapped file."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clip_har.core.cache import cached, key_of
from clip_har.core.checked_file import CheckedFile
from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.build import decode_again, decode_others, write_store
from clip_har.data.frames.index import (
    FAILURES_FILE,
    FORMAT,
    FRAMES_FILE,
    INDEX_FILE,
    Entry,
    read_index,
)
from clip_har.data.image_files import images_state, is_image, is_zip
from clip_har.data.sampling import Fit, FrameSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """A clip that could not be decoded, and the reason in one line."""

    clip_id: str
    path: Path
    reason: str


def _none_known(indices: Sequence[int]) -> NDArray[np.uint8]:
    raise ClipHarError(f"only the sampled frames are known, not those at {list(indices)}")


@dataclass(frozen=True, eq=False)
class ClipFrames:
    """The decoded frames of one clip, and their positions in the source.

    Attributes:
        clip: the clip.
        pixels: ``(T, 3, S, S)`` uint8 RGB, as the model sees them; read-only.
        indices: which of the source's frames they are.
        height: of the source's frames, upright, in pixels.
        width: of the source's frames.
        fit: how the source was fitted to the square; its maps are fitted in the same way.
        edge: length that the source was resized to; None for the square's own.
        fps: of the source, None if it does not say.
        frame_count: of the source clip.
        others: decodes the frames at further indices, fitted as these: ``(N, 3, S, S)``. It raises
            `ClipHarError` if that fails.
    """

    clip: Clip
    pixels: NDArray[np.uint8]
    indices: tuple[int, ...]
    height: int
    width: int
    fit: Fit
    edge: int | None = None
    fps: float | None = None
    frame_count: int = 0
    others: Callable[[Sequence[int]], NDArray[np.uint8]] = _none_known


class FrameStore:
    """Frames of every clip of a set, as the model sees them; open it with ``FrameStore.open``.

    Reading loads only the pages of the requested clips, and processes on one machine share them.
    The frames of a clip are compared with their checksum when a process first reads them; damaged
    ones are decoded again. A store may be pickled: the copy maps the same file.

    Attributes:
        path: the folder of the store.
        clip_set: the clips, in the order of everything here.
        entries: the index, one entry per clip.
        settings: how they were decoded.
        size: edge of the frames, in pixels.
        fit: how the source was fitted to the square.
    """

    def __init__(
        self,
        path: Path,
        clip_set: ClipSet,
        entries: tuple[Entry, ...],
        *,
        settings: FrameSettings,
    ) -> None:
        self.path = path
        self.clip_set = clip_set
        self.entries = entries
        self.settings = settings
        self.size, self.fit, _, self.edge = settings.geometry()
        frames = sum(entry.length for entry in entries)
        self._file = CheckedFile(
            path / FRAMES_FILE,
            (frames, 3, self.size, self.size),
            what="frames",
            index=path / INDEX_FILE,
        )

    @classmethod
    def open(
        cls,
        clip_set: ClipSet,
        settings: FrameSettings,
        *,
        cache_dir: Path,
        progress: bool = True,
    ) -> "FrameStore":
        """Return the frames of a clip set; decode them first if no store has them.

        The key of a store holds the clips (id, path, size and time of the file or of all images of
        a folder, start, end, rate of images), the
        sampler's settings, size, fit, and the code and libraries that decode. If several processes
        need the same store, it is built once. Each time it is checked whether too many clips
        failed, without decoding again.

        Args:
            clip_set: the clips.
            settings: sampler, fit and what happens on failures, with the model's values filled in.
            cache_dir: the folder of the stores (below ``frames``).
            progress: show a progress bar on standard error while decoding, on a terminal.

        Raises:
            ClipHarError: when size, fit or interpolation is None, too many clips failed, or the
                disk is full.
        """
        store = cached(
            store_folder(clip_set, settings, cache_dir),
            f"frames of {clip_set.name}",
            read=lambda folder: cls.at(folder, clip_set, settings),
            make=lambda folder: write_store(folder, clip_set, settings, progress=progress),
        )
        store.check_failures(settings)
        return store

    @classmethod
    def find(
        cls, clip_set: ClipSet, settings: FrameSettings, *, cache_dir: Path
    ) -> "FrameStore | None":
        """Return a store that was built before; None if there is none. Arguments as `open`."""
        return cls.at(store_folder(clip_set, settings, cache_dir), clip_set, settings)

    @classmethod
    def at(cls, folder: Path, clip_set: ClipSet, settings: FrameSettings) -> "FrameStore | None":
        """Return the store in a folder; None if there is none or it is damaged.

        Args:
            folder: see `store_folder`, which looks at all files of the clips.
            clip_set: as `open`.
            settings: as `open`.
        """
        entries = read_index(folder)
        if entries is None or len(entries) != len(clip_set.clips):
            return None
        if any(e.clip_id != c.id for e, c in zip(entries, clip_set.clips, strict=True)):
            return None
        store = cls(folder, clip_set, entries, settings=settings)
        return store if store._file.open() else None

    def clip(self, i: int) -> NDArray[np.uint8]:
        """Return the frames of clip ``i`` of the set.

        Returns:
            ``(T, 3, size, size)`` uint8 RGB, a read-only view of the file. Copy it before
            ``torch.from_numpy``, which warns about read-only memory.

        Raises:
            ClipHarError: when the clip could not be decoded; ``ok`` has those that could. And when
                its frames are damaged and cannot be decoded again.
        """
        entry = self.entries[i]
        if entry.error is not None:
            raise ClipHarError(f"clip {entry.clip_id} has no frames: {entry.error}")
        again = partial(decode_again, self.clip_set.clips[i], self.settings)
        return self._file.part(entry.part, again)

    def view(self, i: int) -> ClipFrames:
        """Return the frames of clip ``i`` of the set with their positions in the source.

        Raises:
            ClipHarError: when the clip could not be decoded; ``ok`` has those that could.
        """
        entry = self.entries[i]
        return ClipFrames(
            clip=self.clip_set.clips[i],
            pixels=self.clip(i),
            indices=entry.indices,
            height=entry.height,
            width=entry.width,
            fit=self.fit,
            edge=self.edge,
            fps=entry.fps,
            frame_count=entry.frame_count,
            others=partial(decode_others, self.clip_set.clips[i], self.settings),
        )

    def batches(self, clips: Sequence[int], limit: int) -> Iterator[list[int]]:
        """Group clips into batches of at most ``most`` frames; a longer clip goes alone.

        Args:
            clips: indices of clips of the set.
            limit: frames in a batch, at least 1.

        Yields:
            Indices, whole clips in the given order.
        """
        batch: list[int] = []
        filled = 0
        for index in clips:
            if batch and filled + self.lengths[index] > limit:
                yield batch
                batch, filled = [], 0
            batch.append(index)
            filled += self.lengths[index]
        if batch:
            yield batch

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Frames per clip, ``(N,)`` int64; 0 for a clip that could not be decoded."""
        return np.array([entry.length for entry in self.entries], dtype=np.int64)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Frames of the clips before each one, in the order of the set, ``(N,)`` int64.

        The frames of a store may lie in another order, or in several files.
        """
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def seconds(self) -> NDArray[np.float64]:
        """Lengths of the source clips, ``(N,)`` float64; NaN if one is not known."""
        return np.array([entry.seconds for entry in self.entries], dtype=np.float64)

    @cached_property
    def ok(self) -> list[int]:
        """Indices of the clips that could be decoded, ascending."""
        return [i for i, entry in enumerate(self.entries) if entry.error is None]

    @cached_property
    def failures(self) -> list[Failure]:
        """The clips that could not be decoded, in the order of the set."""
        return [
            Failure(entry.clip_id, clip.path, entry.error)
            for entry, clip in zip(self.entries, self.clip_set.clips, strict=True)
            if entry.error is not None
        ]

    @property
    def failure_lists(self) -> str:
        """Where the failed clips are listed, for messages."""
        return str(self.path / FAILURES_FILE)

    @cached_property
    def digest(self) -> str:
        """Hash of ids, pixels and failures, without paths and times, 32 hexadecimal digits."""
        rows = [(entry.clip_id, entry.checksum, entry.length) for entry in self.entries]
        text = json.dumps([FORMAT, self.size, rows])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def check_failures(self, settings: FrameSettings) -> None:
        """Raise if more clips failed than ``frames.max_failed`` allows.

        Raises:
            ClipHarError: it names the first of them, and the list of all.
        """
        failed, total = len(self.failures), len(self.entries)
        if failed == 0:
            return
        first = "; ".join(f"{plain_name(f.path.name)}: {f.reason}" for f in self.failures[:3])
        counted = f"{failed} of {total} clips cannot be decoded"
        details = f"{first}{'; …' if failed > 3 else ''}; all of them: {self.failure_lists}"
        if failed == total:
            raise ClipHarError(f"{counted}, none is left: {details}")
        if settings.on_error == "stop" and failed > settings.max_failed * total:
            raise ClipHarError(
                f"{counted} ({failed / total:.1%}), more than frames.max_failed="
                f"{settings.max_failed:g} allows: {details}; frames.on_error=skip goes on "
                "without them"
            )
        _log.warning("%s and are left out: %s", counted, details)


def store_folder(clip_set: ClipSet, settings: FrameSettings, cache_dir: Path) -> Path:
    """Return the folder of the store of a clip set under given settings."""
    return cache_dir.expanduser().absolute() / "frames" / store_key(clip_set, settings)


def store_key(clip_set: ClipSet, settings: FrameSettings) -> str:
    """Return the key of the store of a clip set under given settings, 32 hexadecimal digits."""
    # Each file once: a set may have many sections of one video, and the files may be far away.
    files = {path: _file_state(path) for path in {clip.path for clip in clip_set.clips}}
    described = [
        clip_set.name,
        settings.sampling_key(),
        settings.geometry(),
        [_clip_key(clip, files[clip.path].key) for clip in clip_set.clips],
    ]
    # other decoders and resizers, other pixels
    libraries = ["av", "torchvision"]
    if str(settings.resample).startswith("pillow") or any(one.is_images for one in files.values()):
        libraries += ["pillow"]
    return key_of(described, code=("clip_har.data.frames.build",), libraries=libraries)


class _FileState(NamedTuple):
    """What a file or folder of a clip was like, and whether it holds images."""

    key: tuple[str | int, ...]
    is_images: bool


def _file_state(path: Path) -> _FileState:
    is_images = is_image(path) or is_zip(path)
    try:
        stat = path.stat()
        key: tuple[str | int, ...] = (stat.st_size, stat.st_mtime_ns, os.access(path, os.R_OK))
        if S_ISDIR(stat.st_mode):
            is_images, key = True, images_state(path)
    except OSError:
        key = (-1, -1, False)
    return _FileState(key, is_images)


def _clip_key(clip: Clip, file: tuple[str | int, ...]) -> tuple[str | int | float | None, ...]:
    rate = () if clip.fps is None else (clip.fps,)
    return (clip.id, str(clip.path.absolute()), *file, clip.start, clip.end, *rate)
