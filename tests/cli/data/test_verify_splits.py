"""What `verify` finds between the splits of any data set, and in sections of long videos."""

from pathlib import Path

import pytest

from clip_har.cli.data import verify as module
from clip_har.cli.data.chosen import Parts, chosen, parts_of
from clip_har.cli.data.command import main
from clip_har.cli.data.rows import Verification
from clip_har.cli.data.verify import verify
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import clips_of
from tests.cli.data.laid import manifest


def parts(table: Path, *words: str, subset: str = "test") -> Parts:
    clips_of.cache_clear()  # a process looks at the data once
    given = [f"dataset.path={table}", f"dataset.subset={subset}", *words]
    return parts_of(chosen("manifest", None, given).source, allow_missing=True)


def verified(table: Path, **settings: bool) -> Verification:
    return verify(parts(table), **settings)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two sections in each of six videos of two classes, in three splits."""
    manifest(tmp_path)
    return tmp_path / "clips.csv"


def change(table: Path, before: str, after: str) -> None:
    text = table.read_text()
    assert text.count(before) == 1
    table.write_text(text.replace(before, after))


def test_all_splits_are_verified(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv = table.parent / "out" / "table.csv"
    words = [f"dataset.path={table}", "dataset.subset=test"]
    with pytest.raises(SystemExit) as ended:
        main(["verify", "manifest", *words, f"--csv={csv}"])
    printed = capsys.readouterr().out
    assert ended.value.code == 0, printed
    rows = [line.split("│")[1:-1] for line in printed.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["test", "12", "12"],
        ["train", "8", "8"],
        ["val", "4", "4"],
    ]
    assert "24 of 24 clips decode, in 2 of 2 classes" in printed
    assert csv.with_name("table_classes.csv").read_text().splitlines() == [
        "class_name,clips,clips_listed,test,test_listed,train,train_listed,val,val_listed",
        "jump,12,12,6,6,4,4,2,2",
        "run,12,12,6,6,4,4,2,2",
    ]


def test_splits_are_looked_for_only_if_one_is_named(table: Path) -> None:
    assert [part.name for part in parts(table, subset="null").found] == ["all"]
    assert [part.name for part in parts(table).found] == ["test", "train", "val"]
    assert [part.name for part in parts(table, subset="val").found] == ["val", "train", "test"]


def test_a_missing_video_is_a_fault_but_where_it_may_be(table: Path) -> None:
    (table.parent / "videos" / "jump_5.mp4").unlink()
    (fault,) = verified(table).faults
    assert fault.startswith(f"test: {table}, line 12: no video 'videos/jump_5.mp4' in ")
    found = verified(table, allow_missing=True)
    assert not found.faults
    assert fault in found.notes
    assert found.decoded("test") == 10


def test_a_copy_that_is_known_to_be_partial_says_so(table: Path) -> None:
    (table.parent / "videos" / "jump_5.mp4").unlink()
    found = verify(parts(table, "dataset.allow_missing=true"))
    assert "a partial copy: clips/test (10 of 12 clips)" in found.notes


def test_another_fault_is_not_hidden_behind_missing_clips(table: Path) -> None:
    change(table, "videos/jump_5.mp4,jump,test2,test,0,0.2,day", "videos/../x.mp4,jump,,test,0,1,")
    with pytest.raises(ClipHarError, match=r"line 12: expected a path below .* without '\.\.'"):
        parts(table)


def test_a_group_in_train_and_test_is_a_fault(table: Path) -> None:
    change(table, "videos/jump_5.mp4,jump,test2,test,0,", "videos/jump_5.mp4,jump,train0,test,0,")
    assert verified(table).faults == ["groups in train and test: 1 – such as train0"]


def test_sections_that_overlap_are_notes(table: Path) -> None:
    change(
        table, "videos/run_5.mp4,run,test2,test,0.2,0.4", "videos/run_5.mp4,run,test2,test,0.1,0.4"
    )
    change(table, "videos/run_4.mp4,run,test2,test,0.2,", "videos/run_4.mp4,jump,test2,test,0.1,")
    found = verified(table)
    assert not found.faults
    assert [note for note in found.notes if "overlap" in note] == [
        "sections that overlap another one of the same class: 2 – such as videos/run_5.mp4#0-0.2",
        "sections that overlap one of another class: 2 – such as videos/run_4.mp4#0-0.2",
    ]


def test_a_section_that_ends_after_its_video(table: Path) -> None:
    """Lists give whole seconds, so that less than a second is nothing."""
    change(
        table, "videos/run_5.mp4,run,test2,test,0.2,0.4", "videos/run_5.mp4,run,test2,test,0.2,1.3"
    )
    assert not verified(table).notes
    change(table, "test,0.2,1.3", "test,0.2,9")
    found = verified(table)
    assert not found.faults
    (note,) = found.notes
    assert note == (
        "sections that end after their video: 1 – videos/run_5.mp4#0.2-9 (it ends at 9 s, its video"
        " at 0.4 s)"
    )
    change(table, "test,0.2,9", "test,5,9")
    (fault,) = verified(table).faults
    assert fault.startswith("clips that cannot be decoded: 1 – videos/run_5.mp4#5-9 (no frame")


def test_a_split_that_cannot_be_read_is_a_fault(table: Path) -> None:
    """One that is not there is none."""
    change(table, "videos/run_2.mp4,run,val1,val,0,", "videos/run_2.mp4,run,val1,val,x,")
    (fault,) = verified(table).faults
    assert fault.startswith(f"val cannot be read: {table}, line ")
    assert fault.endswith("expected 'start' in seconds, 0 or more, got 'x'")
    table.write_text(
        "\n".join(line for line in table.read_text().splitlines() if "val" not in line)
    )
    assert not verified(table).faults


def test_a_video_is_opened_once_for_all_its_sections(
    table: Path, openings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once more, without decoding, for where it ends. The rows are those of clips alone."""
    lines = table.read_text().splitlines()
    sections = [
        lines[1].replace(",0,0.2,", f",{start / 100},{start / 100 + 0.1:g},")
        for start in range(5, 30, 4)
    ]
    assert len({*lines, *sections}) == len(lines) + len(sections)
    late = lines[1].replace(",0,0.2,", ",7,8,")
    table.write_text("\n".join([*lines, *sections, late]) + "\n")
    found = parts(table)
    video = str(table.parent / lines[1].split(",")[0])
    openings.clear()
    together = verify(found, workers=1)
    assert openings.count(video) == 3  # the one that is not there is decoded alone
    monkeypatch.setattr(
        module, "read_sections", lambda _, __, windows: ((i, None) for i in range(len(windows)))
    )
    alone = verify(found, workers=3)
    assert openings.count(video) > 3 + len(sections)
    assert together.rows == alone.rows
    assert together.faults == alone.faults
    assert together.notes == alone.notes
    assert [row.status for row in together.rows].count("undecodable") == 1
