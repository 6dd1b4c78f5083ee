"""Trajectories are smooth, limbs keep their lengths, bodies stay above the floor."""

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from clip_har.core.seeding import generator
from clip_har.synthetic.actions import ACTIONS
from clip_har.synthetic.motion import ease
from clip_har.synthetic.shapes import disc
from clip_har.synthetic.skeleton import SIDES, Body, pose, turn
from clip_har.synthetic.take import Take


def skeleton_of(action, seed=0):
    body = Body()
    take = Take(np.arange(32) / 16, body, generator(seed, "motion", action.name))
    return body, pose(body, action.move(take))


def test_interpolation_passes_its_keys_and_never_overshoots():
    times, values = [0.0, 0.2, 0.5, 0.8, 1.0], [0.0, 3.0, 3.5, -1.0, 2.0]
    at = np.linspace(0, 1, 101)
    curve = ease(times, values, at, period=False)
    np.testing.assert_allclose(ease(times, values, np.array(times), period=False), values)
    # extremes rest at the same places as SciPy's interpolant of the same family
    oracle = PchipInterpolator(times, values)
    assert curve.max() <= 3.5 + 1e-9
    assert curve.min() >= -1 - 1e-9
    assert np.abs(curve - oracle(at))[20:81].max() < 0.2


def test_periodic_interpolation_closes():
    curve = ease([0.1, 0.4, 0.9], [1.0, 5.0, 2.0], np.array([0.0, 1.0]), period=True)
    assert curve[0] == pytest.approx(curve[1])


def test_rotations_are_orthogonal():
    angles = np.random.default_rng(0).uniform(-180, 180, (3, 9))
    rotation = turn(*angles)
    np.testing.assert_allclose(
        rotation @ rotation.swapaxes(1, 2), np.broadcast_to(np.eye(3), (9, 3, 3)), atol=1e-12
    )
    lean = turn(np.array([90.0]), np.zeros(1), np.zeros(1))[0]
    np.testing.assert_allclose(lean @ [0, 1, 0], [1, 0, 0], atol=1e-12)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: a.name)
def test_limbs_keep_their_lengths_and_knees_bend_forward(action):
    body, skeleton = skeleton_of(action)
    j = skeleton.joints
    for side in SIDES:
        for first, second, length in (("hip", "knee", body.thigh), ("knee", "ankle", body.shank),
                                      ("shoulder", "elbow", body.upper_arm),
                                      ("elbow", "wrist", body.forearm)):  # fmt: skip
            bone = np.linalg.norm(j[f"{side}.{first}"] - j[f"{side}.{second}"], axis=-1)
            np.testing.assert_allclose(bone, length, atol=1e-6)
        line = (j[f"{side}.hip"] + j[f"{side}.ankle"]) / 2
        ahead = skeleton.frames["pelvis"][:, :, 0] + skeleton.frames["pelvis"][:, :, 1]
        assert (np.sum((j[f"{side}.knee"] - line) * ahead, -1) > -0.03).all()


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: a.name)
def test_nobody_sinks_into_the_floor_or_jumps_between_frames(action):
    _, skeleton = skeleton_of(action)
    points = np.stack(list(skeleton.joints.values()))
    assert points[..., 1].min() > -0.03
    assert np.linalg.norm(np.diff(points, axis=1), axis=-1).max() < 0.42


def test_disc_has_its_radius():
    ring = disc(np.array([[1.0, 2.0]]), 0.5)
    np.testing.assert_allclose(np.linalg.norm(ring - [1.0, 2.0], axis=-1), 0.5)
