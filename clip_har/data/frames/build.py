"""Write a frame store: decode in parallel, and append."""

import csv
import os
import shutil
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from clip_har.core.checked_file import checksum_of
from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.core.progress import Advance, track
from clip_har.core.work_ahead import work_ahead
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.index import FAILURES_FILE, FRAMES_FILE, Entry, write_index
from clip_har.data.frames.told import tell_about_images
from clip_har.data.sampling import FrameSettings

if TYPE_CHECKING:
    from clip_har.data.decode.video import DecodedClip

_AHEAD = 2  # videos decoded ahead of the writer, per thread: bounds the memory
_SYNC_BYTES = 2**23  # that are written between two waits for the disk

_Decoded = tuple[int, Entry, memoryview | bytes | None]
"""The index of a clip in its list, its entry, and the bytes of its frames, if it has any."""


def write_store(
    folder: Path, clip_set: ClipSet, settings: FrameSettings, *, progress: bool
) -> None:
    """Decode the clips of a set into an empty folder.

    Args:
        folder: for the files of the store.
        clip_set: the clips.
        settings: sampler and fit, with the size in pixels.
        progress: show a progress bar on a terminal.

    Raises:
        ClipHarError: when the frames do not fit on the disk.
        OSError: when they cannot be written.
    """
    _refuse_full_disk(folder.parent, clip_set, settings)
    with (folder / FRAMES_FILE).open("wb") as file:
        entries = _write_frames(file, clip_set, settings, progress=progress)
    write_index(folder, entries)
    _write_failures(folder, clip_set, entries)
    tell_about_images(clip_set, entries)


def decode_again(clip: Clip, settings: FrameSettings) -> NDArray[np.uint8] | None:
    """Return the frames of one clip, ``(T, 3, S, S)``; None if it cannot be decoded."""
    return _decode_one(clip, settings)[1]


def decode_others(clip: Clip, settings: FrameSettings, indices: Sequence[int]) -> NDArray[np.uint8]:
    """Return further frames of a clip in a store, fitted as those in it.

    Args:
        clip: the clip.
        settings: of the store.
        indices: positions among the clip's own frames.

    Returns:
        ``(N, 3, S, S)`` uint8 RGB.

    Raises:
        ClipHarError: when they cannot be decoded.
    """
    import torch

    from clip_har.data.decode.video import DecodeError, read_frames
    from clip_har.data.geometry import fit_frames

    size, fit_to, resample, edge = settings.geometry()

    def fit(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        whole = torch.from_numpy(picture).permute(2, 0, 1)[None]  # (1, 3, H, W)
        fitted: NDArray[np.uint8] = fit_frames(whole, size, fit_to, resample, edge).numpy()[0]
        return fitted

    try:
        section = {"start": clip.start, "end": clip.end, "fps": clip.fps}
        frames = read_frames(clip.path, settings, indices, fit=fit, **section)
    except DecodeError as error:
        raise ClipHarError(f"clip {clip.id} cannot be decoded again: {error}") from error
    return np.stack(frames) if frames else np.zeros((0, 3, size, size), np.uint8)


def _write_frames(
    file: BinaryIO, clip_set: ClipSet, settings: FrameSettings, *, progress: bool
) -> list[Entry]:
    """Append the frames of every clip to a file; return the index, in the order of the clips.

    The disk works while clips are decoded: else all would wait for it at the end.
    """
    clips = clip_set.clips
    entries: list[Entry | None] = [None] * len(clips)
    offset = waiting = 0
    # closed also if writing fails, so that the threads stop decoding
    with (
        track(len(clips), "decoding", show=progress) as advance,
        closing(_decode_all(clips, settings, Path(file.name).parent, advance)) as decoded,
    ):
        for number, entry, frames in decoded:
            if frames is not None:
                waiting += file.write(frames)
            if waiting >= _SYNC_BYTES:
                file.flush()
                os.fsync(file.fileno())
                waiting = 0
            entries[number] = replace(entry, offset=offset)
            offset += entry.length
    return [entry for entry in entries if entry is not None]


def _decode_all(
    clips: Sequence[Clip], settings: FrameSettings, folder: Path, advance: Advance
) -> Generator[_Decoded, None, None]:
    """Decode clips in threads and yield them in a fixed order: that of the list.

    But the sections of one video stand together, in the order of time.
    """
    import joblib

    from clip_har.data.decode.sections import neighbours

    threads = settings.workers or joblib.cpu_count()
    jobs = neighbours([(clip.path, clip.start) for clip in clips], threads)
    ended = Event()
    decode = partial(_decode_job, clips, settings, folder, advance, ended)
    limit = threads * _AHEAD
    with closing(work_ahead(decode, jobs, threads=threads, limit=limit, ended=ended)) as decoded:
        for job in decoded:
            yield from job


def _decode_job(
    clips: Sequence[Clip],
    settings: FrameSettings,
    folder: Path,
    advance: Advance,
    ended: Event,
    numbers: Sequence[int],
) -> Iterable[_Decoded]:
    """Decode clips of one file; the frames of several wait for their turn on the disk."""
    if len(numbers) == 1:
        entry, frames = _decode_one(clips[numbers[0]], settings)
        advance(1)
        return [(numbers[0], entry, None if frames is None else frames.data)]
    spool = folder / f"{numbers[0]}.part"
    places: dict[int, tuple[Entry, int, int]] = {}
    end = 0
    with spool.open("wb") as file:
        for index, entry, frames in _decode_sections([clips[n] for n in numbers], settings):
            size = 0 if frames is None else file.write(frames.data)
            places[numbers[index]] = entry, end, size
            end += size
            advance(1)
            if ended.is_set():
                return []
    return _taken_from(spool, [(number, *places[number]) for number in numbers])


def _taken_from(spool: Path, places: Sequence[tuple[int, Entry, int, int]]) -> Iterator[_Decoded]:
    """Yield clips whose frames are in a file, and remove it."""
    with spool.open("rb") as file:
        for number, entry, start, size in places:
            file.seek(start)
            yield number, entry, file.read(size) if size else None
    spool.unlink()


def _decode_sections(
    clips: Sequence[Clip], settings: FrameSettings
) -> Iterator[tuple[int, Entry, NDArray[np.uint8] | None]]:
    """Yield the index, the entry and the frames of each of some sections of one video."""
    from clip_har.data.decode.passes import Window
    from clip_har.data.decode.sections import read_sections

    windows = [Window.of(clip.start, clip.end) for clip in clips]
    for index, source in read_sections(clips[0].path, settings, windows):
        clip = clips[index]
        found = (
            _decode_one(clip, settings) if source is None else fitted_clip(clip, source, settings)
        )
        yield index, *found


def _decode_one(clip: Clip, settings: FrameSettings) -> tuple[Entry, NDArray[np.uint8] | None]:
    """Return the index entry of a clip and its fitted frames ``(T, 3, S, S)``, if it has any."""
    from clip_har.data.decode.video import DecodeError, read_clip

    try:
        source = read_clip(clip.path, settings, start=clip.start, end=clip.end, fps=clip.fps)
    except DecodeError as error:
        return Entry(clip.id, error=str(error)), None
    return fitted_clip(clip, source, settings)


def fitted_clip(
    clip: Clip, source: "DecodedClip", settings: FrameSettings
) -> tuple[Entry, NDArray[np.uint8]]:
    """Return the index entry of a decoded clip and its fitted frames.

    Args:
        clip: the clip.
        source: its frames as they were decoded.
        settings: the fit, with the size in pixels.

    Returns:
        The entry, at the beginning of a file; and ``(T, 3, S, S)`` uint8 RGB.
    """
    import torch

    from clip_har.data.geometry import fit_views

    pictures = torch.from_numpy(source.frames).permute(0, 3, 1, 2)  # (T, 3, H, W)
    views = fit_views(pictures, *settings.geometry(), crops=settings.crops)
    fitted: NDArray[np.uint8] = views.numpy()
    entry = Entry(
        clip_id=clip.id,
        length=len(fitted),
        indices=tuple(source.indices) * settings.crops,
        width=source.width,
        height=source.height,
        fps=source.fps,
        frame_count=source.frame_count,
        checksum=checksum_of(clip.id, fitted),
    )
    return entry, fitted


def _write_failures(folder: Path, clip_set: ClipSet, entries: list[Entry]) -> None:
    """Write the list of the clips that failed, if there are any."""
    failed = [
        (entry.clip_id, plain_name(str(clip.path)), entry.error)
        for entry, clip in zip(entries, clip_set.clips, strict=True)
        if entry.error is not None
    ]
    if failed:
        with (folder / FAILURES_FILE).open("w", encoding="utf-8", newline="") as table:
            csv.writer(table).writerows([("clip_id", "path", "reason"), *failed])


def _refuse_full_disk(folder: Path, clip_set: ClipSet, settings: FrameSettings) -> None:
    """Raise before hours of decoding if it is known that the frames do not fit on the disk."""
    frames = settings.kept_frames()
    if frames is None:
        return  # depends on how long the clips are
    needed = len(clip_set.clips) * frames * 3 * (settings.size or 0) ** 2
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ClipHarError(
            f"the frames of {clip_set.name} need {needed / 1e9:.1f} GB in {folder}, only "
            f"{free / 1e9:.1f} GB are free: make room or set another cache folder"
        )
