"""The stacks of all variants of a cell: what they find in planted scores, and what they do not."""

from dataclasses import replace

import numpy as np
import pytest

from clip_har.heads.names import HEADS
from clip_har.noise.learned import stack as stack_module
from clip_har.noise.learned.arms import ARMS, BY_NAME, GATED, LIFT, ORACLE, SHARED, STACKED
from clip_har.noise.learned.fits import Fits, FittedOn, features_of, fit_arms, shown_columns
from clip_har.noise.learned.gate import Gate, margins
from clip_har.noise.learned.lift import Answers
from clip_har.noise.learned.stack import Stack
from clip_har.noise.variants import (
    CALIBRATION,
    LEARNED,
    NONE,
    RANDOM,
    SECOND,
    SHUFFLED,
    SHUFFLED_LABELS,
    UNIVERSAL,
)
from tests.damage import DAMAGES

CLASSES, PARTNER = 4, np.array([1, 2, 3, 0])
STACKS = [arm for arm in ARMS if arm.features]


def answers(clips, *, signal, seed=0, top_k=None):
    """Return scores in which a class's own part speaks for it, as strongly as ``signal``."""
    draws = np.random.default_rng(seed)
    labels = draws.integers(CLASSES, size=clips)
    hits = np.eye(CLASSES)[labels]

    def seen(*shape):
        return draws.standard_normal((clips, *shape, CLASSES)).astype(np.float32)

    clean = hits + seen()
    universal = clean + 0.5 * hits + 0.5 * seen()
    scores = {NONE: clean[:, None], UNIVERSAL: universal[:, None]}
    scores[SECOND] = scores[UNIVERSAL] + 0.3 * seen(1)
    for noise in (LEARNED, RANDOM, SHUFFLED_LABELS):
        table = universal[:, None] + 0.7 * seen(CLASSES)
        if noise == LEARNED:
            for label in range(CLASSES):
                table[:, label, label] += signal * hits[:, label]
        scores[noise] = table
    heads = {name: 2 * hits * place + seen() for place, name in enumerate(HEADS[:2])}
    scores = {name: one.astype(np.float32) for name, one in scores.items()}
    return Answers(scores, labels, PARTNER, top_k, heads)


def top1(variants, name, labels):
    return float((variants[name].scores.argmax(axis=1) == labels).mean())


def fitted(signal, **more):
    held, new = answers(300, signal=signal, **more), answers(3000, signal=signal, seed=1, **more)
    arms = [arm for arm in STACKS if not arm.head or arm.head in held.heads]
    fits = fit_arms(arms, held, held, np.arange(300) % 6)
    return fits, arms, new, fits.variants(arms, new)


@pytest.fixture(scope="module")
def found():
    return fitted(2.0)


def test_what_the_own_part_tells_is_found_by_lift_alone(found):
    _, _, new, variants = found
    lift = top1(variants, LIFT, new.labels)
    for control in (STACKED, SHARED, SHUFFLED, RANDOM, SHUFFLED_LABELS):
        assert lift > top1(variants, control, new.labels) + 0.08, control
    alone = top1(variants, STACKED, new.labels)
    assert top1(variants, SHUFFLED, new.labels) == pytest.approx(alone, abs=0.03)
    assert top1(variants, "best head + lift", new.labels) > lift
    assert top1(variants, ORACLE, new.labels) >= alone - 0.02


@pytest.mark.parametrize("top_k", [None, 2])
def test_where_the_parts_tell_nothing_lift_gains_nothing(top_k):
    _, _, new, variants = fitted(0.0, top_k=top_k)
    stacked = top1(variants, STACKED, new.labels)
    for name in (LIFT, SHUFFLED, RANDOM, SHUFFLED_LABELS):
        assert top1(variants, name, new.labels) == pytest.approx(stacked, abs=0.02), name


def test_with_the_best_classes_only_the_signal_is_found_too():
    _, _, new, variants = fitted(2.0, top_k=2)
    assert top1(variants, LIFT, new.labels) > top1(variants, STACKED, new.labels) + 0.05


def test_the_best_head_is_that_with_the_lowest_loss(found):
    fits, *_ = found
    assert fits.best_head == HEADS[1]  # the first one is noise
    assert fits.stacks[HEADS[1]].loss < fits.stacks[HEADS[0]].loss


def test_a_clip_is_shown_with_the_part_of_its_prediction(found):
    _, _, new, variants = found
    one = variants[LIFT]
    assert one.noise == LEARNED
    np.testing.assert_array_equal(one.columns, one.scores.argmax(axis=1))
    shuffled = variants[SHUFFLED]
    np.testing.assert_array_equal(shuffled.columns, PARTNER[shuffled.scores.argmax(axis=1)])
    assert variants[RANDOM].noise == RANDOM
    np.testing.assert_array_equal(variants[ORACLE].columns, new.labels)
    assert (variants[STACKED].columns == 0).all()


def test_a_part_that_was_not_computed_is_not_shown():
    new = answers(50, signal=1.0, top_k=2)
    computed = new.parts(LEARNED).computed
    columns = shown_columns(BY_NAME[LIFT], -new.clean, new)
    assert computed[np.arange(50), columns].all()
    assert (columns != (-new.clean).argmax(axis=1)).any()


def test_clips_behind_the_gate_keep_their_scores_and_are_shown_without_noise(found):
    fits, arms, new, _ = found
    gate = Gate(float(np.median(margins(new.clean))))
    for end, kept in ((Gate(0.0), 3000), (Gate(np.inf), 0)):
        gated = replace(fits, gate=end).variants(arms, new)[GATED]
        assert (gated.columns == -1).sum() == kept
    one = replace(fits, gate=gate).variants(arms, new)
    sure = gate.keeps(new.clean)
    assert 0 < sure.sum() < 3000
    np.testing.assert_array_equal(one[GATED].scores[sure], new.clean[sure])
    np.testing.assert_array_equal(one[GATED].scores[~sure], one[LIFT].scores[~sure])
    np.testing.assert_array_equal(one[GATED].columns < 0, sure)


def test_the_gate_is_fitted_on_scores_of_other_groups(monkeypatch):
    """What helps in most clips of one group, and harms in the other, is no gain for a new group."""
    monkeypatch.setattr(stack_module, "PENALTIES", (1e-4,))  # it would be found to harm, too
    monkeypatch.setattr(stack_module, "BIASES", (1.0,))
    labels, groups = np.arange(40) % CLASSES, np.repeat([0, 1], [30, 10])
    hits = np.eye(CLASSES)[labels]
    draws = np.random.default_rng(4)
    clean = draws.standard_normal((40, 1, CLASSES)) + hits[:, None]
    tells = np.where(groups == 0, 3, -3)[:, None] * hits
    universal = draws.standard_normal((40, 1, CLASSES)) + tells[:, None]
    parts = draws.standard_normal((40, CLASSES, CLASSES))
    scores = {NONE: clean, UNIVERSAL: universal, LEARNED: parts}
    held = Answers({name: one.astype(np.float32) for name, one in scores.items()}, labels, PARTNER)
    fits = fit_arms([BY_NAME[GATED]], held, held, groups)
    fitted_on = fits.stacks[GATED].apply(features_of(BY_NAME[GATED], held, ""))
    right = [(one.argmax(axis=1) == labels).mean() for one in (held.clean, fitted_on)]
    assert right[1] > right[0] + 0.1, "by its own clips the gate would let noise through"
    assert fits.gate is not None
    assert fits.gate.threshold == 0


def test_kept_scores_are_as_sure_as_calibrated_ones():
    """Scores without noise may be far too sure or unsure; the others come out of a stack."""
    held, new = answers(300, signal=2.0), answers(3000, signal=2.0, seed=1)
    gates = []
    for factor in (1.0, 20.0):
        scores = [
            {**one.scores, NONE: np.float32(factor) * one.scores[NONE]} for one in (held, new)
        ]
        masked, shown = (
            replace(one, scores=scaled) for one, scaled in zip((held, new), scores, strict=True)
        )
        for names in ([GATED], [GATED, CALIBRATION]):
            fits = fit_arms([BY_NAME[n] for n in names], masked, masked, np.arange(300) % 6)
            assert fits.gate is not None
            gates.append(factor * fits.gate.scale)
        calibrated = fits.variants([BY_NAME[CALIBRATION]], shown)[CALIBRATION].scores
        assert fits.gate is not None
        kept = replace(fits, gate=replace(fits.gate, threshold=0.0))
        gated = kept.variants([BY_NAME[GATED]], shown)[GATED].scores
        biases = fits.stacks[CALIBRATION].biases.astype(np.float32)
        np.testing.assert_allclose(gated + biases, calibrated, rtol=1e-4, atol=1e-4)
    assert gates[0] == gates[1]
    assert gates[2] == gates[3]
    assert gates[2] == pytest.approx(gates[0], rel=0.5)  # not 20 times as large


def test_a_calibration_that_turns_the_order_round_is_no_scale():
    held = answers(300, signal=1.0)
    turned = {name: -5 * one for name, one in held.scores.items()}
    wrong = replace(held, scores=turned)
    fits = fit_arms([BY_NAME[GATED], BY_NAME[CALIBRATION]], wrong, wrong, np.arange(300) % 6)
    assert fits.stacks[CALIBRATION].weights[0] < 0
    assert fits.gate is not None
    assert fits.gate.scale == 1


def test_the_gate_has_the_stack_of_lift(found):
    fits, *_ = found
    assert fits.stacks[GATED] is fits.stacks[LIFT]
    held = answers(300, signal=2.0)
    alone = fit_arms([BY_NAME[GATED]], held, held, np.arange(300) % 6)
    np.testing.assert_array_equal(alone.stacks[GATED].weights, fits.stacks[LIFT].weights)
    assert alone.gate == fits.gate


def test_whole_clips_need_the_scores_of_the_gate_alone():
    held = answers(90, signal=2.0)
    needed = {NONE, *BY_NAME[GATED].noises}
    whole = replace(held, scores={name: held.scores[name] for name in needed}, heads={})
    arms = [BY_NAME[name] for name in (LIFT, GATED, STACKED, RANDOM, HEADS[1])]
    groups = np.arange(90) % 3
    assert fit_arms(arms, held, whole, groups).gate == fit_arms(arms, held, held, groups).gate


def test_a_file_gives_back_the_same(found, tmp_path):
    fits, arms, new, variants = found
    path = tmp_path / "stacks.safetensors"
    for gate in (fits.gate, None, Gate(np.inf), Gate(0.0, scale=0.3)):
        replace(fits, gate=gate).write(path)
        again = Fits.read(path)
        assert again is not None
        assert (again.gate, again.best_head) == (gate, fits.best_head)
    on = FittedOn("digest", {LIFT: ["clean", "own"]}, "train", ["a"], ["g"])
    replace(fits, on=on).write(path)
    again = Fits.read(path)
    assert again is not None
    assert again.on == on
    for name, one in again.variants(arms, new).items():
        np.testing.assert_array_equal(one.scores, variants[name].scores)
    assert Fits.read(tmp_path / "nothing") is None
    for damage in DAMAGES:
        fits.write(path)
        damage(path)
        assert Fits.read(path) is None


def test_no_stack_is_a_file_too(tmp_path):
    Fits({"calibration": Stack(np.ones(1), np.zeros(3), 0.1, 1.0)}).write(tmp_path / "a")
    found = Fits.read(tmp_path / "a")
    assert found is not None
    assert list(found.stacks) == ["calibration"]
    assert found.stacks["calibration"].loss == 1.0
