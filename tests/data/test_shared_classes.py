"""Classes that several data sets share: the table, and clips under its names."""

from pathlib import Path

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet, in_shared_classes
from clip_har.data.shared_classes import class_key, shared_classes, shipped
from tests.data.sources.test_ucf101 import CLASSES as _  # noqa: F401

HMDB = ("climb", "climb_stairs", "fencing", "golf", "kick_ball", "pullup", "punch", "pushup",
        "ride_bike", "ride_horse", "shoot_ball", "shoot_bow", "walk")  # fmt: skip
