"""Where pictures go, and what stands in them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clip_har.core.errors import ClipHarError
from clip_har.predict.picture import PictureFiles, write_picture
from tests.predict.test_prediction import prediction


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_a_picture_is_written_whole(tmp_path, form):
    path = tmp_path / "new" / f"day.{form}"
    write_picture(path, prediction(), top=2, description="tiny, mask: percent", cautions=["tiny"])
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    if form == "png":
        with Image.open(path) as picture:
            assert np.asarray(picture).shape[1] > 700
    if form == "svg":
        assert path.read_text(encoding="utf-8").count("<path") > 5


def test_videos_of_one_name_have_pictures_of_their_own(tmp_path):
    files = PictureFiles(tmp_path / "pictures")
    found = [files.of(Path(name)).name for name in ("a/day.mp4", "b/day.avi", "day-2.mp4", "c.mp4")]
    assert found == ["day.png", "day-2.png", "day-2-2.png", "c.png"]


def test_a_file_is_for_one_video(tmp_path):
    assert PictureFiles(tmp_path / "day.SVG").is_file
    assert not PictureFiles(tmp_path / "day").is_file
    (tmp_path / "odd.png").mkdir()
    assert not PictureFiles(tmp_path / "odd.png").is_file


@pytest.mark.parametrize(
    ("name", "message"), [("day.jpg", "ends in .png"), ("none/day.png", "there is no folder")]
)
def test_another_place_is_refused_before_the_work(tmp_path, name, message):
    with pytest.raises(ClipHarError, match=message):
        PictureFiles(tmp_path / name)
