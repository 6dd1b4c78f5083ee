"""The speed of this machine, tried on a few clips: it is what it is, and nothing is left behind."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from clip_har.cli.plan import plan_notes
from clip_har.config.cell import Cell
from clip_har.config.compose import cell_from_config
from clip_har.config.session import session
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import clips_of
from clip_har.models.dual_encoder import DualEncoder
from clip_har.regions.motion import MotionRegion
from clip_har.results.speed import Rate
from clip_har.sweeps import timing as module
from clip_har.sweeps.plan import plan_of
from clip_har.sweeps.start import check_jobs
from clip_har.sweeps.timing import timing
from tests.cli.data.made_sets import ucf_clips, ucf_lists
from tests.config.test_cell import composed

PAUSE = 0.01  # seconds for each frame in a pass


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Measure for a moment only, in a folder of its own."""
    monkeypatch.setattr(module, "_BUDGET", 0.2)
    monkeypatch.setattr(module, "_ENOUGH", 0.05)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def words(tmp_path: Path, small_clip: Path) -> list[str]:
    """What is typed for a cell on a small copy of UCF-101."""
    root = tmp_path / "ucf101"
    ucf_clips(root / "UCF-101")
    (root / "ucfTrainTestlist").mkdir()
    for name, text in ucf_lists().items():
        (root / "ucfTrainTestlist" / name).write_text(text)
    return [
        *("dataset=ucf101", f"dataset.root={root}", "dataset.subset=test", "masking=percent"),
        *("model=clip", f"model.checkpoint={small_clip}", "frames.count=2", "region=motion"),
        *("region.every_mask=true", "noise=universal", "tracking=none"),
        *(f"results_dir={tmp_path / 'results'}", f"cache_dir={tmp_path / 'cache'}"),
    ]


@pytest.fixture
def cell(words: list[str]) -> Cell:
    return cell_from_config(composed(*words))


@pytest.fixture
def slow_model(monkeypatch: pytest.MonkeyPatch) -> None:
    encode = DualEncoder.encode_pixels

    def slow(self: DualEncoder, pixels: Tensor) -> Tensor:
        time.sleep(PAUSE * len(pixels))
        return encode(self, pixels)

    monkeypatch.setattr(DualEncoder, "encode_pixels", slow)


@pytest.mark.usefixtures("slow_model")
@pytest.mark.parametrize("rate", ["frames_per_second", "learning"])
def test_a_slow_model_is_found_slow(rate: Rate, cell: Cell) -> None:
    said: list[str] = []
    with timing(said.append) as measure:
        found = measure(rate, cell, clips_of(cell.dataset))
    assert not said
    assert found is not None
    assert 0 < found < 1 / PAUSE  # a busy machine finds less


def test_clips_are_decoded_and_located(
    cell: Cell, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locate = MotionRegion.locator

    def slow(self: MotionRegion, zero_shot: Any) -> Any:
        found = locate(self, zero_shot)

        def located(clips: Any, target: str) -> Any:
            time.sleep(PAUSE * 10 * len(clips))
            return found(clips, target)

        return located

    monkeypatch.setattr(MotionRegion, "locator", slow)
    clips = clips_of(cell.dataset.training(), None)
    with timing(pytest.fail) as measure:
        decode, regions = measure("decode", cell, clips), measure("regions", cell, clips)
        assert list(short.iterdir())
    assert decode is not None
    assert regions is not None
    assert 0 < decode < 1
    assert regions >= PAUSE * 10
    assert not list(short.iterdir())
    assert not cell.cache_dir.exists()
    assert not cell.results_dir.exists()


def test_what_cannot_be_measured_is_said_and_stays_unknown(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(DualEncoder, "encode_pixels", broken)
    said: list[str] = []
    with timing(said.append) as measure:
        assert measure("frames_per_second", cell, clips_of(cell.dataset)) is None
    (line,) = said
    assert "(frames_per_second) could not be measured: cpu: its memory is full" in line


def test_a_model_that_cannot_be_loaded_ends_the_plan(
    cell: Cell, small_clip: Path, tmp_path: Path
) -> None:
    """Every cell would fail in the same way."""
    damaged = tmp_path / "damaged"
    shutil.copytree(small_clip, damaged)
    (damaged / "model.safetensors").write_bytes(b"damaged")
    model = cell.model.model_copy(update={"checkpoint": str(damaged)})  # type: ignore[attr-defined]
    cell = cell.model_copy(update={"model": model})
    said: list[str] = []
    with timing(said.append) as measure, pytest.raises(ClipHarError, match="cannot be loaded"):
        measure("frames_per_second", cell, clips_of(cell.dataset))
    assert not said


def test_a_plan_tries_each_rate_once_and_knows_all_times(words: list[str]) -> None:
    with session() as hydra:
        jobs = check_jobs(
            hydra.expand([*words, "ratio=0.1,0.3"]), lambda job: hydra.compose(list(job))
        )
    tried: list[Rate] = []

    def measure(rate: Rate, *_: object) -> float:
        tried.append(rate)
        return 0.5 if rate in ("decode", "regions") else 4.0

    plan = plan_of(jobs, measure)
    assert sorted(tried) == ["decode", "frames_per_second", "learning", "regions"]
    assert all(step.seconds is not None for step in plan.steps)
    learned = next(step for step in plan.steps if "learned" in step.what)
    assert learned.frames
    assert learned.seconds == pytest.approx(learned.frames / 4)
    assert any(
        "measured now, a second: 4 frames, 4 frames while noise is learned, 2 clips decoded" in line
        for line in plan_notes(plan)
    )
    unknown = plan_of(jobs)
    assert all(step.seconds is None for step in unknown.steps if step.is_to_do)
