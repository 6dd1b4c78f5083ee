"""Clips of images are verified and shown as videos are."""

import csv
import shutil
from pathlib import Path

import pytest

from clip_har.cli.data.command import main
from tests.cli.data.made_sets import ucf_clips, ucf_lists
from tests.damage import truncate
from tests.data.made import numbered, write_images


def run(capsys, *typed):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in typed])
    return ended.value.code, capsys.readouterr().out


def rows(folder: Path, name: str) -> dict[str, dict[str, str]]:
    (table,) = folder.rglob(name)
    with table.open() as file:
        return {row["clip"]: row for row in csv.DictReader(file)}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Two classes of folders: a gap, a copy, and an image that only `verify` reads."""
    monkeypatch.chdir(tmp_path)
    for name in ("run/a", "run/b", "walk/c"):
        pictures = [numbered(len(name) + ord(name[-1]) + i) + 20 for i in range(12)]
        write_images(tmp_path / "clips" / name, pictures)
    shutil.copytree(tmp_path / "clips" / "run" / "a", tmp_path / "clips" / "walk" / "copy")
    (tmp_path / "clips" / "run" / "b" / "000007.png").unlink()
    truncate(tmp_path / "clips" / "walk" / "c" / "000012.png")
    return tmp_path / "clips"


def test_a_folder_of_images_is_verified(root, tmp_path, capsys):
    before = sorted(root.rglob("*"))
    status, printed = run(capsys, "verify", "folder", f"--root={root}", "dataset.fps=10")
    assert status == 1
    assert "clips: 3 of 4 clips decode, in 2 of 2 classes" in printed
    assert "fault: clips that cannot be decoded: 1 – walk/c (1 of 12 images: 000012.png:" in printed
    assert "note: files with the same bytes as another: 1 – walk/copy" in printed
    assert "note: clips with gaps, or other images beside them: 1 – run/b" in printed
    assert "do not belong" not in printed
    assert sorted(root.rglob("*")) == before
    found = rows(tmp_path, "verify.csv")
    assert found["run/b"]["images"] == "missing images: 1 (7)"
    assert (found["run/a"]["frames"], found["run/a"]["fps"]) == ("12", "10.0")
    assert int(found["run/a"]["bytes"]) == sum(
        file.stat().st_size for file in (root / "run" / "a").iterdir()
    )


@pytest.mark.parametrize("fps", [None, 10])
def test_a_folder_of_images_is_shown(root, capsys, fps):
    status, printed = run(
        capsys, "info", "folder", f"--root={root}", *([f"dataset.fps={fps}"] if fps else [])
    )
    assert status == 0
    assert (
        "clips with gaps, or other images beside them: 1 – run/b: missing images: 1 (7)" in printed
    )
    assert "frame sizes: 96x64 (4)" in printed
    assert ("frames a second: 10 (4)" if fps else "frames a second: unknown (4)") in printed
    assert ("4 clips, 0.00 hours" in printed) == bool(fps)


@pytest.mark.parametrize("layout", ["UCF-101-midframes", "rawframes"])
def test_images_of_ucf101_are_compared_with_its_lists(
    tmp_path, capsys, monkeypatch, layout, tmp_path_factory
):
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    for name, text in ucf_lists().items():
        path = tmp_path / "ucfTrainTestlist" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, newline="")
    for number, clip in enumerate(ucf_clips(tmp_path / "videos").values()):
        pictures = [numbered(20 + 3 * number + i) + 20 for i in range(3)]
        spelt = {"HandstandPushups": "Handstand_Pushups"}.get(clip.parent.name, clip.parent.name)
        if layout == "rawframes":
            write_images(tmp_path / layout / clip.parent.name / clip.stem, pictures)
        else:
            folder = write_images(tmp_path / layout / spelt, pictures[:1], name=clip.stem)
    shutil.rmtree(tmp_path / "videos")
    _, printed = run(capsys, "verify", "ucf101", f"--root={tmp_path}")
    assert "6 of 6 clips decode" in printed
    for fault in ("another class", "do not belong", "does not find them", "cannot be decoded"):
        assert fault not in printed
    if layout == "rawframes":
        assert "note:" not in printed
        write_images(tmp_path / layout / "Run" / "v_Run_g09_c01", 2)
    else:
        write_images(folder, 1, name="v_Run_g09_c01")
    _, printed = run(capsys, "verify", "ucf101", f"--root={tmp_path}")
    assert "note: files that do not belong to the data set: 1 – Run/v_Run_g09_c01" in printed
