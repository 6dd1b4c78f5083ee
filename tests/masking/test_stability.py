"""A clip's mask is the same in any order, batch, process, and in any later version."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from clip_har.masking.area import Canvas
from clip_har.masking.fill import apply_mask
from clip_har.masking.mask import clip_mask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask

STRATEGIES: dict[str, PercentMask | ShapeMask] = {
    "tube": PercentMask(ratio=0.3, phase="aligned"),
    "fresh": PercentMask(ratio=0.1, patch=7, phase="aligned", static=False),
    "tube, random phase": PercentMask(ratio=0.3),
    "fresh, random phase": PercentMask(ratio=0.1, patch=7, static=False),
    "random stars": ShapeMask(ratio=0.3, shape="star", place="random", count=3, rotation=20),
    "fresh circles": ShapeMask(ratio=0.5, shape="circle", place="random", static=False),
    "corner": ShapeMask(ratio=0.1, shape="ellipse", place="corner", static=False),
    "grid": ShapeMask(ratio=0.3, shape="grid", rotation=30, phase="aligned"),
    "grid, random phase": ShapeMask(ratio=0.3, shape="grid", rotation=30),
}


def digest(name, clip_id, frames=3):
    canvas = Canvas(clip_id=clip_id, seed=7, frames=frames, height=120, width=161)
    mask = clip_mask(STRATEGIES[name], canvas)
    return hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=8).hexdigest()


@pytest.mark.parametrize("name", STRATEGIES)
def test_order_does_not_matter(name):
    clips = [f"clip {number}" for number in range(5)]
    forwards = [digest(name, clip) for clip in clips]
    np.random.default_rng().random(1000)  # other draws in between
    backwards = [digest(name, clip) for clip in reversed(clips)]
    assert forwards == backwards[::-1]


def test_another_process_draws_the_same_masks():
    code = """
import hashlib, json, sys
import numpy as np
from clip_har.masking.area import Canvas
from clip_har.masking.mask import clip_mask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask

digests = {}
for name, kind, settings in reversed(json.load(sys.stdin)):
    strategy = {"PercentMask": PercentMask, "ShapeMask": ShapeMask}[kind](**settings)
    canvas = Canvas(clip_id="clip 1", seed=7, frames=3, height=120, width=161)
    mask = clip_mask(strategy, canvas)
    digests[name] = hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=8).hexdigest()
json.dump(digests, sys.stdout)
"""
    jobs = [
        (name, type(strategy).__name__, strategy.model_dump())
        for name, strategy in STRATEGIES.items()
    ]
    ended = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(jobs), capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {name: digest(name, "clip 1") for name in STRATEGIES}


GOLDEN = {
    "tube": "9524bf2502a8d7ec",
    "fresh": "73ee0a2d291916af",
    "random stars": "32185bc1c786c17a",
    "fresh circles": "9dc74ca7c64a4bda",
    "corner": "3303871449fbaae7",
    "grid": "dd0789506a57b714",
    "tube, random phase": "471654e2a1df8f35",
    "fresh, random phase": "ca407909230e626c",
    "grid, random phase": "479aaf0acd73b84a",
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_masks_are_those_of_earlier_versions(name):
    """Red here means that published results can no longer be repeated: do not just update it."""
    assert digest(name, "clip 1") == GOLDEN[name]


def test_noise_fill_is_that_of_earlier_versions():
    frames = torch.zeros((2, 3, 9, 11), dtype=torch.uint8)
    noise = apply_mask(frames, np.ones((1, 9, 11), bool), "noise", seed=7, clip_id="clip 1")
    assert hashlib.blake2b(noise.numpy().tobytes(), digest_size=8).hexdigest() == "b73e7ce297aee175"
