"""The rows of an accelerator, on the CPU with a model of no cost."""

import json
import subprocess
import sys

import pytest
import torch

from benchmarks import host
from benchmarks.alike import LOGIT
from benchmarks.compare import ROOT
from benchmarks.noise import first_clips, with_classes
from benchmarks.path import cell, load, mask_change, masked, open_frames
from clip_har.masking.none import NoMask
from clip_har.masking.shape import ShapeMask

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def frames(made):
    return open_frames(made, made.cache, size=64)


@pytest.fixture(scope="module")
def classifier(made, frames):
    return load(made, made.vit, frames, device=CPU)


def test_the_path_alone_is_that_of_a_cell(made, frames, classifier):
    clips = masked(made, frames, ShapeMask(ratio=0.25))
    assert cell(clips, classifier)() > 0
    assert mask_change(clips, classifier, 32) <= LOGIT


def test_other_masked_pixels_are_seen_in_the_scores(made, frames, classifier):
    assert mask_change(masked(made, frames, NoMask()), classifier, 32) > LOGIT
    assert mask_change(masked(made, frames, NoMask()), classifier, 0) <= LOGIT


def test_clips_and_classes_can_be_others(made, frames, classifier):
    few = first_clips(masked(made, frames, NoMask()), 2, classes=2)
    assert few.evaluated == frames.ok[:2]
    assert max(few.frames.clip_set.labels) == 1
    vectors = with_classes(classifier, 101).class_embeddings
    assert vectors.shape[0] == 101
    assert torch.equal(vectors[:3], classifier.class_embeddings)


def test_a_cell_takes_as_long_as_the_card_and_the_work_of_the_host(made, monkeypatch):
    monkeypatch.setattr(host, "_CLIPS", 3)
    monkeypatch.setattr(host, "_FRAME", 5e-3)
    monkeypatch.setattr(host, "_BATCH", 8)  # a clip: each pass is waited for when the next is begun
    found = host.rows(made, 1)
    assert [row.number for row in found] == ["14"] * 3
    assert all(1 <= row.middle < 3 for row in found)


@pytest.mark.slow
@pytest.mark.long
def test_the_command_runs_to_its_end(tmp_path):
    command = ["-m", "benchmarks", "--only", "accelerator", "--clips", "3", "--rounds", "1"]
    paths = ["--folder", str(tmp_path / "made"), "--json", str(tmp_path / "found.json")]
    done = subprocess.run(
        [sys.executable, *command, *paths, "--runtimes", "torch"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["rows"]
    assert {row["number"] for row in rows} == {"1", "6", "7", "8"}
    checks = [check for row in rows for check in row["checks"]]
    assert len(checks) >= 3
    assert all(check["found"] <= check["allowed"] for check in checks)
