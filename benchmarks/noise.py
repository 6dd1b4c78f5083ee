"""Rows 7 and 8: a step of learning class noise, and the protocols that use it."""

import time
from functools import partial

import torch
from hydra import compose, initialize_config_dir

from benchmarks.compare import Row, interleave, medians, ratios
from benchmarks.inputs import Inputs
