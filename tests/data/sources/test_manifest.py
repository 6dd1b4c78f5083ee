"""Tables of clips."""

import os
from contextlib import nullcontext

import pandas as pd
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.parts import check_apart
from clip_har.data.sources.manifest import Manifest


@pytest.fixture
def folder(tmp_path):
    for name in ("a.mp4", "sub/b.avi", "sub/c.avi"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "outside.mp4").touch()
    return tmp_path / "set"


def table(folder, text, name="clips.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


FULL = (
    "path,label,group,start,end,split,note\n"
    "a.mp4,run,anna,0.5,2,test,x\n"
    "a.mp4,jump,,2,,test,\n"
    "sub/b.avi,jump,,,3.25,train,\n"
    '"sub/c.avi", run ,bert,,,test,"a, b"\n'
)


@pytest.mark.parametrize(
    ("train", "test", "shared"),
    [("a.mp4,run,anna,,", "sub/b.avi,run,bert,,", None),
     ("a.mp4,run,anna,,", "sub/b.avi,run,anna,,", "anna"),
     ("a.mp4,run,,0,1", "a.mp4,run,,1,2", r"a\.mp4")],
    ids=["apart", "one person", "sections of one video"],
)  # fmt: skip
def test_a_group_in_two_splits_is_refused(folder, train, test, shared):
    text = f"path,label,group,start,end,split\n{train},train\n{test},test\n"
    source = Manifest(path=table(folder, text), subset="test")
    parts = source.training().clips(), source.clips()
    message = rf"groups are also in clips/test \(1: {shared}\)"
    with pytest.raises(ClipHarError, match=message) if shared else nullcontext():
        check_apart(*parts, what="noise")


def test_rows_become_clips(folder):
    clips = Manifest(path=table(folder, FULL)).clips()
    assert clips.name == "clips"
    assert clips.class_names == ("jump", "run")
    assert [(c.id, c.label, c.group, c.start, c.end) for c in clips.clips] == [
        ("a.mp4#0.5-2", 1, "anna", 0.5, 2.0),
        ("a.mp4#2-", 0, "a.mp4", 2.0, None),
        ("sub/b.avi#0-3.25", 0, "sub/b.avi", None, 3.25),
        ("sub/c.avi", 1, "bert", None, None),
    ]
    assert clips.clips[2].path == folder / "sub" / "b.avi"


def test_named_columns_become_attributes(folder):
    path = table(folder, FULL)
    clips = Manifest(path=path, attributes=("note", "split")).clips()
    assert [clip.attributes for clip in clips.clips] == [
        {"note": "x", "split": "test"},
        {"split": "test"},
        {"split": "train"},
        {"note": "a, b", "split": "test"},
    ]
    assert clips.digest != Manifest(path=path).clips().digest
    with pytest.raises(ClipHarError, match="no column age"):
        Manifest(path=path, attributes=("age",)).clips()


def test_subset_keeps_the_classes(folder):
    train = Manifest(path=table(folder, FULL), subset="train").clips()
    assert train.name == "clips/train"
    assert [clip.id for clip in train.clips] == ["sub/b.avi#0-3.25"]
    assert train.class_names == ("jump", "run")
    with pytest.raises(ClipHarError, match=r"no row with split 'val'.*test, train"):
        Manifest(path=table(folder, FULL), subset="val").clips()


def test_parquet_is_the_same(folder):
    csv = table(folder, FULL)
    pd.read_csv(csv).assign(label=lambda rows: rows.label.str.strip()).to_parquet(
        folder / "clips.parquet"
    )
    assert Manifest(path=folder / "clips.parquet").clips() == Manifest(path=csv).clips()


def test_root_elsewhere_and_bom(folder, tmp_path):
    path = table(tmp_path, "\ufeffpath,label\r\na.mp4,run\r\n\r\nsub/b.avi,jump\r\n")
    clips = Manifest(path=path, root=folder).clips()
    assert [clip.id for clip in clips.clips] == ["a.mp4", "sub/b.avi"]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("/etc/passwd,run,,", r"line 3: expected a path below .* without '\.\.'"),
        ("../outside.mp4,run,,", r"line 3: expected a path below"),
        ("sub/../../outside.mp4,run,,", "line 3: expected a path below"),
        (r"..\outside.mp4,run,,", "line 3: expected a path below"),
        ("C:/x.mp4,run,,", "line 3: expected a path below"),
        ("link.mp4,run,,", "line 3: .* symbolic link"),
        ("up/outside.mp4,run,,", "line 3: .* symbolic link"),
        ("absent.mp4,run,,", r"line 3: no video 'absent\.mp4'"),
        ("sub,run,,", "line 3: no video 'sub'"),
        ("pipe.mp4,run,,", r"line 3: no video 'pipe\.mp4'"),
        ("to_pipe.mp4,run,,", r"line 3: no video 'to_pipe\.mp4'"),
        (",run,,", "line 3: 'path' is empty"),
        ("a.mp4, ,,", "line 3: 'label' is empty"),
        ("a.mp4,run,x,", "line 3: expected 'start' in seconds, 0 or more, got 'x'"),
        ("a.mp4,run,-1,", "line 3: expected 'start'"),
        ("a.mp4,run,nan,", "line 3: expected 'start'"),
        ("a.mp4,run,,inf", "line 3: expected 'end'"),
        ("a.mp4,run,3,3", "line 3: expected 'end' after 'start'"),
        ("a.mp4,run,,0", "line 3: expected 'end' after 'start'"),
        ("a.mp4,run,1", "line 3: expected 4 values as in the header, got 3"),
        ("a.mp4,run,1,2,3", "line 3: expected 4 values as in the header, got 5"),
        ("sub/b.avi,run,,", "must be unique.*sub/b.avi"),
    ],
)
def test_faulty_rows_are_named(folder, row, fault):
    (folder / "link.mp4").symlink_to(folder.parent / "outside.mp4")
    (folder / "up").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe.mp4")
    (folder / "to_pipe.mp4").symlink_to("pipe.mp4")
    path = table(folder, f"path,label,start,end\nsub/b.avi,jump,,\n{row}\n")
    with pytest.raises(ClipHarError, match=fault) as caught:
        Manifest(path=path).clips()
    assert "\n" not in str(caught.value)


def test_a_link_inside_the_root_is_fine(folder):
    (folder / "link.mp4").symlink_to("a.mp4")
    assert len(Manifest(path=table(folder, "path,label\nlink.mp4,run\n")).clips().clips) == 1


def test_faulty_parquet_rows_are_named(folder):
    pd.DataFrame({"path": ["a.mp4", None], "label": ["run", "jump"]}).to_parquet(
        folder / "clips.parquet"
    )
    with pytest.raises(ClipHarError, match=r"clips\.parquet, row 2: 'path' is empty"):
        Manifest(path=folder / "clips.parquet").clips()


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("clips.csv", b"path,label\n", "no rows"),
        ("clips.csv", b"", "no rows"),
        ("clips.csv", b"path,class\na.mp4,run\n", "no column label: expected path, label"),
        ("clips.csv", b"path,label\n\xff\xfe,run\n", "not a CSV in UTF-8"),
        ("clips.csv", b'path,label\n"a.mp4,run\n', "not a CSV in UTF-8"),
        ("clips.parquet", b"path,label\n", "not a Parquet file"),
    ],
)
def test_files_that_are_no_table(folder, name, content, fault):
    (folder / name).write_bytes(content)
    with pytest.raises(ClipHarError, match=fault):
        Manifest(path=folder / name).clips()


def test_what_is_missing_is_said(folder):
    with pytest.raises(ClipHarError, match=r"does not exist.*dataset\.path="):
        Manifest(path=folder / "absent.csv").clips()
    with pytest.raises(ClipHarError, match=r"does not exist.*dataset\.root="):
        Manifest(path=table(folder, FULL), root=folder / "absent").clips()


def numbered_rows(names):
    labels = [19, 2, 10, 0, *range(20)]
    return [
        f"a.mp4,{label},{start},{start + 1},{names.get(label, '')}"
        for start, label in enumerate(labels)
    ]


def test_numbers_as_labels_are_in_the_order_of_their_values(folder):
    rows = "\n".join(["path,label,start,end,class_name", *numbered_rows({})])
    clips = Manifest(path=table(folder, rows)).clips()
    assert clips.class_names == tuple(map(str, range(20)))
    assert clips.labels.tolist()[:4] == [19, 2, 10, 0]
    floats = pd.read_csv(folder / "clips.csv").astype({"label": float}).drop(columns="class_name")
    floats.to_parquet(folder / "clips.parquet")
    assert Manifest(path=folder / "clips.parquet").clips().labels.tolist() == clips.labels.tolist()


def test_a_column_names_the_labels(folder):
    names = {label: f"action {label}" for label in range(20) if label != 7}
    rows = "\n".join(["path,label,start,end,class_name", *numbered_rows(names)])
    clips = Manifest(path=table(folder, rows)).clips()
    assert clips.class_names == tuple(names.get(label, "7") for label in range(20))
    assert clips.labels.tolist()[:4] == [19, 2, 10, 0]
    other = "path,label,class_name\na.mp4,1,run\nsub/b.avi,1,jump\n"
    with pytest.raises(ClipHarError, match="line 3: label 1 is named 'jump' here, but 'run'"):
        Manifest(path=table(folder, other)).clips()


def test_a_path_may_leave_out_the_extension(folder):
    path = table(folder, "path,label\na,run\nsub/b,jump\n")
    assert [clip.id for clip in Manifest(path=path).clips().clips] == ["a.mp4", "sub/b.avi"]
    (folder / "sub" / "b.mkv").touch()
    with pytest.raises(
        ClipHarError, match=r"line 3: 'sub/b' may be b\.(avi or b\.mkv|mkv or b\.avi)"
    ):
        Manifest(path=path).clips()


def test_unicode_forms_do_not_matter(folder):
    decomposed, composed = "cafe\u0301", "caf\u00e9"
    (folder / decomposed).mkdir()
    (folder / decomposed / f"{decomposed}.mp4").touch()
    text = f"path,label\n{composed}/{composed}.mp4,{composed}\n"
    again = f"{decomposed}/{composed},{decomposed}\n"
    with pytest.raises(ClipHarError, match=r"clip ids .* must be unique"):
        Manifest(path=table(folder, text + again)).clips()
    clips = Manifest(path=table(folder, text)).clips()
    assert clips.class_names == (composed,)
    assert clips.clips[0].id == f"{composed}/{composed}.mp4"
    assert clips.clips[0].path.is_file()
