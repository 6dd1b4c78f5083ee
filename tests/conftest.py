"""Fixtures that many folders share, and the cache of the session."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import hypothesis
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import Browser, sync_playwright

from clip_har.data.clips import ClipSet
from clip_har.data.decode.video import decode_clip
from clip_har.data.frames.store import FrameStore
from clip_har.data.geometry import fit_frames
from clip_har.data.sampling import FrameSettings
from clip_har.engine.evaluate import Evaluation
from clip_har.noise.learned.settings import ClassSpecificNoise
from clip_har.noise.learned.training_clips import TrainingClips
from tests.checkpoints import SMALL, write_checkpoint
from tests.noise.made import evaluated, naming, open_small, planted_classifier, shown, split
from tests.planted import planted_clips

# A test that imports a library first, or shares the machine, takes as long as it takes.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is long as slow, too, before tests are chosen by their marks."""
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker("slow")


def pytest_configure(config: pytest.Config) -> None:
    """Give all tests of a session one new cache: clips are rendered and decoded once.

    Workers of pytest-xdist inherit it from the process that starts them.
    """
    if not hasattr(config, "workerinput"):
        cache = tempfile.mkdtemp(prefix="clip_har-tests-")
        os.environ["CLIP_HAR_CACHE"] = cache
        config.add_cleanup(lambda: shutil.rmtree(cache, ignore_errors=True))


@pytest.fixture(scope="module")  # of a session it would stop the notebook's own event loop
def browser() -> Iterator[Browser]:
    """Chromium; the test is skipped where it is absent."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were opened, in order."""
    opened: list[str] = []
    real = av.open

    def counted(path: Path, *args: Any, **kwargs: Any) -> Any:
        opened.append(str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(av, "open", counted)
    return opened


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


@pytest.fixture(scope="session")
def real_frames(sample_data: Path) -> dict[str, NDArray[np.uint8]]:
    """Frames ``(8, 3, 224, 224)`` of two real clips, by name."""
    videos = sample_data / "ucf101-sample" / "UCF-101"
    frames = {}
    for clip in ("Biking/v_Biking_g05_c02.avi", "Fencing/v_Fencing_g01_c06.mp4"):
        pictures = torch.from_numpy(decode_clip(videos / clip, FrameSettings(count=8)))
        frames[Path(clip).stem] = fit_frames(pictures.permute(0, 3, 1, 2), 224, "crop").numpy()
    return frames


@pytest.fixture(scope="session")
def planted_set(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    return planted_clips(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="session")
def small_frames(planted_set: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> FrameStore:
    return open_small(planted_set, tmp_path_factory.mktemp("frames"))


@pytest.fixture(scope="session")
def small_training(small_frames: FrameStore) -> TrainingClips:
    return split(small_frames)


@pytest.fixture(scope="session")
def named(small_frames: FrameStore) -> Evaluation:
    """Noise per class that does nothing but write the name of its class over the picture."""
    classifier, noise = planted_classifier(), ClassSpecificNoise()
    return evaluated(noise, shown(small_frames), classifier, own=naming(noise, classifier))[1]
