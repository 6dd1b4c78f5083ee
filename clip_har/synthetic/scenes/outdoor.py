"""Places under the sky, and the boxing ring."""

import numpy as np

from clip_har.synthetic.scenes.canvas import BOTTOM, LEFT, RIGHT, TOP, Canvas, tone
from clip_har.synthetic.scenes.furnishing import bench, ground, lamp_glow, sky, tree


def street(c: Canvas) -> None:
    """House fronts with shops, a pavement and a lane."""
    floor = c.vary(0.64, 0.68)
    sky(c, floor, 2)
    x = LEFT - c.vary(0, 0.2)
    while x < RIGHT:
        w, top = c.vary(0.24, 0.36), c.vary(-0.04, 0.16)
        front = c.pick((190, 122, 100), (206, 186, 150), (160, 150, 160), (186, 160, 130))
        c.box(x, top, x + w, floor, front, 0.008)
        for row in range(int((floor - 0.24 - top) / 0.11)):
            for k in range(3):
                at, y = x + w * (0.12 + 0.28 * k), top + 0.04 + row * 0.11
                c.rect(at, y, at + w * 0.17, y + 0.07, tone(front, 1.5))
                c.rect(at + 0.006, y + 0.006, at + w * 0.17 - 0.006, y + 0.064, (100, 120, 144))
        awning = c.pick((200, 66, 60), (60, 130, 100), (70, 100, 170))
        c.rect(x + 0.02, floor - 0.16, x + w - 0.02, floor, (70, 84, 100))
        c.rect(x + w * 0.62, floor - 0.14, x + w * 0.84, floor, (120, 84, 60))
        for k in range(8):
            a = x + 0.01 + k * (w - 0.02) / 8
            c.poly([(a, floor - 0.21), (a + (w - 0.02) / 8, floor - 0.21),
                    (a + (w - 0.02) / 8, floor - 0.155), (a, floor - 0.155)],
                   awning if k % 2 else (244, 240, 232))  # fmt: skip
        x += w
    ground(c, floor, (176, 172, 166), (190, 186, 180), 0.2, 3)
    c.depth_lines(floor, 0.1, (146, 142, 138), 0.004)
    kerb = floor + 0.15
    c.rect(LEFT, kerb, RIGHT, kerb + 0.02, (214, 210, 204))
    c.fade(kerb + 0.02, 1.2, (104, 106, 112), (124, 126, 132))
    c.texture(kerb + 0.02, 1.2, 0.3, 3)
    for x in c.repeat(0.24):
        c.rect(x, 0.965, x + 0.13, 0.985, (238, 236, 224))
    for x in c.repeat(0.85, 0.2):
        c.line([(x, kerb), (x, 0.12), (x + 0.07, 0.09)], (70, 74, 80), 0.014)
        c.oval(x + 0.09, 0.10, 0.03, 0.016, (255, 244, 200))
        c.box(x + 0.3, floor + 0.0, x + 0.36, floor + 0.12, (60, 110, 84))


def park(c: Canvas) -> None:
    """Trees, a pond, a bench and a path."""
    horizon = c.vary(0.58, 0.63)
    sky(c, horizon, 3)
    leaf = c.pick((98, 158, 84), (118, 164, 70), (84, 146, 96), (186, 150, 70))
    for x in c.repeat(0.13, 0.6):
        c.oval(x, horizon - 0.02, 0.12, c.vary(0.05, 0.10), tone(leaf, 1.25))
    ground(c, horizon, (140, 186, 104), (120, 172, 86), 0.4, 2.5)
    for x in c.repeat(1.2, 0.2):
        c.oval(x, horizon + 0.06, 0.34, 0.032, (150, 192, 216))
    c.poly([(LEFT, 0.80), (RIGHT, 0.78), (RIGHT, 0.98), (LEFT, 1.02)], (214, 194, 152))
    c.texture(0.79, 0.99, 0.2, 3)
    c.line([(LEFT, 0.80), (RIGHT, 0.78)], (172, 152, 110), 0.008)
    for x in c.repeat(0.42, 0.5):
        tree(c, x, horizon + c.vary(0.04, 0.10), c.vary(0.42, 0.62), leaf)
    for x in c.repeat(0.95, 0.2):
        bench(c, x, 0.79, 0.24, (150, 96, 56))
        c.line([(x + 0.5, 0.79), (x + 0.5, 0.34)], (60, 70, 66), 0.012)
        c.oval(x + 0.5, 0.32, 0.028, 0.034, (252, 244, 214))
    for _ in range(40):
        c.oval(c.vary(LEFT, RIGHT), c.vary(horizon + 0.1, 0.78), 0.006, 0.005,
               c.pick((244, 214, 90), (240, 240, 240), (226, 130, 150)))  # fmt: skip


def rooftop(c: Canvas) -> None:
    """A skyline behind a parapet, with a water tank, vents and aerials."""
    floor = c.vary(0.67, 0.71)
    top, low = [((232, 150, 110), (252, 222, 170)), ((150, 140, 200), (244, 190, 190)),
                ((124, 150, 206), (250, 216, 190))][c.rng.integers(3)]  # fmt: skip
    c.fade(TOP, floor, top, low)
    for x in c.repeat(1.2, 0.1):
        c.oval(x, c.vary(0.18, 0.34), 0.075, 0.075, (255, 240, 196))
    for depth, tint in ((0.30, (190, 160, 178)), (0.20, (150, 128, 156))):
        x = LEFT
        while x < RIGHT:
            w, h = c.vary(0.07, 0.16), c.vary(0.08, 0.30) + depth * 0.6
            c.rect(x, floor - h, x + w, floor, tone(tint, c.vary(0.9, 1.1)))
            for row in range(int(h / 0.04)):
                for k in range(int(w / 0.032)):
                    if c.rng.random() < 0.5:
                        at, y = x + 0.01 + k * 0.032, floor - h + 0.014 + row * 0.04
                        c.rect(at, y, at + 0.013, y + 0.018, (255, 230, 170))
            x += w
    c.rect(LEFT, floor - 0.11, RIGHT, floor, (176, 148, 132))
    c.rect(LEFT, floor - 0.125, RIGHT, floor - 0.10, (206, 182, 164))
    for x in c.repeat(0.16):
        c.line([(x, floor - 0.10), (x, floor)], (146, 120, 108), 0.005)
    ground(c, floor, (150, 140, 142), (176, 164, 162), 0.4, 2)
    c.rows(floor, 4, (128, 118, 122), 0.006)
    for x in c.repeat(1.05, 0.15):
        c.rect(x, 0.20, x + 0.24, 0.46, (140, 92, 68))
        for k in range(5):
            c.line([(x + 0.024 + k * 0.048, 0.20), (x + 0.024 + k * 0.048, 0.46)],
                   (112, 72, 54), 0.006)  # fmt: skip
        c.poly([(x - 0.02, 0.20), (x + 0.26, 0.20), (x + 0.12, 0.10)], (104, 76, 66))
        for leg in (x + 0.02, x + 0.21):
            c.line([(leg, 0.46), (leg, floor)], (92, 76, 70), 0.014)
        c.line([(x + 0.02, 0.47), (x + 0.21, floor - 0.02)], (92, 76, 70), 0.008)
        c.box(x + 0.46, floor - 0.17, x + 0.66, floor + 0.05, (186, 190, 194), 0.008)
        c.oval(x + 0.56, floor - 0.06, 0.065, 0.065, (104, 108, 114))
        c.oval(x + 0.56, floor - 0.06, 0.02, 0.02, (186, 190, 194))
        c.line([(x + 0.82, floor), (x + 0.82, 0.22)], (84, 80, 88), 0.008)
        for k in range(4):
            c.line([(x + 0.76, 0.25 + k * 0.04), (x + 0.88, 0.25 + k * 0.04)], (84, 80, 88), 0.006)


def beach(c: Canvas) -> None:
    """Sea, parasols, a palm and sand."""
    horizon = c.vary(0.46, 0.52)
    sky(c, horizon, 3)
    shore = horizon + 0.14
    c.fade(horizon, shore, (56, 140, 190), (128, 208, 216))
    for k in range(7):
        y = horizon + 0.012 + k * 0.02
        for x in c.repeat(0.3, 0.9):
            c.line([(x, y), (x + c.vary(0.04, 0.14), y)], (226, 244, 250), 0.006)
    ground(c, shore, (236, 212, 160), (246, 226, 180), 0.35, 2)
    edge = [(x, shore + 0.012 * np.sin(9 * x + c.vary(0, 1))) for x in np.linspace(LEFT, RIGHT, 20)]
    c.line(edge, (252, 252, 250), 0.016)
    for x in c.repeat(0.5, 0.4):
        base = shore + c.vary(0.06, 0.14)
        colour = c.pick((226, 74, 70), (242, 170, 50), (60, 130, 190))
        c.line([(x, base), (x + 0.02, base - 0.34)], (150, 126, 96), 0.010)
        for k in range(6):
            rim = [
                (x + 0.02 - 0.16 * np.cos(t), base - 0.25 - 0.11 * np.sin(t))
                for t in (np.pi * k / 6, np.pi * (k + 1) / 6)
            ]
            c.poly([(x + 0.02, base - 0.36), *rim], colour if k % 2 else (250, 248, 240))
        c.poly([(x + 0.08, base + 0.03), (x + 0.26, base + 0.03), (x + 0.22, base - 0.01),
                (x + 0.10, base - 0.01)], c.pick((96, 170, 160), (220, 130, 150)))  # fmt: skip
    for x in c.repeat(1.3, 0.3):
        trunk = [(x, shore + 0.12), (x + 0.03, 0.34), (x + 0.08, 0.14)]
        c.line(trunk, (150, 114, 76), 0.024)
        for angle in np.linspace(0.2, 2 * np.pi, 7, endpoint=False):
            dx, dy = 0.19 * np.cos(angle), 0.10 * np.sin(angle)
            bend = (x + 0.08 + dx / 2, 0.10 + dy / 2)
            leaf = [(x + 0.08, 0.13), bend, (x + 0.08 + dx, 0.19 + dy), (bend[0], bend[1] + 0.04)]
            c.poly(leaf, (84, 150, 84))


def desert(c: Canvas) -> None:
    """Dunes, mesas and cacti in the heat."""
    horizon = c.vary(0.56, 0.61)
    c.fade(TOP, horizon, c.pick((90, 160, 214), (120, 176, 206)), (252, 226, 178))
    for x in c.repeat(1.2, 0.1):
        c.oval(x, 0.12, 0.06, 0.06, (255, 250, 220))
    for x in c.repeat(0.75, 0.4):
        w, h = c.vary(0.14, 0.24), c.vary(0.12, 0.24)
        c.poly([(x - w, horizon), (x - w * 0.65, horizon - h), (x + w * 0.6, horizon - h),
                (x + w, horizon)], (198, 112, 76))  # fmt: skip
        for k in range(3):
            y = horizon - h * (0.25 + 0.25 * k)
            c.line([(x - w * (0.85 - 0.06 * k), y), (x + w * (0.8 - 0.06 * k), y)],
                   (170, 90, 62), 0.010)  # fmt: skip
    c.fade(horizon, 1.2, (236, 172, 100), (226, 156, 90))
    for k in range(5):
        y = horizon + 0.03 + k * 0.085
        shape = [(x, y + 0.022 * np.sin(3.1 * x + 2.3 * k + c.vary(0, 0.3)))
                 for x in np.linspace(LEFT, RIGHT, 16)]  # fmt: skip
        c.poly([*shape, (RIGHT, BOTTOM), (LEFT, BOTTOM)], tone((240, 186, 116), 1.0 - 0.03 * k))
        c.line(shape, (250, 210, 150), 0.008)
    c.texture(horizon, 1.2, 0.25, 4, 0.02)
    green = c.pick((84, 130, 84), (104, 140, 80))
    for x in c.repeat(0.6, 0.4):
        base, tall = horizon + c.vary(0.06, 0.16), c.vary(0.26, 0.40)
        for line in ([(x, base), (x, base - tall)],
                     [(x, base - tall * 0.4), (x - 0.07, base - tall * 0.45),
                      (x - 0.07, base - tall * 0.75)],
                     [(x, base - tall * 0.3), (x + 0.06, base - tall * 0.35),
                      (x + 0.06, base - tall * 0.6)]):  # fmt: skip
            c.line(line, tone(green, 0.75), 0.040)
            c.line(line, green, 0.028)
        c.oval(x, base - tall, 0.014, 0.014, green)
        c.oval(x + 0.2, base + 0.02, 0.05, 0.022, (176, 128, 96))


def station(c: Canvas) -> None:
    """A train at a platform with a clock and a roof."""
    floor = c.vary(0.69, 0.73)
    sky(c, 0.5, 1)
    c.rect(LEFT, 0.3, RIGHT, floor, (150, 158, 166))
    body = c.pick((206, 60, 60), (50, 120, 110), (60, 96, 176), (226, 150, 50))
    c.rect(LEFT, 0.20, RIGHT, floor - 0.05, tone(body, 1.1))
    c.rect(LEFT, 0.20, RIGHT, 0.23, (214, 218, 222))
    c.rect(LEFT, 0.46, RIGHT, 0.50, (244, 240, 230))
    c.rect(LEFT, floor - 0.05, RIGHT, floor, (60, 62, 68))
    for x in c.repeat(0.72):
        for k in range(3):
            at = x + k * 0.155
            c.rect(at, 0.27, at + 0.125, 0.42, (54, 70, 88))
            c.poly([(at, 0.42), (at + 0.06, 0.27), (at + 0.09, 0.27), (at + 0.03, 0.42)],
                   (150, 184, 206), 160)  # fmt: skip
        c.rect(x + 0.49, 0.25, x + 0.67, floor - 0.05, tone(body, 0.8))
        for k in range(2):
            c.rect(x + 0.505 + k * 0.08, 0.28, x + 0.57 + k * 0.08, 0.48, (54, 70, 88))
        c.line([(x + 0.58, 0.25), (x + 0.58, floor - 0.05)], (40, 44, 50), 0.006)
    ground(c, floor, (186, 186, 190), (206, 206, 208), 0.2, 3)
    c.rect(LEFT, floor + 0.02, RIGHT, floor + 0.05, (246, 210, 60))
    c.depth_lines(floor + 0.05, 0.14, (156, 156, 162), 0.005)
    c.rows(floor + 0.05, 3, (156, 156, 162), 0.005)
    c.poly([(LEFT, TOP), (RIGHT, TOP), (RIGHT, 0.05), (LEFT, 0.05)], (112, 122, 130))
    c.rect(LEFT, 0.05, RIGHT, 0.075, (76, 84, 92))
    for x in c.repeat(0.8, 0.2):
        c.rect(x, 0.07, x + 0.03, floor + 0.06, (88, 100, 110))
        c.oval(x + 0.25, 0.15, 0.062, 0.062, (60, 64, 70))
        c.oval(x + 0.25, 0.15, 0.05, 0.05, (250, 250, 246))
        c.line([(x + 0.25, 0.115), (x + 0.25, 0.15), (x + 0.275, 0.16)], (30, 30, 34), 0.008)
        c.line([(x + 0.25, 0.07), (x + 0.25, 0.1)], (60, 64, 70), 0.008)


def boxing_ring(c: Canvas) -> None:
    """Ropes, corner posts, a crowd in the dark and a canvas floor."""
    floor = c.vary(0.66, 0.70)
    c.fade(TOP, floor, (58, 54, 84), (96, 86, 120))
    for row in range(5):
        y = 0.24 + row * 0.075
        for x in c.repeat(0.072, 0.5):
            tint = c.pick((140, 112, 110), (112, 90, 100), (104, 96, 140), (140, 92, 110))
            c.oval(x, y + 0.05, 0.036, 0.04, tone(tint, 0.8))
            c.oval(x, y, 0.021, 0.026, tone(tint, 1.1))
    for x in c.repeat(0.4, 0.2):
        c.poly([(x - 0.03, TOP), (x + 0.03, TOP), (x + 0.16, 0.5), (x - 0.16, 0.5)],
               (240, 240, 255), 46)  # fmt: skip
        c.oval(x, 0.0, 0.05, 0.035, (255, 255, 244))
        lamp_glow(c, x, 0.0, 0.13, 26)
    mat = c.pick((120, 164, 206), (190, 196, 206), (206, 190, 170))
    ground(c, floor, tone(mat, 0.9), tone(mat, 1.15), 0.15, 3)
    c.rect(LEFT, floor, RIGHT, floor + 0.03, (60, 60, 110))
    for y, rope in ((0.30, (222, 60, 60)), (0.42, (244, 244, 244)), (0.54, (70, 100, 210))):
        c.line([(LEFT, y + 0.008), (RIGHT, y + 0.008)], tone(rope, 0.6), 0.018)
        c.line([(LEFT, y), (RIGHT, y)], rope, 0.014)
    for number, x in enumerate(c.repeat(0.82)):
        post = (206, 50, 56) if number % 2 else (56, 90, 196)
        c.box(x, 0.25, x + 0.07, floor + 0.03, post, 0.008)
        c.rect(x + 0.015, 0.29, x + 0.055, 0.56, (244, 244, 244))
    for x in c.repeat(1.1, 0.1):
        c.oval(x, 0.93, 0.40, 0.08, tone(mat, 0.82))
        c.oval(x, 0.93, 0.37, 0.07, tone(mat, 1.05))


def football_field(c: Canvas) -> None:
    """Mown stripes, a goal, stands and floodlights."""
    floor = c.vary(0.55, 0.60)
    sky(c, 0.3, 1)
    c.rect(LEFT, 0.20, RIGHT, floor, (116, 122, 142))
    for row in range(6):
        y = 0.225 + row * 0.045
        for x in c.repeat(0.032, 0.5):
            c.oval(x, y, 0.011, 0.014, c.pick((220, 90, 84), (236, 226, 210), (84, 110, 180),
                                              (240, 200, 90), (150, 130, 130)))  # fmt: skip
    x = LEFT
    while x < RIGHT:
        w = c.vary(0.22, 0.34)
        c.rect(x, floor - 0.075, x + w - 0.01, floor, c.pick((220, 70, 64), (60, 100, 180),
               (244, 244, 240), (240, 190, 60)))  # fmt: skip
        c.rect(x + 0.04, floor - 0.05, x + w - 0.05, floor - 0.025, (250, 250, 250), 170)
        x += w
    c.fade(floor, 1.2, (96, 170, 84), (84, 160, 72))
    for number, x in enumerate(c.repeat(0.3)):
        if number % 2:
            f, n = 0.5 + (x - 0.5) * 0.6, 0.5 + (x - 0.5) * 1.2
            stripe = [(f, floor), (f + 0.18, floor), (n + 0.36, BOTTOM), (n, BOTTOM)]
            c.poly(stripe, (124, 194, 100))
    c.texture(floor, 1.2, 0.3, 1.5)
    c.line([(LEFT, floor + 0.03), (RIGHT, floor + 0.03)], (248, 250, 246), 0.010)
    c.line([(LEFT, 0.97), (RIGHT, 0.97)], (248, 250, 246), 0.018)
    for x in c.repeat(1.1, 0.1):
        top, base = floor - 0.24, floor + 0.05
        for k in range(12):
            c.line([(x + k * 0.045, top), (x + k * 0.045, base)], (250, 250, 250), 0.003, 190)
        for k in range(6):
            c.line([(x, top + k * 0.05), (x + 0.5, top + k * 0.05)], (250, 250, 250), 0.003, 190)
        c.line([(x, base), (x, top), (x + 0.5, top), (x + 0.5, base)], (255, 255, 255), 0.018)
        c.line([(x + 0.7, floor), (x + 0.7, 0.0)], (110, 114, 120), 0.014)
        c.rect(x + 0.62, -0.02, x + 0.78, 0.05, (240, 242, 220))


def snow_field(c: Canvas) -> None:
    """Snow, firs, mountains and falling flakes."""
    horizon = c.vary(0.54, 0.60)
    c.fade(TOP, horizon, c.pick((150, 176, 210), (176, 186, 204)), (226, 234, 244))
    for x in c.repeat(0.5, 0.5):
        w, h = c.vary(0.26, 0.38), c.vary(0.26, 0.40)
        c.poly([(x - w, horizon), (x, horizon - h), (x + w, horizon)], (136, 156, 188))
        c.poly([(x - w * 0.42, horizon - h * 0.58), (x, horizon - h), (x + w * 0.42, horizon - h *
                0.58), (x + w * 0.16, horizon - h * 0.66), (x, horizon - h * 0.52),
                (x - w * 0.18, horizon - h * 0.68)], (250, 252, 255))  # fmt: skip
    ground(c, horizon, (232, 240, 250), (248, 250, 254), 0.12, 4)
    for k in range(4):
        y = horizon + 0.06 + 0.09 * k
        c.line([(x, y + 0.015 * np.sin(4 * x + k * 2)) for x in np.linspace(LEFT, RIGHT, 16)],
               (206, 220, 240), 0.014)  # fmt: skip
    for x in c.repeat(0.30, 0.7):
        base, tall = horizon + c.vary(0.0, 0.12), c.vary(0.26, 0.46)
        c.rect(x - 0.012, base - 0.05, x + 0.012, base, (110, 84, 66))
        for k in range(4):
            y, w = base - 0.04 - tall * 0.2 * k, tall * (0.30 - 0.06 * k)
            c.poly([(x - w, y), (x + w, y), (x, y - tall * 0.34)], (66, 116, 98))
            c.poly([(x - w * 0.55, y - tall * 0.15), (x + w * 0.3, y - tall * 0.2),
                    (x, y - tall * 0.34)], (244, 248, 252))  # fmt: skip
    for _ in range(70):
        c.oval(c.vary(LEFT, RIGHT), c.vary(TOP, BOTTOM), 0.007, 0.007, (255, 255, 255))


def garden(c: Canvas) -> None:
    """A picket fence, flower beds, a shed and fruit trees."""
    horizon = c.vary(0.62, 0.66)
    sky(c, horizon, 2)
    leaf = c.pick((86, 150, 84), (110, 160, 74))
    for x in c.repeat(0.16, 0.5):
        c.oval(x, horizon - 0.08, 0.12, c.vary(0.10, 0.16), tone(leaf, c.vary(0.9, 1.2)))
    for x in c.repeat(1.0, 0.2):
        shed = c.pick((178, 84, 66), (96, 130, 160), (190, 140, 80))
        c.rect(x, 0.28, x + 0.36, horizon, shed)
        for k in range(8):
            c.line([(x, 0.30 + k * 0.045), (x + 0.36, 0.30 + k * 0.045)], tone(shed, 0.8), 0.005)
        c.poly([(x - 0.04, 0.29), (x + 0.40, 0.29), (x + 0.18, 0.10)], (120, 84, 72))
        c.rect(x + 0.05, 0.38, x + 0.15, horizon, tone(shed, 0.6))
        c.rect(x + 0.21, 0.38, x + 0.31, 0.48, (208, 228, 238))
        tree(c, x + 0.66, horizon + 0.06, 0.58, leaf)
        for _ in range(9):
            c.oval(x + 0.66 + c.vary(-0.14, 0.14), horizon - c.vary(0.22, 0.48), 0.015, 0.015,
                   (214, 60, 50))  # fmt: skip
    c.rect(LEFT, horizon - 0.16, RIGHT, horizon - 0.14, (238, 234, 224))
    c.rect(LEFT, horizon - 0.07, RIGHT, horizon - 0.05, (238, 234, 224))
    for x in c.repeat(0.062):
        top = horizon - 0.19
        c.poly([(x, horizon), (x, top), (x + 0.019, top - 0.03), (x + 0.038, top),
                (x + 0.038, horizon)], (250, 248, 240))  # fmt: skip
    ground(c, horizon, (128, 178, 92), (112, 166, 80), 0.45, 1.2)
    c.rect(LEFT, horizon, RIGHT, horizon + 0.085, (126, 92, 66))
    for _ in range(150):
        x, y = c.vary(LEFT, RIGHT), c.vary(horizon - 0.015, horizon + 0.08)
        c.oval(x, y + 0.014, 0.012, 0.010, (84, 140, 76))
        c.oval(x, y, 0.011, 0.011, c.pick((232, 80, 110), (246, 206, 70), (250, 250, 246),
                                          (170, 100, 200), (240, 130, 60)))  # fmt: skip
    for x in c.repeat(0.34, 0.3):
        c.oval(x, 0.98 + c.vary(-0.04, 0.03), 0.08, 0.022, (196, 190, 180))


PLACES = {
    "street": ("a street", street),
    "park": ("a park", park),
    "rooftop": ("a rooftop", rooftop),
    "beach": ("a beach", beach),
    "desert": ("a desert", desert),
    "station": ("a railway station", station),
    "boxing_ring": ("a boxing ring", boxing_ring),
    "football_field": ("a football field", football_field),
    "snow_field": ("a snowy field", snow_field),
    "garden": ("a garden", garden),
}
