"""The answer as HTML."""

import re
from dataclasses import replace

import numpy as np

from clip_har.explore.panel import error_panel, overlaid, panel


def test_it_shows_classes_of_both_sides_and_marks_the_true_one(explorer):
    words = explorer.words_for({"masking": "shape"}, {"ratio": 0.5})
    answer = explorer.answer(words, "rowing/7.mkv")
    page = panel(answer)
    rows = re.findall(r'<th scope="row">(\w+)', page)
    assert set(rows) == set(answer.class_names)
    most = [
        max(answer.before.probabilities[place], answer.after.probabilities[place])
        for place in (answer.class_names.index(name) for name in rows)
    ]
    assert most == sorted(most, reverse=True)
    assert re.findall(r'is-true"><th scope="row">(\w+)', page) == ["rowing"]
    assert "50.0 % hidden" in page
    assert page.count("<img") == 4
    assert "true class not given" in panel(replace(answer, label=None))


def test_nothing_hidden_is_one_picture(explorer):
    page = panel(explorer.answer(explorer.words, "rowing/7.mkv"))
    assert page.count("<img") == 2
    assert "choose a mask" in page


def test_names_do_no_harm(explorer):
    answer = explorer.answer(explorer.words, "rowing/7.mkv")
    evil = "<script>alert(1)</script>"
    names = (evil, *answer.class_names[1:])
    for page in (panel(replace(answer, clip_id=evil, class_names=names)), error_panel(evil)):
        assert "<script" not in page
        assert "&lt;script" in page


def test_the_strongest_patch_is_the_brightest():
    frames = np.full((2, 3, 8, 8), 128, np.uint8)
    attribution = np.zeros((2, 2, 2), np.float32)
    attribution[1, 0, 1] = 3
    laid = overlaid(frames, attribution).sum(axis=1)  # (T, S, S)
    assert np.unravel_index(laid.argmax(), laid.shape)[0] == 1
    assert laid[1, 0, -1] == laid.max() > laid[0].max()
    assert overlaid(frames, np.zeros_like(attribution)).shape == frames.shape
