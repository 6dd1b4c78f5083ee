"""Equal scores in every order of the frames, or a fault."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_har.report.frame_order import order_note
from clip_har.results.result import Result
from tests.report.made import made_cell, table


def cells(
    results: Path, *more: str, moved: float = 0.0, orders: str = "forward reversed"
) -> list[Result]:
    found = []
    for order in orders.split():
        answers = table(0.7)
        rest = [*more, f"frames.order={order}"]
        if order == "reversed":
            answers = replace(answers, scores=answers.scores + np.float32(moved))
        folder = made_cell(results, f"none order={order}", answers, "masking=none", *rest)
        found.append(Result(folder))
    return found


def test_a_model_that_pools_frames_must_give_equal_scores(tmp_path: Path) -> None:
    note = order_note(cells(tmp_path, moved=1e-6))
    assert "(mean)" in note
    assert note.endswith("They do, up to rounding.")


def test_another_score_is_told(tmp_path: Path) -> None:
    assert "They do not: scores differ by up to 0.0" in order_note(cells(tmp_path, moved=0.1))


@pytest.mark.parametrize(
    ("orders", "more"),
    [
        ("forward single", ()),
        ("forward", ()),
        ("forward reversed", ("noise=gaussian",)),
        ("forward reversed", ("model=xclip", "model.checkpoint=x")),
    ],
)
def test_where_scores_may_differ_nothing_is_said(
    tmp_path: Path, orders: str, more: tuple[str, ...]
) -> None:
    assert order_note(cells(tmp_path, *more, moved=1.0, orders=orders)) == ""
