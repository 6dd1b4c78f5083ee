"""A sweep over the official splits is one result."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_har.report.numbers import share
from clip_har.report.page import write_report
from clip_har.report.selection import Chosen, of_sweep
from clip_har.results.result import Result
from clip_har.sweeps.measures import sweep_measures
from clip_har.sweeps.splits import split_means
from tests.report.made import made_cell, made_sweep, table

UCF = ("dataset=ucf101", "dataset.root=/data/ucf")


def swept(results: Path, accuracy: dict[str, tuple[float, ...]], **card: Any) -> Chosen:
    """Return a sweep of masks by splits; the clips of each split are others."""
    cells: dict[str, Path | str] = {}
    for mask, shares in accuracy.items():
        for split, right in enumerate(shares, 1):
            name = f"{mask} dataset.split={split}"
            content: dict[str, Any] = {
                "data": f"ucf101/test/split{split}",
                "data_digest": str(split),
            }
            cells[name] = made_cell(
                results, name, table(right, seed=split), f"masking={mask}", *UCF,
                f"dataset.split={split}", **content, **card,
            )  # fmt: skip
    return of_sweep(made_sweep(results, cells))


def test_each_mask_has_one_mean_over_the_splits(tmp_path: Path) -> None:
    chosen = swept(tmp_path, {"none": (0.9, 0.8, 0.7), "percent": (0.6, 0.5, 0.4)})
    rows = split_means(chosen.jobs)
    assert set(rows["of"]) == {"none (splits 1, 2, 3)", "percent (splits 1, 2, 3)"}
    means = rows[rows["measure"] == "splits/top1_mean"].set_index("of")["value"]
    for mask in ("none", "percent"):
        tops = [one.metrics["top1"] for one in chosen.jobs if one.mask == mask]
        assert means[f"{mask} (splits 1, 2, 3)"] == pytest.approx(np.mean(tops))
    logged = sweep_measures(chosen.jobs).metrics()
    assert logged["splits/count/none splits 1 2 3"] == 3
    with_interval = rows[rows["measure"].isin(["splits/top1_mean", "splits/top1_pooled"])]
    assert with_interval[["low", "high"]].notna().all(axis=None)


def test_other_weights_or_texts_are_no_splits_of_one_result(tmp_path: Path) -> None:
    cells = [
        made_cell(
            tmp_path, f"none {split}", table(0.5), *UCF, f"dataset.split={split}",
            weights_digest=weights, data_digest=str(split),
        )
        for split, weights in ((1, "a"), (2, "b"), (3, "b"))
    ]  # fmt: skip
    (of,) = set(split_means([Result(cell, {"masking": "none"}) for cell in cells])["of"])
    assert of == "none (splits 2, 3)"


def test_one_split_and_a_split_that_occurs_twice_have_no_mean(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = swept(tmp_path, {"none": (0.9,)}).jobs
    assert split_means(first).empty
    again = made_cell(tmp_path, "again", table(0.5), *UCF, "dataset.split=1", data_digest="9")
    other = made_cell(tmp_path, "other", table(0.5), *UCF, "dataset.split=2", data_digest="2")
    found = [*first, *(Result(cell, {"masking": "none"}) for cell in (again, other))]
    assert split_means(found).empty
    assert "a split occurs twice" in caplog.text


def test_the_report_shows_the_mean_before_the_splits(tmp_path: Path) -> None:
    chosen = swept(tmp_path, {"none": (0.9, 0.8, 0.7)})
    page = write_report(chosen, tmp_path / "report", clips=0)
    text = page.read_text(encoding="utf-8")
    assert text.index("Mean over the official splits") < text.index('id="comparison-2"')
    mean = np.mean([one.metrics["top1"] for one in chosen.jobs])
    row = text[text.index("none (splits 1, 2, 3)") :].split("</tr>")[0]
    assert f"<td>{share(mean)}</td>" in row
    assert "Half of the classes" in text
    markdown = page.with_name("report.md").read_text(encoding="utf-8")
    assert f"| none (splits 1, 2, 3) | {share(mean)} |" in markdown
    assert "10 random halves" in markdown
