"""The figures: the right tiles, titled and captioned, on made and on real frames."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from clip_har.figures.gallery import GalleryRow, Tile, mask_gallery
from clip_har.figures.mask_shapes import shape_figure
from clip_har.figures.sheet import Sheet, save_sheet
from tests.figures.made import cut_off, rendered

GREY = Tile(np.full((24, 32, 3), 200, np.uint8), 0.1003, "clips/archery/v_archery_g01_c01")


def at(sheet: Sheet, *, colour: float) -> list[tuple[float, float, str]]:
    """The texts of a colour as top, left and text, in the order in which they are read."""
    found = [(round(one.y, 2), round(one.x, 2), one.text) for one in sheet.words
             if one.colour == colour]  # fmt: skip
    return sorted(found)


def test_rows_are_masks_and_columns_ratios_times_clips():
    rows = [
        GalleryRow("none", [GREY, GREY, None, None], clean=True),
        GalleryRow("shape circle middle", [GREY] * 4),
    ]
    sheet = mask_gallery(rows, [0.1, 0.1, None, None])
    places = [(round(one.top, 2), round(one.left, 2)) for one in sheet.pictures]
    assert places == sorted(places)
    assert [place[1] for place in places[:2]] == [place[1] for place in places[2:4]]
    assert len({top for top, _ in places}) == 2
    ink = [text for *_, text in at(sheet, colour=0.1)]
    assert ink == ["none", *["10 %"] * 2, *["whole region"] * 2, "shape circle\nmiddle"]
    name = "v_archery_g01_c01"
    captions = [text for *_, text in at(sheet, colour=0.42)]
    assert captions[:2] == [name, name]
    assert captions[2:] == ["10.03 %", "10.03 %", *[f"{name}\n10.03 %"] * 2], "named once a column"
    assert sheet.pictures[0].picture is GREY.picture
    assert not cut_off(sheet)


def test_a_row_with_an_empty_first_place_keeps_its_label():
    sheet = mask_gallery([GalleryRow("hide subject", [None, GREY])], [0.1, 0.5])
    (shown,) = sheet.pictures
    (_, title_at, title), (label_top, label_at, label) = at(sheet, colour=0.1)
    assert (title, label) == ("50 %", "hide subject")
    assert title_at == pytest.approx(shown.left + shown.width / 2, abs=0.01)
    assert label_top == pytest.approx(shown.top + shown.height / 2, abs=0.01)
    assert label_at < shown.left - shown.width


def test_a_place_may_say_why_there_is_no_picture():
    sheet = mask_gallery([GalleryRow("hide subject", [GREY, "nothing found"])], [0.1, 0.1])
    assert len(sheet.pictures) == 1
    (found,) = [one for one in sheet.words if one.text == "nothing found"]
    assert found.x > sheet.pictures[0].left + sheet.pictures[0].width


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


def test_no_label_is_cut_at_the_edge(tmp_path):
    long = replace(GREY, clip="v_" + "clip_with_a_long_name_" * 9)
    rows = [GalleryRow("hide something with a long name (box)", [long, long])]
    sheet = mask_gallery(rows, [0.1, None])
    assert not cut_off(sheet)
    save_sheet(sheet, tmp_path / "gallery.png")
    image = np.asarray(Image.open(tmp_path / "gallery.png"))
    assert (image[:, 0] == 255).all()
    assert (image[-1] == 255).all()
    assert image.std() > 20
