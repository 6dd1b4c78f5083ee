"""Shards beside a cell: which are there, and which are missing."""

from clip_har.data.shards import Shard
from clip_har.results.cell_folder import CellFolder


def test_the_split_that_is_nearest_to_whole_counts(tmp_path):
    folder = CellFolder(tmp_path / "abc")
    assert folder.find_shards() == ([], [])
    for number, count in ((1, 3), (3, 3), (1, 2)):
        folder.shard(Shard(number, count)).mkdir(parents=True)
    assert folder.find_shards() == ([], [Shard(2, 2)])
    assert folder.find_shards(3) == ([], [Shard(2, 3)]), "of the split that was asked for"
    folder.shard(Shard(2, 3)).mkdir()
    folders, missing = folder.find_shards()
    assert [path.name for path in folders] == [f"{n}of3" for n in (1, 2, 3)]
    assert not missing
