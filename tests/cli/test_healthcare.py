"""Masked sweeps over sections of longer videos of falls and surgery, as a user types them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clip_har.results.sweep import read_outcomes
from clip_har.synthetic import ACTIONS
from tests.command import run_command
from tests.data.sources.healthcare import drawn, lay_cholec80, lay_jigsaws, lay_omnifall

LAYOUTS: dict[str, Callable[[Path, Path], Path]] = {
    "omnifall": lay_omnifall,
    "cholec80": lay_cholec80,
    "jigsaws": lay_jigsaws,
}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drawn(tmp_path_factory.mktemp("drawn") / "drawn.mp4")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings", "classes", "title", "groups"),
    [
        (
            "omnifall", ["dataset.part=wild", "dataset.setting=staged"], 10,
            "omnifall/wild/cs/test/10 classes",
            ["OOPS/falls/Best1", "OOPS/falls/Best1", "OOPS/falls/Oh, no"],
        ),
        (
            "cholec80", ["limit=4"], 7, "cholec80/test/40-40 (4 of 120 clips)",
            ["video46", "video56", "video66", "video76"],
        ),
        (
            "jigsaws", ["dataset.held_out=2", "dataset.subset=test"], 4,
            "jigsaws/Suturing/test/2", ["B", "B"],
        ),
    ],
    ids=list(LAYOUTS),
)  # fmt: skip
def test_a_masked_sweep_runs(name, settings, classes, title, groups, tmp_path, video):
    LAYOUTS[name](tmp_path / "set", video)
    # words that the tiny model knows
    names = [action.name for action in ACTIONS[:classes]]
    (tmp_path / "names.txt").write_text("\n".join(names))
    done = run_command(
        tmp_path, "-m", f"dataset={name}", "dataset.root=set", "masking=percent,shape", *settings,
        "prompts.class_names=names.txt", "frames.count=2", "attention_clips=0", "tracking=none",
        "clean_twin=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (sweep,) = (tmp_path / "results" / "sweeps").iterdir()
    cells = [outcome.result for outcome in read_outcomes(sweep).values()]
    assert len(cells) == 2
    for cell in cells:
        assert cell is not None
        assert cell.protocol["data"] == title
        assert sorted(cell.table.groups) == groups
