"""Contact sheets of what was taken for the subject."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from clip_har.figures.subject_sheet import SURE, UNSURE, Strip, outlined, subject_sheet
from clip_har.figures.text import drawable


def strip(name: str, frames: int = 4, *, used: bool = True) -> Strip:
    pictures = np.full((frames, 32, 32, 3), 120, np.uint8)
    soft_masks = np.zeros((frames, 32, 32), np.float32)
    soft_masks[:, 8:24, 8:24] = 1
    confidence = np.linspace(0.9, 0.3, frames, dtype=np.float32)
    verdict = "found in 4 of 8 frames" + ("" if used else ": left out")
    return Strip(name, verdict, used, pictures, soft_masks, confidence, confidence > 0.5)


@pytest.mark.parametrize(("count", "frames"), [(1, 4), (2, 4), (7, 4), (1, 1), (3, 1)])
def test_every_frame_has_its_confidence_and_nothing_is_cut_off(count, frames):
    strips = [strip(f"v_Basketball_g01_c0{n}", frames) for n in range(count - 1)]
    strips.append(strip("a" * 80, frames, used=False))
    remark = "subject (region=selfie) found in 5 of 7 clips, sheet 1 of 2"
    figure = subject_sheet(strips, class_name="Basketball", remark=remark)
    (axes,) = figure.axes
    assert len(axes.images) == frames * count
    written = [text.get_text() for text in axes.texts]
    for one in strips:
        assert {drawable(one.name), one.verdict} <= set(written)
    assert f"Basketball: {remark}" in written
    for number in ("0.90", "0.70", "0.50", "0.30")[:frames]:
        assert written.count(number) == count
    figure.canvas.draw()
    width, height = figure.get_size_inches()
    boxes = [
        text.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        for text in axes.texts
    ]
    for box in boxes:
        assert 0 <= box.x0 <= box.x1 <= width
        assert 0 <= box.y0 <= box.y1 <= height
    assert not any(box.overlaps(other) for box, other in combinations(boxes, 2))


def test_the_outline_says_whether_the_frame_was_found():
    shown = subject_sheet([strip("a")], class_name="run", remark="")
    tiles = [np.asarray(image.get_array()) for image in shown.axes[0].images]
    for tile, colour in zip(tiles, (SURE, SURE, UNSURE, UNSURE), strict=True):
        ink = np.round(255 * np.array(to_rgb(colour)))
        assert (tile == ink).all(axis=-1).any()
        other = np.round(255 * np.array(to_rgb(UNSURE if colour == SURE else SURE)))
        assert not (tile == other).all(axis=-1).any()


def test_the_outline_is_that_of_the_subject():
    one = strip("a")
    shown = outlined(one.pictures[0], one.soft_masks[0], SURE).astype(int)
    scale = len(shown) / 32
    inside = shown[round(12 * scale) : round(20 * scale), round(12 * scale) : round(20 * scale)]
    assert (inside == 120).all(), "the subject is not changed"
    corner = shown[: round(5 * scale), : round(5 * scale)]
    assert (corner == corner[0, 0]).all()
    assert corner.max() < 120, "the rest is darker"
    ink = np.round(255 * np.array(to_rgb(SURE)))
    rows, columns = np.nonzero((shown == ink).all(axis=-1))
    for places in (rows, columns):
        assert places.min() / scale == pytest.approx(8, abs=0.3)
        assert places.max() / scale == pytest.approx(24, abs=0.3)
    nothing = outlined(one.pictures[0], np.zeros((32, 32), np.float32), SURE)
    assert (nothing == 120).all()
