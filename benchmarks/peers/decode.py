"""Decode every frame of every video with FFmpeg, one video per core at a time."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av

from benchmarks.peers.inputs import parse, report, videos


def frames(path: Path) -> int:
    """Decode a video and return its number of frames."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "SLICE"
        return sum(1 for _ in container.decode(video=0))


def main() -> None:
    """Time it."""
    paths = [path for path, _ in videos(parse(__doc__ or "").root)]
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        count = sum(pool.map(frames, paths))
    report(frames=count, decode=time.perf_counter() - started)


if __name__ == "__main__":
    main()
