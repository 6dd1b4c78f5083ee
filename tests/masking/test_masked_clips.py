"""Frames, regions and masks together, on encoded clips whose content is planted."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.engine.clips import open_masked
from clip_har.masking.feature import FeatureMask
from clip_har.masking.isolation import IsolationMask
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask
from clip_har.masking.shape import ShapeMask
from clip_har.masking.swap import SwapMask
from clip_har.metrics.scene import SceneTables, scene_measures
from clip_har.metrics.summary import summarise
from clip_har.regions.annotation import AnnotationRegion
from clip_har.results.score_table import OWN_SCENE
from tests.planted import ACTORS, SCENES, ColourJudge, open_planted, planted_clips
from tests.tables import scored_table

Opened = Callable[..., MaskedClips]


class FakeCell:
    """What `open_masked` reads of a cell."""

    finds_regions = True

    def __init__(self, masking: Mask, cache_dir: Path, on_empty: Any, seed: int) -> None:
        self.masking, self.cache_dir, self.seed = masking, cache_dir, seed
        self.region = AnnotationRegion(on_empty=on_empty)
        self.model = SimpleNamespace(patch_size=lambda: 16)


def no_model() -> Any:
    """Stand for a model that exact maps do not ask for."""
    return None


def opened(
    frames: FrameStore, cache: Path, masking: Mask, *, on_empty: str = "skip", seed: int = 0
) -> MaskedClips:
    cell: Any = FakeCell(masking, cache, on_empty, seed)
    return open_masked(cell, frames, zero_shot=no_model)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    return planted_clips(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def show(clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    cache = tmp_path_factory.mktemp("cache")
    return partial(opened, open_planted(clips, cache), cache)


def measured(show: Opened, classifier: ColourJudge, seed: int = 0) -> dict[str, float]:
    """Return the scene measures of a model, through the whole path from frames to numbers."""
    ways: dict[str, Mask] = {
        "clean": NoMask(),
        "background_only": FeatureMask(ratio=None, fill="surround"),
        "person_only": IsolationMask(ratio=None),
        "swap": SwapMask(),
        "frozen": SwapMask(frozen=True),
        "background_hidden": FeatureMask(ratio=None, feature="background"),
    }
    tables = {way: scored_table(show(mask, seed=seed), classifier) for way, mask in ways.items()}
    rows = scene_measures(SceneTables(**tables))
    return dict(zip(rows["measure"].str.removeprefix("scene/"), rows["value"], strict=True))


def test_a_model_that_sees_only_the_scene(show: Opened) -> None:
    found = measured(show, ColourJudge(scene_share=1))
    assert found["clean"] == 1
    assert found["swap_error"] == 1
    assert found["swap_accuracy"] == 0
    assert found["background_ratio"] == found["background_only"] == 1
    assert found["subject_reliance"] == 0
    assert found["essential_cue"] == pytest.approx(1 / 5), "no scene, one answer: chance"
    assert found["reliance"] == pytest.approx(4 / 5)
    assert found["contrasted_accuracy"] == 0


def test_a_model_that_sees_only_the_actor(show: Opened) -> None:
    found = measured(show, ColourJudge(scene_share=0))
    assert found["clean"] == 1
    assert found["swap_accuracy"] == 1
    assert found["swap_error"] == 0
    assert found["background_ratio"] == pytest.approx(1 / 5), "nobody there, one answer: chance"
    assert found["person_only"] == found["essential_cue"] == 1
    assert found["reliance"] == 0
    assert found["contrasted_accuracy"] == 0, "a frozen actor is the same actor"


def test_a_model_that_needs_motion_has_contrast(show: Opened) -> None:
    assert measured(show, ColourJudge(scene_share=0, moves=True))["contrasted_accuracy"] == 1


def test_measures_grow_with_the_planted_bias(show: Opened) -> None:
    shares = (0.0, 0.4, 1.0)
    found = [measured(show, ColourJudge(scene_share=share)) for share in shares]
    for name in ("swap_error", "background_ratio", "reliance"):
        values = [numbers[name] for numbers in found]
        assert values == sorted(values)
        assert values[-1] - values[0] > 0.7
    for name in ("swap_accuracy", "essential_cue"):
        values = [numbers[name] for numbers in found]
        assert values == sorted(values, reverse=True)
    assert found[1]["swap_error"] == pytest.approx(0.4, abs=0.25)  # 30 clips


def test_a_swapped_clip_is_the_actor_before_the_other_scene(show: Opened, clips: ClipSet) -> None:
    masked = show(SwapMask())
    assert len(masked.scene_clips) == len(clips.clips)
    for index, scene in list(masked.scene_clips.items())[:5]:
        label, other = clips.clips[index].label, clips.clips[scene].label
        assert label != other
        clip = masked.clip(index)
        shown, effect = clip.frames, clip.effect
        pixels = shown.permute(0, 2, 3, 1).numpy()
        assert masked.subject is not None
        actor = masked.subject.soft_mask(index) >= 0.5
        np.testing.assert_array_equal(pixels[actor], np.broadcast_to(ACTORS[label], (8 * 288, 3)))
        # the other clip's actor is painted over without a trace
        off = np.abs(pixels[~actor].astype(int) - SCENES[other])
        assert off.max() <= 1
        assert effect.realised_ratio == pytest.approx(1 - 288 / 64**2)
        assert effect.subject_hidden == effect.feature_hidden == 0


def test_frozen_is_the_middle_frame_of_the_swap(show: Opened) -> None:
    moving = show(SwapMask()).clip(3).frames
    frozen = show(SwapMask(frozen=True)).clip(3).frames
    assert frozen.shape == moving.shape
    assert all(torch.equal(frame, moving[4]) for frame in frozen)
    assert not torch.equal(moving[0], moving[4])


def test_what_a_frozen_swap_hid_is_that_of_the_frame_it_shows(show, clips, tmp_path):
    labels = np.load(clips.clips[0].maps or "")["labels"]
    labels[[2, 3]] = 0  # the subject is missed in between
    np.savez_compressed(tmp_path / "late.npz", labels=labels)
    late = replace(clips.clips[0], maps=tmp_path / "late.npz")
    some = replace(clips, clips=(late, *clips.clips[1:]))
    masked = opened(open_planted(some, tmp_path), tmp_path, SwapMask())
    frozen = opened(open_planted(some, tmp_path), tmp_path, SwapMask(frozen=True))
    assert masked.clip(0).effect.realised_ratio == pytest.approx(1 - 288 / 64**2)
    assert masked.clip(0).effect.feature_frames == 0.75
    assert frozen.clip(0).effect.realised_ratio == pytest.approx(1 - 288 / 64**2)
    # where the other clip's actor was missed, it is taken to be where it was before or after
    user = next(index for index, scene in masked.scene_clips.items() if scene == 0)
    pixels = masked.clip(user).frames[2].permute(1, 2, 0).numpy().astype(int)
    away = np.abs(pixels - ACTORS[late.label]).max(axis=-1) > 12
    own = np.abs(pixels - ACTORS[clips.clips[user].label]).max(axis=-1) <= 12
    assert (away | own).all()


def test_a_frozen_swap_shows_a_frame_with_the_subject(clips, tmp_path):
    labels = np.load(clips.clips[0].maps or "")["labels"]
    labels[2:6] = 0  # the subject is missed in the middle
    np.savez_compressed(tmp_path / "gap.npz", labels=labels)
    late = replace(clips.clips[0], maps=tmp_path / "gap.npz")
    frames = open_planted(replace(clips, clips=(late, *clips.clips[1:])), tmp_path)
    frozen = opened(frames, tmp_path, SwapMask(frozen=True)).clip(0)
    moving = opened(frames, tmp_path, SwapMask()).clip(0)
    assert all(torch.equal(frame, moving.frames[6]) for frame in frozen.frames), "nearer than 1"
    assert frozen.effect.realised_ratio == pytest.approx(1 - 288 / 64**2)
    assert frozen.subject is not None
    assert (frozen.subject[0] == labels[6]).all()
    assert frozen.middle_hidden == frozen.effect.realised_ratio


def test_the_table_names_the_scene_s_class(show: Opened, clips: ClipSet) -> None:
    masked = show(SwapMask())
    table = scored_table(masked, ColourJudge(1))
    expected = [clips.clips[masked.scene_clips[index]].label for index in masked.evaluated]
    assert table.scene_labels.tolist() == expected
    plain = scored_table(show(NoMask()), ColourJudge(1))
    assert set(plain.scene_labels) == {OWN_SCENE}
    assert not np.isfinite(plain.feature_hidden).any()
    assert (plain.subject_hidden == 0).all()


def test_drift_is_large_where_what_the_model_looks_at_is_hidden_or_exchanged(show: Opened) -> None:
    looks: dict[float, dict[str, float]] = {}
    for scene_share in (0, 0.5, 1):
        classifier = ColourJudge(scene_share)
        clean = scored_table(show(NoMask()), classifier, keep_embeddings=True)
        assert clean.embeddings is not None
        np.testing.assert_allclose(np.linalg.norm(clean.embeddings, axis=1), 1, rtol=1e-5)
        assert clean.drift is None
        masks = {
            "nothing": NoMask(),
            "person": FeatureMask(ratio=None, fill="surround"),
            "scene": SwapMask(),
        }
        looks[scene_share] = {
            what: summarise(scored_table(show(mask), classifier, clean=clean))["drift"]
            for what, mask in masks.items()
        }
    actor, half, scene = looks.values()
    assert [found["nothing"] for found in looks.values()] == pytest.approx([0, 0, 0], abs=1e-6)
    assert scene["person"] < 0.01 < 0.3 < actor["person"]
    assert actor["scene"] < 0.01 < 0.3 < scene["scene"]
    assert scene["person"] < half["person"] < actor["person"]
    assert actor["scene"] < half["scene"] < scene["scene"]


def test_drift_is_not_known_of_clips_without_a_twin(show: Opened) -> None:
    classifier = ColourJudge(1)
    clean = scored_table(show(NoMask()), classifier, keep_embeddings=True)
    strangers = replace(clean, clip_ids=("x", *clean.clip_ids[1:]))
    found = scored_table(show(SwapMask()), classifier, clean=strangers)
    assert found.drift is not None
    assert np.isnan(found.drift[0])
    assert np.isfinite(found.drift[1:]).all()
    numbers = summarise(found)
    assert numbers["drift"] == pytest.approx(np.nanmean(found.drift))
    without = scored_table(show(NoMask()), classifier)
    assert scored_table(show(SwapMask()), classifier, clean=without).drift is None


def test_pairs_follow_the_seed(show: Opened) -> None:
    first, again, other = (show(SwapMask(), seed=seed).scene_clips for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_soft_edge_adds_to_what_is_hidden(show: Opened) -> None:
    hard, soft = (
        show(FeatureMask(ratio=None, soft=soft)).clip(0).effect.realised_ratio for soft in (0, 4)
    )
    assert hard == pytest.approx(288 / 64**2)
    assert hard < soft < hard + 0.1
    shown = show(FeatureMask(ratio=None, soft=4)).clip(0).frames
    assert len(torch.unique(shown[0])) > 6


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Clips of which three have nobody in them."""
    folder = tmp_path_factory.mktemp("sparse")
    clips = planted_clips(folder, per_class=2, without_actor=(1, 4, 7))
    return partial(opened, open_planted(clips, folder / "cache"), folder / "cache")


def test_empty_clips_are_left_out_and_counted(sparse: Opened) -> None:
    masked = sparse(FeatureMask(ratio=None))
    assert masked.empty == [1, 4, 7]
    assert masked.evaluated == [0, 2, 3, 5, 6, 8, 9]
    message = "no subject was found in 3 of 10 clips (clip 1, clip 4, clip 7)"
    assert masked.empty_message() == message
    table = scored_table(masked, ColourJudge(0))
    assert table.empty == ("clip 1", "clip 4", "clip 7")
    numbers = summarise(table)
    assert numbers["mask/nothing_found"] == 0.3
    assert numbers["data/left_out_clips"] == 3
    assert numbers["mask/subject_not_found"] == 0


def test_empty_clips_can_count_as_all_target(sparse: Opened) -> None:
    masked = sparse(FeatureMask(ratio=None), on_empty="whole")
    assert len(masked.evaluated) == 10
    clip = masked.clip(1)
    assert not clip.frames.any()
    assert clip.effect.realised_ratio == 1
    kept = sparse(IsolationMask(ratio=None), on_empty="whole").clip(1).frames
    assert tuple(kept[0, :, 0, 0].tolist()) == SCENES[1]
    numbers = summarise(scored_table(masked, ColourJudge(0)))
    assert numbers["mask/nothing_found"] == 0.3
    assert numbers["data/left_out_clips"] == 0


def test_empty_clips_can_stop_the_cell(sparse: Opened) -> None:
    with pytest.raises(ClipHarError, match=r"in 3 of 10 clips .* region.on_empty=skip") as caught:
        sparse(FeatureMask(ratio=None), on_empty="error")
    assert "\n" not in str(caught.value)


def test_what_a_mask_does_not_ask_for_may_be_missing(sparse: Opened) -> None:
    masked = sparse(NoMask(), on_empty="error")
    assert len(masked.evaluated) == 10
    numbers = summarise(scored_table(masked, ColourJudge(0)))
    assert numbers["mask/subject_not_found"] == pytest.approx(0.3)
    assert "mask/nothing_found" not in numbers


def test_clips_that_a_person_marked_are_left_out_and_counted(
    clips: ClipSet, tmp_path: Path
) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("clip,wrong\nclip 2,x\nclip 3,\n")
    cell: Any = FakeCell(FeatureMask(ratio=None), tmp_path, "skip", 0)
    cell.region = AnnotationRegion(wrong=table)
    masked = open_masked(cell, open_planted(clips, tmp_path), zero_shot=no_model)
    assert masked.empty == [2]
    assert masked.empty_message() == "no subject was found in 1 of 30 clips (clip 2)"
    assert scored_table(masked, ColourJudge(0)).empty == ("clip 2",)


def test_clips_of_which_too_little_is_left_are_left_out_and_counted(sparse: Opened) -> None:
    plain = sparse(FeatureMask(ratio=None, grow=20, static=True))
    kept = [plain.clip(index).effect.background_kept or 0.0 for index in plain.evaluated]
    least = float(np.median(kept))
    masked = sparse(FeatureMask(ratio=None, grow=20, static=True, min_kept=least))
    expected = [i for i, share in zip(plain.evaluated, kept, strict=True) if share < least]
    assert masked.covered == expected
    assert masked.empty == [1, 4, 7]
    assert 0 < len(expected) < 7
    assert sorted([*masked.evaluated, *masked.empty, *masked.covered]) == list(range(10))
    message = masked.covered_message()
    assert f"in {len(expected)} of 10 clips (clip {expected[0]}" in message
    numbers = summarise(scored_table(masked, ColourJudge(0)))
    assert numbers["mask/too_little_kept"] == len(expected) / 10
    assert numbers["data/covered_clips"] == len(expected)
    assert numbers["mask/nothing_found"] == 0.3
    assert numbers["data/left_out_clips"] == 3 + len(expected)
    assert numbers["mask/background_kept"] >= least


def test_clips_without_a_target_keep_nothing() -> None:
    region = AnnotationRegion(on_empty="whole")
    with pytest.raises(ClipHarError, match=r"^masking.min_kept=0.5 with region.on_empty=whole: "):
        FeatureMask(ratio=None, min_kept=0.5).check(region, sharded=False)
    FeatureMask(ratio=None).check(region, sharded=False)


def test_nothing_left_of_any_clip_is_said(sparse: Opened) -> None:
    with pytest.raises(ClipHarError, match=r"less than 100 % .* none is left; lower masking.min_"):
        sparse(FeatureMask(ratio=0.5, min_kept=1))


def test_what_is_left_is_measured_after_a_soft_edge(sparse: Opened) -> None:
    mask = FeatureMask(ratio=None, grow=20, soft=9)
    plain = sparse(mask)
    kept = [plain.clip(index).effect.background_kept or 0.0 for index in plain.evaluated]
    covered = sparse(mask.model_copy(update={"min_kept": float(np.median(kept))})).covered
    assert covered == [
        i for i, share in zip(plain.evaluated, kept, strict=True) if share < np.median(kept)
    ]
    assert covered


def test_a_shape_on_the_subject_follows_the_same_rule(sparse: Opened) -> None:
    aimed = ShapeMask(ratio=0.1, place="subject")
    assert len(sparse(aimed).evaluated) == 7
    assert len(sparse(aimed, on_empty="whole").evaluated) == 10


def test_swaps_use_clips_with_a_subject_only(sparse: Opened) -> None:
    masked = sparse(SwapMask())
    assert set(masked.scene_clips) == set(masked.evaluated)
    assert set(masked.scene_clips.values()) <= set(masked.evaluated)


def test_no_clip_left_is_said(tmp_path: Path) -> None:
    clips = planted_clips(tmp_path, per_class=1, without_actor=range(5))
    with pytest.raises(ClipHarError, match=r"in 5 of 5 clips .* none is left"):
        opened(open_planted(clips, tmp_path), tmp_path, FeatureMask(ratio=None))


def test_the_subject_of_a_frozen_swap_is_where_it_is_shown(show: Opened) -> None:
    shown = show(SwapMask(frozen=True))
    assert shown.subject is not None
    found = shown.clip(3).subject
    assert found is not None
    middle = shown.subject.soft_mask(3)[4]
    assert found.shape == (8, *middle.shape)
    assert all((frame == middle).all() for frame in found)
    moving = show(SwapMask()).clip(3).subject
    assert moving is not None
    assert (moving == shown.subject.soft_mask(3)).all()
    assert (moving != found).any()
