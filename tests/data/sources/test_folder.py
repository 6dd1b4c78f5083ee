"""Plain folders of videos."""

import os
import socket
from pathlib import Path

import pytest
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.data.parts import check_apart
from clip_har.data.sources.folder import Folder


@pytest.fixture
def root(tmp_path):
    files = ["run/b.mp4", "run/a.GIF", "jump/c.webm", "jump/d.avi", "jump/notes.txt"]
    hidden = [".git/x.mp4", "run/.y.mp4", "empty/readme.md", "run/deep/z.MP4", "outside.mp4"]
    for name in [*files, *hidden]:
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "clips"


def write_csv(root, text):
    path = root.parent / "split.csv"
    path.write_text(text)
    return path


def test_classes_are_folders(root):
    clips = Folder(root=root).clips()
    assert clips.name == "clips"
    assert clips.class_names == ("jump", "run")
    assert [clip.id for clip in clips.clips] == [
        "jump/c.webm",
        "jump/d.avi",
        "run/a.GIF",
        "run/b.mp4",
        "run/deep/z.MP4",
    ]
    assert clips.labels.tolist() == [0, 0, 1, 1, 1]
    assert len(set(clips.groups)) == 5
    assert Folder(root=root, name="mine").clips().name == "mine"


def test_csv_gives_subsets_and_groups(root):
    table = write_csv(root, "path,split,group\nrun/b.mp4,test,anna\njump/c.webm,train,\n")
    test = Folder(root=root, split_csv=table, subset="test").clips()
    assert test.name == "clips/test"
    assert [(clip.id, clip.label, clip.group) for clip in test.clips] == [("run/b.mp4", 1, "anna")]
    assert test.class_names == ("jump", "run")  # the same for every subset
    whole = Folder(root=root, split_csv=table).clips()
    assert whole.groups.tolist() == ["anna", "jump/c.webm"]


def test_a_group_in_two_splits_is_refused(root):
    text = "path,split,group\nrun/b.mp4,test,anna\njump/c.webm,train,bert\n"
    source = Folder(root=root, split_csv=write_csv(root, text), subset="test")
    check_apart(source.training().clips(), source.clips(), what="noise")
    write_csv(root, text.replace("bert", "anna"))
    with pytest.raises(ClipHarError, match=r"groups are also in clips/test \(1: anna\)"):
        check_apart(source.training().clips(), source.clips(), what="noise")


def test_csv_gives_attributes(root):
    table = write_csv(root, "path,split,viewpoint\nrun/b.mp4,test,front\njump/c.webm,train,\n")
    plain = Folder(root=root, split_csv=table).clips()
    clips = Folder(root=root, split_csv=table, attributes=("viewpoint",)).clips()
    assert [clip.attributes for clip in clips.clips] == [{"viewpoint": "front"}, {}]
    assert [clip.attributes for clip in plain.clips] == [{}, {}]
    assert clips.digest != plain.digest
    with pytest.raises(ClipHarError, match="no column age"):
        Folder(root=root, split_csv=table, attributes=("age",)).clips()
    with pytest.raises(ValidationError, match="attributes need split_csv"):
        Folder(root=root, attributes=("age",))
    with pytest.raises(ValidationError, match="pattern"):
        Folder(root=root, split_csv=table, attributes=("a/b",))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("path,split\nrun/x.mp4,test\n", r"line 2: no video run/x\.mp4"),
        ("path,split\n../clips/run/b.mp4,test\n", "line 2: no video"),
        ("path,split\nrun/b.mp4,test\nrun/b.mp4,train\n", "line 3: .*listed twice"),
        ("path,split\nrun/b.mp4,\n", "line 2: 'split' is empty"),
        ("path,split\nrun/b.mp4\n", "line 2: expected 2 values .*got 1"),
        ("path\nrun/b.mp4\n", "no column split"),
        ("path,split\nrun/b.mp4,train\n", "no row with split 'test'.*train"),
        ("", "no rows"),
    ],
)
def test_faulty_tables_are_named(root, text, fault):
    with pytest.raises(ClipHarError, match=fault):
        Folder(root=root, split_csv=write_csv(root, text), subset="test").clips()


def test_what_is_missing_is_said(root, tmp_path):
    with pytest.raises(ClipHarError, match=r"does not exist.*dataset\.root="):
        Folder(root=tmp_path / "absent").clips()
    with pytest.raises(ClipHarError, match=r"is not a folder.*dataset\.root="):
        Folder(root=root / "run" / "b.mp4").clips()
    with pytest.raises(ClipHarError, match="holds no videos"):
        Folder(root=root / "empty").clips()
    with pytest.raises(ClipHarError, match=r"dataset\.split_csv="):
        Folder(root=root, split_csv=tmp_path / "absent.csv").clips()
    with pytest.raises(ValidationError, match="split_csv"):
        Folder(root=root, subset="test")


def test_a_linked_folder_counts_once(root, tmp_path):
    (root / "run" / "deep" / "alias").symlink_to("../next")  # read before the folder it names
    (root / "run" / "next").mkdir()
    (root / "run" / "next" / "n.mp4").touch()
    (root / "run" / "up").symlink_to("..")
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "e.mp4").touch()
    for name in ("far", "fars"):
        (root / "jump" / name).symlink_to(tmp_path / "else")
    clips = [clip.id for clip in Folder(root=root).clips().clips if "/" in clip.id]
    assert clips[:3] == ["jump/c.webm", "jump/d.avi", "jump/far/e.mp4"]
    assert [i for i in clips if i.endswith("n.mp4")] == ["run/next/n.mp4"]


def test_what_is_not_used_is_counted(root, caplog):
    caplog.set_level("INFO")
    os.mkfifo(root / "run" / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(root / "run" / "socket.mkv"))
    (root / "jump" / "deep").mkdir()
    (root / "jump" / "deep" / "up").symlink_to("..")  # back to where it lies: not again
    (root / "jump" / "linked.mp4").symlink_to("c.webm")
    ids = [clip.id for clip in Folder(root=root).clips().clips]
    assert ids == [
        *("jump/c.webm", "jump/d.avi", "jump/linked.mp4"),
        *("run/a.GIF", "run/b.mp4", "run/deep/z.MP4"),
    ]
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{root}: files that are not used: 6 (1 .md, 1 .txt, 1 hidden, 1 in no class folder,"
        " 2 pipe, socket or device)"
    )


def test_numbers_as_class_names_are_in_the_order_of_their_values(tmp_path):
    for number in range(12):
        path = tmp_path / str(number) / "clip.mp4"
        path.parent.mkdir()
        path.touch()
    clips = Folder(root=tmp_path).clips()
    assert clips.class_names == tuple(map(str, range(12)))
    assert {clip.id: clip.label for clip in clips.clips}["10/clip.mp4"] == 10


def test_a_table_may_leave_out_extensions(root):
    table = write_csv(root, "path,split\nrun/b,test\njump/c.webm,test\nrun/deep/z,test\n")
    clips = Folder(root=root, split_csv=table, subset="test").clips()
    assert [clip.id for clip in clips.clips] == ["run/b.mp4", "jump/c.webm", "run/deep/z.MP4"]
    (root / "run" / "b.avi").touch()
    with pytest.raises(ClipHarError, match=r"line 2: 'run/b' may be run/b\.avi or run/b\.mp4"):
        Folder(root=root, split_csv=table).clips()


def test_unicode_forms_do_not_matter(tmp_path):
    decomposed, composed = "cafe\u0301", "caf\u00e9"
    path = tmp_path / "clips" / decomposed / f"{decomposed}.mp4"
    path.parent.mkdir(parents=True)
    path.touch()
    table = write_csv(tmp_path / "clips", f"path,split\n{composed}/{composed}.mp4,test\n")
    clips = Folder(root=tmp_path / "clips", split_csv=table).clips()
    assert clips.class_names == (composed,)
    assert clips.clips[0].id == f"{composed}/{composed}.mp4"
    assert clips.clips[0].path == path
    (path.parent / f"{composed}.mp4").touch()
    with pytest.raises(ClipHarError, match="same name in different Unicode forms"):
        Folder(root=tmp_path / "clips").clips()


def test_names_may_be_any_bytes(tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), b"l\xe4uft")  # noqa: PTH118
    os.mkdir(folder)  # noqa: PTH102
    Path(os.fsdecode(os.path.join(folder, b"\xff\n.mp4"))).touch()  # noqa: PTH118
    clips = Folder(root=tmp_path).clips()
    assert clips.class_names == (r"l\xe4uft",)
    assert clips.clips[0].id == r"l\xe4uft/\xff\x0a.mp4"
    assert clips.clips[0].path.is_file()


def test_a_csv_may_name_clips_that_are_missing(tmp_path):
    (tmp_path / "videos" / "run").mkdir(parents=True)
    (tmp_path / "videos" / "run" / "a.mp4").touch()
    table = tmp_path / "clips.csv"
    table.write_text("path,split\nrun/a.mp4,test\nrun/gone.mp4,test\nrun/lost.mp4,train\n")
    settings = {"root": tmp_path / "videos", "split_csv": table, "subset": "test"}
    with pytest.raises(ClipHarError, match=r"line 3: no video run/gone\.mp4 in the class folders"):
        Folder(**settings).clips()
    found = Folder(**settings, allow_missing=True).clips()
    assert found.title == "videos/test (1 of 2 clips)"
    with pytest.raises(ClipHarError, match=r"clips\.csv: none of its videos is in "):
        Folder(**settings | {"subset": "train"}, allow_missing=True).clips()
