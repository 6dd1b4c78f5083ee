"""What the terminal shows at the end of a sweep."""

import io

import pandas as pd
from rich.console import Console

from clip_har.cli.terminal import measures_table


def test_counts_are_whole_numbers() -> None:
    rows = pd.DataFrame(
        [
            ("splits/count", 3.0, float("nan"), float("nan"), 90, 12),
            ("splits/top1_mean", 0.5, 0.25, 0.75, 90, 12),
        ],
        columns=["measure", "value", "low", "high", "clips", "groups"],
    ).assign(of="")
    console = Console(file=io.StringIO(), width=200)
    console.print(measures_table(rows))
    _, count, mean, *_ = (line.split() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]
    assert count == ["splits/count", "3", "–", "90", "12"]
    assert mean == ["splits/top1_mean", "0.5000", "0.250", "to", "0.750", "90", "12"]
