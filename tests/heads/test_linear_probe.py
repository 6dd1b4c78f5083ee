"""The linear probe is scikit-learn's; classes weigh the same, and some may have no clip."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from clip_har.core.errors import ClipHarError
from clip_har.heads.clips import LabelledClips
from clip_har.heads.linear_probe import LinearProbe, fit_linear_probe
from clip_har.heads.validation import validation_score
from tests.heads.made import CLASSES, TEST, TRAIN, VALIDATION, top1, without

UNEVEN = LabelledClips(
    TRAIN.embeddings[20:], np.where(TRAIN.labels == 1, 0, TRAIN.labels)[20:], TRAIN.groups[20:]
)


def fit(clips: LabelledClips) -> LinearProbe:
    return fit_linear_probe(clips, VALIDATION, classes=CLASSES)


@pytest.mark.parametrize("clips", [TRAIN, UNEVEN, without(TRAIN, 2), without(TRAIN, 0, 3)], ids=len)
def test_probabilities_are_those_of_scikit_learn(clips: LabelledClips) -> None:
    found = fit(clips)
    features = clips.embeddings.astype(np.float64)
    # The same optimum on the embeddings as they are: the penalty is for those of deviation 1.
    scaled = found.penalty / ((features - features.mean(axis=0)) ** 2).mean()
    oracle = LogisticRegression(C=scaled, class_weight="balanced", tol=1e-10, max_iter=20_000).fit(
        features, clips.labels
    )
    expected = oracle.predict_proba(TEST.embeddings.astype(np.float64))
    logits = found.logits(TEST.embeddings)
    assert logits.shape == (len(TEST), CLASSES)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(softmax(logits[:, oracle.classes_], axis=1), expected, atol=1e-4)
    seen = without(TEST, *set(range(CLASSES)) - set(oracle.classes_))
    assert top1(found, seen) > 0.7


def test_no_power_of_ten_has_a_better_score_on_the_validation_clips() -> None:
    found = fit(TRAIN)
    own = validation_score(found.logits(VALIDATION.embeddings), VALIDATION.labels)
    for power in range(-4, 3):
        oracle = LogisticRegression(
            C=10.0**power, class_weight="balanced", tol=1e-8, max_iter=20_000
        ).fit(TRAIN.embeddings.astype(np.float64), TRAIN.labels)
        scores = oracle.decision_function(VALIDATION.embeddings.astype(np.float64))
        assert own >= validation_score(scores.astype(np.float32), VALIDATION.labels) - 1e-3


def test_a_class_without_a_clip_is_never_predicted_and_stays_finite() -> None:
    logits = fit(without(TRAIN, 1)).logits(TEST.embeddings)
    np.testing.assert_array_equal(logits[:, 1], logits[:, [0, 2, 3]].min(axis=1))
    assert 1 not in logits.argmax(axis=1)
    assert top1(fit(without(TRAIN, 1)), without(TEST, 1)) > 0.7


def test_one_class_is_one_line() -> None:
    with pytest.raises(ClipHarError, match="at least 2 classes, got 1"):
        fit(without(TRAIN, 1, 2, 3))


def test_a_fit_that_is_cut_short_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("clip_har.heads.logistic.STEPS", 1)
    fit(TRAIN)
    assert "not at the optimum" in caplog.text
