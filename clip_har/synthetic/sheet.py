"""Contact sheets of the rendered data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from clip_har.synthetic.actions import ACTIONS, BY_NAME
from clip_har.synthetic.plan import ClipSpec
from clip_har.synthetic.raster import Byte
from clip_har.synthetic.render import Rendered, Variant, render_clip
from clip_har.synthetic.scenes import SCENES
from clip_har.synthetic.shapes import OBJECT, PERSON

Kind = Literal["actions", "scenes", "maps", "matrix"]

_GAP = 3
_INK = (40, 40, 44)


def contact_sheet(kind: Kind, *, seed: int = 0, size: int = 112) -> Image.Image:
    """Return a contact sheet.

    Args:
        kind: ``actions``: frames of each action in its own scene; ``scenes``: all scenes, empty;
            ``maps``: one clip with its labels and variants; ``matrix``: actions by scenes.
        seed: The data set's seed.
        size: Side of a frame in pixels.
    """
    if kind == "actions":
        return actions_sheet(seed=seed, size=size)
    if kind == "scenes":
        return scenes_sheet(seed=seed, size=size)
    if kind == "matrix":
        return matrix_sheet(seed=seed, size=size)
    if kind == "maps":
        wheels = BY_NAME["pushing_wheelchair"]
        return maps_sheet(_example(seed, wheels.name, wheels.scene, 3), size=size)
    raise ValueError(f"Expected 'actions', 'scenes', 'maps' or 'matrix'; got {kind!r}.")


def actions_sheet(
    *, seed: int = 0, columns: int = 8, size: int = 112, variant: Variant = "full"
) -> Image.Image:
    """Show each action's frames, by default in its own scene.

    Args:
        seed: The data set's seed.
        columns: Frames shown, evenly from a clip of 16.
        size: Side of a frame in pixels.
        variant: What to show.
    """
    rows, names = [], []
    for k, action in enumerate(ACTIONS):
        spec = _example(seed, action.name, action.scene, k)
        clip = render_clip(spec, variant=variant, size=size)
        rows.append(list(clip.frames[_evenly(len(clip.frames), columns)]))
        names.append(action.name.replace("_", " "))
    return _grid(rows, names)


def scenes_sheet(*, seed: int = 0, columns: int = 5, size: int = 112) -> Image.Image:
    """Show every scene, empty, with its name."""
    pictures = []
    for k, scene in enumerate(SCENES):
        spec = _example(seed, "waving", scene, k)
        frame = render_clip(spec, variant="background", size=size, frames=1).frames[0]
        pictures.append(_titled(frame, scene.replace("_", " ")))
    blank = np.full_like(pictures[0], 255)
    rows = [pictures[k : k + columns] for k in range(0, len(pictures), columns)]
    rows[-1] += [blank] * (columns - len(rows[-1]))
    return _grid(rows, [])


def maps_sheet(spec: ClipSpec, *, columns: int = 8, size: int = 112) -> Image.Image:
    """Show one clip's frames, its labels over them, and its variants."""
    full = render_clip(spec, size=size)
    pick = _evenly(len(full.frames), columns)
    rows = [list(full.frames[pick]), list(overlay(full)[pick])]
    for variant in ("person", "background"):
        rows.append(list(render_clip(spec, variant=variant, size=size).frames[pick]))
    return _grid(rows, ["full", "labels", "person", "background"])


def matrix_sheet(
    *, seed: int = 0, size: int = 64, names: Sequence[str] | None = None
) -> Image.Image:
    """Show actions (rows) by scenes (columns): the same performance in every scene.

    Args:
        seed: The data set's seed.
        size: Side of a frame in pixels.
        names: Actions to show, with their scenes; None shows all.
    """
    shown = [a for a in ACTIONS if names is None or a.name in names]
    rows = []
    for k, action in enumerate(shown):
        spec = _example(seed, action.name, action.scene, k)
        row = []
        for other in shown:
            clip = render_clip(spec, variant="swap", scene=other.scene, size=size, frames=8)
            frame = clip.frames[4].copy()
            if other is action:
                frame[:2] = frame[-2:] = (216, 40, 40)
                frame[:, :2] = frame[:, -2:] = (216, 40, 40)
            row.append(frame)
        rows.append(row)
    return _grid(rows, [a.name.replace("_", " ") for a in shown])


def overlay(clip: Rendered) -> Byte:
    """Return frames ``(T, H, W, 3)`` with the person tinted red and the object blue."""
    tinted = clip.frames * 0.45
    for label, colour in ((0, (255, 255, 255)), (PERSON, (255, 40, 40)), (OBJECT, (30, 90, 255))):
        tinted[clip.labels == label] += np.array(colour) * 0.55
    return tinted.astype(np.uint8)


def _example(seed: int, action: str, scene: str, number: int) -> ClipSpec:
    return ClipSpec(f"sheet-{action}-{number}", action, scene, f"sheet-{number:03d}", "train", seed)


def _evenly(count: int, columns: int) -> list[int]:
    return [int((k + 0.5) * count / columns) for k in range(columns)]


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
