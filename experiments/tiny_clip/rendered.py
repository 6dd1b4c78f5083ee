"""Rendered clips as memory-mapped arrays: rendered once, read by every training run."""

import hashlib
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

import clip_har.synthetic
from clip_har.core.cache import cached
from clip_har.core.progress import track
from clip_har.data.sampling import FrameSettings, sample_indices
from clip_har.synthetic import ACTIONS, ClipSpec, render_clip

SIZE = 112  # px
KEPT = 8  # frames of a clip, the default of `frames.count`
_RENDERED, _FPS = 16, 8.0  # the defaults of `render_clip`, so that these are the data set's clips
_CHUNK = 20  # clips a worker renders in one go

CLASS_NAMES = tuple(action.name for action in ACTIONS)


@dataclass(frozen=True, eq=False)
class RenderedClips:
    """Rendered clips.

    Attributes:
        specs: what the N clips are.
        frames: ``(N, T, 3, H, W)`` uint8 RGB.
        maps: ``(N, T, H, W)`` uint8: 0 background, 1 person, 2 object.
    """

    specs: tuple[ClipSpec, ...]
    frames: NDArray[np.uint8]
    maps: NDArray[np.uint8]

    @property
    def labels(self) -> NDArray[np.int64]:
        """True classes, ``(N,)``."""
        return np.array([CLASS_NAMES.index(spec.action) for spec in self.specs], np.int64)

    @property
    def scenes(self) -> NDArray[np.int64]:
        """The classes whose own scene each clip is set in, ``(N,)``."""
        own = [action.scene for action in ACTIONS]
        return np.array([own.index(spec.scene) for spec in self.specs], np.int64)

    def every(self, step: int) -> "RenderedClips":
        """Return each ``step``-th clip."""
        return RenderedClips(self.specs[::step], self.frames[::step], self.maps[::step])


def render(specs: Sequence[ClipSpec]) -> RenderedClips:
    """Render clips into memory.

    Args:
        specs: what to render.

    Returns:
        The clips, in the order of ``specs``.
    """
    frames = np.empty((len(specs), KEPT, 3, SIZE, SIZE), np.uint8)
    maps = np.empty((len(specs), KEPT, SIZE, SIZE), np.uint8)
    for number, spec in enumerate(specs):
        frames[number], maps[number] = _render(spec)
    return RenderedClips(tuple(specs), frames, maps)


def open_rendered(specs: Sequence[ClipSpec], *, cache_dir: Path, workers: int) -> RenderedClips:
    """Render clips to files that later runs can map into memory.

    Args:
        specs: what to render.
        cache_dir: where rendered clips are kept.
        workers: processes that render.

    Returns:
        The clips as read-only memory maps, in the order of ``specs``.
    """

    def read(folder: Path) -> RenderedClips | None:
        if not folder.is_dir():
            return None
        frames, maps = (
            np.load(folder / name, mmap_mode="r") for name in ("frames.npy", "maps.npy")
        )
        return RenderedClips(tuple(specs), frames, maps)

    # Several trainings may ask for the same clips at once.
    return cached(
        cache_dir / "tiny" / _key(specs),
        "rendered clips",
        read=read,
        make=partial(_write, specs=specs, workers=workers),
    )


def _render(spec: ClipSpec) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the frames ``(T, 3, H, W)`` and maps ``(T, H, W)`` that the default sampler keeps."""
    clip = render_clip(spec, size=SIZE, frames=_RENDERED, fps=_FPS)
    times = [number / _FPS for number in range(_RENDERED)]
    kept = sample_indices(FrameSettings(count=KEPT), times)
    return clip.frames[kept].transpose(0, 3, 1, 2), clip.labels[kept]


def _write(folder: Path, specs: Sequence[ClipSpec], workers: int) -> None:
    shape = (len(specs), KEPT, 3, SIZE, SIZE)
    open_memmap(folder / "frames.npy", "w+", np.uint8, shape).flush()
    open_memmap(folder / "maps.npy", "w+", np.uint8, (*shape[:2], *shape[3:])).flush()
    starts = range(0, len(specs), _CHUNK)
    chunks = [specs[start : start + _CHUNK] for start in starts]
    # A spawned process does not share locks with the threads of torch.
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(workers, mp_context=context) as pool,
        track(len(specs), "rendering clips") as advance,
    ):
        for count in pool.map(partial(_write_chunk, folder), starts, chunks):
            advance(count)


def _write_chunk(folder: Path, start: int, specs: Sequence[ClipSpec]) -> int:
    frames = open_memmap(folder / "frames.npy", "r+")
    maps = open_memmap(folder / "maps.npy", "r+")
    for number, spec in enumerate(specs, start):
        frames[number], maps[number] = _render(spec)
    return len(specs)


def _key(specs: Sequence[ClipSpec]) -> str:
    """Return a digest of what is rendered and of the code that renders it."""
    digest = hashlib.sha256(repr([astuple(spec) for spec in specs]).encode())
    digest.update(repr((SIZE, KEPT, _RENDERED, _FPS)).encode())
    package = Path(clip_har.synthetic.__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
