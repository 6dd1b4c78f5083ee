import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from experiments.tiny_clip.losses import cell_shares, contrastive_loss, map_loss


def test_with_one_positive_each_it_is_the_loss_of_clip() -> None:
    torch.manual_seed(0)
    images, texts = torch.randn(6, 8), torch.randn(6, 8)
    scale = torch.tensor(5.0)
    logits = scale * normalize(images, dim=1) @ normalize(texts, dim=1).T
    own = torch.arange(6)
    expected = (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2
    found = contrastive_loss(images, texts, torch.eye(6, dtype=torch.bool), scale)
    torch.testing.assert_close(found, expected)


def test_several_positives_share_the_target() -> None:
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    texts = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    match = torch.tensor([[True, True, False], [False, False, True]])
    right = contrastive_loss(images, texts, match, torch.tensor(50.0))
    # Two captions of one clip are equally right: the best that a row can reach is log 2.
    assert float(right) == pytest.approx(np.log(2) / 2 / 2, abs=1e-4)
    assert float(contrastive_loss(images, texts, ~match, torch.tensor(50.0))) > 10


def test_a_caption_that_fits_nothing_is_a_negative_only() -> None:
    images = torch.eye(3)
    texts = torch.cat([torch.eye(3), -torch.ones(1, 3)])
    match = torch.eye(3, 4, dtype=torch.bool)
    loss = contrastive_loss(images, texts, match, torch.tensor(20.0))
    assert torch.isfinite(loss)
    assert float(loss) < 0.01


def test_cells_hold_the_shares_of_their_own_pixels() -> None:
    maps = torch.from_numpy(np.random.default_rng(0).integers(0, 3, (2, 32, 48), np.uint8))
    cells = cell_shares(maps, 16, 4)
    assert cells.shape == (2, 6, 16, 3)
    # Patch 4 is in row 1, column 1; its cell 6 in row 1, column 2.
    pixels = maps[1, 16 + 4 : 16 + 8, 16 + 8 : 16 + 12]
    expected = torch.tensor([(pixels == kind).float().mean() for kind in range(3)])
    torch.testing.assert_close(cells[1, 4, 6], expected)
    torch.testing.assert_close(cells.sum(dim=-1), torch.ones(2, 6, 16))


def test_the_map_loss_is_least_at_the_truth() -> None:
    cells = torch.softmax(torch.randn(2, 6, 16, 3), dim=-1)
    truth = cells.log().flatten(2)
    entropy = -(cells * cells.log()).sum(dim=-1).mean()
    torch.testing.assert_close(map_loss(truth, cells), entropy)
    assert map_loss(-truth, cells) > entropy
