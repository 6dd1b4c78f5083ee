"""Learned noise: what is compared with what, what leaks, and what a gain is worth."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from clip_har.data.frames.store import FrameStore
from clip_har.engine.evaluate import Evaluation
from clip_har.engine.numbers import learning_numbers
from clip_har.engine.score_clips import score_clips
from clip_har.masking.percent import PercentMask
from clip_har.metrics.noise_effect import effect_table, noise_metrics
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.cell_noise import LearnedNoise
from clip_har.noise.learned.controls import random_like
from clip_har.noise.learned.perturbation import NoPerturbation
from clip_har.noise.learned.protocols import PROTOCOLS, apply_protocol, derangement
from clip_har.noise.learned.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    ResidualNoise,
    UniversalNoise,
)
from clip_har.noise.variants import slug
from clip_har.results.score_table import ScoreTable
from tests.metrics.made import MEASURED, SOME
from tests.noise.made import (
    BESIDE,
    CLEAN_TOP1,
    ORACLE,
    PER_CLASS,
    evaluated,
    mending,
    naming,
    planted_classifier,
    random_noise,
    scores,
    shown,
)
from tests.planted import CLASSES


def top1(result: Evaluation, name: str) -> float:
    table = result.variant_scores[name].table
    return float((table.predictions() == table.labels).mean())


# The honest warning


def test_noise_that_only_names_its_class_looks_perfect_to_the_oracle_and_helps_nobody(named):
    """The reason for protocols and controls: a number that knows the label says nothing.

    Here δ_c raises the score of class c by the same amount on any frame. Who adds the noise of
    the TRUE class reads 100 %. Who does not know the class gains nothing at all, and the answers
    do not even change.
    """
    assert top1(named, "none") == pytest.approx(CLEAN_TOP1)
    assert top1(named, ORACLE) == 1
    for honest in ("candidate", "topk", "predicted"):
        assert top1(named, honest) == pytest.approx(CLEAN_TOP1)
        changed = scores(named, honest).argmax(axis=1) != scores(named, "none").argmax(axis=1)
        assert not changed.any()
    effects = effect_table(named.variant_scores, named.headline)
    top: Any = effects[effects["measure"] == "top1"].set_index(["variant", "against"])
    assert top.loc[(ORACLE, "none"), "difference"] == pytest.approx(1 - CLEAN_TOP1)
    assert top.loc[("candidate", "none"), ["difference", "p"]].to_numpy().tolist() == [0, 1]


def test_metrics_are_those_against_no_noise(named):
    assert named.inspection.classes["named_on_empty"].tolist() == [1] * 5, (
        "an empty frame shows why"
    )
    metrics = metrics_of(named)
    expected = {
        "noise/named_on_empty": 1,
        "noise/steps": 4,
        "noise/kept_step": 2,
        "noise/oracle_leaks_the_label/top1": 1,
        "noise/oracle_leaks_the_label/top1_difference": 1 - CLEAN_TOP1,
        "noise/candidate/top1": CLEAN_TOP1,
        "noise/candidate/top1_difference": 0,
        "noise/universal/top1_difference": 1 - CLEAN_TOP1,
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)


def test_one_noise_for_all_classes_mends_what_the_noise_per_class_did_not(named):
    assert top1(named, "universal") == 1
    effects = effect_table(named.variant_scores, named.headline)
    top = effects[effects["measure"] == "top1"].set_index(["variant", "against"])
    assert top.loc[("candidate", "universal"), "difference"] == pytest.approx(CLEAN_TOP1 - 1)


def test_the_noise_of_another_class_names_that_class_to_the_oracle(small_frames):
    classifier, noise = planted_classifier(), ClassSpecificNoise(protocol="oracle", seed=4)
    own = naming(noise, classifier)
    _, result = evaluated(noise, shown(small_frames), classifier, own=own)
    partner = derangement(5, seed=4)
    answers = scores(result, "shuffled (leaks the label)").argmax(axis=1)
    assert answers.tolist() == partner[small_frames.clip_set.labels].tolist()
    assert top1(result, "shuffled (leaks the label)") == 0


def test_noise_that_really_helps_each_class_helps_without_the_label(small_frames):
    """The counter-proof: where noise takes the bias away, honest protocols show it too."""
    classifier, noise = planted_classifier(), ClassSpecificNoise()
    one = mending(UniversalNoise(), classifier).parts["shared"]
    own = naming(noise, classifier).with_parts({"own": one.repeat(5, 1, 1, 1, 1)})
    _, result = evaluated(noise, shown(small_frames), classifier, own=own)
    assert [top1(result, name) for name in PER_CLASS] == [pytest.approx(CLEAN_TOP1), 1, 1, 1, 1]
    assert result.inspection.classes["named_on_empty"].mean() == pytest.approx(1 / 5), (
        "chance: it is one δ"
    )


# Variants


KINDS: list[tuple[Learned, list[str], str]] = [
    (UniversalNoise(), ["none", "learned", "random", "calibration"], "learned"),
    (BorderNoise(width=3), ["none", "learned", "random", "calibration"], "learned"),
    (UniversalNoise(controls=False), ["none", "learned"], "learned"),
    (ClassSpecificNoise(), BESIDE, "candidate"),
    (ResidualNoise(protocol="topk", top_k=2), BESIDE, "topk"),
    (EmbeddingNoise(protocol="predicted"), BESIDE, "predicted"),
    (ClassSpecificNoise(controls=False), ["none", "candidate"], "candidate"),
    (
        ClassSpecificNoise(protocol="oracle"),
        [
            *PER_CLASS[:-1],
            "shuffled (leaks the label)",
            "random (leaks the label)",
            "universal",
            "calibration",
            ORACLE,
        ],
        ORACLE,
    ),
    (ClassSpecificNoise(protocol="oracle", controls=False), ["none", ORACLE], ORACLE),
]


PASSES = {"candidate": 5, "topk": 2, "predicted": 1, "oracle": 1}  # of 5 classes, top_k=2


@pytest.mark.parametrize("protocol", PASSES)
@pytest.mark.parametrize("kind", [ClassSpecificNoise, EmbeddingNoise])
def test_without_controls_a_protocol_costs_its_own_passes_and_answers_the_same(
    small_frames, monkeypatch, kind, protocol
):
    classifier = planted_classifier()
    noise = kind(protocol=protocol, top_k=2)
    own = random_noise(noise, classifier)
    masked = shown(small_frames)
    expected, _ = evaluated(noise, masked, classifier, own=own)
    seen = []
    embed = type(classifier.model).encode_frames

    def counted(model, frames):
        seen.append(sum(len(part) for part in frames))
        return embed(model, frames)

    monkeypatch.setattr(type(classifier.model), "encode_frames", counted)
    table, _ = evaluated(noise.model_copy(update={"controls": False}), masked, classifier, own=own)
    np.testing.assert_array_equal(table.scores, expected.scores)
    np.testing.assert_array_equal(table.noise_rms, expected.noise_rms)
    np.testing.assert_array_equal(table.drift, expected.drift)
    frames = sum(int(masked.frames.lengths[index]) for index in masked.evaluated)
    passes = PASSES[protocol] if kind is ClassSpecificNoise else 0
    assert sum(seen) == frames * (1 + passes)


def name_of(noise: Learned) -> str:
    protocol = getattr(noise, "protocol", "")
    return f"{type(noise).__name__}-{protocol}{'' if noise.controls else '-alone'}"


OfKind = tuple[Learned, list[str], str, ScoreTable, Evaluation]


@pytest.fixture(scope="module", params=KINDS, ids=lambda case: name_of(case[0]))
def of_kind(request: pytest.FixtureRequest, small_frames: FrameStore) -> OfKind:
    """Noise, its variants and headline as expected, and what is evaluated."""
    noise, names, headline = request.param
    classifier = planted_classifier()
    own = random_noise(noise, classifier)
    return noise, names, headline, *evaluated(noise, shown(small_frames), classifier, own=own)


def test_which_variants_there_are_and_which_of_them_are_said_to_leak(of_kind):
    noise, names, headline, table, result = of_kind
    assert list(result.variant_scores) == names
    assert result.headline == headline
    assert np.array_equal(table.scores, scores(result, headline))
    effects = effect_table(result.variant_scores, headline)
    compared = {*effects["variant"], *effects["against"]}
    assert {name for name in compared if "leaks" in name} == {
        name for name in names if "leaks" in name
    }
    assert ("named_on_empty" in result.inspection.classes) == (noise.per_class and noise.controls)
    assert result.inspection.classes["class"].tolist() == (
        list(CLASSES) if noise.per_class else ["learned"]
    )


def relabelled(frames: FrameStore, labels: NDArray[np.int64]) -> FrameStore:
    """Return the same frames with other labels."""
    clips = tuple(
        replace(clip, label=int(label))
        for clip, label in zip(frames.clip_set.clips, labels, strict=True)
    )
    clip_set = replace(frames.clip_set, clips=clips)
    return FrameStore(frames.path, clip_set, frames.entries, settings=frames.settings)


@pytest.mark.parametrize("noise", [case[0] for case in KINDS], ids=name_of)
def test_other_labels_change_the_answers_of_nothing_but_what_is_said_to_leak(small_frames, noise):
    classifier, masking = planted_classifier(), PercentMask(ratio=0.2, patch=4)
    own = random_noise(noise, classifier, factor=100)
    other = relabelled(small_frames, (small_frames.clip_set.labels + 1) % 5)
    results = [
        evaluated(noise, shown(frames, masking), classifier, own=own)[1]
        for frames in (small_frames, other)
    ]
    changed = {
        name
        for name in results[0].variant_scores
        if not np.array_equal(scores(results[0], name), scores(results[1], name))
    }
    assert changed == {name for name in results[0].variant_scores if "leaks" in name}
    one, two = (result.variant_scores["none"].table.labels for result in results)
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_protocols_and_controls_are_those_of_the_same_answers(small_frames, protocol):
    classifier, masked = planted_classifier(), shown(small_frames, PercentMask(ratio=0.1, patch=4))
    noise = ClassSpecificNoise(protocol=protocol, top_k=2, seed=3, epsilon=40)
    own = random_noise(noise, classifier)
    table, result = evaluated(noise, masked, classifier, own=own)
    noises = {
        "none": NoPerturbation(),
        "own": own,
        "random": random_like(own, seed=3),
        "all": mending(UniversalNoise(), classifier),
    }
    found = score_clips(masked, classifier, noises)
    answers, effects = found.by_noise, found.effects
    clean = answers["none"].scores[:, 0]

    def used(noisy: NDArray[np.float32], of: Any) -> tuple[NDArray[np.float32], Any]:
        return apply_protocol(of, clean, noisy, labels=small_frames.clip_set.labels, top_k=2)

    leak = " (leaks the label)" if protocol == "oracle" else ""
    shuffled = answers["own"].scores[:, derangement(5, seed=3)]
    expected: dict[str, NDArray[Any]] = {
        "none": clean,
        **{str(name): used(answers["own"].scores, name)[0] for name in PROTOCOLS},
        f"random{leak}": used(answers["random"].scores, protocol)[0],
        f"shuffled{leak}": used(shuffled, protocol)[0],
        "universal": answers["all"].scores[:, 0],
        "calibration": 2 * clean + np.array([-3, 0, 0.5, 0, 0]),
    }
    expected[ORACLE] = expected.pop("oracle")
    own_noise = [answers["own"].scores[:, label, label] for label in range(5)]
    np.testing.assert_array_equal(expected["candidate"], np.stack(own_noise, axis=1))
    assert set(expected) == set(result.variant_scores)
    for name, values in expected.items():
        np.testing.assert_allclose(scores(result, name), values, atol=1e-5, err_msg=name)
    rows, columns = np.arange(30), used(answers["own"].scores, protocol)[1]
    np.testing.assert_allclose(table.noise_rms, answers["own"].rms[rows, columns])
    np.testing.assert_allclose(table.noise_largest, answers["own"].largest[rows, columns])
    assert len(np.unique(columns)) > 1
    assert table.mask_ratio.tolist() == [effect.realised_ratio for effect in effects]
    assert (table.mask_ratio > 0.08).all()


def test_every_variant_has_the_size_of_the_noise_that_its_answers_were_given_under(small_frames):
    classifier, noise = planted_classifier(), ClassSpecificNoise(protocol="predicted", seed=3)
    own = naming(noise, classifier)
    own.parts["own"] *= torch.tensor([1, 0.75, 0.5, 0.25, 0]).view(5, 1, 1, 1, 1)  # of 16
    _, result = evaluated(noise, shown(small_frames), classifier, own=own)
    sizes, partner = np.array([16, 12, 8, 4, 0]), derangement(5, seed=3)
    answered = {name: scores(result, name).argmax(axis=1) for name in result.variant_scores}
    used = {
        "candidate": answered["candidate"],
        "topk": answered["topk"],
        "predicted": answered["none"],
        ORACLE: small_frames.clip_set.labels,
        "shuffled": partner[answered["none"]],
        "random": answered["none"],  # of exactly the norm of the learned noise
    }
    expected = {name: sizes[classes] for name, classes in used.items()}
    expected |= {"none": np.zeros(30), "calibration": np.zeros(30), "universal": np.full(30, 6)}
    assert set(expected) == set(result.variant_scores)
    for name, values in expected.items():
        assert result.variant_scores[name].table.noise_largest.tolist() == values.tolist(), name
        assert (result.variant_scores[name].table.noise_rms <= values + 1e-3).all()


def test_noise_goes_where_the_settings_say(small_frames):
    classifier, masked = planted_classifier(), shown(small_frames, PercentMask(ratio=0.5, patch=4))
    rms = {}
    for where in ("everywhere", "visible", "before"):
        noise = UniversalNoise(where=where, epsilon=30)
        table, _ = evaluated(noise, masked, classifier, own=random_noise(noise, classifier))
        rms[where] = table.noise_rms
    assert (rms["everywhere"] > rms["visible"]).all()
    assert np.array_equal(rms["visible"], rms["before"])


def test_sizes_of_the_noise_by_class(small_frames):
    classifier, noise = planted_classifier(), ClassSpecificNoise()
    own = naming(noise, classifier, levels=12)
    own.parts["own"][2] = 0
    own.parts["own"][3, ..., :8] = 0  # half of the frame
    _, result = evaluated(noise, shown(small_frames), classifier, own=own)
    assert result.inspection.classes["rms"].tolist() == pytest.approx([12, 12, 0, 12 / 2**0.5, 12])
    assert result.inspection.classes["largest"].tolist() == [12, 12, 0, 12, 12]


# Effects


# Numbers for MLflow


def metrics_of(found: Evaluation, effects: pd.DataFrame | None = None) -> dict[str, float]:
    assert isinstance(found.noise, LearnedNoise)
    if effects is None:
        effects = effect_table(found.variant_scores, found.headline)
    counted = learning_numbers(found.inspection.classes, found.noise.fitted.history)
    return counted | noise_metrics(effects)


ALLOWED = re.compile(r"^[\w\-. /]+$", re.ASCII)


def test_metrics_have_names_that_mlflow_takes(of_kind):
    from mlflow.utils.validation import _validate_metric_name

    *_, result = of_kind
    metrics = metrics_of(result)
    for name, value in metrics.items():
        assert ALLOWED.match(name), name
        _validate_metric_name(name)
        assert np.isfinite(value)
        assert type(value) is float
    expected = {
        f"noise/{slug(name)}/{measure}{end}"
        for name in result.variant_scores
        if name != "none"
        for measure in MEASURED
        for end in ("", "_difference")
    }
    plain = {"noise/steps", "noise/kept_step"}
    if "named_on_empty" in result.inspection.classes:
        plain.add("noise/named_on_empty")
    assert set(metrics) == expected | plain
    leaking = {slug(name) for name in result.variant_scores if "leaks" in name}
    assert {name.split("/")[1] for name in metrics if "leaks" in name} == leaking


def test_a_comparison_with_a_control_does_not_pass_for_one_with_no_noise(named):
    found = metrics_of(named, effect_table(SOME, "candidate"))
    assert found["noise/candidate/top1"] == pytest.approx(5 / 6)
    assert found["noise/candidate/top1_difference"] == pytest.approx(2 / 6)


def test_numbers_that_are_not_known_are_left_out(named):
    effects = effect_table(named.variant_scores, named.headline)
    effects.loc[effects["measure"] == "ece", ["after", "difference"]] = np.nan
    found = metrics_of(named, effects)
    assert not [name for name in found if "ece" in name]
    assert len(found) == len(metrics_of(named)) - 2 * 8
