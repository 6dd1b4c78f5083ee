import numpy as np
import pytest

from clip_har.figures.masked_clips import masked_clips_sheet
from tests.figures.made import cut_off


@pytest.mark.parametrize("count", [1, 4, 8])
def test_every_picture_has_its_caption_and_nothing_is_cut_off(count):
    pictures = [np.full((64, 64, 3), 20 * number, np.uint8) for number in range(count)]
    captions = [f"swimming {number}\nbefore archery\n0.3000 hidden" for number in range(count)]
    title = "percent r=0.3 seed=1 fill=surround [uses the true label]"
    sheet = masked_clips_sheet(pictures, captions, title=title)
    assert [one.picture[0, 0, 0] for one in sheet.pictures] == [one[0, 0, 0] for one in pictures]
    assert {*captions, title} == {one.text for one in sheet.words}
    assert cut_off(sheet) == []
    for shown, words in zip(sheet.pictures, sheet.words[1:], strict=True):
        left, top, right, _ = sheet.box(words)
        assert top > shown.top + shown.height
        assert (left + right) / 2 == pytest.approx(shown.left + shown.width / 2, abs=0.02)
