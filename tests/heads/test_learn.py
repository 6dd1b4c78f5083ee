"""Learning by steps: what is kept, when it stops, and that it is the same again."""

import numpy as np
import pytest
import torch

from clip_har.heads.learn import Schedule, learn

LABELS = np.array([0] * 30 + [1] * 3)
GOAL = torch.tensor([1.0, -2.0])


def learned(schedule, *, score=None, seen=None, half=False):
    def loss(values, rows):
        if seen is not None:
            seen.append(rows)
        return (values - GOAL).square().sum()

    return learn(
        torch.tensor([3.0, 3.0]), LABELS, schedule, rate=0.15, loss=loss,
        score=score or (lambda values: -float((values - GOAL).square().sum())),
        message="", half=half,
    )  # fmt: skip


def test_it_finds_the_lowest_loss():
    values, step = learned(Schedule(steps=400, patience=99))
    assert step > 100
    torch.testing.assert_close(values, GOAL, atol=1e-3, rtol=0)


def test_the_steps_are_those_of_adam_along_a_cosine():
    values, _ = learned(Schedule(steps=7, validate_every=1))
    oracle = torch.tensor([3.0, 3.0], requires_grad=True)
    optimiser = torch.optim.Adam([oracle], lr=0.15)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 7)
    for _ in range(7):
        optimiser.zero_grad()
        (oracle - GOAL).square().sum().backward()
        optimiser.step()
        falling.step()
    torch.testing.assert_close(values, oracle.detach())


def test_all_classes_are_as_likely_in_a_batch_and_batches_differ():
    seen: list[np.ndarray] = []
    learned(Schedule(steps=40, batch=50), seen=seen)
    assert LABELS[np.concatenate(seen)].mean() == pytest.approx(0.5, abs=0.03)
    assert not np.array_equal(seen[0], seen[1])
    again: list[np.ndarray] = []
    learned(Schedule(steps=40, batch=50), seen=again)
    np.testing.assert_array_equal(seen, again)
    other: list[np.ndarray] = []
    learned(Schedule(steps=40, batch=50, seed=1), seen=other)
    assert not np.array_equal(seen, other)


def test_the_best_is_kept_and_learning_stops_after_it():
    """Validation is best near 2; after that it falls for as many validations as it may."""
    asked = []

    def score(values):
        asked.append(float(values[0]))
        return -abs(float(values[0]) - 2)

    values, step = learned(Schedule(steps=400, validate_every=5, patience=3), score=score)
    assert float(values[0]) == pytest.approx(2, abs=0.3)
    assert step < 100
    assert len(asked) == 1 + step // 5 + 3


@pytest.mark.parametrize("worse", [-1.0, float("nan")])
def test_a_start_that_nothing_is_better_than_is_kept(worse):
    first = []

    def score(values):
        first.append(values)
        return 0.0 if len(first) == 1 else worse

    values, step = learned(Schedule(steps=100), score=score)
    assert step == 0
    torch.testing.assert_close(values, torch.tensor([3.0, 3.0]))


def test_scaled_gradients_take_the_same_steps():
    plain, scaled = (learned(Schedule(steps=20), half=half)[0] for half in (False, True))
    torch.testing.assert_close(scaled, plain, atol=1e-5, rtol=0)


def test_a_step_whose_gradient_is_not_finite_is_skipped():
    """In half precision the first, largest scale may be too large for a gradient."""
    seen = []

    def loss(values, rows):
        seen.append(values.detach().clone())
        return values.sum() * (float("inf") if len(seen) == 1 else 1.0)

    values, _ = learn(
        torch.tensor([3.0, 3.0]), LABELS, Schedule(steps=3, validate_every=1), rate=0.1, loss=loss,
        score=lambda values: -float(values.sum()), message="", half=True,
    )  # fmt: skip
    torch.testing.assert_close(seen[1], seen[0])
    assert (values < 3).all()
