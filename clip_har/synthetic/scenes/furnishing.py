"""Furniture that stands in several scenes."""

from clip_har.synthetic.scenes.canvas import LEFT, RIGHT, TOP, Canvas, tone
from clip_har.synthetic.shapes import Colour

WOOD: tuple[Colour, ...] = ((150, 108, 68), (126, 86, 54), (172, 132, 88))


def wall(c: Canvas, floor: float, colour: Colour, skirting: Colour | None = None) -> None:
    """Paint a wall down to the floor line, a little darker above."""
    c.fade(TOP, floor, tone(colour, 0.9), tone(colour, 1.06))
    c.texture(TOP, floor, 0.10, 1.0, 0.05)
    if skirting is not None:
        c.rect(LEFT, floor - 0.03, RIGHT, floor, skirting)
        c.line([(LEFT, floor - 0.03), (RIGHT, floor - 0.03)], tone(skirting, 0.75), 0.004)


def ground(c: Canvas, floor: float, far: Colour, near: Colour, rough: float = 0.2,
           stretch: float = 3.0) -> None:  # fmt: skip
    """Paint a floor from the floor line down."""
    c.fade(floor, 1.2, far, near)
    c.texture(floor, 1.2, rough, stretch, 0.014)


def sky(c: Canvas, horizon: float, clouds: int = 4) -> None:
    """Paint a sky of one of several times of day."""
    top, low = [
        ((112, 168, 224), (204, 228, 244)), ((140, 186, 220), (226, 236, 240)),
        ((150, 170, 196), (222, 222, 224)), ((122, 148, 204), (250, 214, 182)),
    ][c.rng.integers(4)]  # fmt: skip
    c.fade(TOP, horizon, top, low)
    for _ in range(clouds):
        x, y, r = c.vary(LEFT, RIGHT), c.vary(0.0, horizon * 0.6), c.vary(0.03, 0.06)
        for k in range(4):
            c.oval(x + (k - 1.5) * r * 0.9, y + c.vary(-0.3, 0.3) * r, r, r * 0.55,
                   (250, 250, 252), 170)  # fmt: skip


def tree(c: Canvas, x: float, base: float, tall: float, leaf: Colour) -> None:
    """Draw a round tree with light and dark leaves."""
    c.poly([(x - 0.016, base), (x + 0.016, base), (x + 0.008, base - tall * 0.6),
            (x - 0.008, base - tall * 0.6)], (118, 88, 62))  # fmt: skip
    r = tall * 0.27
    for dx, dy, k in ((-0.6, 0.1, 0.8), (0.6, 0.15, 0.8), (0.0, -0.4, 1.0), (-0.1, 0.3, 0.9)):
        c.oval(x + dx * r, base - tall * 0.7 + dy * r, r * k, r * k * 0.92, tone(leaf, 0.84))
    for dx, dy, k in ((-0.4, -0.1, 0.6), (0.3, -0.45, 0.62), (0.35, 0.1, 0.4)):
        c.oval(x + dx * r, base - tall * 0.7 + dy * r, r * k, r * k * 0.9, tone(leaf, 1.12))


def plant(c: Canvas, x: float, base: float, tall: float) -> None:
    """Draw a potted plant."""
    c.poly([(x - 0.035, base - 0.08), (x + 0.035, base - 0.08), (x + 0.025, base),
            (x - 0.025, base)], (176, 104, 74))  # fmt: skip
    for k in range(7):
        lean = (k - 3) * 0.022
        leaf = c.pick((84, 140, 80), (70, 120, 72), (110, 160, 90))
        tip = (x + lean * 2, base - tall + abs(lean))
        c.line([(x, base - 0.08), (x + lean * 0.7, base - tall * 0.6), tip], leaf, 0.014)


def lamp_glow(c: Canvas, x: float, y: float, r: float, strength: int = 26) -> None:
    """Lay a soft light on what is painted."""
    for k in range(5):
        c.oval(x, y, r * (1 - k * 0.17), r * (1 - k * 0.17), (255, 250, 226), strength)


def bench(c: Canvas, x: float, base: float, w: float, colour: Colour) -> None:
    """Draw a park or locker-room bench."""
    for k in range(3):
        y = base - 0.15 + k * 0.022
        c.rect(x, y, x + w, y + 0.014, colour)
    c.rect(x - 0.01, base - 0.07, x + w + 0.01, base - 0.05, tone(colour, 0.85))
    for leg in (x + 0.02, x + w - 0.03):
        c.rect(leg, base - 0.15, leg + 0.012, base, (84, 84, 88))
