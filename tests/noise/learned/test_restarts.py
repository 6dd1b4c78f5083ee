"""Restarts: other starts and batches, the best is kept, a kill costs little."""

import math
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch

from clip_har.noise.learned import learning
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.learning import History, _Loop
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.restarts import learn_best, states
from clip_har.noise.learned.settings import ClassSpecificNoise, NestedNoise
from clip_har.noise.learned.start import make_perturbation
from clip_har.noise.learned.training_clips import TrainingClips
from tests.noise.made import COUNT, planted_classifier, quick, same_bits

NOISE = NestedNoise(
    rank=2, learning=quick(steps=6, validate_every=2, restarts=3, ema=0.6), epsilon_class=16
)


def fit(
    training: TrainingClips, state: Path, noise: Learned = NOISE
) -> tuple[Perturbation, History]:
    classifier = planted_classifier()

    def start(restart: int) -> Perturbation:
        return make_perturbation(
            noise,
            model=classifier.model,
            class_embeddings=classifier.class_embeddings,
            frames=COUNT,
            restart=restart,
        )

    return learn_best(noise, start, classifier, training, state=state)


@pytest.fixture(scope="module")
def undisturbed(
    small_training: TrainingClips, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Perturbation, History]:
    return fit(small_training, tmp_path_factory.mktemp("whole") / "noise.partial")


def test_the_best_of_them_is_kept_and_named(small_training, tmp_path, monkeypatch):
    kept: dict[int, dict[str, torch.Tensor]] = {}
    scores = {0: math.nan, 1: -0.5, 2: -0.7}

    def scripted(loop: _Loop) -> float:
        found = {name: part.clone() for name, part in loop._shown().parts.items()}
        kept[loop.history.restart] = found
        return scores[loop.history.restart]

    monkeypatch.setattr(_Loop, "_validate", scripted)
    noise = NOISE.model_copy(update={"learning": quick(steps=2, validate_every=2, restarts=3)})
    best, history = fit(small_training, tmp_path / "noise.partial", noise)
    assert history.restart == 1
    assert history.restarts[1:] == [-0.5, -0.7]
    assert all(torch.equal(part, kept[1][name]) for name, part in best.parts.items())
    assert History.from_json(history.to_json()).restart == 1


def test_each_has_another_start_and_other_batches_and_wrong_classes(
    small_training, tmp_path, monkeypatch
):
    starts: dict[int, torch.Tensor] = {}
    frames: list[torch.Tensor] = []
    step, batch = _Loop.step, TrainingClips.batch

    def watched(loop: _Loop) -> None:
        if loop.history.steps == 0:
            starts[loop.history.restart] = loop.perturbation.parts["own"].detach().clone()
        step(loop)

    def sampled(clips: TrainingClips, *given: Any) -> Any:
        found = batch(clips, *given)
        frames.append(found.frames)
        return found

    monkeypatch.setattr(_Loop, "step", watched)
    monkeypatch.setattr(TrainingClips, "batch", sampled)
    fit(
        small_training,
        tmp_path / "noise.partial",
        ClassSpecificNoise(learning=quick(steps=1, restarts=3)),
    )
    assert len(starts) == len(frames) == 3
    for several in (list(starts.values()), frames):
        assert all(not torch.equal(one, other) for one, other in combinations(several, 2))


def test_the_first_is_a_fit_without_restarts(small_training, tmp_path, undisturbed):
    once = quick(steps=6, validate_every=2, ema=0.6)
    alone = NOISE.model_copy(update={"learning": once})
    one, history = fit(small_training, tmp_path / "one.partial", alone)
    _, several = undisturbed
    assert history.restarts == []
    assert several.restarts[0] == history.best
    assert max(several.restarts) == several.best
    assert same_bits(one, fit(small_training, tmp_path / "one.partial", alone)[0])


class KilledError(Exception):
    pass


@pytest.mark.parametrize("steps", [3, 17])
def test_a_kill_in_any_of_them_changes_nothing(small_training, tmp_path, undisturbed, steps):
    whole, history = undisturbed
    step = _Loop.step
    made: list[int] = []

    def dying(loop: _Loop) -> None:
        if len(made) == steps:
            raise KilledError
        made.append(loop.history.steps)
        step(loop)

    def counting(loop: _Loop) -> None:
        again.append(loop.history.steps)
        step(loop)

    again: list[int] = []
    state = tmp_path / "killed.partial"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning._Loop, "step", dying)
        with pytest.raises(KilledError):
            fit(small_training, state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning._Loop, "step", counting)
        found, resumed = fit(small_training, state)
    assert len(again) == 18 - (steps - steps % 2), "only what was not yet looked at"
    assert same_bits(whole, found)
    assert resumed == history
    assert all(path.is_file() for path in states(NOISE, state))
