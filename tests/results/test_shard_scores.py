"""The score tables of a shard in a folder."""

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.results.shard_scores import read_shard, write_shard
from clip_har.results.variant_scores import VariantScores
from tests.tables import made_table


def test_a_damaged_shard_is_named(tmp_path):
    table = VariantScores(made_table(labels=[0, 1], classes=2, right=[1, 0]))
    write_shard(tmp_path / "1of2", "none", {"none": table}, seconds={}, compared=False)
    (tmp_path / "1of2" / "scores_none.parquet").write_bytes(b"nothing")
    with pytest.raises(ClipHarError, match=r"1of2.*run that shard again"):
        read_shard(tmp_path / "1of2")
