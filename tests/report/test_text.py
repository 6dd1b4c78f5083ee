"""The question of a page, and what its sentences say of classes and groups."""

import pandas as pd
import pytest

from clip_har.report.selection import of_sweep
from clip_har.report.text import inference, may_lose_most, question
from clip_har.sweeps.table import cell_rows
from tests.report.made import usual
from tests.report.rows import NONE, changed


def test_the_question_is_one_that_the_cells_answer(tmp_path):
    rows = cell_rows(of_sweep(usual(tmp_path)).cells)
    scene = pd.DataFrame({"measure": ["scene/swap_error"], "of": [""]})
    assert "or the room?" in question(rows, scene)
    assert "parts of the picture change" in question(rows, NONE)
    assert question(rows.head(1), NONE) == "How well does the model recognise the human action?"


@pytest.mark.parametrize(
    ("rank_low", "says"),
    [([1, 2, 2], "b loses most."), ([1, 1, 3], "Any of 2 of the 3 classes may"),
     ([1, 1, 1], "Any of the 3 classes may"), ([pd.NA] * 3, "another class may lose most")],
)  # fmt: skip
def test_which_class_loses_most_is_said_as_far_as_it_is_known(rank_low, says):
    ranks = pd.array(rank_low, dtype="Int64")
    assert says in may_lose_most(pd.DataFrame({"class": ["b", "a", "c"], "rank_low": ranks}))


@pytest.mark.parametrize(
    ("groups", "says"), [(4, "there is no interval"), (16, "only 16 groups"), (40, "new groups.")]
)
def test_few_groups_are_warned_about(groups: int, says: str) -> None:
    text = inference(changed(groups=groups))
    assert says in text
    assert "one family of 1, changes of top-1 from the clean twin of clip on clips" in text
    assert "the same classes" in inference(changed(same_classes=True))
