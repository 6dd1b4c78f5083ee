"""Videos that the tests of frame stores share."""

import pytest

from tests.data.frames.made import LENGTHS, clip_set
from tests.data.made import write_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    return [write_video(folder / f"c{i}.mp4", n) for i, n in enumerate(LENGTHS)]


@pytest.fixture
def made(videos):
    return clip_set(*videos)
