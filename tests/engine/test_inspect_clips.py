"""Learned noise: where the model looks, and the clips that are shown."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clip_har.data.clips import ClipSet
from clip_har.engine.attribution import attribution_maps
from clip_har.engine.score_clips import seen_frames
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.swap import SwapMask
from clip_har.metrics.noise_effect import effect_table
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.settings import ClassSpecificNoise, EmbeddingNoise, UniversalNoise
from tests.noise.learned.inside import mass_inside
from tests.noise.made import (
    evaluated,
    mending,
    naming,
    planted_classifier,
    random_classifier,
    random_noise,
    scores,
    shown,
    subject_maps,
)
from tests.planted import open_planted

# Attention


@pytest.fixture(scope="module")
def looking(
    planted_set: ClipSet, small_clip: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ZeroShot, MaskedClips]:
    """A CLIP of random weights, and clips with the subject's place; two of them show nobody."""
    folder = tmp_path_factory.mktemp("looking")
    frames = open_planted(planted_set.limit(8), folder)
    maps = subject_maps(frames, folder)
    found = maps.found.copy()
    found[[0, 5]] = False
    maps.found = found
    return random_classifier(small_clip), shown(frames, subject=maps)


def masses(
    classifier: ZeroShot, masked: MaskedClips, seen: Mapping[int, Any], table: Any
) -> dict[int, float]:
    assert masked.subject is not None
    return {
        row: mass_inside(
            attribution_maps(classifier, frames, int(table.scores[row].argmax())),
            masked.subject.soft_mask(row),
        )
        for row, frames in seen.items()
    }


def test_attention_is_measured_on_what_was_shown_for_what_was_answered(looking):
    classifier, masked = looking
    noise = ClassSpecificNoise(epsilon=60, attention_clips=4)
    own = random_noise(noise, classifier)
    assert isinstance(own, PixelNoise)
    universal = random_noise(UniversalNoise(epsilon=60), classifier)
    assert isinstance(universal, PixelNoise)
    _, result = evaluated(noise, masked, classifier, own=own, universal=universal)
    measured = {
        name for name, found in result.variant_scores.items() if found.attention is not None
    }
    assert measured == {"none", "candidate", "universal"}
    rows = [1, 3, 4, 7]  # of those with a subject, evenly spread
    used = scores(result, "candidate").argmax(axis=1)
    clips = {row: masked.clip(row) for row in rows}
    seen: dict[str, Mapping[int, Any]] = {
        "none": {row: clip.frames for row, clip in clips.items()},
        "candidate": {row: seen_frames(clip, own, int(used[row])) for row, clip in clips.items()},
        "universal": {row: seen_frames(clip, universal, 0) for row, clip in clips.items()},
    }
    for name, frames in seen.items():
        found = result.variant_scores[name].attention
        assert found is not None
        expected = masses(classifier, masked, frames, result.variant_scores[name].table)
        assert np.flatnonzero(np.isfinite(found)).tolist() == rows
        assert {row: found[row] for row in rows} == pytest.approx(expected)
    effects = effect_table(result.variant_scores, result.headline)
    mass = effects[effects["measure"] == "attention/mass"]
    assert list(zip(mass["variant"], mass["against"], strict=True)) == [
        ("candidate", "none"),
        ("universal", "none"),
        ("candidate", "universal"),
    ]
    assert mass["clips"].tolist() == [4] * 3


def test_calibration_and_protocols_beside_the_headline_have_no_attention(looking):
    classifier, masked = looking
    noise = UniversalNoise(attention_clips=1)
    _, result = evaluated(noise, masked, classifier, own=random_noise(noise, classifier))
    measured = {
        name for name, found in result.variant_scores.items() if found.attention is not None
    }
    assert measured == {"none", "learned"}


@pytest.mark.parametrize(
    "noise", [UniversalNoise(attention_clips=0), EmbeddingNoise()], ids=["none", "feature space"]
)
def test_attention_that_is_not_asked_for_is_not_measured(looking, noise):
    classifier, masked = looking
    _, result = evaluated(
        noise,
        masked,
        classifier,
        own=random_noise(noise, classifier),
        universal=random_noise(UniversalNoise(), classifier),
    )
    assert all(found.attention is None for found in result.variant_scores.values())
    assert all(example.attribution_before is None for example in result.inspection.examples)


def test_without_a_region_source_there_is_no_attention(named):
    assert all(found.attention is None for found in named.variant_scores.values())
    assert all(example.clip.subject is None for example in named.inspection.examples)


def test_attention_on_a_frozen_clip_is_measured_against_the_frame_that_is_shown(looking):
    classifier, masked = looking
    frozen = replace(masked, masking=SwapMask(frozen=True), feature=masked.subject)
    noise = UniversalNoise(attention_clips=8, controls=False)
    _, result = evaluated(noise, frozen, classifier, own=random_noise(noise, classifier))
    found = result.variant_scores["none"].attention
    assert found is not None
    (rows,) = np.isfinite(found).nonzero()
    assert len(rows) == len(frozen.evaluated) == 6
    for row in rows:
        frames = frozen.clip(frozen.evaluated[row]).frames
        answer = int(scores(result, "none")[row].argmax())
        middle = masked.subject.soft_mask(frozen.evaluated[row])[4]
        subject = np.repeat(middle[None], len(frames), axis=0)
        expected = mass_inside(attribution_maps(classifier, frames, answer), subject)
        assert found[row] == pytest.approx(expected)


# Examples


def test_examples_show_clips_whose_answer_changed_first_and_some_others(small_frames):
    classifier, noise = planted_classifier(), UniversalNoise()
    own = mending(noise, classifier)
    masked = shown(small_frames)
    _, result = evaluated(noise, masked, classifier, own=own)
    before, after = scores(result, "none").argmax(axis=1), scores(result, "learned").argmax(axis=1)
    changes = [example.before != example.after for example in result.inspection.examples]
    assert changes == [True, True, True, False]
    ids = [clip.id for clip in small_frames.clip_set.clips]
    for example in result.inspection.examples:
        row = ids.index(example.clip.id)
        assert example.label == small_frames.clip_set.labels[row]
        assert (example.before, example.after) == (before[row], after[row])
        expected = seen_frames(example.clip, own, 0)
        assert torch.equal(example.noisy, expected)


def test_examples_where_nothing_changed(named):
    assert len(named.inspection.examples) == 4
    assert all(example.before == example.after for example in named.inspection.examples)
    assert len({example.clip.id for example in named.inspection.examples}) == 4


def test_examples_show_the_noise_that_the_answer_was_given_under(small_frames):
    classifier, noise = planted_classifier(), ClassSpecificNoise(protocol="oracle")
    own = naming(noise, classifier)
    _, result = evaluated(noise, shown(small_frames), classifier, own=own)
    for example in result.inspection.examples:
        expected = seen_frames(example.clip, own, example.label)
        assert torch.equal(example.noisy, expected)


def test_examples_in_feature_space_show_the_frames_as_they_are(small_frames):
    classifier, noise = planted_classifier(), EmbeddingNoise()
    _, result = evaluated(
        noise, shown(small_frames), classifier, own=random_noise(noise, classifier)
    )
    assert all(
        torch.equal(shown_.noisy, shown_.clip.frames) for shown_ in result.inspection.examples
    )


def test_examples_have_the_attribution_of_clips_with_a_subject(looking):
    classifier, masked = looking
    noise = UniversalNoise(epsilon=60)
    own = random_noise(noise, classifier)
    _, result = evaluated(noise, masked, classifier, own=own)
    for example in result.inspection.examples:
        row = [clip.id for clip in masked.frames.clip_set.clips].index(example.clip.id)
        assert row not in (0, 5), "nobody is there"
        assert example.attribution_before is not None
        assert example.attribution_after is not None
        assert torch.equal(
            example.attribution_before,
            attribution_maps(classifier, example.clip.frames, example.before),
        )
        assert torch.equal(
            example.attribution_after, attribution_maps(classifier, example.noisy, example.after)
        )
        assert masked.subject is not None
        assert example.clip.subject is not None
        assert np.array_equal(example.clip.subject, masked.subject.soft_mask(row))
