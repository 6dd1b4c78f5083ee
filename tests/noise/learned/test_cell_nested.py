"""Nested noise in a cell: all variants from one table, weights fitted once, answers kept."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.shards import Shard
from clip_har.engine.clips import open_frames
from clip_har.engine.evaluate import evaluate
from clip_har.engine.load_model import load_zero_shot
from clip_har.engine.merge_shards import merge_tables
from clip_har.noise.learned.arms import ARMS
from clip_har.noise.learned.held import HeldClips, scores_path
from clip_har.noise.learned.perturbation import NoPerturbation
from clip_har.noise.learned.training_clips import open_training
from clip_har.noise.learned.weigh import held_paths
from tests.noise.cells import cell_of, identity, learned_of
from tests.noise.made import scores

pytestmark = pytest.mark.slow

NESTED = ("noise=nested", "noise.baselines=false")


@pytest.fixture(scope="module")
def first(cell_options: list[str]) -> Any:
    """Return a cell and its evaluation, with all that was learned for it in the cache."""
    cell = cell_of(*cell_options, "noise=nested")
    return cell, evaluate(cell, cell.dataset.clips())


@pytest.fixture
def nothing_new(monkeypatch):
    """Neither learn nor show a training clip."""

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("all of it is kept already")

    for name in ("fitted.learn_best", "held.HeldClips._show", "cell_noise.open_training"):
        monkeypatch.setattr(f"clip_har.noise.learned.{name}", refused)


def test_all_variants_stand_in_the_order_of_the_table(first):
    _, result = first
    expected = [arm.name for arm in ARMS if arm.name != "learned"]
    assert [name for name in result.tables if name in expected] == list(result.tables)
    # A classifier that four clips to learn from are too few for is left out.
    assert set(expected) - set(result.tables) <= {"linear probe", "prompt vectors"}
    assert result.headline == "lift"
    assert list(result.noise.by_name) == [
        "none", "learned", "random", "universal", "second", "shuffled labels"
    ]  # fmt: skip
    assert all(np.isfinite(table.scores).all() for table in result.tables.values())
    assert all(table.embeddings is None for table in result.tables.values())


def test_every_variant_is_its_stack_of_the_same_answers(first):
    _, result = first
    fits = result.noise.fits
    clean = scores(result, "none")
    np.testing.assert_array_equal(
        scores(result, "calibration"), fits.stacks["calibration"].apply(clean[:, :, None])
    )
    assert set(fits.stacks) == {arm.name for arm in ARMS if arm.features} & set(result.tables)
    assert set(result.inspection.attention) <= {"none", "lift", "universal"}


def test_another_mask_learns_and_shows_no_training_clip_again(evaluated, first, nothing_new):
    _, result = first
    _, masked, _ = evaluated("noise=nested", "masking=percent", "ratio=0.5")
    for name, stack in masked.noise.fits.stacks.items():
        np.testing.assert_array_equal(stack.weights, result.noise.fits.stacks[name].weights)
    assert not np.array_equal(scores(masked, "lift"), scores(result, "lift"))


def test_without_controls_the_kept_answers_give_the_same_scores(evaluated, first, nothing_new):
    """As for a person who looks at clips: nothing is opened that only learning needs."""
    _, result = first
    table, few, _ = evaluated("noise=nested", "noise.controls=false")
    assert list(few.tables) == ["none", "lift", "lift gated"]
    assert list(few.noise.by_name) == ["none", "learned", "universal"]
    np.testing.assert_array_equal(table.scores, scores(result, "lift"))
    np.testing.assert_array_equal(scores(few, "lift gated"), scores(result, "lift gated"))


def test_the_best_classes_alone_give_the_same_scores_with_and_without_controls(evaluated, first):
    given = ("noise=nested", "noise.protocol=lift_topk", "noise.top_k=2", "noise.baselines=false")
    table, result, _ = evaluated(*given)
    few, _, _ = evaluated(*given, "noise.controls=false")
    np.testing.assert_array_equal(few.scores, table.scores)
    assert "candidate" not in result.tables
    assert all(np.isfinite(one.scores).all() for one in result.tables.values())
    assert not np.array_equal(table.scores, scores(first[1], "lift"))


def test_noise_of_a_file_is_lifted_too(evaluated, first, tmp_path):
    _, result = first
    path = tmp_path / "noise.safetensors"
    result.noise.fitted.save(path)
    given = (*NESTED, "noise.controls=false", f"noise.file={path}")
    table, again, _ = evaluated(*given)
    assert "universal" in again.noise.by_name
    np.testing.assert_allclose(table.scores, scores(result, "lift"), atol=1e-5)


def test_the_weights_beside_a_file_need_no_training_clip(evaluated, first, tmp_path, nothing_new):
    _, result = first
    result.noise.fitted.save(tmp_path / "noise.safetensors")
    weights = tmp_path / "stacks.safetensors"
    result.noise.fits.write(weights)
    given = (*NESTED, "noise.controls=false", f"noise.file={tmp_path / 'noise.safetensors'}")
    table, _, cell = evaluated(*given)
    np.testing.assert_allclose(table.scores, scores(result, "lift"), atol=1e-5)
    before = identity(cell)
    replace(result.noise.fits, gate=None).write(weights)
    assert identity(cell) != before


def test_the_groups_of_held_clips_count_as_learned_from(first):
    """Their labels were used: by the weights."""
    _, result = first
    noise = result.noise
    assert len(noise.fitted.card["groups"]) == 2
    assert noise.groups == ("g0", "g1", "g2")
    assert set(noise.fits.on.features) == set(noise.fits.stacks)
    assert (noise.fits.on.masks, len(noise.fits.on.clips)) == ("train", 5)


def test_shards_hold_every_variant(first):
    cell, result = first
    shards = [
        evaluate(cell.model_copy(update={"shard": Shard(number, 2)}), cell.dataset.clips()).tables
        for number in (1, 2)
    ]
    assert all(list(tables) == list(result.tables) for tables in shards)
    for name, whole in result.tables.items():
        parts = [tables[name] for tables in shards]
        assert max(len(part.clip_ids) for part in parts) < len(whole.clip_ids)
        merged = merge_tables(parts, result.masked)
        # Batches of other sizes round otherwise.
        np.testing.assert_allclose(merged.scores, whole.scores, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(merged.noise_rms, whole.noise_rms)


def test_whole_held_clips_are_scored_for_the_gate_alone(first, cell_options):
    cell, _ = first
    files = held_paths(learned_of(cell), cell)
    under = {masks: {name for name, one in files if one == masks} for masks in ("none", "train")}
    assert under["none"] == {"none", "learned", "universal"}
    assert under["train"] == {"none", "learned", "random", "second", "shuffled labels", "universal"}
    assert all(path.is_file() for path in files.values())
    kept = cell.cache_dir.glob("noise/*/scores.safetensors")
    assert set(files.values()) <= set(kept)
    for change, masks in (("noise.gate=false", {"train"}), ("noise.fit_masking=none", {"none"})):
        other = cell_of(*cell_options, "noise=nested", change)
        found = held_paths(learned_of(other), other)
        assert {one for _, one in found} == masks
        assert {name for name, _ in found} == under["train"]


# Held clips


@pytest.fixture
def held(cell_options: list[str]) -> Any:
    def found(*more: str) -> HeldClips:
        cell = cell_of(*cell_options, "noise=nested", *more)
        zero_shot = load_zero_shot(cell, cell.dataset.clips())
        noise = learned_of(cell)
        training = partial(open_training, noise, cell, zero_shot, partial(open_frames, cell))
        return HeldClips(noise, cell, zero_shot, training)

    return found


@pytest.mark.parametrize("masks", ["none", "train", "same"])
def test_held_clips_are_scored_as_clips_are_evaluated(held, masks):
    own = ("masking=percent", "ratio=0.5") if masks == "same" else ()
    held = held(*own)
    clips = held.training()
    shown = held.shown(masks, NoPerturbation(), None)
    indices = sorted(clips.held.tolist())
    assert shown.ids == tuple(clips.frames.clip_set.clips[index].id for index in indices)
    assert shown.labels.tolist() == clips.frames.clip_set.labels[indices].tolist()
    assert not set(shown.groups) & set(clips.frames.clip_set.groups[clips.learned_from])
    if masks == "none":
        pixels = [clips.clips.clip(index).whole for index in indices]
    elif masks == "train":
        pixels = [clips.clip(held.noise, index) for index in indices]
    else:
        own = replace(clips.clips, masking=held.cell.masking, seed=held.cell.seed)
        pixels = [own.clip(index).frames for index in indices]
        assert (pixels[0] == 0).all(dim=1).float().mean() == pytest.approx(0.5, abs=0.1)
    expected = held.zero_shot.scores(pixels).numpy()
    np.testing.assert_allclose(shown.scores[:, 0], expected, atol=1e-4)


class Broken(NoPerturbation):
    """Noise under which the scores of the second clip are no numbers."""

    def forward(self, *given: Any) -> Any:
        scores, embedded = super().forward(*given)
        scores[1] = np.nan
        return scores, embedded


def test_a_held_clip_whose_scores_cannot_be_used_is_named(held):
    held = held()
    clips = held.training()
    second = clips.frames.clip_set.clips[sorted(clips.held.tolist())[1]].id
    with pytest.raises(ClipHarError, match=f"clip {second}: the scores are not finite .*held"):
        held.shown("none", Broken(), "broken")


def test_what_held_clips_are_shown_under_names_their_file(cell_options):
    def path(masks: Any, *more: str) -> object:
        cell = cell_of(*cell_options, "noise=nested", *more)
        return scores_path(learned_of(cell), cell, masks, "noise")

    percent = ("masking=percent", "ratio=0.5")
    for masks in ("none", "train"):
        assert path(masks, *percent) == path(masks), "one for all masks of a sweep"
        assert path(masks, "noise.rank=2", "noise.gate=false") == path(masks)
        assert path(masks, "noise_seed=1") != path(masks)
        assert path(masks, "noise.held_share=0.4") != path(masks)
        assert path(masks, "prompts=bare") != path(masks)
    assert path("train", "train_ratios=[0.2]") != path("train")
    assert path("none", "train_ratios=[0.2]") == path("none")
    assert path("same", *percent) != path("same", "masking=percent", "ratio=0.4")
    assert len({path(masks, *percent) for masks in ("none", "train", "same")}) == 3


@pytest.mark.parametrize(
    "change",
    [
        "noise.fit_masking=none",
        "noise.placebos=[]",
        "noise.baselines=false",
        "noise.protocol=lift_topk",
        "noise.held_share=0.4",
        "noise.rank=2",
    ],
)
def test_what_decides_the_weights_makes_another_cell(cell_options, change):
    cells = [cell_of(*cell_options, "noise=nested", *more) for more in ((), (change,))]
    assert identity(cells[0]) != identity(cells[1])
