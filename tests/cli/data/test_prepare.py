"""Data sets are laid out from their archives as ``dataset=ucf101`` and ``hmdb51`` read them."""

import shutil
import subprocess
import sys

import pytest

from clip_har.cli.data import prepare as module
from clip_har.cli.data.command import main
from clip_har.cli.data.prepare import prepare
from clip_har.core.errors import ClipHarError
from clip_har.data.sources.hmdb51 import HMDB51
from clip_har.data.sources.ucf101 import UCF101
from tests.cli.data.made_sets import hmdb_archives, ucf_archives
from tests.cli.data.rar import write_rar

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("bsdtar", "unrar"))), reason="no bsdtar or unrar here for RAR"
)


def laid_out(name, root, archive, splits) -> None:
    prepare(name, root, archive=lambda: archive, splits=lambda: splits)


def visible(root) -> list[str]:
    """Return what lies there, but for the lock."""
    return sorted(path.name for path in root.iterdir() if path.name != module._LOCK)


def test_ucf101_is_laid_out_as_it_is_read(tmp_path):
    root = tmp_path / "ucf101"
    laid_out("ucf101", root, *ucf_archives(tmp_path))
    clips = UCF101(root=root, split=2, subset="train").clips()
    assert len(clips.clips) == 4
    assert clips.class_names == ("HandstandPushups", "Run")
    assert visible(root) == ["UCF-101", "ucfTrainTestlist"]
    assert (root / "UCF-101").stat().st_mode & 0o777 == root.stat().st_mode & 0o777


def test_hmdb51_comes_in_an_archive_of_archives(tmp_path):
    root = tmp_path / "hmdb51"
    laid_out("hmdb51", root, *hmdb_archives(tmp_path))
    clips = HMDB51(root=root, split=3, subset="test").clips()
    assert [clip.group for clip in clips.clips] == ["Film2", "Film2"]
    assert clips.class_names == ("run", "wave")
    assert visible(root) == ["hmdb51_org", "testTrainMulti_7030_splits"]


def test_an_archive_in_an_archive_is_checked_too(tmp_path):
    _, splits = hmdb_archives(tmp_path)
    evil = write_rar(tmp_path / "evil.rar", {"run/../../../evil.avi": b"evil"})
    archive = write_rar(tmp_path / "outer.rar", {"run.rar": evil.read_bytes()})
    root = tmp_path / "hmdb51"
    with pytest.raises(ClipHarError, match="leads out of its folder"):
        laid_out("hmdb51", root, archive, splits)
    assert visible(root) == ["testTrainMulti_7030_splits"]
    assert not list(tmp_path.rglob("evil.avi"))


def test_what_is_there_stays_and_no_archive_is_asked_for(tmp_path):
    root = tmp_path / "ucf101"
    archive, splits = ucf_archives(tmp_path)
    laid_out("ucf101", root, archive, splits)
    shutil.rmtree(root / "UCF-101" / "Run")

    def no_archive():
        raise AssertionError("asked for")

    prepare("ucf101", root, archive=no_archive, splits=no_archive)
    assert [path.name for path in (root / "UCF-101").iterdir()] == ["HandstandPushups"]


def test_two_at_once_do_not_meet(tmp_path):
    archive, splits = ucf_archives(tmp_path)
    root = tmp_path / "ucf101"

    def meanwhile():
        with pytest.raises(ClipHarError, match="another clip-har-data prepare is running"):
            laid_out("ucf101", root, archive, splits)
        return splits

    prepare("ucf101", root, archive=lambda: archive, splits=meanwhile)
    assert visible(root) == ["UCF-101", "ucfTrainTestlist"]


def test_a_run_that_is_killed_leaves_nothing_that_looks_whole(tmp_path, monkeypatch):
    root = tmp_path / "ucf101"
    archive, splits = ucf_archives(tmp_path)
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from clip_har.cli.data import archives, prepare\n"
        "check = archives._check_unpacked\n"
        "def die(path, *rest):\n"
        "    if path.suffix == '.rar': os.kill(os.getpid(), 9)\n"
        "    check(path, *rest)\n"
        "archives._check_unpacked = die\n"
        "prepare.prepare('ucf101', Path(sys.argv[1]), archive=lambda: Path(sys.argv[2]),"
        " splits=lambda: Path(sys.argv[3]))\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, root, archive, splits], check=False, timeout=60
    )
    assert killed.returncode == -9
    left = visible(root)
    assert len(left) == 2
    assert left[0].startswith(module._TEMPORARY)
    assert left[1] == "ucfTrainTestlist"
    laid_out("ucf101", root, archive, splits)
    assert visible(root) == ["UCF-101", "ucfTrainTestlist"]


def test_the_lists_of_another_task_are_named(tmp_path):
    archive, _ = ucf_archives(tmp_path)
    with pytest.raises(ClipHarError, match=r"holds no classInd\.txt: expected the official lists"):
        laid_out("ucf101", tmp_path / "root", archive, archive)
    assert visible(tmp_path / "root") == []


def test_a_user_prepares_and_verifies(tmp_path, capsys, monkeypatch):
    archive, splits = ucf_archives(tmp_path)
    root = tmp_path / "ucf101"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["prepare", "ucf101", f"--archive={archive}", f"--splits={splits}", f"--root={root}"])
    printed = capsys.readouterr().out
    assert printed.startswith("UCF-101\nlicence: No formal licence")
    assert "cite: Soomro" in printed
    assert "fault: the lists name 2 classes, UCF-101 has 101" in printed
    assert f"dataset=ucf101 dataset.root={root}" in printed
    assert ended.value.code == 1, "this is not all of UCF-101"
    table = tmp_path / "results" / "data" / "ucf101" / "verify.csv"
    assert table.read_text().count("\n") == 7
    assert visible(root) == ["UCF-101", "ucfTrainTestlist"]


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ([], "expected --splits <file>, the archive from https"),
        (["--download"], "--download fetches UCF-101 under the terms above: add --accept-licence"),
        (["--splits=none.zip"], "none.zip does not exist: expected an archive"),
    ],
)
def test_what_is_missing_gives_one_line(typed, fault, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["prepare", "ucf101", "--root", str(tmp_path / "root"), *typed])
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert fault in printed
    assert printed.count("\n") == 1


def test_a_checksum_that_is_none_is_told_before_anything_is_fetched(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["prepare", "ucf101", "--root", str(tmp_path / "root"), "--sha256", "abc"])
    assert ended.value.code == 2
    assert "expected 64 hexadecimal digits, got 'abc'" in capsys.readouterr().err
    assert not (tmp_path / "root").exists()
