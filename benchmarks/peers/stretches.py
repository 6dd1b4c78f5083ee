"""Decode stretches of videos with FFmpeg, from the key frame before each, one video per core."""

import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av

from benchmarks.peers.inputs import report


def frames(path: Path, stretches: Sequence[tuple[float, float]]) -> int:
    """Decode stretches, in seconds, of a video and return their number of frames."""
    count = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"
        for start, end in stretches:
            container.seek(int(start / (stream.time_base or 1)), stream=stream)
            for frame in container.decode(stream):
                if frame.time is not None and frame.time >= end:
                    break
                count += 1
    return count


def main() -> None:
    """Time it; the argument is a JSON file of stretches for each path."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    started, busy = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        count = sum(pool.map(frames, map(Path, asked), asked.values()))
    report(
        frames=count,
        decode=time.perf_counter() - started,
        processor=time.process_time() - busy,
    )


if __name__ == "__main__":
    main()
