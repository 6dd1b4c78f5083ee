"""Score tables are paired by clip, and only where they speak of the same clips."""

from dataclasses import replace

import numpy as np
import pytest

from clip_har.metrics.pairing import common_rows
from clip_har.metrics.robustness import robustness
from tests.tables import made_table, rows_of


def tables():
    clean = made_table(labels=[0, 1, 2, 1], classes=3, right=[1, 1, 1, 0])
    return clean, rows_of(clean, [3, 0, 2])


def test_rows_meet_by_id_in_the_firsts_order():
    clean, fewer = tables()
    rows, ids = common_rows([clean, fewer])
    assert ids == ["clip 0", "clip 2", "clip 3"]
    assert [row.tolist() for row in rows] == [[0, 2, 3], [1, 2, 0]]
    rows, ids = common_rows([clean, replace(fewer, empty=("clip 2",))])
    assert ids == ["clip 0", "clip 3"]
    strangers = replace(clean, clip_ids=("w", "x", "y", "z"))
    assert common_rows([clean, strangers])[1] == []
    of_other_classes = replace(strangers, class_names=("a", "b", "c"))
    assert common_rows([clean, of_other_classes])[1] == []


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": ("class 0", "class 2", "class 1")},
        {"labels": np.array([0, 1, 2, 2])},
        {"groups": ("group 0", "group 0", "group 1", "another")},
    ],
)
def test_tables_of_other_data_are_refused(change):
    clean, _ = tables()
    other = replace(clean, **change)
    for pair in (lambda: common_rows([clean, other]), lambda: robustness(other, clean)):
        with pytest.raises(ValueError, match="same classes"):
            pair()
