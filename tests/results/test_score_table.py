from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.special import softmax

from clip_har.core.errors import ClipHarError
from clip_har.results.score_table import ScoreTable
from tests.tables import made_table


@pytest.fixture
def table() -> ScoreTable:
    return made_table(
        labels=[0, 2, 1], classes=3, right=[1, 0, 1], subject_hidden=[0.5, np.nan, 0.25]
    )


@pytest.mark.parametrize("kind", ["logits", "log_probabilities"])
def test_round_trip(table: ScoreTable, kind, tmp_path: Path) -> None:
    table = replace(
        table,
        kind=kind,
        attributes={"view point": ("front", None, "back"), "age": (None, None, None)},
        drift=np.array([0.5, np.nan, 0]),
        embeddings=np.eye(3, 4, dtype=np.float32),
        seconds=np.array([2.5, np.nan, 60]),
    )
    table.write(tmp_path / "scores.parquet")
    back = ScoreTable.read(tmp_path / "scores.parquet")
    for name in ScoreTable.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(back, name), getattr(table, name))
    assert back.scores.dtype == np.float32


def test_columns_can_be_read_without_this_package(table: ScoreTable, tmp_path: Path) -> None:
    table.write(tmp_path / "scores.parquet")
    frame = pq.read_table(tmp_path / "scores.parquet").to_pandas()
    assert frame["class"].tolist() == ["class 0", "class 2", "class 1"]
    assert frame["predicted"].tolist() == ["class 0", "class 0", "class 1"]
    assert frame["scores"][0].tolist() == table.scores[0].tolist()


def test_probabilities_are_the_softmax(table: ScoreTable) -> None:
    np.testing.assert_allclose(table.probabilities(), softmax(table.scores, axis=1), rtol=1e-6)


def test_log_probabilities_come_back_as_probabilities(table: ScoreTable) -> None:
    logs = np.log(table.probabilities()).astype(np.float32)
    again = replace(table, scores=logs, kind="log_probabilities").probabilities()
    np.testing.assert_allclose(again, table.probabilities(), rtol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"scores": np.full((3, 3), np.nan, np.float32)},
        {"scores": np.zeros((2, 3), np.float32)},
        {"labels": np.array([0, 3, 1])},
        {"labels": np.array([0, -1, 1])},
        {"groups": ("one",)},
        {"attributes": {"age": ("old",)}},
        {"drift": np.zeros(2)},
    ],
)
def test_columns_that_do_not_fit_are_refused(table: ScoreTable, change) -> None:
    with pytest.raises(ValueError, match=r"columns|label|finite"):
        replace(table, **change)


@pytest.mark.parametrize("content", [b"", b"PAR1 half a table", None])
def test_a_damaged_file_gets_one_line(content, tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClipHarError, match="expected a score table"):
        ScoreTable.read(path)


def test_tables_of_the_same_clips_share_their_texts(table: ScoreTable, tmp_path: Path) -> None:
    other = replace(table, clip_ids=tuple(f"x{clip_id}" for clip_id in table.clip_ids))
    for name, one in (("a", table), ("b", table), ("c", other), ("d", table)):
        one.write(tmp_path / name)
    a, b, c, d = (ScoreTable.read(tmp_path / name) for name in "abcd")
    assert b.clip_ids is a.clip_ids
    assert (c.clip_ids, d.clip_ids) == (other.clip_ids, table.clip_ids)
    assert c.groups is a.groups
