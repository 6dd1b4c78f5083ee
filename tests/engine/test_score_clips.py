"""Scores of clips with noise, against a computation by hand; hidden pixels stay as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.engine.score_clips import ClipScores, NoiseScores, score_clips, seen_frames
from clip_har.masking.feature import FeatureMask
from clip_har.masking.fill import apply_mask
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clip import MaskedClip
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.percent import PercentMask
from clip_har.models.pooling import Pooling, clip_scores
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.batch import ClipBatch
from clip_har.noise.contract import Noise
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.perturbation import NoPerturbation, Perturbation
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    ResidualNoise,
    UniversalNoise,
)
from clip_har.noise.learned.shift import EmbeddingShift
from clip_har.noise.none import NoNoise
from clip_har.noise.where import Where
from clip_har.results.score_table import ScoreTable
from tests.data.made import write_video
from tests.noise.made import COUNT, SIDE, planted_classifier, shown, started, subject_maps
from tests.planted import CLASSES, planted_frames
from tests.tables import scored_table

HALF = PercentMask(ratio=0.4, patch=4)
FRESH = PercentMask(ratio=0.4, patch=4, static=False)


def strong(noise: Learned, classifier: ZeroShot, *, factor: float = 100) -> Perturbation:
    """Return random noise that fills its budget."""
    made = started(noise, classifier)
    return made.with_parts({name: factor * part for name, part in made.parts.items()})


def pixels(noise: Learned, classifier: ZeroShot) -> PixelNoise:
    made = strong(noise, classifier)
    assert isinstance(made, PixelNoise)
    return made


def answered(
    frames: FrameStore,
    classifier: ZeroShot,
    noise: Perturbation,
    *,
    masking: Mask | None = None,
    where: Where = "everywhere",
) -> Mapping[str, NoiseScores]:
    if isinstance(noise, PixelNoise):
        noise = replace(noise, where=where)
    return with_noise(shown(frames, masking), classifier, learned=noise).by_noise


def with_noise(
    masked: MaskedClips, classifier: ZeroShot, *, clean: ScoreTable | None = None, **noises: Noise
) -> ClipScores:
    """Show clips without noise, and with some."""
    return score_clips(masked, classifier, {"none": NoPerturbation(), **noises}, clean=clean)


@pytest.mark.parametrize("noise", [ClassSpecificNoise(), UniversalNoise(), EmbeddingNoise()])
def test_drift_is_the_angle_to_the_embedding_without_inputs(small_frames, noise):
    classifier, plain = planted_classifier(), shown(small_frames)
    clean = scored_table(plain, classifier, keep_embeddings=True)
    masked, made = shown(small_frames, HALF), strong(noise, classifier)
    found = with_noise(masked, classifier, own=made, clean=clean).by_noise
    hidden = scored_table(masked, classifier, clean=clean)
    assert found["none"].drift[:, 0] == pytest.approx(hidden.drift, abs=1e-6)
    for row, column in ((0, 0), (2, made.columns - 1)):
        clip = masked.clip(masked.evaluated[row])
        if isinstance(made, PixelNoise):
            seen = classifier.embed([seen_frames(clip, made, column)])
        else:
            assert isinstance(made, EmbeddingShift)
            own = torch.full((len(clip.frames),), column)
            seen = made.move(classifier.embed([clip.frames]), own)
        whole = classifier.embed([plain.clip(plain.evaluated[row]).frames])
        angle = torch.cosine_similarity(seen.mean(dim=0), whole.mean(dim=0), dim=0)
        assert found["own"].drift[row, column] == pytest.approx(1 - float(angle), abs=1e-5)
    unknown = with_noise(masked, classifier, own=made).by_noise
    assert np.isnan(unknown["own"].drift).all()


# By hand


def by_hand(clip: MaskedClip, noise: PixelNoise, column: int, where: Where) -> Tensor:
    """Return what a clip looks like with noise, pixel by pixel in whole numbers."""
    delta = np.zeros((len(clip.frames), 3, SIDE, SIDE))
    for part in noise.parts.values():
        rows = part[min(column, len(part) - 1)].numpy()  # (F, 3, S, S)
        delta += rows if len(rows) > 1 else rows[:1]
    if noise.window is not None:
        delta *= noise.window.numpy()
    black = clip.hidden[:, None]  # (1 or T, 1, S, S)
    if where == "everywhere":
        picture = clip.frames.numpy() + delta
    elif where == "visible":
        picture = clip.frames.numpy() + np.where(black, 0, delta)
    else:
        picture = np.where(black, 0, clip.whole.numpy() + delta)  # the mask's fill is black
    return torch.from_numpy(np.rint(np.clip(picture, 0, 255)).astype(np.uint8))


@pytest.mark.parametrize("where", ["everywhere", "visible", "before"])
@pytest.mark.parametrize(
    "noise",
    [
        UniversalNoise(epsilon=60),
        BorderNoise(width=5),
        ClassSpecificNoise(epsilon=60),
        ClassSpecificNoise(epsilon=60, static=False),
        ResidualNoise(epsilon=60, epsilon_class=30),
    ],
    ids=lambda noise: f"{type(noise).__name__}{'' if noise.static else '-moving'}",
)
def test_scores_are_those_of_the_clamped_rounded_sum(small_frames, noise, where):
    classifier = planted_classifier()
    delta, masked = pixels(noise, classifier), shown(small_frames, FRESH)
    found = answered(small_frames, classifier, delta, masking=FRESH, where=where)["learned"]
    kinds = 5 if noise.per_class else 1
    assert found.scores.shape == (30, kinds, 5)
    for row in (0, 13, 29):
        clip = masked.clip(row)
        for column in range(kinds):
            picture = by_hand(clip, delta, column, where)
            assert torch.equal(seen_frames(clip, replace(delta, where=where), column), picture)
            expected = classifier.scores([picture])[0].numpy()
            np.testing.assert_allclose(found.scores[row, column], expected, atol=1e-4)


@pytest.mark.parametrize("where", ["everywhere", "visible"])
@pytest.mark.parametrize(
    "mask", [HALF, FRESH, FeatureMask(ratio=None, soft=2)], ids=["half", "fresh", "soft"]
)
@pytest.mark.parametrize(
    "noise",
    [
        UniversalNoise(epsilon=60),
        ClassSpecificNoise(epsilon=60),
        ClassSpecificNoise(epsilon=60, static=False),
    ],
    ids=["universal", "still", "moving"],
)
def test_noise_is_added_at_once_to_the_clips_of_a_batch_as_to_each(
    small_frames, tmp_path, noise, mask, where
):
    delta = replace(pixels(noise, planted_classifier()), where=where)
    maps = subject_maps(small_frames, tmp_path)
    masked = shown(small_frames, mask, subject=maps, feature=maps if mask.feature else None)
    batch = ClipBatch([masked.clip(row) for row in (0, 13, 29)])
    last = delta.columns - 1
    for columns in (np.array([0, last, last // 2]), np.array([last] * 3)):
        one_by_one, at_once = delta.seen(batch, columns), delta.seen_at_once(batch, columns)
        for mine, theirs in zip(one_by_one.frames, at_once.frames, strict=True):
            assert torch.equal(mine, theirs)
        assert torch.equal(one_by_one.rms, at_once.rms)
        assert torch.equal(one_by_one.largest, at_once.largest)


def test_every_class_has_an_answer_of_its_own(small_frames):
    classifier = planted_classifier()
    delta = pixels(ClassSpecificNoise(epsilon=60), classifier)
    found = answered(small_frames, classifier, delta)["learned"].scores
    assert (np.ptp(found, axis=1) > 0.01).all(), "the classes' noises differ"
    only = replace(delta, parts={"own": delta.parts["own"].clone()})
    only.parts["own"][3] = 0
    changed = answered(small_frames, classifier, only)
    same = np.isclose(changed["learned"].scores, found, atol=1e-5).all(axis=(0, 2))
    assert same.tolist() == [True, True, True, False, True]
    np.testing.assert_allclose(
        changed["learned"].scores[:, 3], changed["none"].scores[:, 0], atol=1e-5
    )


@pytest.mark.parametrize("pooling", ["mean", "mean_probability", "max"])
def test_without_noise_the_answers_are_those_of_the_model(small_frames, pooling: Pooling):
    classifier, masked = planted_classifier(pooling=pooling), shown(small_frames, HALF)
    noise = strong(UniversalNoise(), classifier)
    found = answered(small_frames, classifier, noise, masking=HALF)["none"]
    expected = classifier.scores([masked.clip(index).frames for index in masked.evaluated])
    assert found.scores.shape == (30, 1, 5)
    np.testing.assert_allclose(found.scores[:, 0], expected.numpy(), atol=1e-5)
    assert not found.rms.any()
    assert not found.largest.any()


@pytest.mark.parametrize("noise", [ClassSpecificNoise(), EmbeddingNoise()], ids=["δ", "shift"])
def test_the_batch_size_does_not_matter(small_frames, noise):
    one, other = (
        answered(
            small_frames, planted_classifier(batch_size=size), strong(noise, planted_classifier())
        )
        for size in (1, 7 * COUNT + 1)
    )
    for name in ("none", "learned"):
        for values in ("scores", "rms", "largest"):
            mine, theirs = getattr(one[name], values), getattr(other[name], values)
            np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_the_masks_effects_come_in_the_order_of_the_clips(small_frames):
    classifier = planted_classifier(batch_size=3 * COUNT)
    masked = shown(small_frames, HALF)
    effects = with_noise(masked, classifier).effects
    assert effects == [masked.clip(index).effect for index in masked.evaluated]


def test_only_evaluated_clips_are_answered(small_frames):
    classifier = planted_classifier()
    masked = shown(small_frames)
    masked.__dict__["evaluated"] = [4, 9]
    answered_only = with_noise(masked, classifier, learned=strong(UniversalNoise(), classifier))
    found, effects = answered_only.by_noise, answered_only.effects
    every = answered(small_frames, classifier, strong(UniversalNoise(), classifier))
    assert len(effects) == len(found["learned"].scores) == 2
    np.testing.assert_allclose(found["learned"].scores, every["learned"].scores[[4, 9]], atol=1e-5)


# Hidden pixels


@pytest.mark.parametrize("fill", ["blur", "mean"])
def test_paint_that_is_made_from_the_frame_holds_noise_before_the_mask(small_frames, fill):
    delta = pixels(UniversalNoise(epsilon=60), planted_classifier())
    clip = shown(small_frames, PercentMask(ratio=0.4, patch=4, fill=fill)).clip(0)
    noisy = (clip.whole + delta.parts["shared"][0]).clamp(0, 255).round().to(torch.uint8)
    expected = apply_mask(noisy, clip.hidden, fill, seed=0, clip_id=clip.id)
    assert torch.equal(seen_frames(clip, replace(delta, where="before"), 0), expected)
    beside = seen_frames(clip, replace(delta, where="visible"), 0)
    hidden = torch.from_numpy(clip.hidden)[:, None].expand_as(clip.frames)
    assert torch.equal(beside[hidden], clip.frames[hidden])
    assert torch.equal(beside[~hidden], expected[~hidden])


def test_a_pixel_that_is_covered_in_part_gets_a_part_of_the_noise(small_frames):
    delta = pixels(UniversalNoise(epsilon=60), planted_classifier())
    clip = shown(small_frames).clip(0)
    covered = np.full((1, SIDE, SIDE), 0.25, np.float32)
    half = replace(clip, hidden=covered, make_paint=lambda: clip.pixels)
    picture = (clip.frames + 0.75 * delta.parts["shared"][0]).clamp(0, 255).round()
    assert torch.equal(
        seen_frames(half, replace(delta, where="visible"), 0), picture.to(torch.uint8)
    )


# What was really added


def test_what_was_really_added_is_measured(small_frames):
    classifier, noise = planted_classifier(), ClassSpecificNoise(epsilon=90)
    delta = pixels(noise, classifier)
    found = answered(small_frames, classifier, delta, masking=HALF)["learned"]
    masked = shown(small_frames, HALF)
    for row in (0, 17):
        for column in range(5):
            clip = masked.clip(row)
            picture = by_hand(clip, delta, column, "everywhere").double()
            change = picture - clip.frames.double()
            assert found.rms[row, column] == pytest.approx(float((change**2).mean() ** 0.5))
            assert found.largest[row, column] == change.abs().max()
    assert (found.largest <= 90).all()
    asked = np.array([delta.strength(column)[0] for column in range(5)])
    assert (found.rms < 0.9 * asked).all(), "black pixels take no negative noise"


def test_noise_of_less_than_half_a_grey_level_is_nothing(small_frames):
    classifier = planted_classifier()
    faint = strong(UniversalNoise(epsilon=0.4), classifier)
    found = answered(small_frames, classifier, faint)
    assert not found["learned"].largest.any()
    np.testing.assert_allclose(found["learned"].scores, found["none"].scores, atol=1e-6)


# Feature space


@pytest.mark.parametrize("pooling", ["mean", "mean_probability", "max"])
def test_shifted_embeddings_are_scored_at_length_one(small_frames, pooling: Pooling):
    classifier = planted_classifier(pooling=pooling)
    noise = strong(EmbeddingNoise(epsilon=0.5), classifier)
    found = answered(small_frames, classifier, noise, masking=HALF)["learned"]
    masked = shown(small_frames, HALF)
    for row in (2, 21):
        embeddings = classifier.model.encode_frames(masked.clip(row).frames)
        for column in range(5):
            moved = normalize(embeddings + noise.parts["own"][column], dim=-1)
            expected = clip_scores(
                moved, [COUNT], classifier.class_embeddings, logit_scale=10.0, pooling=pooling
            )
            np.testing.assert_allclose(found.scores[row, column], expected[0], atol=1e-5)
    assert not found.rms.any()
    assert not found.largest.any()


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> FrameStore:
    """Clips of 1 to 4 frames."""
    folder = tmp_path_factory.mktemp("uneven")
    clips = []
    for number in range(6):
        frames, _ = planted_frames(number % 5, number % 5, seed=number)
        path = write_video(
            folder / f"{number}.mkv", list(frames[: 1 + number % 4]), codec="ffv1", pix_fmt="bgr0"
        )
        clips.append(Clip(f"clip {number}", path, number % 5, f"g{number}"))
    made = ClipSet("uneven", CLASSES, tuple(clips), licence="none", citation="")
    settings = FrameSettings(sampler="every", step=1, size=SIDE)
    return FrameStore.open(made, settings, cache_dir=folder / "cache")


@pytest.mark.parametrize("where", ["everywhere", "visible", "before"])
@pytest.mark.parametrize("static", [True, False])
def test_clips_of_several_lengths_are_answered_as_one_by_one(uneven, where, static):
    classifier = planted_classifier(batch_size=7)
    noise = pixels(ClassSpecificNoise(epsilon=60, static=static), classifier)
    masked = shown(uneven, PercentMask(ratio=0.4, patch=4, fill="mean", static=False))
    assert uneven.lengths.tolist() == [1, 2, 3, 4, 1, 2]
    noise = replace(noise, where=where)
    found = with_noise(masked, classifier, learned=noise).by_noise["learned"]
    for row in range(6):
        clip = masked.clip(row)
        for column in (0, 3):
            frames = seen_frames(clip, replace(noise, where=where), column)
            assert frames.shape == clip.frames.shape
            torch.testing.assert_close(
                torch.from_numpy(found.scores[row, column]), classifier.scores([frames])[0]
            )
            change = (frames.float() - clip.frames.float()).numpy()
            assert found.rms[row, column] == pytest.approx(np.sqrt((change**2).mean()), rel=1e-5)
            assert found.largest[row, column] == np.abs(change).max()


# Scores that are no numbers


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "the scores are not finite"),
        (float("inf"), "the scores are not finite"),
        (0.0, "the embedding is zero"),
    ],
)
@pytest.mark.parametrize("variant", ["first", "second"])
def test_a_clip_whose_scores_cannot_be_used_is_named(
    value: float, message: str, variant: str, small_frames: FrameStore
) -> None:
    @dataclass(frozen=True, eq=False)
    class Broken(ZeroShot):
        calls: list[int] = field(default_factory=list)

        def forward(self, clips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
            scores, embeddings = (part.clone() for part in super().forward(clips))
            self.calls.append(len(clips))
            if len(self.calls) == (1 if variant == "first" else 2):
                scores[1] = value
                embeddings[1] = value
            return scores, embeddings

    whole = planted_classifier()
    broken = Broken(whole.model, whole.class_embeddings, whole.pooling, batch_size=64)
    masked = MaskedClips(masking=HALF, seed=0, frames=small_frames, patch=16)
    noises: dict[str, Noise] = {"none": NoNoise(), "again": NoNoise()}
    with pytest.raises(ClipHarError, match=rf"^clip clip 1: {message} .*fp16.*fp32") as caught:
        score_clips(masked, broken, noises, model="model.checkpoint=x, precision=fp16")
    assert ("noise again" in str(caught.value)) == (variant == "second")
