"""What is said of a sweep before it runs: what a typed ratio does, and which cells are equal."""

import logging
from pathlib import Path

import pytest
from omegaconf import DictConfig

from clip_har.config.session import session
from clip_har.core.errors import ClipHarError
from clip_har.sweeps.start import StartedSweep, start_sweep


@pytest.fixture
def table(tmp_path: Path) -> Path:
    lines = ["path,label,group"]
    for name in ("walking", "waving"):
        (tmp_path / f"{name}.mp4").write_bytes(b"not read here")
        lines.append(f"{name}.mp4,{name},{name}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "clips.csv"


def start(table: Path, *words: str) -> StartedSweep:
    results = table.parent / "results"
    common = ["dataset=manifest", f"dataset.path={table}", "tracking=none", "region=motion"]
    every = [*common, f"results_dir={results}", *words]
    with session() as hydra:

        def compose(job: object) -> DictConfig:
            return hydra.compose(list(job))  # type: ignore[call-overload]

        return start_sweep(every, hydra.expand(every), compose, results / "sweep")


def test_a_typed_ratio_holds_for_every_mask(table: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "clip_har.sweeps.start"):
        found = start(table, "masking=none,percent,isolation,person_only", "ratio=0.1,0.3")
    ratios = [cell.masking.ratio for cell in found.cells]
    assert ratios == [0.0, 0.0, 0.1, 0.3, 0.1, 0.3, None, None]
    said, equal = caplog.messages
    assert said.startswith("ratio=… holds for all masks that take one: isolation hides that share")
    assert equal == (
        "2 of 8 cells are equal to another one and are not run twice: masking=none does not depend"
        " on ratio; masking=person_only does not depend on ratio"
    )


def test_without_a_typed_ratio_each_mask_has_its_own(
    table: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "clip_har.sweeps.start"):
        found = start(table, "masking=percent,isolation")
    assert [cell.masking.ratio for cell in found.cells] == [0.3, None]
    assert caplog.messages == []
    with caplog.at_level(logging.INFO, "clip_har.sweeps.start"):
        start(table, "masking=isolation,person_only", "fill=grey")
    assert caplog.messages == [
        (
            "1 of 2 cells is equal to another one and is not run twice: masking=isolation and"
            " person_only is the same mask"
        )
    ]


def test_a_sweep_over_measures_is_refused(table: Path) -> None:
    with pytest.raises(ClipHarError, match=r"measures\.sensitivity has several values"):
        start(table, "measures.sensitivity=0.8,0.9")
