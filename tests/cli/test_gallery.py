"""The gallery command, on rendered clips."""

from pathlib import Path
from subprocess import CompletedProcess

import mlflow
import pytest
from PIL import Image

from clip_har.cli.gallery import main
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


def test_bad_input_gets_one_line(tmp_path: Path) -> None:
    done = gallery(tmp_path, "masking=shapes")
    assert done.returncode == 1
    assert done.stderr.startswith("clip-har: error: masking=shapes: no such option")
    assert len(done.stderr.splitlines()) == 1


def test_help_says_what_it_takes(capsys):
    main(["--help"])
    assert "clip-har-gallery region=annotation limit=4" in capsys.readouterr().out
