import re
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.data.shards import JoinedFrames, Shard, open_shard, open_whole
from clip_har.regions.source import Estimate, RegionSettings
from clip_har.regions.store import open_regions
from tests.data.made import write_video

SETTINGS = FrameSettings(count=2, size=32)


def clip_set(groups: list[str], folder: Path = Path("nowhere")) -> ClipSet:
    clips = tuple(
        Clip(f"c{number}", folder / f"c{number}.mp4", number % 2, group)
        for number, group in enumerate(groups)
    )
    return ClipSet("made", ("run", "jump"), clips, "none", "")


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=20),
    data=st.data(),
)
def test_every_clip_is_in_one_shard_with_its_group(sizes, data):
    groups = [f"g{number}" for number, size in enumerate(sizes) for _ in range(size)]
    whole = clip_set(data.draw(st.permutations(groups)))
    count = data.draw(st.integers(1, len(sizes)))
    parts = [Shard(number, count).of(whole) for number in range(1, count + 1)]
    assert sorted(clip.id for part in parts for clip in part.clips) == sorted(
        clip.id for clip in whole.clips
    )
    homes = Counter(
        clip.group for part in parts for clip in {c.group: c for c in part.clips}.values()
    )
    assert set(homes.values()) == {1}, "no group is in two parts"
    order = {clip.id: row for row, clip in enumerate(whole.clips)}
    for part in parts:
        rows = [order[clip.id] for clip in part.clips]
        assert rows == sorted(rows)
    lengths = [len(part.clips) for part in parts]
    assert max(lengths) - min(lengths) <= max(sizes), "as equal as whole groups allow"


def test_more_shards_than_groups_are_refused():
    with pytest.raises(ClipHarError, match="shard=1/3: made has 2 groups"):
        Shard(1, 3).of(clip_set(["a", "b", "a"]))


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "1/0", "-1/3", "1/2/3", "a/b", "1.5/3"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        Shard.parse(text)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> ClipSet:
    folder = tmp_path_factory.mktemp("videos")
    whole = clip_set(["a", "a", "b", "c", "b", "d"], folder)
    for number, clip in enumerate(whole.clips):
        write_video(clip.path, 5 + number)
    whole.clips[4].path.write_bytes(b"broken")
    return whole


def test_joined_frames_are_those_of_the_whole(videos, tmp_path, monkeypatch):
    lenient = SETTINGS.model_copy(update={"on_error": "skip"})
    own = FrameStore.open(videos, lenient, cache_dir=tmp_path / "whole")
    for number in (2, 1, 3):
        open_shard(videos, Shard(number, 3), SETTINGS, cache_dir=tmp_path / "parts")
    monkeypatch.setattr("clip_har.data.frames.store.write_store", None)  # nothing is decoded again
    joined = open_whole(videos, lenient, cache_dir=tmp_path / "parts")
    assert isinstance(joined, JoinedFrames)
    assert joined.digest == own.digest
    assert joined.ok == own.ok == [0, 1, 2, 3, 5]
    assert [fault.clip_id for fault in joined.failures] == ["c4"]
    np.testing.assert_array_equal(joined.lengths, own.lengths)
    for index in own.ok:
        np.testing.assert_array_equal(joined.clip(index), own.clip(index))
        assert joined.view(index).indices == own.view(index).indices
    assert list(joined.batches(joined.ok, 4)) == list(own.batches(own.ok, 4))


def test_failures_are_counted_over_the_whole(videos, tmp_path):
    for number in (1, 2):
        open_shard(videos, Shard(number, 2), SETTINGS, cache_dir=tmp_path)  # not refused here
    with pytest.raises(ClipHarError, match=r"1 of 6 clips .*frames.max_failed") as caught:
        open_whole(videos, SETTINGS, cache_dir=tmp_path)
    (path,) = re.findall(r"all of them: (\S+);", str(caught.value))
    assert "c4" in Path(path).read_text()


def test_with_a_shard_missing_the_whole_is_decoded(videos, tmp_path):
    lenient = SETTINGS.model_copy(update={"on_error": "skip"})
    open_shard(videos, Shard(1, 2), SETTINGS, cache_dir=tmp_path)
    assert not isinstance(open_whole(videos, lenient, cache_dir=tmp_path), JoinedFrames)


class Bright(RegionSettings):
    """A region source: what is brighter than grey, different at every call."""

    exact: ClassVar[bool] = False
    asks_model: ClassVar[bool] = False
    asked: ClassVar[int] = 0

    def check(self, target):
        assert target == "subject"

    def identity(self, _):
        return []

    def locator(self, _):
        def locate(views, _thing):
            Bright.asked += len(views)
            return [
                Estimate.sure((view.pixels.mean(axis=1) / 255).astype(np.float32)) for view in views
            ]

        return locate


def test_joined_maps_are_those_of_the_whole_and_located_by_the_parts(videos, tmp_path):
    lenient = SETTINGS.model_copy(update={"on_error": "skip"})
    own = FrameStore.open(videos, lenient, cache_dir=tmp_path / "whole")
    parts = [open_shard(videos, Shard(n, 3), SETTINGS, cache_dir=tmp_path) for n in (1, 2, 3)]
    source: Any = Bright()
    given: dict[str, Any] = {"zero_shot": lambda: None, "cache_dir": tmp_path}
    for part in parts:
        open_regions(source, "subject", part, **given)
    asked = Bright.asked
    joined = open_regions(source, "subject", JoinedFrames(videos, parts), **given)
    assert Bright.asked == asked == len(own.ok), "nothing is located again"
    whole = open_regions(source, "subject", own, **given)
    np.testing.assert_array_equal(joined.found, whole.found)
    for index in own.ok:
        np.testing.assert_array_equal(joined.soft_mask(index), whole.soft_mask(index))
