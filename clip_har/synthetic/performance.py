"""Perform an action: move a body, place the camera and cut out person and object."""

from dataclasses import dataclass

import numpy as np

from clip_har.core.seeding import generator
from clip_har.synthetic.actions import BY_NAME
from clip_har.synthetic.camera import Camera, film
from clip_har.synthetic.figure import Tailor
from clip_har.synthetic.looks import sample_looks
from clip_har.synthetic.motion import Float, loosen
from clip_har.synthetic.props import object_layers
from clip_har.synthetic.raster import Cutout, rasterise
from clip_har.synthetic.shapes import Palette
from clip_har.synthetic.skeleton import pose
from clip_har.synthetic.take import Take


@dataclass
class Performance:
    """A performed and filmed action, without its scene.

    Attributes:
        cutout: Person and object in the frame.
        camera: Where the frame is in the scene.
        contact: Points that may touch the floor, in shares of the frame, ``(T, N, 2)``.
        height: Their height over the floor in statures, ``(T, N)``.
    """

    cutout: Cutout
    camera: Camera
    contact: Float
    height: Float


def perform(
    seed: int, action: str, subject: str, clip_id: str, *, size: int, frames: int, fps: float
) -> Performance:
    """Perform and film an action; the result does not depend on the scene.

    Args:
        seed: The data set's seed.
        action: Name of the action.
        subject: Who performs it.
        clip_id: Selects the random numbers.
        size: Side of a frame in pixels.
        frames: ``T``.
        fps: Frames a second.
    """
    what = BY_NAME[action]
    looks = sample_looks(seed, subject, clip_id)
    rng = generator(seed, "motion", clip_id)
    clock = np.arange(frames) / fps
    motion = loosen(what.move(Take(clock, looks.body, rng)), rng)
    skeleton = pose(looks.body, motion)
    solids = what.build(skeleton, motion, generator(seed, "object", clip_id)) if what.build else []
    rng = generator(seed, "camera", clip_id)
    points = np.concatenate(
        [np.stack(list(skeleton.joints.values()), axis=1)]
        + [solid.points for solid in solids if solid.framed],
        axis=1,
    )
    crown = skeleton.joints["head"] + skeleton.frames["head"][:, :, 1] * looks.body.head * 0.6
    points = np.concatenate([points, crown[:, None]], axis=1)
    camera = film(
        points, rng, yaw=float(rng.uniform(*what.yaw)), mirror=rng.random() < 0.5, frames=frames
    )
    palette = Palette()
    layers = Tailor(skeleton, looks, camera, palette, grip=motion.grip).layers()
    layers += object_layers(solids, camera, palette)
    cutout = rasterise(layers, palette, size=size, frames=frames)
    names = ("l.toe", "l.heel", "r.toe", "r.heel", "l.knee", "r.knee", "pelvis", "neck",
             "head", "l.hand", "r.hand", "l.elbow", "r.elbow")  # fmt: skip
    low = np.stack([skeleton.joints[name] for name in names], axis=1)
    ground = low.copy()
    ground[..., 1] = 0
    return Performance(cutout, camera, camera.seen(ground), low[..., 1])
