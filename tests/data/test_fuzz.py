"""Thousands of damaged files: each is read or reported, none crashes, hangs or is half-read.

The corpus is made here: real clips where there are some, and made ones, in AVI, MP4 and GIF; images
and a zip of images.
``CLIP_HAR_FUZZ`` says how many mutants there are (2,000), ``CLIP_HAR_FUZZ_SEED`` which.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from tests.data.made import write_images, write_video

MUTANTS = int(os.environ.get("CLIP_HAR_FUZZ", "2000"))
SEED = int(os.environ.get("CLIP_HAR_FUZZ_SEED", "0"))
SECONDS = 20.0  # for one clip, on a machine that does other targets, too
MOST_BYTES = 400_000  # of a real clip that takes part: larger ones only take longer

# In a process of its own: a crash of FFmpeg would take the test run with it.
READER = """
import json, sys, time
from pathlib import Path
from clip_har.data.sampling import FrameSettings
from clip_har.data.decode.video import DecodeError, decode_clip
settings = FrameSettings(count=4, timeout=float(sys.argv[1]))
for line in sys.stdin:
    started, outcome = time.monotonic(), "read"
    try:
        frames = decode_clip(Path(line.strip()), settings)
        assert len(frames) == 4 and frames.dtype.name == "uint8"
    except DecodeError as error:
        outcome = str(error)
    print(json.dumps([outcome, time.monotonic() - started]), flush=True)
"""


def corpus(folder: Path, real: list[Path]) -> list[Path]:
    """Small whole clips of several containers and codecs."""
    made = [
        write_video(folder / "mpeg4.avi", 20, options={"bf": "2", "g": "12"}),
        write_video(folder / "h264.mp4", 20, codec="libx264", options={"bf": "3", "g": "10"}),
        write_video(folder / "pictures.gif", 12, codec="gif", pix_fmt="rgb8"),
        write_video(folder / "sound.mp4", 20, audio_seconds=1),
    ]
    images = [write_images(folder / kind, 2, kind=kind) for kind in ("jpg", "png", "webp")]
    made += [path for place in images for path in sorted(place.iterdir())[:1]]
    made.append(Path(shutil.make_archive(str(folder / "images"), "zip", images[1])))
    small = sorted(path for path in real if path.stat().st_size < MOST_BYTES)
    for number, path in enumerate(small[:4]):
        copy = folder / f"real{number}{path.suffix}"
        copy.write_bytes(path.read_bytes())
        made.append(copy)
    return made


def mutant(whole: list[bytes], draws: np.random.Generator) -> bytes:
    """Damage one file: flip bits, cut, overwrite, swap its header for another's, repeat a part."""
    content = bytearray(whole[draws.integers(len(whole))])
    other = whole[draws.integers(len(whole))]
    for _ in range(draws.integers(1, 4)):
        size = max(len(content), 1)
        # The head is where the structure is; AVI and MP4 keep an index at the end.
        near = int(draws.choice([64, 512, 4096, size]))
        start = int(draws.integers(0, min(near, size)))
        if draws.random() < 0.2:
            start = max(0, size - 1 - start)
        length = int(draws.choice([1, 4, 16, 256]))
        match draws.integers(7):
            case 0:  # bit flips
                for place in draws.integers(start, min(start + 512, size), 16):
                    content[min(place, len(content) - 1)] ^= 1 << int(draws.integers(8))
            case 1:  # cut off
                del content[int(draws.integers(1, size + 1)) :]
            case 2:  # a number at its limits
                content[start : start + 4] = draws.choice(
                    [b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
                )
            case 3:  # noise
                content[start : start + length] = draws.bytes(length)
            case 4:  # another file's header
                content[:near] = other[:near]
            case 5:  # a part twice
                content[start:start] = content[start : start + length]
            case 6:  # a part is missing
                del content[start : start + length]
        if not content:
            return b""
    return bytes(content)


@pytest.mark.slow
def test_damaged_clips_are_read_or_reported(tmp_path):
    place = os.environ.get("CLIP_HAR_SAMPLE_DATA", REPOSITORY.parent / "shared" / "data")
    real = list((Path(place) / "ucf101-sample").rglob("v_*.*"))
    clips = corpus(tmp_path, real)
    whole, suffixes = [path.read_bytes() for path in clips], [path.suffix for path in clips]
    draws = np.random.default_rng(SEED)
    message: Counter[str] = Counter()
    slowest = 0.0
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(SECONDS / 2)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stderr is not None
        for number in range(MUTANTS):
            path = tmp_path / f"mutant{suffixes[number % len(suffixes)]}"
            path.write_bytes(mutant(whole, draws))
            reader.stdin.write(f"{path}\n")
            reader.stdin.flush()
            line = reader.stdout.readline()
            assert line, f"mutant {number} of seed {SEED}: {reader.stderr.read()[-2000:]}"
            reason, seconds = json.loads(line)
            slowest = max(slowest, seconds)
            assert reason, f"mutant {number} has no reason"
            assert "\n" not in reason
            message[reason.partition(":")[0]] += 1
        reader.stdin.close()
        assert reader.wait() == 0
        assert reader.stderr.read() == "", "FFmpeg printed something"
    assert slowest < SECONDS
    damaged = MUTANTS - message["read"]
    assert damaged > 0.3 * MUTANTS, "the mutations do damage"
    assert message["read"] > 0.02 * MUTANTS, "and not all of them"
    assert len(message) > 5, "in many ways"
