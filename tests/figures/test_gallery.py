"""The figures: the right tiles, titled and captioned, on made and on real frames."""

from dataclasses import replace

import numpy as np
import pytest

from clip_har.figures.gallery import GalleryRow, Tile, mask_gallery
from clip_har.figures.mask_shapes import shape_figure
from tests.figures.made import rendered, visible

GREY = Tile(np.full((24, 32, 3), 200, np.uint8), 0.1003, "clips/archery/v_archery_g01_c01")


def test_rows_are_masks_and_columns_ratios_times_clips():
    rows = [
        GalleryRow("none", [GREY, GREY, None, None], clean=True),
        GalleryRow("shape circle middle", [GREY] * 4),
    ]
    tiles = visible(mask_gallery(rows, [0.1, 0.1, None, None]))
    titles = [axes.get_title() for axes in tiles]
    assert titles == ["", "", "10 %", "10 %", "whole region", "whole region"]
    name = "v_archery_g01_c01"
    captions = [axes.get_xlabel() for axes in tiles]
    assert captions[:4] == [name, name, "10.03 %", "10.03 %"], "the clip is named once a column"
    assert captions[4:] == [f"{name}\n10.03 %"] * 2
    np.testing.assert_array_equal(tiles[0].images[0].get_array(), GREY.picture)


def test_a_row_with_an_empty_first_place_keeps_its_label():
    rows = [GalleryRow("hide subject", [None, GREY])]
    first, second = visible(mask_gallery(rows, [0.1, 0.5]))
    assert [text.get_text().replace("\n", " ") for text in first.texts] == ["hide subject"]
    assert second.get_title() == "50 %"


def test_a_place_may_say_why_there_is_no_picture():
    rows = [GalleryRow("hide subject", [GREY, "nothing found"])]
    _, second = visible(mask_gallery(rows, [0.1, 0.1]))
    assert [text.get_text() for text in second.texts] == ["nothing found"]


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        mask_gallery([GalleryRow("none", [None])], [0.1])


def test_all_shapes_are_drawn_nested():
    figure = shape_figure(side=40)
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == len(set(titles)) == 12
    for axes in figure.axes:
        depth = np.asarray(axes.images[0].get_array())
        shares = [(depth >= shade).mean() for shade in (3, 2, 1)]
        assert shares == pytest.approx([0.1, 0.3, 0.5], abs=1e-3)
    assert rendered(figure).std() > 20


def test_no_label_is_cut_at_the_edge():
    long = replace(GREY, clip="v_" + "clip_with_a_long_name_" * 9)
    rows = [GalleryRow("hide something with a long name (box)", [long, long])]
    image = rendered(mask_gallery(rows, [0.1, None]))
    assert (image[:, 0] == 255).all()
    assert (image[-1] == 255).all()
    assert image.std() > 20
