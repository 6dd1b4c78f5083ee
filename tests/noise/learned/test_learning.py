"""Learning: it helps where noise can, keeps the best, touches nothing else, survives a kill."""

import math
from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch

from clip_har.models.attribution import attribution_with_gradient
from clip_har.noise.learned import learning
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.learning import _Loop, cosine, learn, validate
from clip_har.noise.learned.learning_settings import LossWeights
from clip_har.noise.learned.objective import sample_wrong
from clip_har.noise.learned.perturbation import Perturbation
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.settings import ClassSpecificNoise, ResidualNoise, UniversalNoise
from clip_har.noise.learned.training_clips import TrainingClips
from tests.noise.learned.inside import mass_inside
from tests.noise.made import (
    KINDS,
    WHOLE,
    kind,
    planted_classifier,
    quick,
    random_classifier,
    same_bits,
    split,
    started,
    subject_maps,
)
from tests.planted import open_planted

# It helps


@pytest.mark.parametrize("optimiser", ["adam", "sign"])
@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_noise_is_learned_that_mends_the_planted_bias(learned, noise, optimiser):
    how = noise.learning.model_copy(update={"optimiser": optimiser})
    noise = noise.model_copy(update={"learning": how})
    _, history = learned(noise)
    assert history.validation[0] == pytest.approx(-1.0, abs=0.1), "two classes of five are wrong"
    assert history.validation[history.kept] > -0.2
    assert history.terms["total"][12] < 0.5 * history.terms["total"][3]


@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_the_model_is_left_as_it_was(learned, noise):
    classifier = planted_classifier()
    network = classifier.model.network
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    classes = classifier.class_embeddings.clone()
    learned(noise, classifier)
    after = network.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())
    assert all(w.grad is None and not w.requires_grad for w in network.parameters())
    assert torch.equal(classifier.class_embeddings, classes)
    assert classifier.class_embeddings.grad is None
    assert not network.training


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("optimiser", ["adam", "sign"])
def test_noise_stays_within_its_budget_at_every_step(learned, monkeypatch, norm, optimiser):
    sizes: list[float] = []
    step = _Loop.step

    def measured(loop: _Loop) -> None:
        step(loop)
        (part,) = loop.perturbation.parts.values()
        found = part.detach()
        sizes.append(float(found.abs().max() if norm == "linf" else found.square().mean().sqrt()))

    monkeypatch.setattr(_Loop, "step", measured)
    how = quick(optimiser=optimiser, step_size=0.9)
    learned(UniversalNoise(epsilon=2, norm=norm, learning=how))
    assert len(sizes) == 12
    assert max(sizes) == pytest.approx(2, rel=1e-5), "the budget binds, and is not left"


def test_both_parts_of_a_residual_stay_within_their_own_budgets(learned):
    noise = ResidualNoise(epsilon=3, epsilon_class=1, learning=quick(batch=40, step_size=0.9))
    best, _ = learned(noise)
    assert {name: float(part.abs().max()) for name, part in best.parts.items()} == {
        "shared": 3,
        "own": 1,
    }


# Its average


def test_what_is_kept_is_the_average_of_the_steps(learned, monkeypatch):
    seen: list[torch.Tensor] = []
    step = _Loop.step

    def watched(loop: _Loop) -> None:
        step(loop)
        seen.append(loop.perturbation.parts["shared"].detach().double())

    monkeypatch.setattr(_Loop, "step", watched)
    decay = 0.7
    how = quick(steps=5, validate_every=5, ema=decay)
    best, history = learned(UniversalNoise(learning=how))
    assert history.kept == 5
    shares = [decay ** (5 - step) for step in range(1, 6)]
    expected = sum(share * part for share, part in zip(shares, seen, strict=True)) / sum(shares)
    torch.testing.assert_close(best.parts["shared"].double(), expected, rtol=1e-5, atol=1e-5)
    assert not torch.equal(best.parts["shared"], seen[-1].float())


def test_the_average_changes_no_step(learned):
    how = quick(steps=5, validate_every=5)
    plain, _ = learned(UniversalNoise(learning=how))
    averaged, _ = learned(UniversalNoise(learning=how.model_copy(update={"ema": 1e-9})))
    torch.testing.assert_close(averaged.parts["shared"], plain.parts["shared"])


# Steps


def moves(
    monkeypatch: pytest.MonkeyPatch, learned: Callable[..., Any], noise: Learned
) -> list[torch.Tensor]:
    """Return what each step changes, as a share of the budget."""
    found: list[torch.Tensor] = []
    step = _Loop.step

    def watched(loop: _Loop) -> None:
        (name,) = loop.perturbation.parts
        part = loop.perturbation.parts[name]
        before = part.detach().clone()
        step(loop)
        found.append((part.detach() - before) / loop.perturbation.budget(name))

    monkeypatch.setattr(_Loop, "step", watched)
    learned(noise)
    return found


def test_steps_along_the_sign_have_one_length_that_falls_along_a_cosine(learned, monkeypatch):
    noise = UniversalNoise(learning=quick(optimiser="sign", step_size=0.02), **WHOLE)
    found = moves(monkeypatch, learned, noise)
    for step, move in enumerate(found):
        length = 0.02 * (1 + math.cos(math.pi * step / 12)) / 2
        torch.testing.assert_close(move.abs(), torch.full_like(move, length), atol=1e-6, rtol=0)


def test_steps_of_adam_are_those_of_its_formula(learned, monkeypatch):
    slopes: list[torch.Tensor] = []
    descend = _Loop._descend

    def watched(loop: _Loop, *given: Any, **more: Any) -> None:
        descend(loop, *given, **more)
        (part,) = loop.perturbation.parts.values()
        assert part.grad is not None
        slopes.append(part.grad.double())

    monkeypatch.setattr(_Loop, "_descend", watched)
    found = moves(monkeypatch, learned, UniversalNoise(learning=quick(step_size=0.02), **WHOLE))
    first, second = torch.zeros_like(slopes[0]), torch.zeros_like(slopes[0])
    for step, (slope, move) in enumerate(zip(slopes, found, strict=True)):
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        corrected = (second / (1 - 0.999 ** (step + 1))).sqrt()
        length = 0.02 * 16 * cosine(step, 12)  # of grey levels
        expected = -length * first / (1 - 0.9 ** (step + 1)) / (corrected + 1e-8) / 16
        torch.testing.assert_close(move.double(), expected, atol=2e-6, rtol=1e-3)


def test_the_step_size_falls_from_all_to_nothing():
    shares = [cosine(step, 40) for step in range(41)]
    assert shares[0] == 1
    assert shares[20] == pytest.approx(0.5)
    assert shares[40] == pytest.approx(0, abs=1e-12)
    assert all(one > other for one, other in pairwise(shares))


def test_every_step_sends_as_many_frames_through_the_model_as_it_may(learned, monkeypatch):
    classifier = planted_classifier()
    sizes: list[int] = []
    features = classifier.model.network.get_image_features

    def counted(pixel_values: torch.Tensor) -> Any:
        if pixel_values.requires_grad:
            sizes.append(len(pixel_values))
        return features(pixel_values=pixel_values)

    monkeypatch.setattr(classifier.model.network, "get_image_features", counted)
    learned(UniversalNoise(learning=quick(steps=2, batch=10)), classifier)
    learned(ClassSpecificNoise(learning=quick(steps=2, batch=10), wrong=2), classifier)
    learned(ClassSpecificNoise(learning=quick(steps=2, batch=10), wrong=99), classifier)
    assert sizes == [10, 10, 9, 9, 10, 10]  # 3 clips under 3 noises each, 2 under all 5


def test_wrong_classes_are_sampled_anew_in_each_step(learned, monkeypatch):
    sampled: list[list[list[int]]] = []

    def watched(clean: torch.Tensor, *given: Any, **more: Any) -> torch.Tensor:
        wrong = sample_wrong(torch.zeros_like(clean), *given, **more)  # the same clips each time
        sampled.append(wrong.tolist())
        return wrong

    batch = TrainingClips.batch
    monkeypatch.setattr(learning, "sample_wrong", watched)
    monkeypatch.setattr(
        TrainingClips, "batch", lambda clips, noise, size, *_: batch(clips, noise, size, 0)
    )
    how = quick(steps=4, batch=40)
    learned(ClassSpecificNoise(learning=how))
    learned(ClassSpecificNoise(learning=how))
    assert sampled[:4] == sampled[4:]
    assert all(one != other for one, other in combinations(sampled[:4], 2))
    learned(ClassSpecificNoise(learning=how, seed=1))
    assert sampled[8:] != sampled[:4]


# What is kept


def scripted(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> list[torch.Tensor]:
    """Let the validation clips say these scores; return the noise at each look."""
    seen: list[torch.Tensor] = []
    rest = iter(scores)

    def scripted_score(loop: _Loop) -> float:
        (part,) = loop.perturbation.parts.values()
        seen.append(part.detach().clone())
        return next(rest)

    monkeypatch.setattr(_Loop, "_validate", scripted_score)
    return seen


@pytest.mark.parametrize(
    ("scores", "how", "looks", "kept"),
    [
        ([-1, -0.7, -0.5, -0.6, -0.5, -0.55], (99, 2, 3), [0, 2, 4, 6, 8, 10], 4),
        ([-1, -0.7, -0.8, -0.6, -0.8, -0.9], (99, 1, 2), [0, 1, 2, 3, 4, 5], 3),
        ([-0.1, -3, -2, -4], (5, 2, 99), [0, 2, 4, 5], 4),
        ([-1, -0.5, math.nan, -0.9, -0.8], (12, 3, 99), [0, 3, 6, 9, 12], 3),
    ],
    ids=["as good is not better", "a better one starts again", "never the start", "no number"],
)
def test_the_noise_of_the_best_look_is_kept(learned, monkeypatch, scores, how, looks, kept):
    """Learning stops when patience ends; the last step is looked at, too."""
    seen = scripted(monkeypatch, [*scores, 0.0])  # the last one is never asked for
    steps, every, patience = how
    learning = quick(steps=steps, validate_every=every, patience=patience)
    best, history = learned(UniversalNoise(learning=learning))
    assert list(history.validation) == looks
    np.testing.assert_equal(list(history.validation.values()), scores)
    assert (history.kept, history.steps) == (kept, looks[-1])
    same = [torch.equal(best.parts["shared"], part) for part in seen]
    assert same == [step == kept for step in looks]


@pytest.mark.parametrize("noise", KINDS, ids=kind)
def test_the_kept_noise_has_the_score_that_is_noted(learned, small_training, noise):
    classifier = planted_classifier()
    best, history = learned(noise, classifier)
    score = validate(noise, best, classifier, small_training.validation(noise))
    assert score == history.validation[history.kept]
    assert history.kept == max(
        list(history.validation)[1:], key=lambda step: history.validation[step]
    )


# The terms of the loss in the history


def test_every_term_with_a_weight_is_in_the_history(learned):
    weights = {"cross_entropy": 0.5, "contrast": 0.3, "ranking": 1.0, "bias": 0.2}
    how = quick(steps=6, batch=40)
    _, history = learned(ClassSpecificNoise(loss=LossWeights(**weights), learning=how))
    assert set(history.terms) == {*weights, "total"}
    for step in (3, 6):
        total = sum(weight * history.terms[name][step] for name, weight in weights.items())
        assert history.terms["total"][step] == pytest.approx(total, rel=1e-5)
    assert all(list(curve) == [3, 6] for curve in history.terms.values())
    assert all(math.isfinite(v) and v != 0 for c in history.terms.values() for v in c.values())


def test_a_term_is_the_mean_of_the_steps_since_the_last_look(learned):
    often, seldom = (
        learned(UniversalNoise(learning=quick(steps=6, validate_every=every)))[1].terms["total"]
        for every in (1, 3)
    )
    assert list(often) == [1, 2, 3, 4, 5, 6]
    for step in (3, 6):
        mean = sum(often[number] for number in range(step - 2, step + 1)) / 3
        assert seldom[step] == pytest.approx(mean)


def test_a_term_with_a_weight_changes_what_is_learned(learned):
    noise = ClassSpecificNoise(learning=quick(steps=3), loss=LossWeights(cross_entropy=1))
    plain, _ = learned(noise)
    with_bias, _ = learned(noise.model_copy(update={"loss": LossWeights(cross_entropy=1, bias=20)}))
    assert not same_bits(plain, with_bias)


@pytest.mark.parametrize("noise", [UniversalNoise, ClassSpecificNoise], ids=["all", "each"])
def test_attention_is_learned_from_the_subjects_place(planted_set, small_clip, tmp_path, noise):
    classifier = random_classifier(small_clip, batch_size=32)
    model, classes = classifier.model, classifier.class_embeddings
    frames = open_planted(planted_set, tmp_path)
    chosen = noise(
        loss=LossWeights(attention=1.0),
        learning=quick(
            steps=6, batch=16, validate_every=2, validation_clips_per_class=1, step_size=0.3
        ),
        resolution=8,
        epsilon=64,
        **WHOLE,
    )
    training = split(frames, subject=subject_maps(frames, tmp_path))
    batch = training.validation(chosen)
    labels = batch.labels if chosen.per_class else torch.zeros_like(batch.labels)

    def inside(perturbation: Perturbation) -> float:
        assert isinstance(perturbation, PixelNoise)
        for part in perturbation.parts.values():
            part.requires_grad_()
        pixels = perturbation.pixels(model, batch.frames, batch.visible, labels, batch.times)
        attribution = attribution_with_gradient(model, pixels, classes[batch.labels]).detach()
        assert batch.subject is not None
        return mass_inside(attribution, batch.subject.numpy())

    before = inside(started(chosen, classifier))
    best, history = learn(
        chosen, started(chosen, classifier), classifier, training, state=tmp_path / "state"
    )
    assert set(history.terms) == {"attention", "total"}
    curve = history.terms["attention"]
    assert 0 < curve[6] < curve[2] < 1
    assert inside(best) > before + 0.003, "attribution moves to the subject, on other clips, too"
