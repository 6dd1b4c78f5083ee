"""The clips of the baselines are those of the noise, under its masks."""

import numpy as np
import pytest

from clip_har.noise.learned.head_clips import embed_clips, embed_training
from clip_har.noise.learned.settings import UniversalNoise
from tests.noise.made import planted_classifier

MASKED = UniversalNoise(train_masking=("none", "percent"), train_ratios=(0.5,))


def test_both_sets_are_those_of_the_noise(small_training):
    clip_set = small_training.frames.clip_set
    parts = embed_training(MASKED, planted_classifier(), small_training, views=2)
    for part, indices in zip(
        parts, (small_training.learned_from, small_training.validated_on), strict=True
    ):
        np.testing.assert_array_equal(part.labels, np.tile(clip_set.labels[indices], 2))
        assert list(part.groups) == np.tile(clip_set.groups[indices], 2).tolist()
    assert not set(parts[0].groups) & set(parts[1].groups)


@pytest.mark.parametrize("batch_size", [4, 64])
def test_an_embedding_is_that_of_the_clip_alone(small_training, batch_size):
    classifier = planted_classifier(batch_size=batch_size)
    indices = small_training.validated_on.tolist()
    found = embed_clips(MASKED, classifier, small_training, indices, views=3)
    for row, index in enumerate(indices[:4]):
        alone = classifier.forward([small_training.clip(MASKED, index)])[1][0]
        np.testing.assert_allclose(found.embeddings[row], alone, atol=1e-6)
    views = found.embeddings.reshape(3, len(indices), -1)
    assert not np.allclose(views[0], views[1]), "each view has masks of its own"
    again = embed_clips(MASKED, classifier, small_training, indices, views=3)
    np.testing.assert_array_equal(again.embeddings, found.embeddings)
    other = MASKED.model_copy(update={"seed": 1})
    moved = embed_clips(other, classifier, small_training, indices, views=3)
    assert not np.allclose(moved.embeddings, found.embeddings)


@pytest.mark.parametrize("masks", [("none",), ("same",), ("none", "same")])
def test_without_masks_a_clip_is_embedded_once(small_training, masks):
    noise = UniversalNoise(train_masking=masks)
    indices = small_training.validated_on.tolist()
    assert len(embed_clips(noise, planted_classifier(), small_training, indices)) == len(indices)
