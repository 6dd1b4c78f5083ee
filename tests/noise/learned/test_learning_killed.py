"""A process that learns is killed, for real, and what it had learned is not lost."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from clip_har.core.tensor_file import read_tensors
from clip_har.noise.learned.fitted import NOISE_FILE

ROOT = Path(__file__).parents[3]


def start(folder: Path, log: Path, *, pause: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.noise.learn_here", str(folder), str(log), str(pause)]
    return subprocess.Popen(command, cwd=ROOT)


@pytest.mark.slow
def test_noise_of_a_killed_process_is_learned_on_to_the_bit(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    undisturbed = start(whole, tmp_path / "undisturbed", pause=0)

    dying = start(killed, tmp_path / "dying", pause=0.05)
    until = time.monotonic() + 240
    while not list(killed.glob("cache/noise/*/[!.]*.partial")):  # not the file before its rename
        assert dying.poll() is None, "it ended before its first look"
        assert time.monotonic() < until
        time.sleep(0.01)
    dying.send_signal(signal.SIGKILL)
    assert dying.wait() == -signal.SIGKILL
    assert not list(killed.glob(f"cache/noise/*/{NOISE_FILE}"))

    assert start(killed, tmp_path / "again", pause=0).wait() == 0
    assert undisturbed.wait() == 0
    made = {name: (tmp_path / name).read_text().split() for name in ("dying", "again")}
    assert int(made["again"][0]) > 0, "what was learned is not learned again"
    assert int(made["again"][0]) % 2 == 0, "it goes on from a look"
    assert made["again"] == [str(step) for step in range(int(made["again"][0]), 40)]
    assert len(made["dying"]) >= int(made["again"][0])
    (one,), (other,) = (folder.glob(f"cache/noise/*/{NOISE_FILE}") for folder in (whole, killed))
    (tensors, texts), (same, words) = read_tensors(one), read_tensors(other)
    assert texts == words
    assert tensors.keys() == same.keys()
    assert all(torch.equal(value, same[name]) for name, value in tensors.items())
    assert not list(killed.glob("cache/noise/*/*.partial"))
