"""HAT's lists of pairs become the table that the package reads."""

import pickle
import sys

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.masking.pairs import read_pairs
from experiments.hat.pairs import convert, main

LIST = {
    "archery/01xStFVYC7U_000011_000021": ["bending back/05mZDSLkGQI_000007_000017", 300, 20],
    "bending back/05mZDSLkGQI_000007_000017": ["archery/01xStFVYC7U_000011_000021", 150, 5],
}


@pytest.mark.parametrize("number", [int, np.int64])
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_a_list(tmp_path, number, protocol):
    content = {clip: [scene, number(n), number(k)] for clip, (scene, n, k) in LIST.items()}
    source, table = tmp_path / "list.pickle", tmp_path / "pairs.csv"
    source.write_bytes(pickle.dumps(content, protocol))
    assert convert(source, table) == 2
    assert read_pairs(table) == {clip: scene for clip, (scene, _, _) in LIST.items()}


@pytest.mark.parametrize("content", [[], {}, {"a/b": "c/d"}, {"a/b": ["c/d", 3]}, {1: ["a", 1, 1]}])
def test_another_content(tmp_path, content, monkeypatch):
    source = tmp_path / "list.pickle"
    source.write_bytes(pickle.dumps(content))
    with pytest.raises(ClipHarError, match="expected"):
        convert(source, tmp_path / "pairs.csv")
    monkeypatch.setattr(sys, "argv", ["pairs", str(source), str(tmp_path / "pairs.csv")])
    with pytest.raises(SystemExit, match="expected"):
        main()
    assert not (tmp_path / "pairs.csv").exists()
