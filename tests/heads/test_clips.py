"""What heads are fitted on: checked when it is made, and all classes equal."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from clip_har.heads.clips import LabelledClips, balanced

ROWS = np.eye(3, dtype=np.float32)


def test_classes_weigh_the_same_as_in_scikit_learn() -> None:
    labels = np.random.default_rng(0).choice([0, 2, 5], 50, p=[0.7, 0.2, 0.1])
    oracle = compute_sample_weight("balanced", labels)
    np.testing.assert_allclose(balanced(labels), oracle / len(labels))


@pytest.mark.parametrize(
    ("embeddings", "labels", "groups", "message"),
    [
        (ROWS, [0, 1], ["a", "b", "c"], "got 3, 2 and 3"),
        (ROWS, [0, 1, 1], ["a", "b"], "got 3, 3 and 2"),
        (ROWS[:0], [], [], "at least one"),
        (2 * ROWS, [0, 1, 1], ["a", "b", "c"], "length 1, got lengths of 2"),
        (np.nan * ROWS, [0, 1, 1], ["a", "b", "c"], "length 1, got lengths of nan"),
    ],
)
def test_what_does_not_fit_is_refused(embeddings, labels, groups, message):
    with pytest.raises(ValueError, match=message):
        LabelledClips(embeddings, np.array(labels, np.int64), groups)
