"""A small true copy: which clips, with which files, whole or not at all."""

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from clip_har.cli.data.chosen import Part, chosen, parts_of
from clip_har.cli.data.command import main
from clip_har.cli.data.sample import Sample, sample_of, write_sample
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import SAMPLE_NOTE, Clip, ClipSet, clips_of
from clip_har.data.sources.folder import Folder
from tests.cli.data.laid import folder, manifest, ucf101


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A copy of UCF-101 of two classes with two clips in each of three groups."""
    ucf101(tmp_path / "whole")
    return tmp_path / "whole"


def sampled(root: Path, *words: str, per_class: int = 1, seed: int = 0) -> Sample:
    parts = parts_of(chosen("ucf101", root, words).source).found
    return sample_of(parts, per_class=per_class, seed=seed)


def call(*typed: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["sample", *typed])
    return int(ended.value.code or 0)


def made_parts(root: Path, groups: Sequence[str]) -> list[Part]:
    """One split of one class, with a clip for each group named."""
    root.mkdir()
    clips = tuple(Clip(f"{i}", root / f"{i}.mp4", 0, group) for i, group in enumerate(groups))
    return [Part("all", Folder(root=root), ClipSet("made", ("run",), clips, "", ""))]


def test_a_user_copies_a_sample_and_reads_it(
    whole: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    out = whole.parent / "my small copy"
    assert call("ucf101", f"--root={whole}", f"--out={out}", "--per-class=1") == 0
    printed = capsys.readouterr().out
    assert "ucf101/test/split1: 2 of 4 clips, 2 of 2 classes, 2 groups" in printed
    assert "ucf101/train/split1: 2 of 8 clips, 2 of 2 classes, 2 groups" in printed
    use = printed.splitlines()[-1].removeprefix("use it: python -m clip_har ")
    assert use == f"dataset=ucf101 'dataset.root='\"'\"'{out}'\"'\"'' dataset.allow_missing=true"
    readme = (out / SAMPLE_NOTE).read_text()
    assert use in readme
    assert "Licence: No formal licence" in readme
    assert "Cite: Soomro" in readme
    copy = clips_of(chosen("ucf101", out, ["dataset.allow_missing=true"]).source)
    assert clips_of(chosen("folder", out, []).source).clips
    assert "(7 .txt)" in caplog.text, "the note is not counted as a file that is not used"
    assert copy.title == "ucf101/test/split1/sample (2 of 4 clips)"
    lists = {path.name for path in (whole / "ucfTrainTestlist").iterdir()}
    assert {path.name for path in (out / "ucfTrainTestlist").iterdir()} == lists
    for path in out.rglob("*.*"):
        if path.name != SAMPLE_NOTE:
            assert path.read_bytes() == (whole / path.relative_to(out)).read_bytes()
    assert call("ucf101", f"--root={whole}", f"--out={out}") == 1
    assert "exists already: name a new folder with --out" in capsys.readouterr().err


def test_the_choice_depends_on_the_seed_only(whole: Path) -> None:
    one, again, other = (sampled(whole, seed=seed).files for seed in (0, 0, 1))
    assert one == again != other
    assert {*one} < {*sampled(whole, per_class=2).files}, "more clips are the same and others"


def test_it_is_spread_over_groups(tmp_path: Path) -> None:
    parts = made_parts(tmp_path / "data", ["a"] * 20 + ["b", "c", "d"])
    for seed in range(5):
        made = sample_of(parts, per_class=5, seed=seed)
        counts = Counter(clip.group for clip in made.chosen(parts[0]))
        assert counts == {"a": 2, "b": 1, "c": 1, "d": 1}


def test_a_class_with_fewer_clips_gives_all(tmp_path: Path) -> None:
    parts = made_parts(tmp_path / "data", ["a", "b"])
    assert len(sample_of(parts, per_class=5, seed=0).files) == 2


def test_videos_are_copied_with_all_of_their_sections(tmp_path: Path) -> None:
    parts = parts_of(chosen("manifest", None, manifest(tmp_path / "whole")).source).found
    assert [part.name for part in parts] == ["test", "train", "val"]
    made = sample_of(parts, per_class=1, seed=0)
    assert len(made.files) == 6, "one video of each class in each split"
    assert [len(made.chosen(part)) for part in parts] == [4, 4, 4], "two sections each"
    assert len(sample_of(parts, per_class=2, seed=0).files) == 6, "two sections are two clips"


def test_lists_that_lie_elsewhere_come_along(whole: Path, tmp_path: Path) -> None:
    lists = tmp_path / "elsewhere" / "lists"
    lists.parent.mkdir()
    (whole / "ucfTrainTestlist").rename(lists)
    made = sampled(whole, f"dataset.lists={lists}")
    out = write_sample(made, tmp_path / "small", readme="")
    part = made.parts[0]
    assert made.settings(part, out) == {
        "root": str(out / "whole"),
        "lists": str(out / "elsewhere" / "lists"),
    }
    assert len(made.copied(part, out).clips().clips) == 2


def test_only_clips_and_lists_are_copied(whole: Path) -> None:
    (whole / "UCF101.rar").write_bytes(b"archive")
    (whole / ".hidden").mkdir()
    (whole / ".hidden" / "list.txt").touch()
    names = {path.name for path in sampled(whole).lists}
    assert names == {path.name for path in (whole / "ucfTrainTestlist").iterdir()}


def test_links_in_a_circle_are_followed_once(whole: Path) -> None:
    lists = sampled(whole).lists
    for name in ("a", "b"):
        (whole / "UCF-101" / name).symlink_to("..")
    assert sampled(whole).lists == lists


@pytest.mark.parametrize(
    ("out", "fault"),
    [
        ("whole/small", "is in the data"),
        ("whole", "is in the data"),
        ("there", "exists already"),
    ],
)
def test_a_folder_that_may_not_be_written(
    out: str, fault: str, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (whole.parent / "there").mkdir()
    before = sorted(whole.parent.rglob("*"))
    assert call("ucf101", f"--root={whole}", f"--out={whole.parent / out}") == 1
    printed = capsys.readouterr().err
    assert fault in printed
    assert printed.count("\n") == 1
    assert sorted(whole.parent.rglob("*")) == before


def test_a_full_disk_is_seen_before(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ClipHarError, match=r"the copy needs 0\.0 MB, and 0\.0 MB are free"):
        write_sample(sampled(whole), whole.parent / "small", readme="")
    assert not (whole.parent / "small").exists()


def test_it_is_whole_or_not_there(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sampled(whole)
    made.files[-1].unlink()
    with pytest.raises(ClipHarError, match="nothing was copied, because No such file"):
        write_sample(made, whole.parent / "small", readme="")
    assert sorted(whole.parent.iterdir()) == [whole]


def test_a_copy_that_is_read_otherwise_is_not_kept(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(source: Path, copy: Path) -> None:
        copy.write_bytes(source.read_bytes()[:-1])

    monkeypatch.setattr(shutil, "copyfile", cut)
    with pytest.raises(ClipHarError, match="ucf101/test/split1: the copy has other clips than"):
        write_sample(sampled(whole), whole.parent / "small", readme="")
    assert sorted(whole.parent.iterdir()) == [whole]


def test_a_sample_never_has_the_name_of_the_whole(tmp_path: Path) -> None:
    """Not where nothing tells how many clips the whole has, and not if it has all of them."""
    source = chosen("folder", None, folder(tmp_path / "one" / "mine")).source
    made = sample_of(parts_of(source).found, per_class=9, seed=0)
    out = write_sample(made, tmp_path / "two" / "mine", readme="")
    copy = chosen("folder", out).source
    assert clips_of(source).name == "mine"
    assert clips_of(copy).name == clips_of(copy, 2).name == "mine/sample"
    again = sample_of(parts_of(copy).found, per_class=1, seed=0)
    assert write_sample(again, tmp_path / "three", readme="").is_dir(), "a sample of a sample"


def test_a_dry_run_copies_nothing(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = whole.parent / "small"
    assert call("ucf101", f"--root={whole}", f"--out={out}", "--dry-run") == 0
    assert "12 files of clips and 7 lists" in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "x"])
def test_a_number_of_clips_that_is_none(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("ucf101", "--root=x", "--out=y", f"--per-class={number}") == 2
    assert "expected a whole number from 1" in capsys.readouterr().err
