"""Every fault that is planted in a copy of a data set is found, and nothing else."""

import csv
import os
import re
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_har.cli.data import official as module
from clip_har.cli.data.bars import black_bars
from clip_har.cli.data.command import main
from clip_har.cli.data.layout import find_clips, find_lists
from clip_har.cli.data.listing import read_listing
from clip_har.cli.data.official import verify_official
from clip_har.cli.data.rows import Verification, write_classes, write_rows
from clip_har.cli.data.sources import SOURCES
from clip_har.core.errors import ClipHarError
from clip_har.data.sources.ucf101 import UCF101
from tests.cli.data.made_sets import ucf_clips, ucf_lists
from tests.data.made import cut, numbered, write_video

SMALL = replace(
    SOURCES["ucf101"],
    classes=2,
    clips=6,
    counts={f"{use}{k}": n for k in (1, 2, 3) for use, n in (("train", 4), ("test", 2))},
)
RUN = "Run/v_Run_g01_c01.avi"
RESULTS = Path("results", "data")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    ucf_clips(tmp_path / "UCF-101")
    for name, text in ucf_lists().items():
        path = tmp_path / "ucfTrainTestlist" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, newline="")
    return tmp_path


def verified(root: Path, **settings) -> Verification:
    listing = read_listing("ucf101", root / "ucfTrainTestlist", root / "UCF-101")
    return verify_official(SMALL, listing, **settings)


def test_a_whole_copy_has_no_faults(root, tmp_path):
    found = verified(root)
    assert not found.faults
    assert not found.notes
    assert Counter(row.status for row in found.rows) == {"ok": 6}
    (row,) = [row for row in found.rows if row.clip == RUN]
    assert (row.frames, row.width, row.height, row.fps, row.group) == (8, 96, 64, 25.0, "Run_g01")
    table = tmp_path / "table.csv"
    write_rows(table, found.rows)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [one["clip"] for one in rows] == [row.clip for row in found.rows]
    assert (rows[0]["group"], rows[0]["parts"]) == ("HandstandPushups_g02", "test2 train1 train3")
    write_classes(table, found)
    header, *lines = table.read_text().splitlines()
    assert header.startswith("class_name,clips,clips_listed,train1,train1_listed,test1,test1_list")
    assert lines == [
        "HandstandPushups,3,3,2,2,1,1,2,2,1,1,2,2,1,1",
        "Run,3,3,2,2,1,1,2,2,1,1,2,2,1,1",
    ]


def test_missing_clips_are_a_fault_but_where_they_may_be(root):
    (root / "UCF-101" / RUN).unlink()
    found = verified(root)
    assert found.faults == ["clips of the lists that are missing: 1 – Run/v_Run_g01_c01"]
    found = verified(root, allow_missing=True)
    assert not found.faults
    assert [row.status for row in found.rows].count("missing") == 1
    shutil.rmtree(root / "UCF-101" / "Run")
    shutil.rmtree(root / "UCF-101" / "HandstandPushups")
    assert "no clip of the lists is in" in verified(root, allow_missing=True).faults[0]


def test_clips_that_cannot_be_decoded_are_named_with_the_reason(root):
    cut(root / "UCF-101" / RUN, 0.5)
    found = verified(root)
    assert len(found.faults) == 1
    assert found.faults[0].startswith(f"clips that cannot be decoded: 1 – {RUN} (")
    write_classes(root / "classes.csv", found)
    assert "Run,2,3,2,2,0,1,1,2,1,1,1,2,1,1\n" in (root / "classes.csv").read_text()


def test_a_clip_in_the_folder_of_another_class(root):
    clips = root / "UCF-101"
    (clips / RUN).rename(clips / "HandstandPushups" / "v_Run_g01_c01.avi")
    (fault,) = verified(root).faults
    assert fault.startswith("clips in the folder of another class, or named after it: 1 – ")
    assert fault.endswith("HandstandPushups/v_Run_g01_c01.avi (it is in HandstandPushups)")


def test_a_list_that_names_another_class_than_the_file(root):
    lists = root / "ucfTrainTestlist"
    for path in lists.glob("t*list0?.txt"):
        text = path.read_bytes().decode().replace("Run/v_Run_g01", "HandstandPushups/v_Run_g01")
        path.write_bytes(text.replace("v_Run_g01_c01.avi 2", "v_Run_g01_c01.avi 1").encode())
    (fault,) = verified(root).faults
    assert "v_Run_g01_c01.avi (it is in Run)" in fault


def test_a_label_that_is_not_its_folders_is_refused(root):
    path = root / "ucfTrainTestlist" / "trainlist01.txt"
    path.write_text(path.read_text().replace("Run/v_Run_g02_c01.avi 2", "Run/v_Run_g02_c01.avi 1"))
    with pytest.raises(ClipHarError, match=r"line 3: expected the index 2 of Run"):
        verified(root)


def test_groups_in_train_and_test_are_a_leak(root):
    path = root / "ucfTrainTestlist" / "testlist01.txt"
    path.write_text(path.read_text() + "Run/v_Run_g02_c01.avi\r\n")
    assert verified(root).faults == [
        "split 1: clips in train and test: 1 – such as Run/v_Run_g02_c01",
        "split 1: groups in train and test: 1 – such as Run_g02",
        "the list test1 names 3 clips, officially 2",
    ]


def test_spellings_extra_files_and_duplicates_are_notes(root):
    clips = root / "UCF-101"
    spelt = clips / "HandstandPushups"
    (spelt / "v_HandstandPushups_g01_c01.avi").rename(spelt / "v_HandStandPushups_g01_c01.avi")
    shutil.copy(clips / RUN, clips / "Run" / "copy.avi")
    handstand = "HandstandPushups/v_HandStandPushups_g01_c01.avi"
    (clips / "Run" / "Thumbs.db").write_bytes(b"x")
    found = verified(root)
    assert not found.faults
    assert found.notes == [
        "files that do not belong to the data set: 2 – Run/Thumbs.db, Run/copy.avi",
        (
            f"clips with another spelling than in the lists: 1 – {handstand} (spelt"
            " 'v_HandstandPushups_g01_c01' in the lists)"
        ),
        "files with the same bytes as another: 1 – Run/copy.avi",
    ]
    assert [row.duplicate_of for row in found.rows if row.clip == "Run/copy.avi"] == [RUN]


@pytest.mark.parametrize("moved", ["Run/v_Run_g01_c01 .avi", "Run/Ｖ_Run_g01_c01.avi"])
def test_a_clip_that_the_data_set_does_not_find_is_a_fault(moved, root):
    clips = root / "UCF-101"
    (clips / RUN).rename(clips / moved)
    found = verified(root)
    expected = f"clips with a name or folder where dataset= does not find them: 1 – {moved}"
    assert found.faults == [f"{expected} (expected it as Run/v_Run_g01_c01)"]
    assert not found.notes
    with pytest.raises(ClipHarError, match="1 of 2 clips of UCF-101"):
        UCF101(root=root).clips()


def test_clips_may_lie_deeper(root):
    clips = root / "UCF-101"
    (clips / "Run" / "deeper").mkdir()
    (clips / RUN).rename(clips / "Run" / "deeper" / Path(RUN).name)
    found = verified(root)
    assert not found.faults + found.notes
    assert len(UCF101(root=root).clips().clips) == 2


def test_what_only_has_the_name_of_a_clip_is_none(root):
    clips = root / "UCF-101"
    (clips / RUN).rename((clips / RUN).with_suffix(".avi.part"))
    found = verified(root)
    assert found.faults == ["clips of the lists that are missing: 1 – Run/v_Run_g01_c01"]
    assert found.notes == [
        "files that do not belong to the data set: 1 – Run/v_Run_g01_c01.avi.part"
    ]


def test_class_folders_may_be_links(root):
    clips = root / "UCF-101"
    (clips / "Run").rename(root / "elsewhere")
    (clips / "Run").symlink_to(root / "elsewhere")
    found = verified(root)
    assert not found.faults + found.notes


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes as a name")
def test_names_may_be_any_bytes(root, capsys, monkeypatch, tmp_path_factory):
    here = tmp_path_factory.mktemp("here")
    monkeypatch.chdir(here)
    folder = root / "UCF-101" / "Run"
    for name in (b"caf\xe9.avi", b"\x1b[2Jcleared.avi", b"two\nlines.txt"):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(b"x")  # noqa: PTH118
    with pytest.raises(SystemExit):
        main(["verify", "ucf101", f"--root={root}"])
    printed = capsys.readouterr().out
    assert "\x1b[2J" not in printed
    assert "3 – Run/\\x1b[2Jcleared.avi, Run/caf\\xe9.avi, Run/two\\x0alines.txt" in printed
    assert "caf\\xe9.avi" in (here / RESULTS / "ucf101" / "verify.csv").read_text()


def test_a_copy_laid_out_flat(root, capsys, monkeypatch, tmp_path_factory):
    """`dataset=ucf101` reads it, too."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    for folder in ("UCF-101", "ucfTrainTestlist"):
        for one in (root / folder).iterdir():
            one.rename(root / one.name)
        (root / folder).rmdir()
    with pytest.raises(SystemExit):
        main(["verify", "ucf101", f"--root={root}"])
    printed = capsys.readouterr().out
    assert "6 of 6 clips decode" in printed
    assert "note:" not in printed


def test_a_table_that_cannot_be_written_is_refused_before_clips_are_decoded(
    root, capsys, monkeypatch, tmp_path_factory
):
    monkeypatch.setattr(module, "verify_official", lambda *_, **__: pytest.fail("decodes"))
    (tmp_path_factory.getbasetemp() / "file").touch()
    table = tmp_path_factory.getbasetemp() / "file" / "table.csv"
    with pytest.raises(SystemExit) as ended:
        main(["verify", "ucf101", f"--root={root}", f"--csv={table}"])
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert printed.endswith("name another place with --csv\n")
    assert printed.count("\n") == 1


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """HMDB-51 of two classes of the same three films, as ``prepare`` lays it out."""
    for name, held_out in (("run", 0), ("wave", 1)):
        lines = ["", "", ""]
        for film in range(3):
            stem = f"Film{film}_{name}_f_cm_np1_fr_med_0"
            write_video(tmp_path / "hmdb51_org" / name / f"{stem}.avi", 5 + film)
            for k in range(3):
                lines[k] += f"{stem}.avi {2 if film == (held_out + k) % 3 else 1} \n"
        for k, text in enumerate(lines, 1):
            path = tmp_path / "testTrainMulti_7030_splits" / f"{name}_test_split{k}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return tmp_path


def verified_films(root: Path) -> Verification:
    listing = read_listing("hmdb51", find_lists("hmdb51", root), find_clips("hmdb51", root))
    return verify_official(replace(SMALL, clips=6), listing)


def test_films_that_hmdb51_shares_between_classes_are_no_fault_of_a_copy(films):
    """So it is in the official lists: American Gangster is in train of wave and in test of walk."""
    found = verified_films(films)
    assert not found.faults
    assert found.notes[0] == (
        "split 1: films in train and test, by the names of their clips: 2 – such as Film0; within"
        " one class: 0"
    )


def test_names_of_hmdb51_are_as_strict_as_where_they_are_read(films):
    wave = films / "hmdb51_org" / "wave"
    (wave / "Film0_wave_f_cm_np1_fr_med_0.avi").rename(wave / "film0_wave_f_cm_np1_fr_med_0.avi")
    (fault,) = verified_films(films).faults
    assert fault.startswith(
        "clips with a name or folder where dataset= does not find them: 1 – wave/film"
    )


@pytest.mark.parametrize("below", [".", "hmdb51_org"])
def test_verify_and_info_take_the_same_roots_of_hmdb51(
    films, below, capsys, monkeypatch, tmp_path_factory
):
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    for command in ("verify", "info"):
        with pytest.raises(SystemExit) as ended:
            main([command, "hmdb51", "--root", str(films / below)])
        printed = capsys.readouterr().out
        assert ("HMDB-51: 6 of 6 clips decode" if command == "verify" else "2 clips, ") in printed
    assert ended.value.code == 0


def test_bars_are_measured_per_clip(root):
    pictures = [numbered(200 + i) for i in range(6)]
    for picture in pictures:
        picture[:10], picture[-6:] = 4, 4  # codecs leave noise: not quite black
    write_video(root / "UCF-101" / RUN, pictures)
    found = verified(root)
    (row,) = [row for row in found.rows if row.clip == RUN]
    assert (row.bar_top, row.bar_bottom, row.bar_left, row.bar_right) == (10, 6, 0, 0)
    assert found.notes == [f"clips with black bars: 1 – {RUN}"]


def test_bars_of_a_picture():
    frames = np.full((3, 20, 30, 3), 90, np.uint8)
    frames[:, :, :4] = 10
    frames[0] = 0  # the clip fades in from black
    assert black_bars(frames) == (0, 0, 4, 0)
    assert black_bars(np.zeros((2, 8, 8, 3), np.uint8)) == (0, 0, 0, 0)
    frames[1, 3, 2] = 255  # one bright speck in the bar, of 20 rows and two frames
    assert black_bars(frames) == (0, 0, 2, 0)


def test_a_folder_that_is_not_there(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["verify", "ucf101", f"--root={tmp_path}"])
    assert ended.value.code == 1
    assert (
        "expected the official lists in it; set another folder with --lists, or run clip-har"
        in capsys.readouterr().err
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of one clip each, a copy, a broken clip, and a clip that is not read."""
    videos = tmp_path / "videos"
    for name in ("run/a.mp4", "walk/b.mp4"):
        write_video(videos / name, [numbered(len(name) + i) + 20 for i in range(6)])
    shutil.copy(videos / "run" / "a.mp4", videos / "walk" / "copy.mp4")
    (videos / "walk" / "broken.mp4").write_bytes(b"nothing")
    write_video(videos / "loose.mp4", 9)
    return videos


def test_a_folder_without_lists_is_verified(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(folder.rglob("*"))
    with pytest.raises(SystemExit) as ended:
        main(["verify", "folder", "--root=videos"])
    assert ended.value.code == 1
    printed = capsys.readouterr().out
    assert "videos: 3 of 4 clips decode, in 2 of 2 classes" in printed
    assert "fault: clips that cannot be decoded: 1 – walk/broken.mp4 (" in printed
    assert "note: files with the same bytes as another: 1 – walk/copy.mp4" in printed
    assert "note: files that do not belong to the data set: 1 – loose.mp4" in printed
    table = tmp_path / RESULTS / "folder" / "verify.csv"
    assert f"a row per clip: {table}\n" in printed
    assert sorted(folder.rglob("*")) == before, "nothing is written into the data folder"
    with table.open() as file:
        rows = {row["clip"]: row["frames"] for row in csv.DictReader(file)}
    assert rows["run/a.mp4"] == "6"
    assert table.with_name("verify_classes.csv").read_text() == (
        "class_name,clips,clips_listed\nrun,1,1\nwalk,2,3\n"
    )


@pytest.mark.parametrize("place", [".", "..", "linked"])
def test_nothing_is_ever_written_into_the_data(place, folder, capsys, monkeypatch):
    """Begun in the data, in a folder of it, or with a link into it as the results."""
    monkeypatch.chdir(folder / "run" if place == ".." else folder)
    (folder.parent / "linked").symlink_to(folder / "run")
    named = {"linked": ["--csv=../linked/table.csv"]}.get(place, [])
    before = sorted(folder.rglob("*"))
    with pytest.raises(SystemExit) as ended:
        main(["verify", "folder", f"--root={folder}", *named])
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert f"is in the data ({folder}), which nothing is written into: name another" in printed
    assert printed.count("\n") == 1
    assert sorted(folder.rglob("*")) == before


def test_sections_of_one_video_are_clips_and_no_duplicates(folder, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "clips.csv"
    rows = ["run/a.mp4,run,0.0,0.12", "run/a.mp4,run,0.12,0.2"]
    table.write_text("\n".join(["path,label,start,end", *rows]))
    with pytest.raises(SystemExit) as ended:
        main(["verify", "manifest", f"dataset.path={table}", f"dataset.root={folder}"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "2 of 2 clips decode" in printed
    (note,) = [line for line in printed.splitlines() if line.startswith("note: ")]
    assert note.startswith("note: files that do not belong to the data set: 4 – loose.mp4, ")
    with (tmp_path / RESULTS / "manifest" / "verify.csv").open() as file:
        assert [row["frames"] for row in csv.DictReader(file)][:2] == ["3", "2"]


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        (["folder", "--lists=x"], "--videos and --lists are for ucf101 and hmdb51"),
        (["ucf101"], "expected verify ucf101 --root <folder>: all clips of all official lists"),
        (["ucf101", "--root=x", "dataset.split=2"], "without settings; got dataset.split=2"),
        (["folder", "--root=none"], "none does not exist: expected one folder of videos per class"),
    ],
)
def test_mistakes_give_one_line_and_no_table(typed, fault, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["verify", *typed])
    assert ended.value.code == 1
    printed = capsys.readouterr().err
    assert fault in printed
    assert printed.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.sample_data
def test_the_real_sample(sample_data, tmp_path, capsys):
    table = tmp_path / "table.csv"
    root = sample_data / "ucf101-sample"
    with pytest.raises(SystemExit) as ended:
        main(["verify", "ucf101", f"--root={root}", f"--csv={table}", "--allow-missing"])
    printed = capsys.readouterr().out
    assert ended.value.code == 0, printed
    assert "15 of 13,320 clips decode, in 12 of 101 classes" in printed
    assert re.search(r"test1 +│ +13 │ +3,783", printed)
    with table.open() as file:
        barred = {row["clip"]: row["bar_top"] for row in csv.DictReader(file) if row["bar_top"]}
    assert barred["SkateBoarding/v_SkateBoarding_g02_c01.mp4"] == "32"
