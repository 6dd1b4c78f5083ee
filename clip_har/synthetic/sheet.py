"""Contact sheets of the rendered data."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from clip_har.synthetic.actions import ACTIONS, BY_NAME
from clip_har.synthetic.plan import ClipSpec
from clip_har.synthetic.raster import Byte
from clip_har.synthetic.render import Rendered, render_clip
from clip_har.synthetic.scenes import SCENES
from clip_har.synthetic.shapes import OBJECT, PERSON

Kind = Literal["actions", "scenes", "maps", "matrix"]

_GAP = 3
_INK = (40, 40, 44)
_SHOWN = range(1, 16, 2)  # of a clip of 16 frames
_ACTION_NAMES = [action.name.replace("_", " ") for action in ACTIONS]


def contact_sheet(kind: Kind, *, seed: int = 0, size: int = 112) -> Image.Image:
    """Return a contact sheet.

    Args:
        kind: ``actions``: frames of each action in its own scene; ``scenes``: all scenes, empty;
            ``maps``: one clip with its labels and variants; ``matrix``: actions by scenes.
        seed: The data set's seed.
        size: Side of a frame in pixels.
    """
    if kind == "actions":
        return _actions_sheet(seed, size)
    if kind == "scenes":
        return _scenes_sheet(seed, size)
    if kind == "matrix":
        return _matrix_sheet(seed, size)
    if kind == "maps":
        return _maps_sheet(seed, size)
    raise ValueError(f"Expected 'actions', 'scenes', 'maps' or 'matrix'; got {kind!r}.")


def _actions_sheet(seed: int, size: int) -> Image.Image:
    """Show frames of each action in its own scene."""
    rows = []
    for k, action in enumerate(ACTIONS):
        clip = render_clip(_example(seed, action.name, action.scene, k), size=size)
        rows.append(list(clip.frames[_SHOWN]))
    return _grid(rows, _ACTION_NAMES)


def _scenes_sheet(seed: int, size: int) -> Image.Image:
    """Show every scene, empty, with its name, five in a row."""
    pictures = []
    for k, scene in enumerate(SCENES):
        spec = _example(seed, "waving", scene, k)
        frame = render_clip(spec, variant="background", size=size, frames=1).frames[0]
        pictures.append(_titled(frame, scene.replace("_", " ")))
    return _grid([pictures[k : k + 5] for k in range(0, len(pictures), 5)], [])


def _maps_sheet(seed: int, size: int) -> Image.Image:
    """Show one clip's frames, its labels over them, and its variants."""
    wheels = BY_NAME["pushing_wheelchair"]
    spec = _example(seed, wheels.name, wheels.scene, 3)
    full = render_clip(spec, size=size)
    shown = [full.frames, overlay(full)]
    for variant in ("person", "background"):
        shown.append(render_clip(spec, variant=variant, size=size).frames)
    return _grid(
        [list(frames[_SHOWN]) for frames in shown], ["full", "labels", "person", "background"]
    )


def _matrix_sheet(seed: int, size: int) -> Image.Image:
    """Show actions (rows) by scenes (columns): the same performance in every scene."""
    rows = []
    for k, action in enumerate(ACTIONS):
        spec = _example(seed, action.name, action.scene, k)
        row = []
        for other in ACTIONS:
            clip = render_clip(spec, variant="swap", scene=other.scene, size=size, frames=8)
            frame = clip.frames[4].copy()
            if other is action:
                frame[:2] = frame[-2:] = (216, 40, 40)
                frame[:, :2] = frame[:, -2:] = (216, 40, 40)
            row.append(frame)
        rows.append(row)
    return _grid(rows, _ACTION_NAMES)


def overlay(clip: Rendered) -> Byte:
    """Return frames ``(T, H, W, 3)`` with the person tinted red and the object blue."""
    tinted = clip.frames * 0.45
    for label, colour in ((0, (255, 255, 255)), (PERSON, (255, 40, 40)), (OBJECT, (30, 90, 255))):
        tinted[clip.labels == label] += np.array(colour) * 0.55
    return tinted.astype(np.uint8)


def _example(seed: int, action: str, scene: str, number: int) -> ClipSpec:
    return ClipSpec(f"sheet-{action}-{number}", action, scene, f"sheet-{number:03d}", "train", seed)


def _titled(frame: Byte, title: str) -> Byte:
    """Return a frame with its title in a strip below."""
    font = _font(frame.shape[1])
    strip = Image.new("RGB", (int(frame.shape[1]), int(font.size * 1.4)), (255, 255, 255))
    ImageDraw.Draw(strip).text(
        (strip.width / 2, strip.height / 2), title, fill=_INK, font=font, anchor="mm"
    )
    return np.concatenate([frame, np.asarray(strip)])


def _font(side: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(max(10, side // 10))
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow lacks FreeType; install a build of Pillow that has it.")
    return font


def _grid(rows: Sequence[Sequence[Byte]], names: Sequence[str]) -> Image.Image:
    """Arrange pictures of one size in rows with names at the left."""
    high, wide = rows[0][0].shape[:2]
    font = _font(wide)
    margin = max((round(font.getlength(name)) for name in names), default=-8) + 8
    columns = len(rows[0])
    sheet = Image.new(
        "RGB", (margin + columns * (wide + _GAP), len(rows) * (high + _GAP)), (255, 255, 255)
    )
    draw = ImageDraw.Draw(sheet)
    for r, row in enumerate(rows):
        y = r * (high + _GAP)
        if names:
            draw.text((margin - 6, y + high / 2), names[r], fill=_INK, font=font, anchor="rm")
        for k, picture in enumerate(row):
            sheet.paste(Image.fromarray(picture), (margin + k * (wide + _GAP), y))
    return sheet
