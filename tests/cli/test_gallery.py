"""The gallery command, on rendered clips."""

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
from PIL import Image

from clip_har.cli import gallery as gallery_command
from clip_har.cli.gallery import main
from clip_har.config.cell import Cell
from clip_har.core.errors import ClipHarError
from clip_har.figures.gallery import GalleryRow, Tile, mask_gallery
from clip_har.figures.save import FORMS
from clip_har.figures.sheet import Sheet, save_sheet
from tests.command import run_command
from tests.data.made import write_video


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    for name in ("running", "waving"):
        write_video(tmp_path / "videos" / name / f"{name}.mp4", 8)
    return tmp_path / "videos"


def gallery(folder: Path, *arguments: str) -> CompletedProcess[str]:
    return run_command(folder, *arguments, entry="clip_har.cli.gallery:run")


def test_it_draws_the_masks_and_logs_them(tmp_path: Path, videos: Path, small_clip: Path) -> None:
    where = ("dataset=folder", f"dataset.root={videos}", f"model.checkpoint={small_clip}")
    done = gallery(tmp_path, *where, "masking=percent,none", "ratio=0.2,0.4")
    assert done.returncode == 0, done.stderr
    for name in ("mask_gallery.png", "mask_shapes.png"):
        path = tmp_path / "results" / name
        assert str(path) in done.stdout
        with Image.open(path) as picture:
            assert min(picture.size) > 200
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'results' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("clip_har")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.run_name for run in runs} == {"mask gallery", "mask shapes"}


def test_an_experiment_names_its_masks_and_typed_ones_replace_them(monkeypatch, tmp_path):
    shown: list[list[Cell]] = []

    def rows(cells: list[Cell], *_: object, **__: object) -> tuple[list[object], None]:
        shown.append(cells)
        return [], None

    monkeypatch.setattr(gallery_command, "gallery_rows", rows)
    monkeypatch.setattr(gallery_command, "mask_gallery", lambda *_: Sheet(1, 1, [], []))
    monkeypatch.setattr(gallery_command, "open_frames", lambda *_: None)
    monkeypatch.setattr(gallery_command, "clips_of", lambda *_: SimpleNamespace(clips=()))
    where = [f"results_dir={tmp_path}", "tracking=none", "experiment=scene_bias"]
    main([*where, "region=motion", "--format", "svg"])
    main([*where, "masking=percent,shape", "ratio=0.2"])
    main([*where[:2], "experiment=study/bias"])
    kinds = [[type(cell.masking).__name__ for cell in cells] for cells in shown]
    ways = ["NoMask", "FeatureMask", "IsolationMask", "SwapMask"]
    assert kinds == [[*ways, "SwapMask"], ["PercentMask", "ShapeMask"], ways]
    assert {type(cell.region).__name__ for cell in shown[0]} == {"MotionRegion"}
    assert "<svg" in (tmp_path / "mask_shapes.svg").read_text()
    with pytest.raises(ClipHarError, match="--format"):
        main(["--format", "gif"])


def test_print_quality_keeps_letters_and_the_pixels_of_pictures(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    sheet = mask_gallery([GalleryRow("some mask", [Tile(picture, 0.1, "clip 1")])], [0.1])
    for form in FORMS:
        save_sheet(sheet, tmp_path / f"gallery.{form}")
    svg = (tmp_path / "gallery.svg").read_text()
    assert "some" in svg, "letters are drawn, with the text beside them"
    (embedded,) = re.findall(r'data:image/png;base64,([^"]+)"', svg)
    with Image.open(BytesIO(b64decode(embedded))) as shown:
        assert shown.width > 1.6 * 300
        colours = {tuple(row) for row in picture.reshape(-1, 3)}
        pixels = np.asarray(shown.convert("RGB"))[2:-2, 2:-2].reshape(-1, 3)
        assert {tuple(row) for row in pixels} == colours, "no pixel is mixed or lost"
    pdf = (tmp_path / "gallery.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf


def test_bad_input_gets_one_line(tmp_path: Path) -> None:
    done = gallery(tmp_path, "masking=shapes")
    assert done.returncode == 1
    assert done.stderr.startswith("clip-har: error: masking=shapes: no such option")
    assert len(done.stderr.splitlines()) == 1


def test_help_says_what_it_takes(capsys):
    main(["--help"])
    assert "clip-har-gallery region=annotation limit=4" in capsys.readouterr().out
