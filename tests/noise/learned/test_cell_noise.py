"""Learned noise: from the settings of a cell to a result."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.engine import artifacts
from clip_har.engine.clips import open_frames
from clip_har.engine.load_model import load_zero_shot
from clip_har.masking.none import NoMask
from clip_har.noise.learned import cell_noise, fitted
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.fitted import learned_noise
from clip_har.noise.learned.training_clips import open_training
from clip_har.results.files import ALSO_LEARNED_FROM
from tests.noise.cells import cell_of, learned_of
from tests.noise.made import BESIDE, planted_classifier, scores
from tests.planted import planted_frames


def test_a_cell_learns_its_noise_and_the_universal_control_once(evaluated, cell_options):
    table, result, cell = evaluated("noise=class_specific")
    assert table.scores.shape == (5, 5)
    assert table.clip_ids == tuple(f"{number}.mkv" for number in range(15, 20))
    assert list(result.variant_scores) == BESIDE
    card = result.noise.fitted.card
    assert (card["data"], card["training_clips"], card["validation_clips"]) == (
        "clips/train",
        10,
        5,
    )
    assert len(list((cell.cache_dir / "noise").glob("*/noise.safetensors"))) == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitted, "learn_best", None)  # nothing is learned any more
        again, same, _ = evaluated("noise=class_specific", "noise.protocol=topk")
    assert same.headline == "topk"
    assert np.array_equal(again.scores, scores(result, "topk"))


def test_the_noise_of_another_run_is_used_and_only_the_control_is_learned(
    evaluated, tmp_path, monkeypatch
):
    table, result, _ = evaluated("noise=class_specific")
    path = tmp_path / "noise.safetensors"
    result.noise.fitted.save(path)
    asked: list[str] = []

    def watched(noise: Learned, *given: Any, **more: Any) -> Any:
        asked.append(type(noise).__name__)
        return learned_noise(noise, *given, **more)

    monkeypatch.setattr(fitted, "learned_noise", watched)
    again, _, _ = evaluated("noise=class_specific", f"noise.file={path}")
    assert np.array_equal(again.scores, table.scores)
    assert asked == ["UniversalNoise"]
    evaluated("noise=class_specific", f"noise.file={path}", "noise.controls=false")
    assert asked == ["UniversalNoise"]


def test_the_protocol_counts_the_evaluated_groups_that_noise_has_seen(evaluated):
    _, result, cell = evaluated("noise=class_specific")
    assert result.noise.groups == ("g0", "g1", "g2")
    assert artifacts._protocol(cell, result, "cpu")[ALSO_LEARNED_FROM] == 0
    result.noise.fitted.card["groups"] = ["g2", "g3"]  # as the films of HMDB-51
    assert artifacts._protocol(cell, result, "cpu")[ALSO_LEARNED_FROM] == 1


@pytest.mark.parametrize(
    ("more", "regions"),
    [
        (["noise=universal", "region=motion"], False),
        (["noise=universal", "region=motion", "noise.train_masking=[none,feature]"], True),
        (["noise=universal", "region=motion", "noise.loss.attention=0.5"], True),
        (
            ["noise=universal", "region=motion", "train_masking=[same]", "masking=feature"],
            True,
        ),
        (["noise=universal", "region=motion", "train_masking=[same]", "masking=percent"], False),
    ],
    ids=["unaimed", "aimed", "attention", "own aimed", "own"],
)
def test_training_clips_have_the_subjects_place_where_it_is_needed(
    evaluated, cell_options, more, regions
):
    cell = cell_of(*cell_options, *more)
    classifier = load_zero_shot(cell, cell.dataset.clips())
    training = open_training(learned_of(cell), cell, classifier, partial(open_frames, cell))
    assert (training.clips.subject is not None) == regions
    own = cell.masking if "same" in learned_of(cell).train_masking else NoMask()
    assert training.clips.masking == own
    assert (training.clips.feature is not None) == (own.feature is not None)
    assert training.frames.size == 64
    assert training.frames.lengths.tolist() == [2] * 15
    groups = training.frames.clip_set.groups
    assert not set(groups[training.learned_from]) & set(groups[training.validated_on])


def test_one_class_is_too_few(evaluated, cell_options):
    classifier = planted_classifier()
    cell = cell_of("noise=universal")
    alone = replace(classifier, class_embeddings=classifier.class_embeddings[:1])
    with pytest.raises(ClipHarError, match="expected at least 2 classes, got 1"):
        cell_noise.open_learned(learned_of(cell), cell, None, alone, None)  # type: ignore[arg-type]


AIMED = ("noise=universal", "region=annotation", "train_masking=[none,feature]")


@pytest.mark.parametrize("on_empty", ["skip", "whole", "error"])
def test_training_clips_without_a_subject_follow_on_empty(cell_options, tmp_path, caplog, on_empty):
    for number in range(20):
        labels = planted_frames(number % 5, None if number in (3, 7) else 0, seed=number)[1]
        np.savez_compressed(tmp_path / f"{number}.npz", labels=labels)
    cell = cell_of(*cell_options, *AIMED, f"region.maps={tmp_path}", f"region.on_empty={on_empty}")
    classifier = load_zero_shot(cell, cell.dataset.clips())
    if on_empty == "error":
        with pytest.raises(ClipHarError, match=r"in 2 of 15 training clips .*on_empty=skip"):
            open_training(learned_of(cell), cell, classifier, partial(open_frames, cell))
        return
    training = open_training(learned_of(cell), cell, classifier, partial(open_frames, cell))
    used = sorted([*training.learned_from, *training.validated_on])
    left_out = {3, 7} if on_empty == "skip" else set()
    assert used == [number for number in range(15) if number not in left_out]
    assert "in 2 of 15 training clips" in caplog.text
    if on_empty == "whole":
        shown = training.clip(
            learned_of(cell).model_copy(update={"train_masking": ("feature",)}), 3
        )
        assert (shown == 0).all(dim=1).float().mean() == pytest.approx(0.3, abs=0.25)
