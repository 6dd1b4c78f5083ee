"""Half precision: a gradient that is not finite costs its step, and lowers the scale."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from clip_har.noise.learned.learning import _Loop
from clip_har.noise.learned.settings import UniversalNoise
from clip_har.noise.learned.training_clips import TrainingClips
from tests.noise.made import planted_classifier, quick, same_bits, started


def scaled(small_training: TrainingClips, optimiser: Any) -> _Loop:
    classifier = planted_classifier()
    noise = UniversalNoise(learning=quick(optimiser=optimiser))
    perturbation = started(noise, classifier)
    for part in perturbation.parts.values():
        part.requires_grad_()
    loop = _Loop(noise, perturbation, classifier, small_training)
    loop.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=1000)
    loop.start()
    return loop


@pytest.mark.parametrize("optimiser", ["adam", "sign"])
def test_scaling_changes_no_step(small_training, optimiser):
    loop, plain = (scaled(small_training, optimiser) for _ in range(2))
    plain.scaler = torch.amp.GradScaler("cpu", enabled=False)
    for _ in range(3):
        loop.step()
        plain.step()
    for name, part in plain.perturbation.parts.items():
        torch.testing.assert_close(loop.perturbation.parts[name], part, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("optimiser", ["adam", "sign"])
def test_a_gradient_that_is_not_finite_costs_its_step_alone(
    small_training, optimiser, tmp_path, monkeypatch
):
    loop = scaled(small_training, optimiser)
    loop.step()
    before = loop._copy()
    with monkeypatch.context() as patch:
        backward = torch.Tensor.backward

        def overflowing(total: torch.Tensor, *given: Any, **more: Any) -> None:
            backward(total, *given, **more)
            for part in loop.perturbation.parts.values():
                assert part.grad is not None
                part.grad[0, 0, 0, 0, 0] = torch.inf

        patch.setattr(torch.Tensor, "backward", overflowing)
        loop.step()
    assert all(torch.equal(loop._copy()[name], part) for name, part in before.items())
    assert loop.scaler.get_scale() == 512
    assert loop.history.steps == 2

    state = Path(tmp_path) / "noise.partial"
    loop.save(state, loop.record() or {})
    again = scaled(small_training, optimiser)
    assert again.resume(state) is not None
    assert again.scaler.get_scale() == 512
    for one in (loop, again):
        one.step()
    assert same_bits(loop.perturbation, again.perturbation)
    if optimiser == "adam":
        (part,) = again.perturbation.parts.values()
        assert float(again.optimiser.state[part]["step"]) == 2, "the one that was lost is none"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_only_half_precision_is_scaled(small_training, dtype):
    classifier, noise = planted_classifier(), UniversalNoise(learning=quick())
    cast = replace(classifier, model=replace(classifier.model, dtype=dtype))
    loop = _Loop(noise, started(noise, classifier), cast, small_training)
    assert loop.scaler.is_enabled() == (dtype == torch.float16)
