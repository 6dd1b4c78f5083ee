"""The study's command on real videos with the true architecture: its mechanics, not its numbers."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from tests.checkpoints import VIT_B32, write_checkpoint
from tests.command import run_command

EVALUATED = ("v_Basketball_g07_c04", "v_Biking_g05_c02", "v_SoccerJuggling_g24_c01")
FEW = (  # steps, frames and clips
    *("masking=none", "frames.count=1", "learning.steps=2", "learning.batch=4"),
    *("learning.validate_every=1", "noise_seed=0", "noise.attention_clips=0"),
)


@pytest.fixture
def root(sample_data: Path, tmp_path: Path) -> Path:
    """UCF-101 with lists of its sample clips: the official lists put two of them into training."""
    sample = sample_data / "ucf101-sample"
    lists = tmp_path / "ucf101" / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    (lists.parent / "UCF-101").symlink_to(sample / "UCF-101")
    classes = (sample / "ucfTrainTestlist" / "classInd.txt").read_text(encoding="utf-8")
    (lists / "classInd.txt").write_text(classes, encoding="utf-8")
    numbers = {
        name: number for number, name in (line.split() for line in classes.splitlines() if line)
    }
    videos = sorted((sample / "UCF-101").glob("*/v_*"))
    train = [
        f"{path.parent.name}/{path.stem}.avi {numbers[path.parent.name]}"
        for path in videos
        if path.stem not in EVALUATED
    ]
    test = [f"{path.parent.name}/{path.stem}.avi" for path in videos if path.stem in EVALUATED]
    for split in (1, 2, 3):
        for part, lines in (("train", train), ("test", test)):
            text = "\n".join(lines) + "\n"
            (lists / f"{part}list0{split}.txt").write_text(text, encoding="utf-8")
    return lists.parent


@pytest.mark.long
@pytest.mark.sample_data
def test_the_study_of_class_noise_runs_on_real_clips_with_clip_of_random_weights(
    root: Path, tmp_path: Path
) -> None:
    checkpoint = write_checkpoint(tmp_path / "clip_b32", VIT_B32)
    done = run_command(
        tmp_path,
        *("experiment=study/class_noise", "dataset=ucf101", f"dataset.root={root}"),
        *("dataset.allow_missing=true", "model=clip", f"model.checkpoint={checkpoint}"),
        *("region=none", "train_masking=[none,percent]", *FEW),
        *("noise.protocol=lift_topk", "noise.top_k=3", "noise.placebos=[another_class]"),
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    (effects,) = (tmp_path / "results" / "cells").glob("*/noise/effect.csv")
    table = pd.read_csv(effects)
    assert {"lift", "stacked universal", "shuffled", "shared part"} <= set(table["variant"])
    assert set(table["clips"]) == {len(EVALUATED)}
    with (effects.parent / "classes.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 101
