"""Real frames for the gallery, decoded here: masking must not need the data package."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

_CLIPS = ("Biking/v_Biking_g05_c02.avi", "Fencing/v_Fencing_g01_c06.mp4")


def _middle_square(path: Path, *, count: int, side: int) -> NDArray[np.uint8]:
    """Return ``(count, 3, side, side)`` evenly spaced frames, resized and cut in the centre."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    picked = []
    for index in np.linspace(0, len(frames) - 1, count).round().astype(int):
        frame = frames[index]
        scale = side / min(frame.width, frame.height)
        image = frame.reformat(
            width=round(frame.width * scale), height=round(frame.height * scale), format="rgb24"
        ).to_ndarray()
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
        picked.append(image[top : top + side, left : left + side].transpose(2, 0, 1))
    return np.ascontiguousarray(picked, dtype=np.uint8)


@pytest.fixture(scope="session")
def real_frames() -> dict[str, NDArray[np.uint8]]:
    default = Path(__file__).parents[2].parent / "shared" / "data"
    root = Path(os.environ.get("CLIP_HAR_SAMPLE_DATA", default)) / "ucf101-sample" / "UCF-101"
    if not root.is_dir():
        pytest.skip(f"the real sample clips are not at {root}: set CLIP_HAR_SAMPLE_DATA")
    return {Path(clip).stem: _middle_square(root / clip, count=8, side=224) for clip in _CLIPS}
