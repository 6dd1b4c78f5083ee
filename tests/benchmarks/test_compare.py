"""Ratios within one run; the peers run and say how long they took."""

import json
import math
import subprocess

import pytest

from benchmarks.compare import ROOT, Check, Row, interleave, peer, ratios, run
from benchmarks.inputs import ACTIONS, lay_out
from benchmarks.overhead import THINGS
from benchmarks.peers.user_script import black_square, sampled_frames


def test_rounds_are_interleaved_and_ratios_are_within_a_round():
    order = []

    def taking(name, seconds):
        order.append(name)
        return seconds * len(order)  # the machine becomes slower

    found = interleave({"ours": lambda: taking("ours", 1), "peer": lambda: taking("peer", 4)}, 3)
    assert order == ["ours", "peer"] * 3
    assert ratios(found["ours"], found["peer"]) == [1 / 8, 3 / 16, 5 / 24]


@pytest.mark.parametrize(
    ("values", "goal", "at_least", "met"),
    [
        ([0.9, 1.0, 5.0], 1.05, False, True),
        ([0.9, 1.1, 1.2], 1.05, False, False),
        ([40, 60, 70], 50, True, True),
        ([40, 49, 70], 50, True, False),
        ([1.0], None, False, None),
    ],
)
def test_the_median_is_held_against_the_goal(values, goal, at_least, met):
    row = Row("1", "ours", "theirs", values, goal=goal, at_least=at_least)
    assert row.met is met


@pytest.mark.parametrize(
    ("found", "allowed", "met"),
    [(0.0, 0.0, True), (1e-9, 0.0, False), (1e-4, 1e-3, True), (math.nan, 1e-3, False)],
)
def test_other_results_than_those_of_a_plain_script_are_seen(found, allowed, met):
    check = Check("logit", found, allowed)
    assert check.met is met
    assert ("NO" in str(check)) is not met


def test_a_command_that_ends_otherwise_than_expected_stops_the_run(tmp_path):
    assert run(["-c", "raise SystemExit(3)"], cache=tmp_path, folder=tmp_path, status=3) > 0
    with pytest.raises(RuntimeError, match="status 3"):
        run(["-c", "raise SystemExit(3)"], cache=tmp_path, folder=tmp_path)


def test_clips_are_made_where_there_are_no_samples(made):
    videos = sorted(made.clips.glob("*/*"))
    assert not made.real
    assert len(videos) == made.count
    frames = sampled_frames(videos[0], 8)
    assert [frame.shape for frame in frames] == [(240, 320, 3)] * 8
    assert (frames[0] != frames[-1]).any(), "they move"


def test_each_clip_is_a_file_of_its_own(made, tmp_path):
    clips = lay_out(tmp_path, made.clips, 7, real=False)
    assert len({path.name for path in clips.glob("*/*")}) == 7
    assert lay_out(tmp_path, made.clips, 7, real=False) == clips, "found again"


def test_the_tiny_clip_knows_every_class(made, tmp_path):
    """It refuses a data set whose classes it cannot tell apart."""
    tokenizer = json.loads((made.tiny / "tokenizer.json").read_text(encoding="utf-8"))
    assert set(ACTIONS) | set(THINGS) <= set(tokenizer["model"]["vocab"])
    assert len(ACTIONS) * len(THINGS) >= 101
    copied = lay_out(tmp_path, made.clips, 3, real=False)
    names = [sorted(path.name for path in root.iterdir()) for root in (made.clips, copied)]
    assert names == [list(ACTIONS[:3])] * 2


def test_the_peers_mask_hides_its_share(made):
    frame = sampled_frames(next(made.clips.glob("*/*")), 1)[0] | 1
    hidden = (black_square(frame, 0.3) == 0).all(axis=2).mean()
    assert hidden == pytest.approx(0.3, abs=0.005)


LONG = (pytest.mark.slow, pytest.mark.long)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("user_script", "cells"),
        ("decode", "decode"),
        pytest.param("data_loader", "cells", marks=LONG),
        pytest.param("open_clip_loop", "cells", marks=LONG),
    ],
)
def test_a_peer_runs_and_says_how_long_it_took(made, name, part):
    found = peer(name, str(made.clips), str(made.vit), "--cells", "1")
    assert 0 < found[part] < found["wall"]


def test_peers_use_public_packages_alone():
    found = subprocess.run(
        ["git", "grep", "-n", "clip_har", "--", "benchmarks/peers/*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in found.stdout.splitlines() if "import" in line]
    assert not lines
