"""The figures: the right tiles, titled and captioned, on made and on real frames."""

import io

import numpy as np
import pytest
from PIL import Image

from clip_har.errors import ClipHarError
from clip_har.figures.gallery import mask_gallery, shape_figure
from clip_har.masking.area import Canvas, Strategy, clip_mask
from clip_har.masking.none import NoMask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.regions.motion import MotionRegion

CLIPS = {name: np.full((4, 3, 24, 32), 200, np.uint8) for name in ("a", "b")}
CIRCLE = ShapeMask(ratio=1, shape="circle")


def visible(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def rendered(figure):
    stream = io.BytesIO()
    figure.savefig(stream, dpi=100)
    return np.asarray(Image.open(stream).convert("RGB"))


def test_rows_are_strategies_and_columns_ratios_times_clips():
    tiles = visible(mask_gallery(CLIPS, [NoMask(), CIRCLE], [0.1, 0.5]))
    assert [axes.get_title() for axes in tiles] == ["", "", "10 %", "10 %", "50 %", "50 %"]
    captions = [axes.get_xlabel() for axes in tiles]
    assert captions == ["0.00 %"] * 2 + ["10.03 %"] * 2 + ["50.00 %"] * 2
    labels = [axes.get_ylabel().replace("\n", " ") for axes in tiles if axes.get_ylabel()]
    assert labels == ["none", "shape circle middle"]


def test_a_tile_is_the_middle_frame_under_the_mask_of_the_run():
    strategy = PercentMask(ratio=0.3, patch=4, still=False)
    (tile,) = visible(mask_gallery({"a": CLIPS["a"]}, [strategy], [0.3], seed=5))
    canvas = Canvas(clip_id="a", seed=5, frames=4, height=24, width=32)
    expected = np.where(clip_mask(strategy, canvas)[2][..., None], 0, 200)
    np.testing.assert_array_equal(
        tile.images[0].get_array(), np.broadcast_to(expected, (24, 32, 3))
    )


def test_the_fill_is_named_unless_black():
    (tile,) = visible(mask_gallery({"a": CLIPS["a"]}, [PercentMask(ratio=1, fill="blur")], [0.3]))
    assert tile.get_ylabel().replace("\n", " ") == "percent 16 px blur"


def test_frames_may_be_read_only():
    frames = np.broadcast_to(np.uint8(9), (4, 3, 24, 32))
    assert visible(mask_gallery({"a": frames}, [PercentMask(ratio=1, fill="mean")], [0.3]))


def test_a_missing_subject_is_said():
    with pytest.raises(ClipHarError, match="add region=motion"):
        mask_gallery(CLIPS, [ShapeMask(ratio=1, place="subject")], [0.3])


@pytest.mark.parametrize(("clips", "ratios"), [({}, [0.1]), (CLIPS, [])])
def test_nothing_to_draw_is_refused(clips, ratios):
    with pytest.raises(ValueError, match="at least one clip"):
        mask_gallery(clips, [CIRCLE], ratios)


def test_all_shapes_are_drawn_nested():
    figure = shape_figure(side=40)
    titles = [axes.get_title() for axes in figure.axes]
    assert len(titles) == len(set(titles)) == 12
    for axes in figure.axes:
        depth = np.asarray(axes.images[0].get_array())
        shares = [(depth >= shade).mean() for shade in (3, 2, 1)]
        assert shares == pytest.approx([0.1, 0.3, 0.5], abs=1e-3)
    assert rendered(figure).std() > 20


@pytest.mark.sample_data
def test_the_gallery_of_real_clips_renders(real_frames):
    subjects = {
        clip_id: MotionRegion().of_pixels(frames) for clip_id, frames in real_frames.items()
    }
    strategies: list[Strategy] = [
        NoMask(),
        PercentMask(ratio=1),
        ShapeMask(ratio=1, shape="star", place="subject", still=False, fill="blur"),
    ]
    figure = mask_gallery(real_frames, strategies, [0.1, 0.3, 0.5], subjects=subjects)
    image = rendered(figure)
    assert len(visible(figure)) == 2 + 2 * 6
    # No label is cut at the left or lower edge: both are white.
    assert (image[:, 0] == 255).all()
    assert (image[-1] == 255).all()
    assert image.std() > 20
