"""A copy of UCF-101 that is there is used; what is missing is fetched, with consent."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from clip_har.cli.data.ensure import ensure_ucf101
from clip_har.cli.data.sources import SOURCES, Download
from clip_har.core.errors import ClipHarError
from clip_har.data.sources.ucf101 import UCF101
from tests.cli.data.made_sets import ucf_archives, ucf_clips, ucf_lists
from tests.cli.sources import Sources, serve
from tests.data.made import write_video

needs_unpacker = pytest.mark.skipif(
    not any(map(shutil.which, ("bsdtar", "unrar"))), reason="no bsdtar or unrar here for RAR"
)


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Serve small archives in place of the official ones."""
    archive, splits = ucf_archives(tmp_path / "archives")
    files = {"/UCF101.rar": archive.read_bytes(), "/splits.zip": splits.read_bytes()}
    with serve(files) as sources:
        small = replace(
            SOURCES["ucf101"],
            archive=Download(f"{sources.url}/UCF101.rar"),
            splits=Download(f"{sources.url}/splits.zip"),
        )
        monkeypatch.setitem(SOURCES, "ucf101", small)
        yield sources


def write_lists(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, text in ucf_lists().items():
        (folder / name).write_text(text)


def never(terms: str) -> bool:
    raise AssertionError(terms)


def clips_in(root: Path) -> int:
    return len(UCF101(root=root, split=1).clips().clips)


@needs_unpacker
def test_all_is_fetched_once_after_the_terms_were_accepted(tmp_path, official: Sources):
    root, told = tmp_path / "ucf101", []

    def accepts(terms: str) -> bool:
        told.append(terms)
        return True

    assert ensure_ucf101(root, accepts=accepts) == root
    assert clips_in(root) == 2
    assert sorted(official.asked) == ["/UCF101.rar", "/splits.zip"]
    (terms,) = told
    assert "licence: No formal licence" in terms
    assert f"it is not in {root}" in terms
    assert ensure_ucf101(root, accepts=never) == root
    assert len(official.asked) == 2


def test_nothing_is_fetched_if_they_were_not_accepted(tmp_path, official: Sources):
    with pytest.raises(ClipHarError, match="its terms of use were not accepted"):
        ensure_ucf101(tmp_path / "ucf101", accepts=lambda _: False)
    assert not official.asked
    assert not (tmp_path / "ucf101").exists()


@needs_unpacker
@pytest.mark.parametrize("nested", ["UCF-101", "."])
def test_only_the_lists_are_fetched_for_clips_that_are_there(tmp_path, official, nested):
    root = tmp_path / "ucf101"
    ucf_clips(root / nested)
    ensure_ucf101(root, accepts=lambda terms: "its lists are not in" in terms)
    assert official.asked == ["/splits.zip"]
    assert clips_in(root) == 2


@needs_unpacker
def test_only_the_clips_are_fetched_for_lists_that_are_there(tmp_path, official):
    root = tmp_path / "ucf101"
    write_lists(root / "ucfTrainTestlist")
    ensure_ucf101(root, accepts=lambda terms: "its clips are not in" in terms)
    assert official.asked == ["/UCF101.rar"]
    assert clips_in(root) == 2


@pytest.mark.parametrize("named", [".", "UCF-101", "ucfTrainTestlist"])
def test_a_copy_is_found_by_any_of_its_folders(tmp_path, named):
    ucf_clips(tmp_path / "UCF-101")
    write_lists(tmp_path / "ucfTrainTestlist")
    assert ensure_ucf101(tmp_path / named, accepts=never) == tmp_path


def test_lists_that_are_empty_are_named(tmp_path):
    (tmp_path / "ucfTrainTestlist").mkdir()
    with pytest.raises(ClipHarError, match=r"holds no classInd\.txt"):
        ensure_ucf101(tmp_path, accepts=never)


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        ("holiday", "holiday holds no video with a name of UCF-101"),
        ("file", "file is a file: expected the folder of UCF-101, or a new one"),
    ],
)
def test_what_is_not_ucf101_is_named_before_the_terms_are_shown(tmp_path, named, fault):
    write_video(tmp_path / "holiday" / "beach" / "monday.mp4", 3)
    (tmp_path / "file").touch()
    with pytest.raises(ClipHarError, match=fault):
        ensure_ucf101(tmp_path / named, accepts=never)
