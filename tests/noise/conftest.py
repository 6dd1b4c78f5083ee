"""Planted clips, written and decoded once for all tests of noise."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.engine.noise_evaluation import NoiseResult
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.learning import History, learn
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.settings import ClassSpecificNoise, Learned
from clip_har.noise.learned.training_clips import TrainingClips
from tests.noise.made import evaluated, naming, open_small, planted_judge, shown, split, started
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


@pytest.fixture
def learned(small_training: TrainingClips, tmp_path: Path) -> Callable[..., Any]:
    numbers = count()

    def found(noise: Learned, classifier: ZeroShot | None = None) -> tuple[Perturbation, History]:
        classifier = classifier or planted_judge()
        state = tmp_path / f"{next(numbers)}.partial"
        return learn(noise, started(noise, classifier), classifier, small_training, state=state)

    return found


@pytest.fixture(scope="session")
def named(small_frames: FrameStore) -> NoiseResult:
    """Noise per class that does nothing but write the name of its class over the picture."""
    classifier, noise = planted_judge(), ClassSpecificNoise()
    return evaluated(noise, shown(small_frames), classifier, own=naming(noise, classifier))[1]
