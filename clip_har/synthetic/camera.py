"""The camera: it places the figure in the frame and moves a little."""

from dataclasses import dataclass

import numpy as np

from clip_har.synthetic.motion import Float


@dataclass
class Camera:
    """An almost level, distant camera that pans, shakes and zooms a little.

    Attributes:
        yaw: Turn of the person, degrees: 0 faces right, 90 faces the camera.
        pitch: Height of the camera as an angle, degrees.
        mirror: Flip left and right.
        scale: Height of a standing person as a share of the frame's side.
        place: Origin of the floor plan in the scene, ``(2,)`` in shares of the frame.
        corner: Upper left corner of the frame in the scene, ``(T, 2)``.
        zoom: Magnification, ``(T,)``, at least 1.
    """

    yaw: float
    pitch: float
    mirror: bool
    scale: float
    place: Float
    corner: Float
    zoom: Float

    def turned(self, vectors: Float) -> Float:
        """Turn vectors (forward, up, left) into (right, down, near), both ``(..., 3)``."""
        psi, theta = np.deg2rad(self.yaw), np.deg2rad(self.pitch)
        f, u, left = vectors[..., 0], vectors[..., 1], vectors[..., 2]
        right = f * np.cos(psi) + left * np.sin(psi)
        near = f * np.sin(psi) - left * np.cos(psi)
        down = -u * np.cos(theta) + near * np.sin(theta)
        return np.stack([-right if self.mirror else right, down, near], axis=-1)

    def seen(self, points: Float) -> Float:
        """Return where points ``(T, ..., 3)`` are in the frame, ``(T, ..., 2)``."""
        flat = self.place + self.turned(points)[..., :2] * self.scale
        extra = (1,) * (flat.ndim - 2)
        corner = self.corner.reshape(-1, *extra, 2)
        return np.asarray((flat - corner) * self.zoom.reshape(-1, *extra, 1))

    @property
    def size(self) -> Float:
        """Height of a standing person as a share of the frame's side, ``(T,)``."""
        return np.asarray(self.scale * self.zoom)


def film(
    points: Float, rng: np.random.Generator, *, yaw: float, mirror: bool, frames: int
) -> Camera:
    """Choose a camera that keeps the figure in the frame.

    Args:
        points: Points that must be in view, over the clip, ``(T, N, 3)`` in statures.
        rng: The clip's generator for the camera.
        yaw: Turn of the person, degrees.
        mirror: Flip left and right.
        frames: ``T``.

    Returns:
        A camera. A figure that travels is followed as far as needed.
    """
    pitch = float(rng.uniform(5, 11))
    plain = Camera(yaw, pitch, mirror, 1.0, np.zeros(2), np.zeros((frames, 2)), np.ones(frames))
    flat = plain.turned(points)[..., :2]
    time = np.linspace(0, 1, frames)
    drift = rng.uniform(0.0, 0.055) * (1 if rng.random() < 0.5 else -1)
    zoom = 1.03 + abs(drift) + drift * (time - 0.5) * 2
    middle = (flat[..., 0].min(1) + flat[..., 0].max(1)) / 2
    # the camera follows the straight line through the figure's path, so that limbs do not shake it
    path = np.polyval(np.polyfit(time, middle, 1), time) if frames > 1 else middle
    path = path - path.mean()
    steady = flat[..., 0] - path[:, None]
    wide, tall = float(np.ptp(steady)) + 0.04, float(-flat[..., 1].min()) + 0.04
    reach = float(zoom.max())
    wish = float(rng.uniform(0.66, 0.86))
    roomy = float(rng.uniform(0.86, 1.0))
    floor = float(rng.uniform(0.855, 0.905))
    # the frame's floor line stays where it is, so the room above it is what limits the height
    scale = roomy * min(wish / roomy, 0.93 / reach / wide, (floor - 0.035) / reach / tall)
    travel = float(np.ptp(path)) * scale
    spare = max(0.0, 0.95 / reach - wide * scale)
    follow = 1.0 if travel < 1e-6 else max(1 - spare * rng.uniform(0.5, 0.9) / travel, 0.0)
    pan = np.clip(path * scale * follow, -0.5, 0.5)
    spare = max(0.0, spare - travel * (1 - follow))
    low, high = float(steady.min()) * scale, float(steady.max()) * scale
    centre = 0.5 + float(rng.uniform(-0.5, 0.5)) * spare * 0.8
    # any section of the scene may be in view, so that a single empty frame does not show whether
    # the camera is static or follows somebody
    stretch = float(rng.uniform(-1, 1)) * (0.5 - float(np.abs(pan).max()))
    place = np.array([centre + stretch - (low + high) / 2, floor])
    wave = rng.uniform(0, 2 * np.pi, 4)
    shake = 0.004 * np.stack(
        [np.sin(9 * time + wave[0]) + np.sin(23 * time + wave[1]),
         np.sin(11 * time + wave[2]) + np.sin(19 * time + wave[3])], axis=-1
    )  # fmt: skip
    corner = (
        np.stack([0.5 + pan + stretch, np.full(frames, 0.5)], axis=-1) + shake - 0.5 / zoom[:, None]
    )
    # zooming is about the floor line, so that the feet stay where they are
    corner[:, 1] = floor - floor / zoom + shake[:, 1]
    return Camera(yaw, pitch, mirror, scale, place, corner, zoom)
