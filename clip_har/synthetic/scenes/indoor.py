"""Rooms."""

from clip_har.synthetic.scenes.canvas import BOTTOM, LEFT, RIGHT, TOP, Canvas, tone
from clip_har.synthetic.scenes.furnishing import WOOD, ground, lamp_glow, plant, wall


def classroom(c: Canvas) -> None:
    """A blackboard, posters and desks."""
    floor = c.vary(0.66, 0.71)
    wall(c, floor, c.pick((226, 214, 168), (214, 220, 190), (222, 206, 178)), (150, 116, 80))
    ground(c, floor, (178, 142, 100), (206, 170, 126), 0.2, 5)
    c.depth_lines(floor, 0.08, (140, 104, 70), 0.004)
    for x in c.repeat(1.35, 0.1):
        c.box(x, 0.14, x + 0.8, 0.50, (170, 124, 78), 0.016)
        c.rect(x + 0.02, 0.16, x + 0.78, 0.48, (58, 98, 80))
        for k in range(5):
            y = 0.20 + k * 0.052
            c.line([(x + 0.05, y), (x + c.vary(0.2, 0.5), y + c.vary(-0.01, 0.01))],
                   (226, 234, 226), 0.008)  # fmt: skip
        c.oval(x + 0.64, 0.31, 0.07, 0.07, (226, 234, 226))
        c.oval(x + 0.64, 0.31, 0.062, 0.062, (58, 98, 80))
        c.rect(x + 0.2, 0.50, x + 0.6, 0.515, (140, 100, 64))
        for k in range(2):
            c.box(x + 0.9 + k * 0.2, 0.18, x + 1.05 + k * 0.2, 0.42,
                  c.pick((236, 190, 120), (160, 196, 226), (232, 160, 150)))  # fmt: skip
            c.oval(x + 0.975 + k * 0.2, 0.28, 0.045, 0.045, (250, 250, 246))
    for x in c.repeat(0.46, 0.15):
        c.poly([(x, 0.60), (x + 0.26, 0.60), (x + 0.28, 0.63), (x - 0.02, 0.63)], (206, 160, 104))
        for leg in (x + 0.01, x + 0.24):
            c.rect(leg, 0.63, leg + 0.012, 0.78, (110, 112, 118))
        c.rect(x + 0.06, 0.575, x + 0.14, 0.60, c.pick((196, 80, 70), (70, 110, 170)))


def office(c: Canvas) -> None:
    """Desks with screens, a plant and a glass front."""
    floor = c.vary(0.66, 0.70)
    wall(c, floor, (206, 212, 220), (120, 126, 136))
    ground(c, floor, (126, 138, 156), (150, 162, 178), 0.3, 1.5)
    for x in c.repeat(0.62, 0.1):
        c.rect(x, 0.05, x + 0.5, 0.40, (188, 214, 234))
        for k in range(4):
            h = c.vary(0.08, 0.26)
            c.rect(x + k * 0.125, 0.40 - h, x + k * 0.125 + 0.1, 0.40, (158, 178, 200))
        for k in range(9):
            y = 0.05 + k * 0.022
            c.line([(x, y), (x + 0.5, y)], (236, 240, 244), 0.007, 200)
        c.line([(x, 0.05), (x, 0.40), (x + 0.5, 0.40), (x + 0.5, 0.05)], (110, 116, 124), 0.01)
    for x in c.repeat(0.74, 0.12):
        c.box(x, 0.56, x + 0.48, 0.585, (212, 196, 168))
        c.box(x + 0.34, 0.585, x + 0.47, 0.76, (176, 182, 190))
        for k in range(3):
            c.rect(x + 0.38, 0.62 + k * 0.045, x + 0.43, 0.628 + k * 0.045, (90, 96, 104))
        c.rect(x + 0.02, 0.585, x + 0.04, 0.77, (130, 134, 140))
        c.box(x + 0.10, 0.40, x + 0.28, 0.52, (56, 62, 74))
        c.rect(x + 0.115, 0.415, x + 0.265, 0.505, c.pick((120, 170, 220), (150, 200, 190)))
        c.rect(x + 0.18, 0.52, x + 0.20, 0.56, (80, 84, 92))
        c.rect(x + 0.34, 0.535, x + 0.44, 0.56, (236, 232, 222))
        plant(c, x + 0.60, 0.78, c.vary(0.26, 0.36))


def living_room(c: Canvas) -> None:
    """A sofa, pictures, a lamp and a rug."""
    floor = c.vary(0.66, 0.71)
    hue = c.pick((232, 196, 160), (224, 186, 170), (214, 200, 150), (196, 206, 178))
    wall(c, floor, hue, (238, 230, 216))
    for x in c.repeat(0.06):
        c.line([(x, TOP), (x, floor - 0.03)], tone(hue, 0.93), 0.012, 150)
    ground(c, floor, (160, 112, 72), (186, 138, 92), 0.25, 6)
    c.rows(floor, 7, (126, 84, 54), 0.005)
    rug = c.pick((176, 84, 84), (84, 110, 150), (150, 120, 170))
    for x in c.repeat(1.6, 0.1):
        c.oval(x, 0.90, 0.75, 0.11, rug)
        c.oval(x, 0.90, 0.66, 0.09, tone(rug, 1.35))
        c.oval(x, 0.90, 0.60, 0.08, tone(rug, 1.1))
    sofa = c.pick((96, 146, 140), (178, 102, 84), (116, 120, 168), (180, 150, 84))
    for x in c.repeat(1.05, 0.1):
        c.box(x, 0.42, x + 0.56, 0.66, tone(sofa, 0.9), 0.01)
        c.line([(x + 0.28, 0.43), (x + 0.28, 0.58)], tone(sofa, 0.7), 0.006)
        c.box(x, 0.58, x + 0.56, 0.72, sofa, 0.01)
        c.box(x - 0.06, 0.50, x + 0.03, 0.74, tone(sofa, 1.08), 0.01)
        c.box(x + 0.53, 0.50, x + 0.62, 0.74, tone(sofa, 1.08), 0.01)
        c.poly([(x + 0.08, 0.58), (x + 0.12, 0.48), (x + 0.20, 0.50), (x + 0.17, 0.59)],
               c.pick((240, 206, 120), (236, 236, 226)))  # fmt: skip
        c.box(x + 0.1, 0.13, x + 0.30, 0.33, WOOD[1], 0.01)
        c.rect(x + 0.12, 0.15, x + 0.28, 0.31, (200, 220, 228))
        c.poly([(x + 0.12, 0.31), (x + 0.18, 0.21), (x + 0.22, 0.26), (x + 0.25, 0.22),
                (x + 0.28, 0.31)], (120, 150, 120))  # fmt: skip
        c.line([(x + 0.80, 0.30), (x + 0.80, 0.76)], (90, 76, 66), 0.012)
        c.rect(x + 0.74, 0.755, x + 0.86, 0.77, (90, 76, 66))
        c.poly([(x + 0.73, 0.32), (x + 0.87, 0.32), (x + 0.84, 0.18), (x + 0.76, 0.18)],
               (252, 236, 190))  # fmt: skip
        lamp_glow(c, x + 0.80, 0.27, 0.24)


def kitchen(c: Canvas) -> None:
    """Cupboards, a counter with stove and sink, tiles and a fridge."""
    floor = c.vary(0.70, 0.73)
    wall(c, floor, (238, 232, 214))
    front = c.pick((198, 110, 84), (120, 156, 150), (206, 168, 92), (148, 128, 168))
    for x in c.repeat(0.062):
        c.line([(x, 0.30), (x, 0.50)], (206, 200, 188), 0.005)
    for y in (0.35, 0.40, 0.45):
        c.line([(LEFT, y), (RIGHT, y)], (206, 200, 188), 0.005)
    ground(c, floor, (196, 188, 178), (222, 214, 204), 0.1, 3)
    c.depth_lines(floor, 0.12, (150, 140, 132), 0.006)
    c.rows(floor, 5, (150, 140, 132), 0.006)
    for x in c.repeat(0.2):
        c.box(x, -0.02, x + 0.195, 0.27, tone(front, 1.15), 0.008)
        c.box(x, 0.535, x + 0.195, floor + 0.04, front, 0.008)
        c.rect(x + 0.08, 0.235, x + 0.12, 0.245, (90, 90, 94))
        c.rect(x + 0.08, 0.565, x + 0.12, 0.575, (90, 90, 94))
    c.rect(LEFT, 0.50, RIGHT, 0.535, (112, 104, 100))
    c.rect(LEFT, 0.50, RIGHT, 0.508, (160, 152, 146))
    for x in c.repeat(1.0, 0.15):
        c.box(x, 0.12, x + 0.27, floor + 0.05, (232, 236, 238), 0.008)
        c.line([(x, 0.34), (x + 0.27, 0.34)], (160, 166, 170), 0.008)
        c.line([(x + 0.03, 0.38), (x + 0.03, 0.52)], (130, 136, 142), 0.012)
        c.line([(x + 0.03, 0.20), (x + 0.03, 0.30)], (130, 136, 142), 0.012)
        c.box(x + 0.42, 0.525, x + 0.66, floor + 0.03, (70, 72, 78), 0.008)
        c.rect(x + 0.45, 0.60, x + 0.63, 0.70, (40, 40, 44))
        for k in range(4):
            c.oval(x + 0.47 + k * 0.05, 0.56, 0.009, 0.009, (220, 220, 220))
        c.rect(x + 0.46, 0.44, x + 0.58, 0.50, (178, 182, 188))
        c.line([(x + 0.58, 0.46), (x + 0.66, 0.45)], (60, 60, 64), 0.012)
        c.line([(x + 0.82, 0.50), (x + 0.82, 0.41), (x + 0.88, 0.41), (x + 0.88, 0.44)],
               (150, 156, 162), 0.012)  # fmt: skip


def bathroom(c: Canvas) -> None:
    """Tiles, a tub, a basin and a mirror."""
    floor = c.vary(0.68, 0.72)
    tile = c.pick((150, 206, 216), (168, 214, 196), (160, 190, 222))
    c.fade(TOP, floor, tone(tile, 0.95), tone(tile, 1.2))
    for x in c.repeat(0.075):
        c.line([(x, TOP), (x, floor)], (236, 244, 246), 0.005)
    for k in range(11):
        c.line([(LEFT, k * 0.075 - 0.05), (RIGHT, k * 0.075 - 0.05)], (236, 244, 246), 0.005)
    c.rect(LEFT, 0.32, RIGHT, 0.36, tone(tile, 0.62))
    ground(c, floor, (196, 206, 212), (220, 228, 232), 0.08, 3)
    c.depth_lines(floor, 0.075, (132, 150, 164), 0.005)
    c.rows(floor, 7, (132, 150, 164), 0.005)
    for x in c.repeat(1.12, 0.1):
        c.box(x, 0.53, x + 0.56, 0.575, (252, 252, 252), 0.008)
        c.poly([(x + 0.02, 0.575), (x + 0.54, 0.575), (x + 0.49, 0.76), (x + 0.07, 0.76)],
               (240, 244, 246))  # fmt: skip
        c.poly([(x + 0.44, 0.575), (x + 0.54, 0.575), (x + 0.49, 0.76), (x + 0.42, 0.76)],
               (212, 220, 226))  # fmt: skip
        c.line([(x + 0.05, 0.53), (x + 0.05, 0.10), (x + 0.13, 0.10)], (140, 148, 156), 0.012)
        c.poly([(x + 0.10, 0.10), (x + 0.17, 0.10), (x + 0.19, 0.135), (x + 0.08, 0.135)],
               (140, 148, 156))  # fmt: skip
        curtain = c.pick((240, 170, 160), (246, 214, 130), (188, 170, 220))
        for k in range(4):
            c.rect(x + 0.42 + k * 0.035, 0.04, x + 0.45 + k * 0.035, 0.66,
                   tone(curtain, 1.0 if k % 2 else 0.86))  # fmt: skip
        c.line([(x - 0.05, 0.04), (x + 0.6, 0.04)], (140, 148, 156), 0.01)
        c.box(x + 0.72, 0.10, x + 0.96, 0.38, (190, 196, 200), 0.012)
        c.rect(x + 0.735, 0.115, x + 0.945, 0.365, (214, 234, 244))
        c.poly([(x + 0.75, 0.35), (x + 0.88, 0.12), (x + 0.92, 0.12), (x + 0.79, 0.36)],
               (255, 255, 255), 130)  # fmt: skip
        c.oval(x + 0.84, 0.50, 0.13, 0.045, (250, 250, 250))
        c.oval(x + 0.84, 0.49, 0.10, 0.026, (206, 216, 222))
        c.poly([(x + 0.81, 0.53), (x + 0.87, 0.53), (x + 0.89, 0.76), (x + 0.79, 0.76)],
               (236, 240, 242))  # fmt: skip


def hospital_ward(c: Canvas) -> None:
    """Beds, curtains, a drip stand and a first-aid sign."""
    floor = c.vary(0.67, 0.71)
    c.fade(TOP, floor, (214, 232, 226), (236, 246, 242))
    c.rect(LEFT, 0.46, RIGHT, floor, (150, 206, 190))
    c.rect(LEFT, 0.45, RIGHT, 0.47, (250, 252, 252))
    c.texture(TOP, floor, 0.06, 1, 0.05)
    ground(c, floor, (190, 206, 206), (214, 226, 226), 0.1, 2)
    c.depth_lines(floor, 0.2, (158, 178, 182), 0.006)
    for x in c.repeat(0.98, 0.08):
        for k in range(6):
            c.rect(x - 0.2 + k * 0.03, 0.04, x - 0.172 + k * 0.03, 0.68,
                   tone((124, 176, 206), 1.0 if k % 2 else 1.25))  # fmt: skip
        c.line([(x - 0.24, 0.035), (x + 0.6, 0.035)], (150, 156, 162), 0.01)
        c.rect(x + 0.02, 0.36, x + 0.045, 0.76, (150, 158, 166))
        c.rect(x + 0.56, 0.50, x + 0.58, 0.76, (150, 158, 166))
        c.box(x + 0.03, 0.56, x + 0.57, 0.65, (250, 250, 252), 0.008)
        c.poly([(x + 0.20, 0.555), (x + 0.57, 0.555), (x + 0.57, 0.67), (x + 0.20, 0.67)],
               c.pick((130, 180, 214), (172, 206, 150), (222, 176, 176)))  # fmt: skip
        c.oval(x + 0.11, 0.545, 0.07, 0.032, (255, 255, 255))
        c.rect(x + 0.03, 0.65, x + 0.57, 0.675, (150, 158, 166))
        c.line([(x + 0.66, 0.14), (x + 0.66, 0.77)], (136, 144, 152), 0.012)
        c.line([(x + 0.60, 0.77), (x + 0.72, 0.77)], (136, 144, 152), 0.012)
        c.rect(x + 0.645, 0.16, x + 0.705, 0.28, (226, 214, 150))
        c.line([(x + 0.675, 0.28), (x + 0.64, 0.42), (x + 0.56, 0.54)], (210, 120, 120), 0.005)
        c.rect(x + 0.22, 0.13, x + 0.40, 0.31, (46, 140, 96))
        c.rect(x + 0.29, 0.15, x + 0.33, 0.29, (252, 252, 252))
        c.rect(x + 0.24, 0.20, x + 0.38, 0.24, (252, 252, 252))


def corridor(c: Canvas) -> None:
    """A hallway in perspective with doors, handrail and ceiling lights."""
    floor = c.vary(0.66, 0.70)
    colour = c.pick((214, 208, 232), (226, 214, 226), (208, 214, 236))
    wall(c, floor, colour)
    c.rect(LEFT, TOP, RIGHT, 0.05, (236, 236, 240))
    ground(c, floor, (150, 156, 186), (186, 190, 212), 0.08, 2)
    c.poly([(LEFT, 0.86), (RIGHT, 0.86), (RIGHT, 0.93), (LEFT, 0.93)], (120, 126, 168), 160)
    c.depth_lines(floor, 0.22, (126, 132, 164), 0.005)
    c.rect(LEFT, 0.50, RIGHT, 0.53, (166, 120, 84))
    c.rect(LEFT, 0.50, RIGHT, 0.508, (206, 160, 120))
    door = c.pick((196, 150, 96), (120, 140, 190), (176, 124, 108))
    for x in c.repeat(0.50):
        c.box(x, 0.14, x + 0.24, floor, tone(door, 0.7), 0.012)
        c.box(x + 0.016, 0.155, x + 0.224, floor, door, 0.006)
        c.rect(x + 0.07, 0.20, x + 0.17, 0.36, (208, 226, 236))
        c.oval(x + 0.20, 0.46, 0.012, 0.012, (70, 70, 74))
        c.rect(x + 0.28, 0.24, x + 0.36, 0.29, (74, 128, 96))
        c.poly([(x + 0.05, 0.0), (x + 0.25, 0.0), (x + 0.22, 0.04), (x + 0.08, 0.04)],
               (255, 255, 250))  # fmt: skip
        lamp_glow(c, x + 0.15, 0.03, 0.16, 22)
        c.oval(x + 0.15, 0.80, 0.09, 0.03, (255, 255, 255), 80)
        c.rect(x + 0.39, floor - 0.15, x + 0.46, floor + 0.02, (110, 118, 130))
        c.rect(x + 0.40, floor - 0.14, x + 0.45, floor - 0.12, (60, 64, 70))


def garage(c: Canvas) -> None:
    """Brick, a roller door, tools on a board, tyres and a cabinet."""
    floor = c.vary(0.67, 0.71)
    c.fade(TOP, floor, (150, 112, 98), (172, 132, 116))
    for row in range(18):
        y = TOP + row * 0.045
        c.line([(LEFT, y), (RIGHT, y)], (200, 178, 164), 0.005)
        for x in c.repeat(0.11):
            c.line([(x, y), (x, y + 0.045)], (200, 178, 164), 0.005)
    c.texture(TOP, floor, 0.2, 2, 0.03)
    ground(c, floor, (128, 126, 124), (154, 152, 148), 0.4, 2)
    for _ in range(4):
        c.oval(c.vary(LEFT, RIGHT), c.vary(0.76, 1.0), c.vary(0.05, 0.14), 0.018, (84, 82, 82), 130)
    for x in c.repeat(1.12, 0.08):
        c.rect(x, 0.04, x + 0.46, floor, (196, 200, 204))
        for k in range(13):
            c.line([(x, 0.05 + k * 0.05), (x + 0.46, 0.05 + k * 0.05)], (146, 150, 156), 0.008)
        c.box(x + 0.56, 0.12, x + 0.96, 0.38, (206, 170, 116), 0.01)
        for k in range(7):
            at, tall = x + 0.60 + k * 0.052, c.vary(0.08, 0.17)
            c.line([(at, 0.16), (at, 0.16 + tall)],
                   c.pick((70, 70, 74), (190, 60, 50), (60, 96, 150)), 0.016)  # fmt: skip
            c.rect(at - 0.016, 0.15, at + 0.016, 0.18, (84, 86, 90))
        c.box(x + 0.54, 0.48, x + 0.98, 0.515, (130, 92, 58))
        for leg in (x + 0.56, x + 0.93):
            c.rect(leg, 0.515, leg + 0.03, 0.76, (110, 78, 50))
        c.box(x + 0.64, 0.53, x + 0.86, 0.75, c.pick((196, 64, 54), (62, 104, 160)), 0.01)
        for k in range(4):
            c.rect(x + 0.70, 0.56 + k * 0.045, x + 0.80, 0.566 + k * 0.045, (224, 224, 224))
        for k in range(3):
            c.oval(x + 0.49, 0.71 - k * 0.06, 0.062, 0.04, (48, 48, 50))
            c.oval(x + 0.49, 0.70 - k * 0.06, 0.03, 0.014, (104, 104, 106))


def stage(c: Canvas) -> None:
    """Red curtains, spotlights and boards."""
    floor = c.vary(0.66, 0.70)
    c.fade(TOP, floor, (84, 44, 66), (122, 70, 88))
    cloth = c.pick((190, 52, 58), (176, 48, 76), (160, 50, 110))
    for number, x in enumerate(c.repeat(0.055)):
        inner = 0.24 < (x + 0.55) % 1.0 < 0.86
        shade = (0.62 if inner else 1.0) * (1.08 if number % 2 else 0.84)
        c.rect(x, 0.05, x + 0.056, floor, tone(cloth, shade))
    for x in c.repeat(0.22):
        c.oval(x + 0.11, 0.06, 0.12, 0.10, tone(cloth, 1.12))
        c.oval(x + 0.11, 0.05, 0.10, 0.07, tone(cloth, 0.86))
        c.line([(x, 0.02), (x, 0.12)], (228, 190, 96), 0.012)
    c.rect(LEFT, TOP, RIGHT, 0.01, (58, 36, 48))
    ground(c, floor, (150, 96, 60), (196, 140, 92), 0.2, 6)
    c.depth_lines(floor, 0.09, (110, 66, 42), 0.005)
    for x in c.repeat(0.5, 0.2):
        lean = c.vary(-0.15, 0.15)
        c.poly([(x - 0.02, TOP), (x + 0.02, TOP), (x + lean + 0.20, 0.92), (x + lean - 0.20, 0.92)],
               (255, 244, 200), 70)  # fmt: skip
        c.oval(x + lean, 0.92, 0.20, 0.05, (255, 246, 210), 110)
    for x in c.repeat(0.17):
        c.oval(x, 1.0, 0.045, 0.035, (70, 50, 44))
        c.oval(x, 0.99, 0.03, 0.02, (255, 232, 160))
    c.rect(LEFT, 1.01, RIGHT, BOTTOM, (70, 44, 40))


def gym(c: Canvas) -> None:
    """Wall bars, a court with lines, a basket and mats."""
    floor = c.vary(0.66, 0.70)
    wall(c, floor, (232, 218, 186), (96, 120, 168))
    for x in c.repeat(0.44, 0.04):
        for rung in range(15):
            c.rect(x, 0.05 + rung * 0.041, x + 0.34, 0.063 + rung * 0.041, (198, 142, 84))
        for rail in (x, x + 0.165, x + 0.33):
            c.rect(rail - 0.008, 0.02, rail + 0.01, floor, (150, 100, 56))
    ground(c, floor, (206, 150, 88), (232, 182, 118), 0.15, 8)
    c.rows(floor, 9, (186, 130, 74), 0.003)
    c.line([(LEFT, 0.78), (RIGHT, 0.78)], (60, 110, 180), 0.014)
    c.line([(LEFT, 0.95), (RIGHT, 0.99)], (250, 250, 250), 0.014)
    for x in c.repeat(0.9):
        c.oval(x, 0.86, 0.26, 0.05, (206, 66, 60))
        c.oval(x, 0.86, 0.245, 0.042, (222, 168, 104))
        mat = c.pick((66, 120, 190), (60, 150, 110))
        for k in range(3):
            c.box(x + 0.36, floor - k * 0.045, x + 0.66, floor - k * 0.045 + 0.05, mat)
        c.box(x - 0.14, 0.06, x + 0.10, 0.25, (248, 248, 246), 0.01)
        c.rect(x - 0.06, 0.14, x + 0.02, 0.21, (214, 76, 56))
        c.rect(x - 0.048, 0.152, x + 0.008, 0.21, (248, 248, 246))
        c.line([(x - 0.06, 0.255), (x + 0.02, 0.255)], (220, 90, 40), 0.012)
        for k in range(4):
            c.line([(x - 0.06 + k * 0.026, 0.26), (x - 0.045 + k * 0.017, 0.33)],
                   (250, 250, 250), 0.004)  # fmt: skip


ROOMS = {
    "classroom": ("a classroom", classroom),
    "office": ("an office", office),
    "living_room": ("a living room", living_room),
    "kitchen": ("a kitchen", kitchen),
    "bathroom": ("a bathroom", bathroom),
    "hospital_ward": ("a hospital ward", hospital_ward),
    "corridor": ("a corridor", corridor),
    "garage": ("a garage", garage),
    "stage": ("a theatre", stage),
    "gym": ("a gym", gym),
}
