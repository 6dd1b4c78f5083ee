"""Learn noise of the planted model, slowly: a process that a test kills."""

import sys
import time
from pathlib import Path

import torch

from clip_har.noise.learned.fitted import learned_noise
from clip_har.noise.learned.learning import _Loop
from clip_har.noise.learned.settings import ClassSpecificNoise
from tests.noise.made import COUNT, open_small, planted_classifier, quick, split
from tests.planted import planted_clips

NOISE = ClassSpecificNoise(learning=quick(steps=40, validate_every=2))


def main(folder: Path, log: Path, pause: float) -> None:
    torch.set_num_threads(1)
    step = _Loop.step

    def slow(loop: _Loop) -> None:
        with log.open("a") as file:
            file.write(f"{loop.history.steps}\n")
        step(loop)
        time.sleep(pause)

    setattr(_Loop, "step", slow)  # noqa: B010, mypy knows no other way
    frames = open_small(planted_clips(folder / "clips"), folder / "frames")
    learned_noise(
        NOISE,
        planted_classifier(),
        lambda: split(frames),
        described={"kind": "ClassSpecificNoise"},
        frames=COUNT,
        cache_dir=folder / "cache",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
