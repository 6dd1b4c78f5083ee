"""Render clips into a folder: videos, label maps, and a table of the clips."""

import csv
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np

from clip_har.synthetic.actions import BY_NAME
from clip_har.synthetic.plan import ClipSpec, caption
from clip_har.synthetic.raster import Byte
from clip_har.synthetic.render import Variant, render_clip
from clip_har.synthetic.scenes import scene_phrase

FPS = 8.0
COLUMNS = (
    "clip_id", "path", "map", "label", "group", "split", "scene", "biased", "object", "phrase",
    "scene_phrase", "caption", "seed",
)  # fmt: skip


def encode_video(path: str | Path, frames: Byte, fps: float) -> None:
    """Encode frames as H.264 in MP4, the same bytes each time on one machine.

    Args:
        path: Where to write; the folder must exist.
        frames: sRGB ``(T, H, W, 3)`` uint8, H and W even.
        fps: Frames a second.

    Raises:
        ValueError: The frames have another shape or type, or odd sides.
    """
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"Expected uint8 (T, H, W, 3); got {frames.dtype} {frames.shape}.")
    if frames.shape[1] % 2 or frames.shape[2] % 2:
        raise ValueError(f"yuv420p needs even sides; got {frames.shape[1]} x {frames.shape[2]}.")
    with av.open(str(path), "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1001)
        # mbtree=0: x264's macroblock tree reads uninitialised memory, so that the same frames
        # would give other bytes in another process
        params = "log-level=0:mbtree=0"
        # crf 16 has almost no visible loss
        options = {"crf": "16", "preset": "veryfast", "threads": "1", "x264-params": params}
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def fill_folder(
    folder: Path,
    specs: Sequence[ClipSpec],
    *,
    workers: int = 1,
    advance: Callable[[int], object] = lambda _: None,
    variant: Variant = "full",
) -> None:
    """Write a data set into an empty folder: ``videos/``, ``maps/`` and ``clips.csv``.

    Args:
        folder: The folder.
        specs: What to render, clip ids all different.
        workers: Number of processes; 1 renders in this process.
        advance: Called with 1 after each clip.
        variant: What to show; not ``swap``, whose scene is part of the specification.

    Raises:
        ValueError: Two clips have one id, or ``workers`` is less than 1.
    """
    if len({spec.clip_id for spec in specs}) != len(specs):
        raise ValueError("Clip ids must be unique; give each split its own plan.")
    if workers < 1:
        raise ValueError(f"Expected workers >= 1; got {workers}.")
    work = partial(_write_clip, folder, variant=variant)
    if workers == 1:
        rows = _counted(map(work, specs), advance)
    else:
        # A spawned process shares no locks with the threads of libraries that are loaded here.
        context = multiprocessing.get_context("spawn")
        with _main_not_imported(), ProcessPoolExecutor(workers, mp_context=context) as pool:
            rows = _counted(pool.map(work, specs, chunksize=8), advance)
    with (folder / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _write_clip(root: Path, spec: ClipSpec, *, variant: Variant) -> dict[str, str]:
    """Render and write one clip with its labels; return its row of ``clips.csv``."""
    clip = render_clip(spec, variant=variant, fps=FPS)
    path = Path("videos", spec.action, f"{spec.clip_id}.mp4")
    maps = Path("maps", spec.action, f"{spec.clip_id}.npz")
    for part in (path, maps):
        (root / part).parent.mkdir(parents=True, exist_ok=True)
    encode_video(root / path, clip.frames, FPS)
    np.savez_compressed(root / maps, labels=clip.labels)
    action = BY_NAME[spec.action]
    values = (
        spec.clip_id, path.as_posix(), maps.as_posix(), spec.action, spec.subject, spec.split,
        spec.scene, str(int(spec.biased)), action.object or "", action.phrase,
        scene_phrase(spec.scene), caption(spec.action, spec.scene), str(spec.seed),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


@contextmanager
def _main_not_imported() -> Iterator[None]:
    """Keep spawned processes from running the user's script again.

    They import the main module, which is a script without a guard where somebody renders clips by
    `clip_har.evaluate`. It would start to render again, and wait for this process for ever.
    """
    main = sys.modules["__main__"]
    spec, file = main.__spec__, main.__dict__.pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        main.__spec__ = spec
        if file is not None:
            main.__file__ = file


def _counted(
    rows: Iterable[dict[str, str]], advance: Callable[[int], object]
) -> list[dict[str, str]]:
    """Collect rows and report each."""
    done = []
    for row in rows:
        done.append(row)
        advance(1)
    return done
