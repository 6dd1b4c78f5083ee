"""Dress a skeleton: limbs, trunk and head as shaded outlines, ordered by depth."""

import numpy as np

from clip_har.synthetic.camera import Camera
from clip_har.synthetic.head import head_layers
from clip_har.synthetic.looks import Looks
from clip_har.synthetic.motion import Float
from clip_har.synthetic.shapes import Colour, Layer, Palette, capsule, shade, smooth, tube, unit
from clip_har.synthetic.skeleton import SIDES, SIGN, Side, Skeleton

EDGE = 0.0075  # width of the dark outline in statures
_LIGHT = np.array([-0.5, -0.86])  # towards the light in the picture plane


class Tailor:
    """Make the outlines of one figure.

    Args:
        skeleton: Joints over the clip.
        looks: Body, skin, hair and clothes.
        camera: Projection.
        palette: Stores the inks.
        grip: The hands are closed.
    """

    def __init__(
        self, skeleton: Skeleton, looks: Looks, camera: Camera, palette: Palette, *, grip: bool
    ) -> None:
        self.looks, self.palette, self.grip = looks, palette, grip
        self.camera, self.frames = camera, skeleton.frames
        self.size = camera.size  # (T,) statures to shares of the frame
        self.at = {name: camera.seen(p) for name, p in skeleton.joints.items()}
        self.near = {name: camera.turned(p)[..., 2] for name, p in skeleton.joints.items()}
        left = camera.turned(np.array([0.0, 0.0, 1.0]))[2]
        # the far side is darker in side view, both sides are equal in front view
        self.dim = {"l": 1 - 0.26 * max(0.0, -left), "r": 1 - 0.26 * max(0.0, left)}

    def layers(self) -> list[Layer]:
        """Return the figure's layers."""
        trunk = (self.near["pelvis"] + self.near["neck"]) / 2
        head = head_layers(
            self.looks,
            self.palette,
            at=self.at,
            size=self.size,
            axes=self.camera.turned(self.frames["head"].swapaxes(1, 2)),
            depth=trunk + 0.05,
        )
        return [self._trunk(trunk), *head] + [
            layer for side in SIDES for layer in (self._leg(side), self._arm(side, trunk))
        ]

    def _inks(self, colour: Colour, dim: float = 1.0) -> tuple[int, int, int]:
        """Return inks of a material: outline, body and lit side."""
        base = shade(colour, dim)
        ink = self.palette.ink
        return ink(shade(base, 0.5)), ink(base), ink(shade(base, 1.16))

    def _limb(
        self,
        layer: Layer,
        parts: list[tuple[Float, Float, tuple[float, ...], tuple[float, ...], Colour]],
        dim: float,
    ) -> None:
        """Draw tubes as one limb: all outlines, then all bodies, then all lit sides."""
        girth, size = self.looks.body.girth, self.size
        drawn = []
        for start, end, shares, radii, colour in parts:
            inks = self._inks(colour, dim)
            wide = [r * girth * size for r in radii]
            layer.add(tube(start, end, shares, [w + EDGE * size for w in wide]), inks[0])
            drawn.append((start, end, shares, wide, inks))
        for start, end, shares, wide, inks in drawn:
            layer.add(tube(start, end, shares, wide), inks[1])
        for start, end, shares, wide, inks in drawn:
            lit = (_LIGHT * 0.34) * np.mean(wide, axis=0)[:, None]
            slim = [w * 0.48 for w in wide]
            layer.add(tube(start + lit, end + lit, shares, slim), inks[2])

    def _cover(
        self, layer: Layer, start: Float, end: Float, until: float,
        shares: tuple[float, ...], radii: tuple[float, ...], colour: Colour, dim: float,
    ) -> None:  # fmt: skip
        """Draw cloth over the first part of a bone, a little wider than the skin."""
        inks = self._inks(colour, dim)
        wide = [float(np.interp(s * until, shares, radii)) + 0.004 for s in (0.0, 0.5, 1.0)]
        girth = self.looks.body.girth * self.size
        stop = start + (end - start) * until
        layer.add(tube(start, stop, (0, 0.5, 1), [w * girth for w in wide]), inks[1])
        lit = (_LIGHT * 0.34) * (wide[1] * girth)[:, None]
        layer.add(
            tube(start + lit, stop + lit, (0, 0.5, 1), [w * girth * 0.48 for w in wide]), inks[2]
        )

    def _leg(self, side: Side) -> Layer:
        hip, knee = self.at[f"{side}.hip"], self.at[f"{side}.knee"]
        ankle, heel, toe = (self.at[f"{side}.{n}"] for n in ("ankle", "heel", "toe"))
        looks, dim = self.looks, self.dim[side]
        near = (self.near[f"{side}.hip"] + self.near[f"{side}.knee"]) / 2
        layer = Layer(near - 0.1 + 0.03 * (self.near[f"{side}.ankle"] - near))
        shoe = self._inks(looks.shoes, dim)
        sole = self.palette.ink(shade((222, 218, 210), dim))
        girth = 0.6 + 0.4 * looks.body.girth
        for wide, ink in ((EDGE, shoe[0]), (0.0, shoe[1])):
            size = self.size * girth
            layer.add(capsule(heel, toe, (0.021 + wide) * size, (0.017 + wide) * size), ink)
            layer.add(capsule(ankle, toe, (0.026 + wide) * size, (0.014 + wide) * size), ink)
            layer.add(capsule(heel, ankle, (0.020 + wide) * size, (0.024 + wide) * size), ink)
        down = unit((heel + toe) / 2 - ankle)
        along = unit(toe - heel)
        normal = down - along * np.sum(down * along, axis=-1, keepdims=True)
        lower = normal * (0.013 * self.size)[:, None]
        layer.add(capsule(heel + lower, toe + lower, 0.006 * self.size, 0.006 * self.size), sole)
        covered = looks.legs >= 1
        thigh_shares, thigh = (0.0, 0.4, 1.0), (0.064, 0.059, 0.042)
        shank_shares, shank = (0.0, 0.3, 1.0), (0.041, 0.042, 0.026)
        if covered:
            shank = (0.043, 0.044, 0.033)
        cloth = looks.bottom if covered else looks.skin
        self._limb(
            layer,
            [(knee, ankle, shank_shares, shank, cloth), (hip, knee, thigh_shares, thigh, cloth)],
            dim,
        )
        if not covered:
            self._cover(layer, hip, knee, looks.legs * 2, thigh_shares, thigh, looks.bottom, dim)
        if looks.coat:
            self._cover(layer, hip, knee, 0.42, thigh_shares, (0.072, 0.066, 0.05), looks.top, dim)
        return layer

    def _arm(self, side: Side, trunk: Float) -> Layer:
        shoulder, elbow = self.at[f"{side}.shoulder"], self.at[f"{side}.elbow"]
        wrist, hand = self.at[f"{side}.wrist"], self.at[f"{side}.hand"]
        looks, dim = self.looks, self.dim[side]
        near = [self.near[f"{side}.{n}"] - trunk for n in ("shoulder", "elbow", "hand")]
        layer = Layer(trunk + 0.3 * near[0] + 0.3 * near[1] + 0.4 * near[2] + 0.02)
        skin = self._inks(looks.skin, dim)
        long = looks.sleeves >= 1
        upper, fore = (0.043, 0.039, 0.030), (0.030, 0.030, 0.021)
        shares = (0.0, 0.35, 1.0)
        size = self.size * (0.6 + 0.4 * looks.body.girth)
        if self.grip:
            fist = wrist + (hand - wrist) * 0.55
            for wide, ink in ((EDGE, skin[0]), (0.0, skin[1])):
                layer.add(capsule(wrist, fist, (0.020 + wide) * size, (0.030 + wide) * size), ink)
        else:
            thumb = self._thumb(side, wrist, hand)
            for wide, ink in ((EDGE, skin[0]), (0.0, skin[1])):
                layer.add(capsule(wrist, hand, (0.021 + wide) * size, (0.017 + wide) * size), ink)
                layer.add(capsule(wrist, thumb, (0.012 + wide) * size, (0.010 + wide) * size), ink)
        cloth = looks.top if long else looks.skin
        if long:
            fore = (0.033, 0.033, 0.027)
        self._limb(
            layer,
            [(elbow, wrist, shares, fore, cloth), (shoulder, elbow, shares, upper, cloth)],
            dim,
        )
        if not long and looks.sleeves > 0:
            self._cover(layer, shoulder, elbow, looks.sleeves * 1.8, shares, upper, looks.top, dim)
        return layer

    def _thumb(self, side: Side, wrist: Float, hand: Float) -> Float:
        """Return the thumb's tip: up along the hand and to the body's front."""
        ahead = self.camera.turned(self.frames["chest"][:, :, 0])[..., :2]
        inner = self.camera.turned(self.frames["chest"][:, :, 2])[..., :2] * -SIGN[side]
        way = (ahead + 0.6 * inner) * (0.032 * self.size)[:, None]
        return np.asarray(wrist + (hand - wrist) * 0.5 + way)

    def _trunk(self, depth: Float) -> Layer:
        looks, layer = self.looks, Layer(depth)
        bottom, top = self._inks(looks.bottom), self._inks(looks.top)
        low = self._slices([(-0.16, 0.060, 0.056), (0.0, 0.090, 0.078), (0.26, 0.088, 0.072)])
        shirt = [
            (0.02, 0.091, 0.078), (0.40, 0.079, 0.064), (0.70, 0.098, 0.073),
            (0.90, 0.112, 0.066), (1.0, 0.086, 0.052), (1.05, 0.034, 0.034),
        ]  # fmt: skip
        if looks.coat:
            shirt = [(-0.2, 0.094, 0.082), *shirt]
        wide = self._slices(shirt)
        edge = EDGE * self.size
        layer.add(smooth(_outline(low, edge)), bottom[0])
        layer.add(smooth(_outline(wide, edge)), top[0])
        layer.add(smooth(_outline(low, 0 * edge)), bottom[1])
        layer.add(smooth(_outline(wide, 0 * edge)), top[1])
        lit = (_LIGHT * 0.022) * self.size[:, None]
        slim = [(c + lit, n, r * 0.55) for c, n, r in self._slices(shirt[:-1])]
        layer.add(smooth(_outline(slim, 0 * edge)), top[2])
        bands = {"plain": (), "band": ((0.55, 0.75),), "hoops": ((0.25, 0.36), (0.58, 0.70))}
        for low_share, high_share in bands[looks.pattern]:
            shares, width, depth_ = zip(*shirt, strict=True)
            cut = [
                (s, float(np.interp(s, shares, width)), float(np.interp(s, shares, depth_)))
                for s in (low_share, high_share)
            ]
            trim = self.palette.ink(looks.trim)
            layer.add(_outline(self._slices(cut), 0 * edge), trim)
        return layer

    def _slices(
        self, stations: list[tuple[float, float, float]]
    ) -> list[tuple[Float, Float, Float]]:
        """Return centre, normal and half width of the trunk's sections.

        Args:
            stations: Height along the spine (0 pelvis, 1 neck), half width and half depth.
        """
        pelvis, waist, neck = (self.at[n] for n in ("pelvis", "waist", "neck"))
        middle = self.looks.body.lumbar / (self.looks.body.lumbar + self.looks.body.thorax)
        axes = {n: self.camera.turned(self.frames[n].swapaxes(1, 2)) for n in ("pelvis", "chest")}
        found = []
        for share, width, depth in stations:
            t = np.clip((share - middle) / 0.5 + 0.5, 0, 1)
            axis = axes["pelvis"] * (1 - t) + axes["chest"] * t
            straight = pelvis + (waist - pelvis) * (share / middle)
            if share > middle:
                straight = waist + (neck - waist) * ((share - middle) / (1 - middle))
            up = unit(axis[:, 1, :2])
            normal = np.stack([-up[:, 1], up[:, 0]], axis=-1)
            bow = (0.016 * np.sin(np.pi * share * 1.25 - 0.9)) * self.size
            across = np.sum(axis[:, 2, :2] * normal, axis=-1) * width
            deep = np.sum(axis[:, 0, :2] * normal, axis=-1) * depth
            half = np.hypot(across, deep) * self.size * (0.4 + 0.6 * self.looks.body.girth)
            found.append((straight + axis[:, 0, :2] * bow[:, None], normal, half))
        return found


def _outline(slices: list[tuple[Float, Float, Float]], edge: Float) -> Float:
    """Return the outline ``(T, 2N, 2)`` around sections, widened by an edge ``(T,)``."""
    right = [c + n * (h + edge)[:, None] for c, n, h in slices]
    left = [c - n * (h + edge)[:, None] for c, n, h in slices]
    return np.stack([*right, *reversed(left)], axis=1)
