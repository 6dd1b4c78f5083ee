"""A masked sweep over sections of longer videos of falls and surgery, as a user types it."""

import pytest

from tests.data.sources.healthcare import drawn, lay_cholec80, lay_jigsaws, lay_omnifall
from tests.data.sources.masked_sweep import MASKS, masked_sweep

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
    video = drawn(tmp_path / "drawn.mp4")
    for name, lay_down in (
        ("omnifall", lay_omnifall), ("cholec80", lay_cholec80), ("jigsaws", lay_jigsaws)
    ):  # fmt: skip
        lay_down(tmp_path / name, video)
    keys = list(dict.fromkeys(key for _, settings, _, _ in SETS for key in settings))
    found = masked_sweep(
        tmp_path,
        small_clip,
        ["dataset", "dataset.root", *(f"dataset.{key}" for key in keys)],
        [[name, name, *(settings.get(key, "") for key in keys)] for name, settings, _, _ in SETS],
    )
    for _, _, title, groups in SETS:
        for mask in MASKS:
            assert sorted(found[title, mask].groups) == groups
