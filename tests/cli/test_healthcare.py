"""A masked sweep over sections of longer videos of falls and surgery, as a user types it."""

import pytest

from clip_har.results.sweep import read_outcomes
from tests.command import run_command
from tests.data.sources.healthcare import drawn, lay_cholec80, lay_jigsaws, lay_omnifall

# option, settings, title, groups
SETS = [
    ("omnifall", {"part": "wild", "setting": "staged"}, "omnifall/wild/cs/test/10 classes",
     ["OOPS/falls/Best1", "OOPS/falls/Best1", "OOPS/falls/Oh, no"]),
    ("cholec80", {"subset": "val", "split": "32-8-40", "seconds": "null"},
     "cholec80/val/32-8-40", [f"video{number}" for number in range(33, 41) for _ in range(3)]),
    ("jigsaws", {"held_out": "2", "subset": "test"}, "jigsaws/Suturing/test/2", ["B", "B"]),
]  # fmt: skip


@pytest.mark.slow
def test_a_masked_sweep_runs_on_each(small_clip, tmp_path):
    """One command, a cell a row: two masks on each data set."""
    video = drawn(tmp_path / "drawn.mp4")
    for name, lay_down in (
        ("omnifall", lay_omnifall), ("cholec80", lay_cholec80), ("jigsaws", lay_jigsaws)
    ):  # fmt: skip
        lay_down(tmp_path / name, video)
    keys = list(dict.fromkeys(key for _, settings, _, _ in SETS for key in settings))
    rows = [
        ",".join([mask, name, name, *(settings.get(key, "") for key in keys)])
        for name, settings, _, _ in SETS
        for mask in ("percent", "shape")
    ]
    header = ",".join(["masking", "dataset", "dataset.root", *(f"dataset.{key}" for key in keys)])
    (tmp_path / "cells.csv").write_text("\n".join([header, *rows]))
    done = run_command(
        tmp_path, "-m", "hydra/sweeper=table", "hydra.sweeper.file=cells.csv", "model=clip",
        f"model.checkpoint={small_clip}", "ratio=0.2", "frames.count=2", "attention_clips=0",
        "clean_twin=false", "tracking=none",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    (sweep,) = (tmp_path / "results" / "sweeps").iterdir()
    results = [outcome.result for outcome in read_outcomes(sweep).values()]
    found = {(one.protocol["data"], one.mask): one.table for one in results if one}
    assert len(found) == len(rows)
    for _, _, title, groups in SETS:
        for mask in ("percent", "shape"):
            assert sorted(found[title, mask].groups) == groups
