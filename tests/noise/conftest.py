"""What all tests of noise share."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.identity import training_clips
from clip_har.noise.learned.learning import History, learn
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.training_clips import TrainingClips
from tests.noise.made import planted_classifier, started
from tests.threads import torch_threads


@pytest.fixture(autouse=True, scope="module")  # what a module shares is made with one, too
def one_thread() -> Iterator[None]:
    with torch_threads(1):
        yield


@pytest.fixture
def no_kept_clips() -> Iterator[None]:
    """A process keeps the training clips; the test asks anew."""
    training_clips.cache_clear()
    yield
    training_clips.cache_clear()


@pytest.fixture
def learned(small_training: TrainingClips, tmp_path: Path) -> Callable[..., Any]:
    numbers = count()

    def found(noise: Learned, classifier: ZeroShot | None = None) -> tuple[Perturbation, History]:
        classifier = classifier or planted_classifier()
        state = tmp_path / f"{next(numbers)}.partial"
        return learn(noise, started(noise, classifier), classifier, small_training, state=state)

    return found
