from pathlib import Path

import pytest

from tests.data.made import write_video


@pytest.fixture
def small_sweep(tmp_path: Path, small_clip: Path) -> list[str]:
    """What is typed for a sweep of quick cells over made videos, but for what is swept."""
    for label, name in enumerate(("climbing", "swimming")):
        for number in range(2):
            path = tmp_path / "videos" / name / f"{name}_{number}.mp4"
            write_video(path, 6 + label + number)
    return [
        *("-m", "dataset=folder", f"dataset.root={tmp_path / 'videos'}", "frames.count=2"),
        *("model=clip", f"model.checkpoint={small_clip}", "masking=percent"),
    ]
