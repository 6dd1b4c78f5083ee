"""Each term against a case worked by hand, and what must hold of it in any case."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, rel_entr, softmax
from torch import Tensor

from clip_har.noise.learned import loss
from clip_har.noise.learned.protocols import apply_protocol

# Logits are logarithms of counts: the softmax of ln (1, 2, 1) is (1/4, 1/2, 1/4).
LN2 = np.log(2)
EXTREME = [0.0, 300.0, -300.0, 1e-6, 120.0, -120.0]

logits = st.lists(st.floats(-60, 60), min_size=4, max_size=4)
batches = st.lists(logits, min_size=1, max_size=5)


def counts(*rows):
    return torch.tensor(rows, dtype=torch.float64).log()


def random_logits(*shape, seed=0, size=3.0):
    draws = np.random.default_rng(seed)
    return (size * draws.standard_normal(shape)).astype(np.float32)


def extreme_logits(seed):
    draws = np.random.default_rng(seed)
    return torch.tensor(draws.choice(EXTREME, (6, 4)), dtype=torch.float32).requires_grad_()


# Of the answer under the own class's noise


def test_cross_entropy_by_hand():
    own = counts((1, 2, 1), (6, 1, 1))
    found = loss.cross_entropy(own, torch.tensor([1, 0]))
    assert float(found) == pytest.approx((LN2 + np.log(8 / 6)) / 2)


# Of the answers under wrong classes' noise


def test_contrast_by_hand():
    wrong = counts((1, 2, 1), (1, 3, 4))[None]  # (1, 2, 3), of a clip of class 2
    found = loss.contrast(wrong, torch.tensor([[1, 0]]))
    assert float(found) == pytest.approx((np.log(2) + np.log(8 / 7)) / 2)


def test_contrast_is_exact_where_the_noise_names_its_class_almost_surely():
    wrong = torch.tensor([[[60.0, 0.0, 0.0]]], requires_grad=True)
    found = loss.contrast(wrong, torch.tensor([[0]]))
    found.backward()
    naive = -torch.log(1 - wrong.detach().softmax(dim=2)[0, 0, 0])
    assert torch.isinf(naive), "in float32 1 - p is 0 here"
    assert found.item() == pytest.approx(60 - LN2, rel=1e-6)
    torch.testing.assert_close(wrong.grad, torch.tensor([[[1.0, -0.5, -0.5]]]))


def test_contrast_sees_only_the_class_of_the_noise():
    wrong = counts((2, 1, 5))[None]
    swapped = counts((2, 5, 1))[None]
    classes = torch.tensor([[0]])
    assert loss.contrast(wrong, classes) == loss.contrast(swapped, classes)
    assert loss.contrast(wrong, classes) < loss.contrast(wrong, torch.tensor([[2]]))


# Of the candidates


def test_ranking_by_hand():
    found = loss.ranking(counts((1, 1, 2), (2, 1, 1)))
    assert float(found) == pytest.approx((np.log(4) + LN2) / 2)


def test_ranking_is_the_cross_entropy_of_the_candidate_protocol():
    noisy = random_logits(9, 4, 4)
    labels = np.arange(9) % 4
    scores, _ = apply_protocol("candidate", noisy[:, 0], noisy, labels=labels, top_k=1)
    expected = -log_softmax(scores, axis=1)[np.arange(9), labels].mean()
    shown = [[label, *(other for other in range(4) if other != label)] for label in labels]
    candidates = np.array(
        [[noisy[row, c, c] for c in order] for row, order in enumerate(shown)], np.float32
    )
    assert float(loss.ranking(torch.from_numpy(candidates))) == pytest.approx(expected, rel=1e-5)


def test_ranking_stays_on_the_device_of_its_scores():
    assert loss.ranking(torch.zeros(2, 3, device="meta")).device.type == "meta"


# Of the mean answer


def test_bias_by_hand():
    answers = counts((1, 3), (1, 1))  # mean (3/8, 5/8)
    found = loss.bias(answers, torch.tensor([1 / 4, 3 / 4], dtype=torch.float64))
    assert float(found) == pytest.approx(3 / 8 * np.log(3 / 2) + 5 / 8 * np.log(5 / 6))


def test_bias_is_zero_at_the_prior():
    prior = torch.tensor([0.1, 0.2, 0.7])
    assert float(loss.bias(prior.log().expand(5, 3), prior)) == pytest.approx(0, abs=1e-6)
    answers = counts((1, 8, 1), (6, 1, 3))  # each far from the prior, the mean at it
    assert float(loss.bias(answers, answers.softmax(1).mean(0))) == pytest.approx(0, abs=1e-9)


@given(batches)
def test_bias_is_the_relative_entropy_and_at_least_zero(rows):
    prior = np.array([0.1, 0.2, 0.3, 0.4])
    found = float(loss.bias(torch.tensor(rows), torch.from_numpy(prior).float()))
    expected = rel_entr(softmax(np.array(rows, np.float32), axis=1).mean(0), prior).sum()
    assert found == pytest.approx(expected, abs=1e-5)
    assert found >= -1e-6


# Of the attribution

LEFT = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
NOWHERE = torch.zeros(2, 2)


def test_attention_by_hand():
    attribution = torch.tensor([[[1.0, 3.0], [0.0, 0.0]], [[2.0, 0.0], [1.0, 1.0]]])
    assert float(loss.attention(attribution, torch.stack([LEFT, LEFT]))) == pytest.approx(
        1 - (1 / 4 + 3 / 4) / 2
    )
    assert float(loss.attention(attribution, torch.stack([LEFT, LEFT / 2]))) == pytest.approx(
        1 - (1 / 4 + 3 / 8) / 2
    )


def test_attention_is_a_share_of_each_frame_however_strong_its_attribution():
    attribution = torch.tensor([[[1.0, 3.0], [0.0, 0.0]], [[2.0, 0.0], [1.0, 1.0]]])
    subject = torch.stack([LEFT, LEFT])
    strong = attribution * torch.tensor([100.0, 1.0])[:, None, None]
    torch.testing.assert_close(
        loss.attention(strong, subject), loss.attention(attribution, subject)
    )


def test_attention_leaves_out_frames_without_a_subject_or_attribution():
    attribution = torch.stack([torch.tensor([[1.0, 3.0], [0.0, 0.0]]), torch.ones(2, 2), NOWHERE])
    subject = torch.stack([LEFT, NOWHERE, LEFT])
    assert float(loss.attention(attribution, subject)) == pytest.approx(3 / 4)


def test_attention_with_no_subject_anywhere_asks_for_nothing():
    attribution = torch.rand(3, 2, 2).requires_grad_()
    found = loss.attention(attribution, torch.zeros(3, 2, 2))
    found.backward()
    assert found.item() == 0
    assert attribution.grad is not None
    assert not attribution.grad.any()


# Of all


def total(name: str, answers: Tensor) -> Tensor:
    """Return a term about answers ``(6, 4)``."""
    labels = torch.arange(6) % 4
    if name == "contrast":
        return loss.contrast(answers.reshape(3, 2, 4), labels.reshape(3, 2))
    if name == "bias":
        return loss.bias(answers, torch.full((4,), 1 / 4))
    if name == "ranking":
        return loss.ranking(answers)
    term: Tensor = getattr(loss, name)(answers, labels)
    return term


ABOUT_ANSWERS = ("cross_entropy", "contrast", "ranking", "bias")


@pytest.mark.parametrize("name", ABOUT_ANSWERS)
def test_value_and_gradient_are_finite_at_extreme_logits(name):
    for seed in range(20):
        answers = extreme_logits(seed)
        found = total(name, answers)
        found.backward()
        assert torch.isfinite(found), (name, seed)
        assert answers.grad is not None
        assert torch.isfinite(answers.grad).all(), (name, seed)


def test_bias_has_a_gradient_where_no_clip_is_answered_with_a_class():
    answers = torch.tensor([[300.0, 0.0], [250.0, 0.0]], requires_grad=True)
    assert answers.detach().softmax(1)[:, 1].max() == 0, "too small for float32"
    found = loss.bias(answers, torch.tensor([0.5, 0.5]))
    found.backward()
    assert found.item() == pytest.approx(LN2)
    assert answers.grad is not None
    assert torch.isfinite(answers.grad).all()


@pytest.mark.parametrize("name", ABOUT_ANSWERS)
def test_gradients_are_those_of_differences(name):
    answers = torch.from_numpy(random_logits(6, 4, seed=3)).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda values: total(name, values), answers)


def test_gradients_of_the_term_about_attribution_are_those_of_differences():
    draws = torch.Generator().manual_seed(0)
    attribution = torch.rand(3, 4, 4, dtype=torch.float64, generator=draws).requires_grad_()
    subject = torch.rand(3, 4, 4, dtype=torch.float64, generator=draws)
    assert torch.autograd.gradcheck(lambda values: loss.attention(values, subject), attribution)
