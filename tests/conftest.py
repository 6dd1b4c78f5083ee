import os
from pathlib import Path

import pytest

from tests.checkpoints import SMALL, write_checkpoint

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small CLIP of random weights, in the hub's format."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoints") / "small", SMALL)


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The folder of real clips; the test is skipped where it is absent."""
    folder = Path(os.environ.get("CLIP_HAR_SAMPLE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "ucf101-sample").is_dir():
        pytest.skip(f"no real sample clips at {folder} (set CLIP_HAR_SAMPLE_DATA)")
    return folder
