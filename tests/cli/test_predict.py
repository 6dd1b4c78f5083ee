"""The command ``clip-har-predict``."""

import io
import json
import sys
from pathlib import Path

import pytest

from clip_har.cli.predict import main
from clip_har.core.errors import ClipHarError
from tests.command import run_command
from tests.data.made import write_images, write_video

CLASSES = ("--classes", "falling, walking, drinking")
NO_CLASS = "no class is named"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clips" / "day.mp4", 100)


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["frames.count=1", *map(str, arguments)])
    return status, *capsys.readouterr()


@pytest.mark.slow
def test_a_command_shows_writes_and_reports_as_it_was_asked(video: Path) -> None:
    """The whole command in a process of its own, with a video that is cut off beside a good one."""
    folder = video.parent
    (folder / "cut.mp4").write_bytes(video.read_bytes()[:-3000])
    before = {path.name for path in folder.rglob("*")}
    done = run_command(
        folder,
        *(".", "--json", "--picture", "pictures", *CLASSES, "masking=percent", "ratio=0.3"),
        entry="clip_har.cli.predict:run",
        with_store=False,
    )
    assert done.returncode == 1
    cut, day = map(json.loads, done.stdout.splitlines())  # nothing else is there
    assert cut == {"clip": "cut.mp4", "error": cut["error"]}
    assert done.stderr.splitlines() == [f"clip-har: cut.mp4: {cut['error']}"]
    assert day["clip"] == "day.mp4"
    assert day["settings"] == ["masking=percent", "ratio=0.3"]
    assert [(part["start"], part["end"]) for part in day["windows"]] == [(0.0, 2.0), (2.0, 4.0)]
    assert sum(day["mean"]) == pytest.approx(1, abs=1e-5)
    assert {path.name for path in folder.rglob("*")} - before == {"pictures", "day.png"}


def test_a_table_says_what_the_numbers_are(capsys, video):
    mask = ("masking=percent", "ratio=0.3", "fill=mean")
    status, out, err = printed(capsys, video, *CLASSES, "--every", "1", *mask)
    assert (status, err) == (0, "")
    assert out.count(" %") == 3 * 2 + 1
    assert "tiny, mask: percent 16 px mean 30 %" in out
    assert "4 windows of 1 frame" in out
    said = " ".join(out.split())
    assert "softmax over these 3 classes: a class that is not in the list cannot win" in said
    assert "the model is the tiny one" in said
    assert max(map(len, out.replace(str(video), "").splitlines())) <= 80


def test_what_cannot_be_read_has_a_line_and_the_others_go_on(capsys, monkeypatch, video):
    listed = f"{video.parent / 'none.mp4'}\n{video}\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed)))
    status, out, err = printed(capsys, "-", *CLASSES, "--every", "inf")
    assert status == 1
    assert err == f"clip-har: {video.parent / 'none.mp4'}: the file does not exist\n"
    assert "day.mp4" in "".join(out.splitlines())  # a long path is folded


def test_classes_come_from_a_file_or_a_data_set(capsys, video, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("walking, slowly\nfalling\n")
    _, out, _ = printed(capsys, video, "--classes", names, "--json", "--every", "9")
    assert json.loads(out)["classes"] == ["walking, slowly", "falling"]
    for name in ("falling", "bowing"):
        write_video(tmp_path / "set" / name / "a.mp4", 4)
    data = ("dataset=folder", f"dataset.root={tmp_path / 'set'}")
    _, out, _ = printed(capsys, video, *data, "--json", "--every", "9")
    assert json.loads(out)["classes"] == ["bowing", "falling"]


def test_a_file_whose_name_looks_like_a_setting_is_a_file(capsys, monkeypatch, video):
    monkeypatch.chdir(video.parent)
    video.rename("ratio=0.5.mp4")
    status, out, _ = printed(capsys, "ratio=0.5.mp4", *CLASSES)
    assert status == 0
    assert out.startswith("ratio=0.5.mp4  4.0 s")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (CLASSES, "no video is named"),
        (("ratio=0.3", *CLASSES), "no video is named"),
        (("-", "-", *CLASSES), "stands there twice"),
        (("day.mp4",), NO_CLASS),
        (("day.mp4", "masking=percent"), NO_CLASS),
        (("day.mp4", "--classes", ""), "at least two names"),
        (("day.mp4", "--classes", "walking"), "at least two names"),
        (("day.mp4", "--classes", "walking,walking"), "more than once"),
        (("day.mp4", "--classes", "none.txt"), "no such file"),
        (("day.mp4", "dataset=folder", *CLASSES), "named twice"),
        (("day.mp4", "--model", "clip", "model=clip", *CLASSES), "named twice"),
        (("day.mp4", "--model", "none", *CLASSES), "model=none: no such option"),
        (("day.mp4", "maskin=percent", *CLASSES), "maskin"),
        (("day.mp4", "--picture", "a.jpg", *CLASSES), "ends in .png"),
        (("a.mp4", "b.mp4", "--picture", "a.png", *CLASSES), "several videos"),
        (("-", "--picture", "a.svg", *CLASSES), "several videos"),
    ],
)
def test_a_wrong_command_is_refused_before_a_video_is_read(arguments, message):
    with pytest.raises(ClipHarError, match=message) as caught:
        main(arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [("--every", "0"), ("--every", "nan"), ("--top", "0"), ("--to",)])
def test_a_number_out_of_its_range_is_refused(capsys, wrong):
    with pytest.raises(SystemExit) as end:
        main(["day.mp4", *CLASSES, *wrong])
    assert end.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_a_folder_of_images_is_one_clip_with_a_picture(capsys, tmp_path):
    folder = write_images(tmp_path / "day", 20)
    picture = tmp_path / "day.png"
    status, out, err = printed(capsys, folder, *CLASSES, "--fps", "5", "--picture", picture)
    assert (status, err) == (0, "")
    assert "4.0 s, 2 windows of 1 frame" in out
    assert picture.is_file()
    status, out, _ = printed(capsys, folder, folder / "000001.png", *CLASSES)
    assert "20 images, 1 frame" in out
    assert "--fps says it" in " ".join(out.split())
    assert "1 image, 1 frame" in out
    write_images(tmp_path / "day" / "other", 2)
    with pytest.raises(ClipHarError, match="there may be several videos"):
        printed(capsys, folder, *CLASSES, "--picture", picture)
