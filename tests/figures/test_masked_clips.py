import numpy as np
import pytest

from clip_har.figures.masked_clips import masked_clips_figure


@pytest.mark.parametrize("count", [1, 4, 8])
def test_every_picture_has_its_caption_and_nothing_is_cut_off(count):
    pictures = [np.full((64, 64, 3), 20 * number, np.uint8) for number in range(count)]
    captions = [f"swimming {number}\nbefore archery\n0.3000 hidden" for number in range(count)]
    title = "percent r=0.3 seed=1 fill=surround [uses the true label]"
    figure = masked_clips_figure(pictures, captions, title=title)
    (axes,) = figure.axes
    assert [np.asarray(image.get_array())[0, 0, 0] for image in axes.images] == [
        p[0, 0, 0] for p in pictures
    ]
    assert {*captions, title} == {text.get_text() for text in axes.texts}
    figure.canvas.draw()
    width, height = figure.get_size_inches()
    for text in axes.texts:
        box = text.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height
