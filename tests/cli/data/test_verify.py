"""Every fault that is planted in a copy of a data set is found, and nothing else."""

import csv
import os
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_har.cli.data import verify as module
from clip_har.cli.data.command import main
from clip_har.cli.data.layout import find_clips, find_lists
from clip_har.cli.data.listing import read_listing
from clip_har.cli.data.sources import SOURCES
from clip_har.cli.data.verify import Verification, black_bars, verify, write_classes, write_rows
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
    return verify(SMALL, listing, **settings)


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
    write_classes(table, found.rows)
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
    write_classes(root / "classes.csv", found.rows)
    assert "Run,2,3,2,2,0,1,1,2,1,1,1,2,1,1\n" in (root / "classes.csv").read_text()


def test_a_clip_in_the_folder_of_another_class(root):
    clips = root / "UCF-101"
    (clips / RUN).rename(clips / "HandstandPushups" / "v_Run_g01_c01.avi")
    (fault,) = verified(root).faults
    assert fault.startswith("clips in the folder of another class, or named after it: 1 – ")
    assert fault.endswith("HandstandPushups/v_Run_g01_c01.avi (it lies in HandstandPushups)")


def test_a_list_that_names_another_class_than_the_file(root):
    lists = root / "ucfTrainTestlist"
    for path in lists.glob("t*list0?.txt"):
        text = path.read_bytes().decode().replace("Run/v_Run_g01", "HandstandPushups/v_Run_g01")
        path.write_bytes(text.replace("v_Run_g01_c01.avi 2", "v_Run_g01_c01.avi 1").encode())
    (fault,) = verified(root).faults
    assert "v_Run_g01_c01.avi (it lies in Run)" in fault


def test_a_label_that_is_not_its_folders_is_refused(root):
    path = root / "ucfTrainTestlist" / "trainlist01.txt"
    path.write_text(path.read_text().replace("Run/v_Run_g02_c01.avi 2", "Run/v_Run_g02_c01.avi 1"))
    with pytest.raises(ClipHarError, match=r"line 3: expected the index 2 of Run"):
        verified(root)


def test_groups_in_train_and_test_are_a_leak(root):
    path = root / "ucfTrainTestlist" / "testlist01.txt"
    path.write_text(path.read_text() + "Run/v_Run_g02_c01.avi\r\n")
    assert verified(root).faults == [
        "split 1: clips in train and test: 1 – Run/v_Run_g02_c01 first",
        "split 1: groups in train and test: 1 – Run_g02 first",
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
        "files that no list names: 2 – Run/Thumbs.db, Run/copy.avi",
        (
            f"clips spelt differently from the lists: 1 – {handstand} (spelt"
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
    expected = f"clips that are there, but not where dataset= finds them: 1 – {moved}"
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
    assert found.notes == ["files that no list names: 1 – Run/v_Run_g01_c01.avi.part"]


def test_class_folders_may_be_links(root):
    clips = root / "UCF-101"
    (clips / "Run").rename(root / "elsewhere")
    (clips / "Run").symlink_to(root / "elsewhere")
    found = verified(root)
    assert not found.faults + found.notes


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes as a name")
def test_names_may_be_any_bytes(root, capsys):
    folder = root / "UCF-101" / "Run"
    for name in (b"caf\xe9.avi", b"\x1b[2Jcleared.avi", b"two\nlines.txt"):
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(b"x")  # noqa: PTH118
    with pytest.raises(SystemExit):
        main(["verify", "ucf101", f"--root={root}"])
    message = capsys.readouterr().out
    assert "\x1b[2J" not in message
    assert "3 – Run/\\x1b[2Jcleared.avi, Run/caf\\xe9.avi, Run/two\\x0alines.txt" in message
    assert "caf\\xe9.avi" in (root / "verify_ucf101.csv").read_text()


def test_a_copy_laid_out_flat(root, capsys):
    """`dataset=ucf101` reads it, too."""
    for folder in ("UCF-101", "ucfTrainTestlist"):
        for one in (root / folder).iterdir():
            one.rename(root / one.name)
        (root / folder).rmdir()
    for _ in range(2):  # the tables of the first time are no extra files
        with pytest.raises(SystemExit):
            main(["verify", "ucf101", f"--root={root}"])
        message = capsys.readouterr().out
        assert "6 of 6 clips of the lists" in message
        assert "note:" not in message


def test_a_table_that_cannot_be_written_is_refused_before_clips_are_decoded(
    root, capsys, monkeypatch
):
    monkeypatch.setattr(module, "verify", lambda *_, **__: pytest.fail("decodes"))
    (root / "file").touch()
    with pytest.raises(SystemExit) as ended:
        main(["verify", "ucf101", f"--root={root}", f"--csv={root / 'file' / 'table.csv'}"])
    assert ended.value.code == 1
    complaint = capsys.readouterr().err
    assert complaint.endswith("name another place with --csv\n")
    assert complaint.count("\n") == 1


def test_films_that_hmdb51_shares_between_classes_are_no_fault_of_a_copy(tmp_path, capsys):
    """So it is in the official lists: American Gangster is in train of wave and in test of walk."""
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
    source = replace(SMALL, clips=6)
    listing = read_listing("hmdb51", find_lists("hmdb51", tmp_path), tmp_path / "hmdb51_org")
    found = verify(source, listing)
    assert not found.faults
    assert found.notes[0] == (
        "split 1: films in train and test, by the names of their clips: 2 – Film0 first; within"
        " one class: 0"
    )
    # the root that dataset=hmdb51 takes is taken here, too
    assert find_lists("hmdb51", tmp_path / "hmdb51_org") == listing.lists
    assert find_clips("hmdb51", tmp_path / "hmdb51_org") == listing.videos
    # and names are as strict as there
    wave = tmp_path / "hmdb51_org" / "wave"
    (wave / "Film0_wave_f_cm_np1_fr_med_0.avi").rename(wave / "film0_wave_f_cm_np1_fr_med_0.avi")
    listing = read_listing("hmdb51", listing.lists, listing.videos)
    (fault,) = verify(source, listing).faults
    assert fault.startswith(
        "clips that are there, but not where dataset= finds them: 1 – wave/film"
    )


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
        "expected the official lists in it; --lists names another folder, clip-har"
        in capsys.readouterr().err
    )


@pytest.mark.sample_data
def test_the_real_sample(sample_data, tmp_path, capsys):
    table = tmp_path / "table.csv"
    root = sample_data / "ucf101-sample"
    with pytest.raises(SystemExit) as ended:
        main(["verify", "ucf101", f"--root={root}", f"--csv={table}", "--allow-missing"])
    message = capsys.readouterr().out
    assert ended.value.code == 0, message
    assert "15 of 13,320 clips of the lists, in 12 of 101 classes" in message
    assert "13 of 3,783" in message
    with table.open() as file:
        barred = {row["clip"]: row["bar_top"] for row in csv.DictReader(file) if row["bar_top"]}
    assert barred["SkateBoarding/v_SkateBoarding_g02_c01.mp4"] == "32"
