"""Pictures of noise: each target where it belongs, and all texts as they were given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.contour import ContourSet
from matplotlib.lines import Line2D

from clip_har.figures.noise import NoiseRow, noise_clips_figure, noise_sheet
from clip_har.figures.noise_curves import effect_figure, loss_figure
from tests.figures.made import rendered, visible

RAW = r"_a <i> $\frac{b$"  # drawing it as a formula would raise


def picture(axes):
    return np.asarray(axes.images[0].get_array())


def xs(line):
    return np.asarray(line.get_xdata())


def ys(line):
    return np.asarray(line.get_ydata())


def deltas(count, side=8):
    return np.random.default_rng(0).uniform(-16, 16, (count, 3, side, side)).astype(np.float32)


# contact sheet


@pytest.mark.parametrize("count", [1, 3, 20, 101])
def test_a_tile_for_each_class_with_its_name(count):
    names = [f"class{index}" for index in range(count)]
    figure = noise_sheet(deltas(count), names, title="tiny", peak=16)
    assert [axes.get_xlabel() for axes in visible(figure)] == names
    shown = rendered(figure)
    assert (shown[:, 0] == 255).all()
    assert (shown[-1] == 255).all()


def test_grey_is_nothing_and_the_peak_is_white_at_its_place_and_colour():
    delta = np.zeros((2, 3, 8, 8), np.float32)
    delta[1, 0, 2, 5] = 16  # red, row 2, column 5
    delta[1, 2, 7, 0] = -16
    delta[1, :, 0, 0] = 100
    delta[1, 1, 4, 4] = 4
    empty, tile = visible(noise_sheet(delta, ["a", "b"], title="", peak=16))
    np.testing.assert_array_equal(picture(empty), 128)
    expected = np.full((8, 8, 3), 128)
    expected[2, 5, 0] = 255
    expected[7, 0, 2] = 0
    expected[0, 0] = 255
    expected[4, 4, 1] = 159  # 127.5 + 4 * 127.5 / 16
    np.testing.assert_array_equal(picture(tile), expected)


@pytest.mark.parametrize(("peak", "words"), [(16, "8 times"), (8, "16 times"), (60, "2.1 times")])
def test_the_amplification_is_written(peak, words):
    text = noise_sheet(deltas(9), ["x"] * 9, title="UCF", peak=peak).get_suptitle()
    expected = (
        f"UCF amplified {words}: mid grey is 0, white is +{peak} grey levels, black is −{peak}"
    )
    assert text.replace("\n", " ") == expected


@pytest.mark.parametrize(
    ("shape", "names", "peak", "words"),
    [
        ((2, 8, 8, 3), "ab", 16, "shape"),
        ((0, 3, 8, 8), "", 16, "at least 1"),
        ((2, 3, 8, 8), "a", 16, "caption"),
        ((2, 3, 8, 8), "ab", 0, "peak"),
    ],
)
def test_a_sheet_of_a_wrong_shape_is_refused(shape, names, peak, words):
    with pytest.raises(ValueError, match=words):
        noise_sheet(np.zeros(shape, np.float32), list(names), title="", peak=peak)


# curves of the loss


def test_each_term_has_a_strip_in_order_of_steps_above_the_validation():
    curves = {"true class": {5: 1.0, 0: 3.0, 9: 0.5}, "size": {0: -1.0, 9: 2.0}}
    figure = loss_figure(curves, {12: -1.0, 0: -2.0}, kept=9, title="tiny")
    first, second, last = figure.axes
    np.testing.assert_array_equal(xs(first.lines[0]), [0, 5, 9])
    np.testing.assert_array_equal(ys(first.lines[0]), [3, 1, 0.5])
    np.testing.assert_array_equal(ys(last.lines[0]), [-2, -1])
    assert [axes.texts[0].get_text() for axes in (first, second)] == ["true class", "size"]
    assert first.get_title(loc="left") == "tiny"
    assert first.get_xlim() == last.get_xlim()


def test_the_kept_step_is_marked_on_all_axes():
    figure = loss_figure({"a": {0: 1.0, 9: 2.0}}, {0: -2.0, 4: -0.75, 9: -1.0}, kept=4, title="")
    for axes in figure.axes:
        assert any(list(xs(line)) == [4, 4] for line in axes.lines)
    (mark,) = (line for line in figure.axes[1].lines if len(xs(line)) == 1)
    assert (xs(mark)[0], ys(mark)[0]) == (4, -0.75)
    assert figure.axes[1].texts[0].get_text() == "validation\nkept: step 4\nat −0.750"
    not_scored = loss_figure({}, {0: -2.0}, kept=4, title="").axes[0]
    assert not_scored.texts[0].get_text() == "validation\nkept: step 4"


@pytest.mark.parametrize(
    ("values", "scale"), [((100.0, 1.0), "log"), ((10.0, 1.0), "linear"), ((100.0, -1.0), "linear")]
)
def test_a_positive_term_that_falls_far_is_logarithmic(values, scale):
    figure = loss_figure({"a": dict(enumerate(values))}, {0: -1.0}, kept=0, title="")
    assert figure.axes[0].get_yscale() == scale


def test_many_points_have_a_running_mean_which_the_axis_tells():
    zigzag = {step: float(step % 2) for step in range(400)}
    term, last = loss_figure({"a": zigzag}, {0: -1.0}, kept=0, title="").axes
    mean = ys(term.lines[1])
    assert len(mean) == 400
    np.testing.assert_allclose(mean, 0.5, atol=0.06)
    assert "running mean" in last.get_xlabel()
    _, last = loss_figure({"a": {0: 1.0, 1: 2.0}}, {0: -1.0}, kept=0, title="").axes
    assert "running mean" not in last.get_xlabel()


def test_a_run_that_diverged_and_a_term_that_is_constant_are_drawn():
    curves = {"a": {0: 1.0, 1: float("nan"), 2: float("inf")}, "b": {0: 0.0, 1: 0.0}}
    assert rendered(loss_figure(curves, {0: float("-inf"), 1: -1.0}, kept=1, title="")).std() > 5


# clips


def row(caption="Diving", *, before=None, after=None, subject=None, added=16):
    shown = np.full((8, 8, 3), 100, np.uint8)
    difference = np.zeros((8, 8, 3), np.int16)
    difference[1, 2, 0] = added
    noisy = (shown + difference).astype(np.uint8)
    return NoiseRow(caption, shown, noisy, difference, before, after, subject)


def test_frames_and_what_was_added_stand_in_their_columns():
    figure = noise_clips_figure([row(), row("Swing", added=-8)], title="tiny")
    heads = ["without noise", "with noise", "what was added (× 8)"]
    assert [axes.get_title() for axes in figure.axes] == [*heads, "", "", ""]
    first, second = figure.axes[:3], figure.axes[3:]
    assert [line[0].texts[0].get_text() for line in (first, second)] == ["Diving", "Swing"]
    np.testing.assert_array_equal(picture(first[0]), 100)
    assert picture(first[1])[1, 2].tolist() == [116, 100, 100]
    assert picture(first[2])[1, 2].tolist() == [255, 128, 128]
    assert picture(second[2])[1, 2].tolist() == [64, 128, 128]
    assert (picture(second[2])[2:] == 128).all()


def test_nothing_added_is_grey():
    figure = noise_clips_figure([row(added=0)], title="")
    assert figure.axes[2].get_title() == "what was added (× 1)"
    assert (picture(figure.axes[2]) == 128).all()


def test_the_subject_outlines_the_attribution_only():
    heat, subject = np.zeros((8, 8), np.float32), np.zeros((8, 8), np.float32)
    heat[3, 6] = 1
    subject[2:6, 2:6] = 1
    rows = [row(before=heat, after=heat.T, subject=subject), row(before=heat)]
    axes = noise_clips_figure(rows, title="").axes
    assert [one.get_title() for one in axes[3:5]] == ["attribution without", "attribution with"]
    outlined = [any(isinstance(c, ContourSet) for c in one.collections) for one in axes]
    assert outlined == [False, False, False, True, True, *[False] * 6]  # the last is the key
    for one, place in ((axes[3], (3, 6)), (axes[4], (6, 3))):
        bright = picture(one).sum(axis=-1)
        assert np.unravel_index(bright.argmax(), bright.shape) == place
        assert len(np.unique(bright)) == 2
    assert [text.get_text() for text in axes[9].texts] == ["not known"]
    assert axes[10].get_xlabel().startswith("attribution")


def test_the_frame_is_seen_in_grey_through_the_attribution():
    flat = np.full((8, 8), 0.5, np.float32)
    shown = np.zeros((8, 8, 3), np.uint8)
    shown[:, 4:, 0] = 240  # grey level 80
    pair = NoiseRow("a", shown, shown, np.zeros((8, 8, 3), np.int16), flat)
    laid = picture(noise_clips_figure([pair], title="").axes[3]).astype(int)
    np.testing.assert_allclose(laid[:, 4:] - laid[:, :4], 0.4 * 80, atol=1)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_subject_that_is_nowhere_or_everywhere_has_no_outline(level):
    flat = np.full((8, 8), level, np.float32)
    axes = noise_clips_figure([row(after=flat, subject=flat)], title="").axes
    assert axes[3].get_title() == "attribution with"
    assert not axes[3].collections


@pytest.mark.parametrize("figure", [noise_clips_figure, effect_figure])
def test_no_row_is_refused(figure):
    nothing = [] if figure is noise_clips_figure else effects(["a"], ["b"])[:0]
    with pytest.raises(ValueError, match="at least one row"):
        figure(nothing, title="")


# effects


def effects(masks, variants):
    rows = [
        {
            "mask": mask,
            "variant": variant,
            "difference": 0.1 * at + 0.01 * place,
            "low": 0.1 * at - 0.02,
            "high": np.nan if variant == "universal" else 0.1 * at + 0.1,
        }
        for at, mask in enumerate(masks)
        for place, variant in enumerate(variants)
    ]
    return pd.DataFrame(rows)


VARIANTS = ["candidate", "universal", "oracle (leaks the label)"]


def test_points_in_percent_at_their_masks_from_the_top():
    axes = effect_figure(effects(["none", "percent r=0.3"], VARIANTS), title="tiny").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["none", "percent r=0.3"]
    candidate, universal, oracle = axes.lines[:3]
    np.testing.assert_allclose(xs(candidate), [0, 10])
    np.testing.assert_allclose(xs(oracle), [2, 12])
    np.testing.assert_allclose(np.round(ys(universal)), [0, 1])
    assert ys(candidate)[0] < ys(universal)[0] < ys(oracle)[0] < 0.5
    bottom, top = axes.get_ylim()
    assert bottom > top
    assert any(list(xs(line)) == [0, 0] for line in axes.lines[3:])


def test_only_known_intervals_are_drawn():
    axes = effect_figure(effects(["none", "box"], VARIANTS), title="").axes[0]
    bars = [c.get_segments() for c in axes.collections if isinstance(c, LineCollection)]
    assert [len(segments) for segments in bars] == [2, 0, 2]
    np.testing.assert_allclose(bars[0][1][:, 0], [8, 20])
    np.testing.assert_allclose(bars[0][1][:, 1], ys(axes.lines[0])[1])


def test_what_leaks_is_hollow_and_grey_and_named():
    figure = effect_figure(effects(["none"], ["oracle (leaks the label)", "candidate"]), title="")
    oracle, candidate = figure.axes[0].lines[:2]
    assert to_rgba(oracle.get_markerfacecolor()) == (1, 1, 1, 1)
    assert len(set(to_rgba(oracle.get_markeredgecolor())[:3])) == 1
    assert candidate.get_markerfacecolor() == candidate.get_markeredgecolor() == "#0072b2"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["oracle (leaks the label)", "candidate"]
    handle = figure.legends[0].legend_handles[0]
    assert isinstance(handle, Line2D)
    assert to_rgba(handle.get_markerfacecolor()) == (1, 1, 1, 1)


def test_eight_variants_differ_in_colour_and_marker_and_the_figure_grows():
    variants = [f"variant {index}" for index in range(8)]
    masks = [f"mask {index}" for index in range(14)]
    figure = effect_figure(effects(masks, variants), title="")
    lines = figure.axes[0].lines[:8]
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines})
    assert len({line.get_color() for line in lines}) == 8
    steps = np.diff(sorted(y for line in lines for y in ys(line)))
    room = figure.get_figheight() - 1.5  # inches of the 14 groups
    assert steps.min() * room / 14 > 0.07  # a marker of 5 points
    assert rendered(figure).std() > 5


def test_panels_stand_side_by_side_on_the_same_axes_with_their_names():
    table = effects(["none", "box"], [f"variant {index}" for index in range(6)])
    table["panel"] = ["first" if name < "variant 4" else "second" for name in table["variant"]]
    figure = effect_figure(table, title="tiny")
    first, second = figure.axes
    assert [axes.get_title() for axes in (first, second)] == ["first", "second"]
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() == second.get_ylim()
    legends = [axes.get_legend() for axes in (first, second)]
    names = [[text.get_text() for text in one.get_texts()] for one in legends if one is not None]
    assert names == [[f"variant {index}" for index in range(4)], ["variant 4", "variant 5"]]
    assert xs(second.lines[0]) == pytest.approx([4, 14])
    assert not figure.legends
    assert rendered(figure).std() > 5


# texts


@pytest.mark.parametrize(
    "figure",
    [
        noise_sheet(deltas(2), [RAW, "b"], title=RAW, peak=16),
        noise_clips_figure([row(RAW)], title=RAW),
        loss_figure({RAW: {0: 1.0}}, {0: -1.0}, kept=0, title=RAW),
        effect_figure(effects([RAW], [RAW, RAW + "leaks"]), title=RAW),
    ],
    ids=["sheet", "clips", "loss", "effect"],
)
def test_texts_are_no_formulas(figure):
    assert rendered(figure).std() > 5
