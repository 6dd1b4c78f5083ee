"""Contact sheets show every action and scene."""

import numpy as np
import pytest

from clip_har.synthetic import ACTIONS, SCENES, ClipSpec, contact_sheet, render_clip
from clip_har.synthetic.sheet import overlay


@pytest.mark.parametrize(
    ("kind", "rows"), [("actions", len(ACTIONS)), ("scenes", len(SCENES) // 5), ("maps", 4)]
)
def test_sheets_have_their_rows(kind, rows):
    sheet = contact_sheet(kind, size=24)
    assert sheet.mode == "RGB"
    assert sheet.height >= rows * 24
    assert np.asarray(sheet).std() > 20


def test_unknown_sheet_is_refused():
    with pytest.raises(ValueError, match="Expected 'actions'"):
        contact_sheet("poster")  # type: ignore[arg-type]


def test_overlay_tints_person_red_and_object_blue():
    spec = ClipSpec("a", "mopping", "corridor", "train-000", "train", 0)
    clip = render_clip(spec, size=48, frames=1)
    tinted = overlay(clip).astype(int)
    assert tinted[clip.labels == 1][:, 0].mean() > tinted[clip.labels == 1][:, 2].mean() + 40
    assert tinted[clip.labels == 2][:, 2].mean() > tinted[clip.labels == 2][:, 0].mean() + 40
