"""Planted clips, written and decoded once for all tests of noise."""

from collections.abc import Iterator

import pytest
import torch

from clip_har.data.clips import ClipSet
from clip_har.data.store import FrameStore
from clip_har.noise.training_clips import TrainingClips
from tests.noise.made import open_small, split
from tests.planted import planted_clips


@pytest.fixture(scope="session")
def planted_set(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    return planted_clips(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="session")
def small_frames(planted_set: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> FrameStore:
    return open_small(planted_set, tmp_path_factory.mktemp("frames"))


@pytest.fixture(scope="session")
def small_training(small_frames: FrameStore) -> TrainingClips:
    return split(small_frames)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing by threads, and lose much where the machine is shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
