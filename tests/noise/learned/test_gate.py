"""A gate: which clips keep their scores, and how its threshold is chosen."""

import numpy as np
import pytest

from clip_har.heads.clips import balanced
from clip_har.noise.learned.gate import Gate, Pair, fit_gate, margins


def pair(clean_right: list[bool], noisy_right: list[bool], margin: list[float]) -> Pair:
    """Return scores of two classes, all of label 0, with these answers and clean margins."""
    clean = np.where(np.array(clean_right)[:, None], [1.0, 0.0], [0.0, 1.0])
    noisy = np.where(np.array(noisy_right)[:, None], [1.0, 0.0], [0.0, 1.0])
    return Pair((clean * np.array(margin)[:, None]).astype(np.float32), noisy.astype(np.float32))


ZEROS = np.zeros(4, np.int64)
NO, YES = False, True


@pytest.mark.parametrize(
    ("masked", "whole", "threshold"),
    [
        # Noise mends the clips that the model is unsure of, and breaks those that it is sure of.
        (([NO, NO, YES, YES], [YES, YES, NO, NO]), ([YES] * 4, [YES] * 4), 3.0),
        # It only breaks clips: all stay as they are.
        (([YES] * 4, [NO] * 4), ([YES] * 4, [NO] * 4), 0.0),
        # It changes nothing: all stay as they are, too.
        (([YES, NO, YES, NO], [YES, NO, YES, NO]), ([YES] * 4, [YES] * 4), 0.0),
        # It only mends clips: none stays as it is.
        (([NO] * 4, [YES] * 4), ([YES] * 4, [YES] * 4), np.inf),
        # It would mend all, but breaks whole clips that the model is sure of.
        (([NO] * 4, [YES] * 4), ([YES] * 4, [YES, YES, NO, NO]), 3.0),
        # What it mends of whole clips pays for what it breaks of them.
        (([NO] * 4, [YES] * 4), ([NO, NO, YES, YES], [YES, YES, NO, NO]), np.inf),
        # It would mend some, but breaks every whole clip.
        (([NO] * 4, [YES] * 4), ([YES] * 4, [NO] * 4), 0.0),
    ],
    ids=["mixed", "breaks", "nothing", "mends", "whole", "paid", "never"],
)
def test_the_threshold(masked, whole, threshold):
    margin = [1.0, 2.0, 3.0, 4.0]
    pairs = pair(masked[0], masked[1], margin), pair(whole[0], whole[1], margin)
    found = fit_gate(*pairs, ZEROS, scale=0.7)
    assert found.scale == 0.7
    # Below the lowest margin a threshold is as good as 0: all clips keep their scores.
    assert found.threshold == threshold


def test_no_other_threshold_is_better():
    draws = np.random.default_rng(0)
    for _ in range(30):
        labels = draws.integers(3, size=40)
        tables = [np.round(draws.standard_normal((40, 3)), 1).astype(np.float32) for _ in range(4)]
        hits = np.eye(3, dtype=np.float32)[labels]
        masked, whole = Pair(tables[0] + hits, tables[1] + hits), Pair(tables[2] + hits, tables[3])
        gate = fit_gate(masked, whole, labels)

        def reached(threshold, labels=labels, masked=masked, whole=whole):
            right = [
                Gate(threshold).apply(*one).argmax(axis=1) == labels for one in (masked, whole)
            ]
            return balanced(labels) @ right[0], right[1].mean()

        least = (whole.clean.argmax(axis=1) == labels).mean()
        accuracy, on_whole = reached(gate.threshold)
        assert on_whole >= least
        for threshold in [0.0, np.inf, *np.linspace(0, 4, 200)]:
            other, other_whole = reached(threshold)
            if other_whole >= least:
                assert other <= accuracy + 1e-9
                assert other < accuracy - 1e-9 or threshold >= gate.threshold - 0.1


def test_sure_clips_keep_their_scores_and_the_ends_keep_all_or_none():
    clean = np.array([[3, 1], [1, 1], [0, 5]], np.float32)
    noisy = -clean
    assert margins(clean).tolist() == [2, 0, 5]
    assert Gate(2.0).keeps(clean).tolist() == [True, False, True]
    np.testing.assert_array_equal(Gate(2.0).apply(clean, noisy), [[3, 1], [-1, -1], [0, 5]])
    np.testing.assert_array_equal(Gate(0.0).apply(clean, noisy), clean)
    np.testing.assert_array_equal(Gate(np.inf).apply(clean, noisy), noisy)
    assert Gate(2.0).apply(clean, noisy).dtype == np.float32


def test_kept_scores_are_scaled_and_no_prediction_changes():
    draws = np.random.default_rng(0)
    clean, noisy = draws.standard_normal((2, 50, 4)).astype(np.float32)
    gate = Gate(0.5, scale=0.1)
    kept, found = gate.keeps(clean), gate.apply(clean, noisy)
    assert 0 < kept.sum() < 50
    np.testing.assert_allclose(found[kept], 0.1 * clean[kept], rtol=1e-6)
    np.testing.assert_array_equal(found[~kept], noisy[~kept])
    np.testing.assert_array_equal(
        found.argmax(axis=1), Gate(0.5).apply(clean, noisy).argmax(axis=1)
    )
    assert found.dtype == np.float32
