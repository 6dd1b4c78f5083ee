import numpy as np
import pytest

from clip_har.metrics.summary import summarise
from tests.tables import made_table


def test_names_and_values() -> None:
    table = made_table(labels=[0, 1, 2, 3, 4, 5, 5], classes=6, right=[1, 1, 1, 0, 0, 1, 0])
    metrics = summarise(table)
    assert metrics["top1"] == pytest.approx(4 / 7)
    assert metrics["balanced_accuracy"] == pytest.approx((1 + 1 + 1 + 0 + 0 + 0.5) / 6)
    assert metrics["top5"] == 1
    assert metrics["mask/realised_ratio"] == pytest.approx(table.mask_ratio.mean())
    assert "mask/subject_hidden" not in metrics
    assert all(np.isfinite(list(metrics.values())))
    # MLflow takes letters, digits and _ - . / only.
    assert all(name.replace("/", "").replace("_", "").isalnum() for name in metrics)


def test_top5_says_nothing_about_five_classes() -> None:
    assert "top5" not in summarise(made_table(labels=[0, 1], classes=5, right=[1, 1]))


def test_subject_hidden_is_over_the_clips_where_it_is_known() -> None:
    table = made_table(
        labels=[0, 1, 1], classes=2, right=[1, 1, 1], subject_hidden=[0.2, np.nan, 0.4]
    )
    metrics = summarise(table)
    assert metrics["mask/subject_hidden"] == pytest.approx(0.3)
    assert metrics["mask/subject_not_found"] == pytest.approx(1 / 3)
