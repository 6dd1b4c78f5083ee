"""Whether the model looks at the subject, and the attribution that noise can learn from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.engine.attribution import attribution_maps
from clip_har.models.attribution import attribution_with_gradient, clip_attribution, embed_clip
from clip_har.models.clip import CLIP
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.pooling import Pooling
from clip_har.models.preprocess import normalise
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned import loss
from tests.noise.learned.inside import mass_inside
from tests.noise.made import CPU

SIDE, GRID, FRAMES = 64, 4, 3


@pytest.fixture(scope="module")
def model(small_clip: Path) -> DualEncoder:
    return CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp32")


@pytest.fixture
def draws() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def clip(draws: torch.Generator) -> Tensor:
    shape = (FRAMES, 3, SIDE, SIDE)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=draws)


@pytest.fixture
def texts(draws: torch.Generator) -> Tensor:
    return normalize(torch.randn(FRAMES, 32, generator=draws), dim=-1)


def shown(model: DualEncoder, frames: Tensor) -> Tensor:
    return normalise(frames, model.scale, dtype=model.dtype)


# The share inside


def test_the_share_inside_by_hand():
    attribution = torch.tensor([[[1.0, 2], [3, 4]], [[0, 5], [5, 0]]])  # 20 in all
    subject = np.zeros((2, 4, 4), np.float32)
    subject[0, :2, :2] = 1  # all of the patch that has 1
    subject[0, 2:, 2:3] = 1  # half of the patch that has 4
    subject[1, 0, 2] = 0.5  # an eighth of a patch that has 5
    assert mass_inside(attribution, subject) == pytest.approx((1 + 2 + 0.625) / 20)


def test_the_subject_is_left_as_it_was():
    subject = np.ones((1, 4, 4), np.float32)
    subject.flags.writeable = False  # maps are read from a file
    assert mass_inside(torch.ones(1, 2, 2), subject) == pytest.approx(1)


def test_the_loss_is_what_lies_outside():
    draws = torch.Generator().manual_seed(0)
    attribution, subject = (torch.rand(1, 4, 4, generator=draws) for _ in range(2))
    inside = mass_inside(attribution, subject.numpy())
    assert float(loss.attention(attribution, subject)) == pytest.approx(1 - inside)


# Attribution


@pytest.mark.parametrize("pooling", ["mean", "mean_probability", "max"])
def test_maps_are_the_attribution_for_a_class(model, clip, texts, pooling: Pooling):
    classifier = ZeroShot(model, texts, pooling, 32)
    embeddings = embed_clip(model, clip)
    found = [attribution_maps(classifier, clip, label) for label in range(FRAMES)]
    for label, maps in enumerate(found):
        expected = clip_attribution(model, clip, texts[label], embeddings, pooling=pooling)
        assert torch.equal(maps, expected)
        assert maps.shape == (FRAMES, GRID, GRID)
    assert not torch.allclose(found[0], found[1], rtol=0.1)


def test_attribution_with_a_gradient_is_that_of_single_frames(model, clip, texts):
    found = attribution_with_gradient(model, shown(model, clip).requires_grad_(), texts)
    assert found.shape == (FRAMES, GRID, GRID)
    for frame, text, maps in zip(clip.split(1), texts, found, strict=True):
        alone = clip_attribution(model, frame, text, embed_clip(model, frame))[0]
        torch.testing.assert_close(maps.detach(), alone, atol=1e-5 * float(alone.max()), rtol=1e-4)
        assert alone.max() > 0


def test_the_gradient_of_attribution_equals_finite_differences(model, clip, texts):
    pixels = shown(model, clip).requires_grad_()
    subject = torch.zeros(FRAMES, GRID, GRID)
    subject[:, 1:3, :2] = 1

    def outside(of: Tensor) -> Tensor:
        return loss.attention(attribution_with_gradient(model, of, texts), subject)

    (slope,) = torch.autograd.grad(outside(pixels), pixels)
    assert slope.isfinite().all()
    assert (slope.flatten(1).norm(dim=1) > 0).all(), "every frame counts"
    way = slope / slope.norm()
    step = 0.05
    ends = []
    for sign in (1, -1):
        moved = (pixels + sign * step * way).detach().requires_grad_()
        ends.append(float(outside(moved).detach()))
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(float(slope.norm()), rel=0.05)


def test_the_model_learns_nothing_from_attribution(model, clip, texts):
    tower = model.network.vision_model
    pixels = shown(model, clip).requires_grad_()
    attribution_with_gradient(model, pixels, texts).square().sum().backward()
    assert pixels.grad is not None
    assert all(weight.grad is None for weight in model.network.parameters())
    assert tower.config._attn_implementation == "sdpa", "the fast kernel is back"
