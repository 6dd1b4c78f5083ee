"""One model in the domains of a user, as she types it: own folders, own table of classes."""

from pathlib import Path

import pandas as pd
import pytest

from clip_har.results.sweep import read_outcomes
from tests.command import run_command
from tests.data.made import write_video
from tests.data.sources.layouts import IN_AND_OUT_OF_CONTEXT

EXPERIMENT = """# @package _global_
# My domains.
defaults:
  - override /hydra/sweeper: parts
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      masking: none,percent
    parts:
      Ward:
        - dataset=folder dataset.root=ward
      Laboratory:
        - dataset=folder dataset.root=lab
"""
TABLE = "class,ward,lab\nwaving,wave|greet,hand_up\nrunning,Run,jog\n"
CLIPS = {"ward": {"wave": 2, "greet": 1, "Run": 3, "sleep": 2}, "lab": {"Hand up": 3, "jog": 4}}
SMALL = ("frames.count=1", "attention_clips=0", "tracking=none", "--config-dir", "mine")


@pytest.mark.slow
def test_own_folders_share_the_classes_of_a_table(tmp_path: Path) -> None:
    for domain, classes in CLIPS.items():
        for name, count in classes.items():
            for number in range(count):
                write_video(tmp_path / domain / name / f"{number}.mp4", 4)
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    (tmp_path / "mine" / "experiment" / "my_domains.yaml").write_text(EXPERIMENT)
    (tmp_path / "shared.csv").write_text(TABLE)
    typed = ("experiment=my_domains", *SMALL)
    done = run_command(tmp_path, *typed, "classes=shared.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    (sweep,) = (tmp_path / "results" / "sweeps").iterdir()
    tables = [one.result.table for one in read_outcomes(sweep).values() if one.result is not None]
    assert [len(one.clip_ids) for one in tables] == [6, 6, 7, 7]
    assert {one.class_names for one in tables} == {("waving", "running")}
    assert [one.labels.tolist() for one in tables[1:3]] == [
        [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1, 1],
    ]  # fmt: skip
    rows = pd.read_csv(sweep / "domains.csv")
    assert list(dict.fromkeys(rows["domain"])) == ["ward", "lab", "all domains"]
    assert list(dict.fromkeys(rows["mask"])) == ["unchanged", "percent r=0.3"]
    assert "tiny in 2 domains, 2 classes" in (sweep / "report" / "report.md").read_text()


@pytest.mark.slow
@pytest.mark.long
def test_mimed_clips_are_compared_with_those_in_context(tmp_path: Path, small_clip: Path) -> None:
    video = write_video(tmp_path / "drawn.mp4", 4).read_bytes()
    for option, layout in IN_AND_OUT_OF_CONTEXT.items():
        layout.lay_down(tmp_path / "data" / option, video)
    model = ("model=clip", f"model.checkpoint={small_clip}")  # the tiny one knows other words
    small = ("masking=none,percent", "frames.count=1", "attention_clips=0", "tracking=none")
    done = run_command(tmp_path, "experiment=out_of_context", *model, *small)
    assert done.returncode == 0, done.stdout + done.stderr
    (sweep,) = (tmp_path / "results" / "sweeps").iterdir()
    rows = pd.read_csv(sweep / "domains.csv")
    assert list(dict.fromkeys(rows["domain"])) == [
        "kinetics400/val (50 of 51 clips)", "mimetics", "all domains",
    ]  # fmt: skip
    assert "in 2 domains, 50 classes" in (sweep / "report" / "report.md").read_text()
