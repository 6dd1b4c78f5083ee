"""What a data set holds, as text and as pictures."""

import pytest
from PIL import Image

from clip_har.cli.data.command import main
from clip_har.cli.data.info import inspect
from clip_har.data.clips import Clip, ClipSet
from tests.data.made import write_video


def test_classes_groups_lengths_and_sizes(tmp_path):
    clips = []
    for number, frames in enumerate((10, 20, 50)):
        path = write_video(tmp_path / f"{number}.mp4", frames, width=96 + 32 * (number == 2))
        clips.append(Clip(str(number), path, number // 2, f"g{number % 2}"))
    clips.append(Clip("part", clips[2].path, 1, "g0", start=0.4, end=1.2))
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    clips.append(Clip("broken", tmp_path / "broken.mp4", 1, "g0"))
    found = inspect(ClipSet("made", ("run", "walk", "sit"), tuple(clips), "none", ""))
    assert found.rows()[1:] == [
        ("run", "2", "2", "10", "15", "20", "0.6"),
        ("walk", "3", "1", "20", "35", "50", "1.4"),
        ("all", "5", "2", "10", "20", "50", "0.8"),
    ]
    sentences = found.sentences()
    assert "frame sizes: 96x64 (2), 128x64 (2)" in sentences
    assert "frames a second: 25 (4)" in sentences
    assert "1 of 3 classes have no clip here" in sentences
    assert "1 clips cannot be opened: clip-har-data verify says why" in sentences


def test_a_user_looks_at_a_folder(tmp_path, capsys, monkeypatch):
    for name in ("run", "[b]walk"):
        write_video(tmp_path / "videos" / name / "a.mp4", 10)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["info", "folder", "--root", "videos"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "2 clips, 0.00 hours" in printed
    assert "[b]walk" in printed
    with Image.open(tmp_path / "results" / "data" / "folder" / "info.png") as picture:
        assert picture.width > 600


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        (["nothing"], "dataset=nothing: no such option, expected one of cholec80, folder, "),
        (["ucf101", "dataset.splt=2"], "dataset.splt: there is no such key; did you mean"),
        (["manifest"], "dataset.path is not set: add dataset.path=… to the command"),
        (["folder", "--root", "none"], "none does not exist: expected"),
        (["folder", "--root", ".", "dataset.splt=2"], "dataset.splt: there is no such key"),
    ],
)
def test_mistakes_give_one_line(typed, fault, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["info", *typed])
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert fault in printed
    assert printed.count("\n") == 1
    assert not list(tmp_path.rglob("*.png"))
