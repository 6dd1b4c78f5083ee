"""Row 15: building the frame store of sections of long videos."""

import json
import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import av
import numpy as np

from benchmarks.compare import Check, Row, interleave, medians, peer, ratios
from benchmarks.inputs import Inputs
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.decode.video import read_clip
from clip_har.data.frames.build import fitted_clip
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings

_SECONDS, _RATE = 300, 25
_WIDTH, _HEIGHT = 640, 480
_GROUPS = (12, 250)  # frames from one key frame to the next
_COMPARED = 8  # sections that are compared with those that are decoded alone
_SETTINGS = FrameSettings(count=8, size=224)

PATTERNS = {
    "one after the other": [(s, s + 4.0) for s in range(0, _SECONDS, 4)],
    "far from each other": [(s, s + 4.0) for s in range(3, _SECONDS - 4, 20)],
    "overlapping": [(s, s + 8.0) for s in range(0, _SECONDS - 8, 4)],
}


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure row 15."""
    videos = [_video(inputs.folder / "long", size) for size in _GROUPS]
    return [_row(inputs, videos, name, times, rounds) for name, times in PATTERNS.items()]


def _row(
    inputs: Inputs,
    videos: Sequence[Path],
    name: str,
    times: Sequence[tuple[float, float]],
    rounds: int,
) -> Row:
    clips = tuple(
        Clip(f"{path.stem}_{start}", path, 0, path.stem, start=start, end=end)
        for path in videos
        for start, end in times
    )
    asked = inputs.folder / "stretches.json"
    stretches = {str(path): _joined(times) for path in videos}
    clip_set = ClipSet("sections", ("action",), clips, licence="made", citation="")

    def decode() -> float:
        asked.write_text(json.dumps(stretches), encoding="utf-8")
        return peer("stretches", str(asked))["processor"]

    found = interleave({"build": partial(_build, inputs, clip_set), "decode": decode}, rounds)
    store = FrameStore.open(clip_set, _SETTINGS, cache_dir=inputs.cache, progress=False)
    return Row(
        "15",
        f"frame store of {len(clips)} sections, {name}: processor time",
        "FFmpeg decoding the same stretches",
        ratios(found["build"], found["decode"]),
        goal=1.3,
        details=medians(found),
        checks=[_check(store)],
    )


def _build(inputs: Inputs, clips: ClipSet) -> float:
    cache = inputs.folder / "cold_cache"
    shutil.rmtree(cache, ignore_errors=True)
    started = time.process_time()
    FrameStore.open(clips, _SETTINGS, cache_dir=cache, progress=False)
    seconds = time.process_time() - started
    shutil.rmtree(cache)
    return seconds


def _check(store: FrameStore) -> Check:
    """Compare stored sections with those that are decoded alone."""
    largest = float("nan") if store.failures else 0.0
    for index in store.ok[:: max(1, len(store.ok) // _COMPARED)]:
        clip = store.clip_set.clips[index]
        alone = read_clip(clip.path, _SETTINGS, start=clip.start, end=clip.end)
        frames = fitted_clip(clip, alone, _SETTINGS)[1]
        largest = max(largest, float(np.abs(store.clip(index).astype(int) - frames).max()))
    return Check("grey level", largest)


def _joined(times: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the stretches that sections in the order of time cover."""
    joined: list[tuple[float, float]] = []
    for start, end in times:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _video(folder: Path, group: int) -> Path:
    """Write a long H.264 video of moving noise, unless it exists already."""
    path = folder / f"group{group}.mp4"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    scene = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    scene = scene.repeat(8, 0).repeat(8, 1)
    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w") as container:
        options = {"preset": "veryfast", "crf": "26", "g": str(group), "bf": "2"}
        stream = container.add_stream("libx264", rate=_RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        for step in range(_SECONDS * _RATE):
            seen = np.roll(scene, (step % 97, 2 * step), axis=(0, 1))[:_HEIGHT, :_WIDTH]
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(seen), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    part.rename(path)
    return path
