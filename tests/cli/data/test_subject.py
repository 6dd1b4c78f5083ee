"""Regions of a data set: found before a run, judged by a person, respected by the run."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from PIL import Image

from clip_har.cli.data.command import main
from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR, cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.engine.preflight import preflight
from tests.command import run_command
from tests.data.made import write_video
from tests.planted import planted_frames


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Three clips in each of two classes; nobody is in the last of each."""
    for label, name in enumerate(("running", "wa[v]ing")):
        for number in range(3):
            actor = None if number == 2 else label
            frames, labels = planted_frames(label, actor, seed=number)
            video = tmp_path / "videos" / name / f"{number}.mkv"
            write_video(video, list(frames), codec="ffv1", pix_fmt="bgr0")
            maps = tmp_path / "maps" / name / f"{number}.npz"
            maps.parent.mkdir(parents=True, exist_ok=True)
            np.savez(maps, labels=labels)
    return tmp_path / "videos"


def arguments(tmp_path: Path, small_clip: Path, region: str = "annotation") -> list[str]:
    maps = [f"region.maps={tmp_path / 'maps'}"] if region == "annotation" else []
    cache = f"cache_dir={tmp_path / 'cache'}"
    return [f"model.checkpoint={small_clip}", f"region={region}", *maps, cache]


def find(
    tmp_path: Path, small_clip: Path, *more: str, region: str = "annotation", status: int = 0
) -> list[dict[str, str]]:
    out = tmp_path / "judged"
    with pytest.raises(SystemExit) as ended:
        main([
            "subject", "folder", "--root", str(tmp_path / "videos"), "--out", str(out),
            *arguments(tmp_path, small_clip, region), *more,
        ])  # fmt: skip
    assert ended.value.code == status
    if status:
        return []
    with (out / "clips.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mark(tmp_path: Path, clip: str) -> Path:
    table = tmp_path / "judged" / "clips.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    marked = [line + "x" if line.startswith(clip) else line for line in lines]
    table.write_text("\n".join(marked) + "\n", encoding="utf-8")
    return table


@pytest.mark.usefixtures("videos")
def test_what_was_found_is_written_for_a_person_whose_marks_are_kept(
    tmp_path: Path, small_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = find(tmp_path, small_clip)
    assert "the subject is found in 4 of 6 clips" in capsys.readouterr().out
    found = ["running/0.mkv", "running", "annotation", "8", "8", "1.000", "yes", ""]
    assert list(rows[0].values()) == found
    nobody = ["running/2.mkv", "running", "annotation", "8", "0", "0.000", "no", ""]
    assert list(rows[2].values()) == nobody
    sheets = sorted(path.name for path in (tmp_path / "judged" / "sheets").iterdir())
    assert sheets == ["1_running.png", "2_wa_v_ing.png"]
    for name in sheets:
        with Image.open(tmp_path / "judged" / "sheets" / name) as picture:
            assert min(picture.size) > 300
    mark(tmp_path, "running/1.mkv")
    again = find(tmp_path, small_clip)
    assert [row["wrong"] for row in again] == ["", "yes", "", "", "", ""]


@pytest.mark.slow
def test_a_run_leaves_out_what_is_marked_and_finds_nothing_again(
    tmp_path: Path, videos: Path, small_clip: Path
) -> None:
    find(tmp_path, small_clip)
    table = mark(tmp_path, "running/1.mkv")
    maps = list((tmp_path / "cache" / "regions").glob("*/maps.bin"))
    assert len(maps) == 1
    done = run_command(
        tmp_path, "dataset=folder", f"dataset.root={videos}", "masking=feature", "clean_twin=false",
        *arguments(tmp_path, small_clip), f"region.wrong={table}", "tracking=none",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "cache" / "regions").glob("*/maps.bin")) == maps, "not found again"
    (left_out,) = (tmp_path / "results").rglob("empty_clips.csv")
    with left_out.open(encoding="utf-8", newline="") as file:
        named = [row["clip_id"] for row in csv.DictReader(file)]
    assert named == ["running/1.mkv", "running/2.mkv", "wa[v]ing/2.mkv"]


@pytest.mark.usefixtures("videos")
def test_marks_are_never_lost(
    tmp_path: Path, small_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    find(tmp_path, small_clip)
    table = mark(tmp_path, "running/0.mkv")
    before = table.read_bytes()
    assert find(tmp_path, small_clip, "limit=2", status=1) == []
    assert "1 clips that are marked there are not in" in capsys.readouterr().err
    assert find(tmp_path, small_clip, region="motion", status=1) == []
    assert "is of region=annotation: name another folder with --out" in capsys.readouterr().err
    assert table.read_bytes() == before


@pytest.mark.usefixtures("videos")
def test_a_run_refuses_a_table_of_other_clips(tmp_path: Path, small_clip: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("clip,wrong\nrunning/9.mkv,yes\n")
    words = ["dataset=folder", f"dataset.root={tmp_path / 'videos'}", f"region.wrong={table}"]
    register_schema()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config", [*words, *arguments(tmp_path, small_clip), "tracking=none"])
    with pytest.raises(ClipHarError, match=r"1 of 1 clips are not in videos \(running/9.mkv\)"):
        preflight(cell_from_config(config))


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["region=none"], "region=none finds nothing: expected a region source"),
        (["region=motions"], "region=motions: no such option"),
        (["region=motion", "region.wrong=none.csv"], "none.csv does not exist: expected the table"),
    ],
)
def test_mistakes_give_one_line(
    words: list[str],
    fault: str,
    tmp_path: Path,
    videos: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["subject", "folder", "--root", str(videos), "--out", str(tmp_path / "out"), *words])
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert fault in printed
    assert len(printed.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
