"""Classes that several data sets share: the table, and clips under its names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet, clips_of, in_shared_classes
from clip_har.data.shared_classes import shared_classes, shipped
from clip_har.data.sources.folder import Folder
from clip_har.data.sources.hmdb51 import _TYPE_OF

OWN = ("Boxing_Speed Bag", "Punch", "Rowing", "WalkingWithDog")


@pytest.fixture
def clips() -> ClipSet:
    made = tuple(
        Clip(
            f"c{number}", Path(f"c{number}.avi"), number % 4, f"g{number % 3}", start=float(number)
        )
        for number in range(12)
    )
    return ClipSet("ucf101/test/split1", OWN, made, licence="none", citation="", whole=12)


def table(folder: Path, text: str, name: str = "table.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


GOOD = (
    "# a remark\nclass,hmdb51,ucf101\nwalk,walk,walkingwithdog\n\n"
    "punch,punch,BoxingSpeedBag|Punch\n"
)


def test_clips_get_the_shared_classes_and_keep_all_else(clips: ClipSet, tmp_path: Path) -> None:
    found = in_shared_classes(clips, table(tmp_path, GOOD))
    assert found.class_names == ("walk", "punch"), "in the order of the table"
    kept = [clip for clip in clips.clips if OWN[clip.label] != "Rowing"]
    assert [(one.id, one.group, one.start) for one in found.clips] == [
        (one.id, one.group, one.start) for one in kept
    ]
    assert found.labels.tolist() == [0 if OWN[one.label] == "WalkingWithDog" else 1 for one in kept]
    assert found.title == "ucf101/test/split1, 2 shared classes"
    part = in_shared_classes(replace(clips, whole=100), table(tmp_path, GOOD))
    assert part.title == "ucf101/test/split1, 2 shared classes (9 of 100 clips)"


def test_the_content_counts_not_the_name_of_the_table(clips: ClipSet, tmp_path: Path) -> None:
    first, other = (
        in_shared_classes(clips, table(tmp_path, GOOD, name)) for name in ("a.csv", "b.csv")
    )
    fewer = in_shared_classes(clips, table(tmp_path, GOOD.replace("|Punch", ""), "c.csv"))
    assert first.digest == other.digest
    assert len({first.digest, fewer.digest, clips.digest}) == 3


def test_without_columns_all_data_sets_use_the_names(clips: ClipSet, tmp_path: Path) -> None:
    found = in_shared_classes(clips, table(tmp_path, "class\nRowing\nPunch\n"))
    assert (found.class_names, set(found.labels.tolist())) == (("Rowing", "Punch"), {0, 1})


@pytest.mark.parametrize(
    ("data", "expected"),
    [("made/test/a", "one"), ("Made/test/a", "one"), ("made/test/b", "two"), ("made", "two")],
)
def test_the_longest_column_that_begins_the_name_counts(
    data: str, expected: str, tmp_path: Path
) -> None:
    text = "class,made,made/test/a,mad\nx,two,one,three\ny,a,b,c\n"
    assert shared_classes(table(tmp_path, text)).of(data)["x"] == (expected,)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "expected a header with the column class"),
        ("name,ucf101\nwalk,WalkingWithDog\n", "expected a header with the column class"),
        ("class,ucf101,UCF101\nwalk,a,b\n", "expected different names of columns"),
        ("class,ucf101\nwalk,a\n", "expected at least two classes, got 1"),
        ("class,ucf101\nwalk,a,b\n", "line 2: expected 2 values, got 3"),
        ("class,ucf101\n#\n,a\n", "line 3: expected a name in the column class"),
        ("class,ucf101\nwalk,a\nwalk,b\n", "line 3: the class walk is in line 2, too"),
        ("class,ucf101\nwalk,\n", "line 2: walk has no class of ucf101"),
        ("class,ucf101\nwalk,a|\n", "line 2: walk has no class of ucf101"),
        ("class,ucf101\nwalk,a|A\n", "line 2: a of ucf101 stands there twice"),
        ("class,ucf101\nwalk,a b\nrun,A_B\n", "line 3: A_B of ucf101 is also in line 2"),
        ('class,ucf101\nwalk,"a\n', "line 2: expected CSV"),
        ("class,hmdb51\nwalk,a\nrun,b\n", "no column for the data set ucf101/test/split1"),
        ("class,ucf101\nwalk,Punch\nrun,Jogging\n", "ucf101/test/split1 has no class Jogging"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    text: str, fault: str, clips: ClipSet, tmp_path: Path
) -> None:
    with pytest.raises(ClipHarError, match=fault) as error:
        in_shared_classes(clips, table(tmp_path, text))
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("classes=")


def test_an_absent_table_names_those_of_the_package(clips: ClipSet, tmp_path: Path) -> None:
    with pytest.raises(ClipHarError, match=r"cannot be read.*ucf101_hmdb51"):
        in_shared_classes(clips, str(tmp_path / "none.csv"))
    with pytest.raises(ClipHarError, match="is no file"):
        in_shared_classes(clips, str(tmp_path))


@pytest.mark.parametrize(
    ("classes", "fault"),
    [
        ({"a": ("Punch",), "b": ("punch",)}, "is a part of two classes"),
        ({"a": ("rowing",)}, "several classes rowing"),
    ],
)
def test_a_class_is_found_once(classes: Mapping[str, Sequence[str]], fault: str) -> None:
    made = (Clip("c", Path("c.avi"), 0, "g"),)
    several = ClipSet("made", ("Punch", "Row ing", "row_ing"), made, "", "")
    with pytest.raises(ClipHarError, match=fault):
        several.with_classes(classes, where="classes=t")
    with pytest.raises(ClipHarError, match="has no clip of these classes"):
        several.with_classes({"a": ("Row ing",)}, where="classes=t")


@pytest.mark.parametrize(
    ("name", "classes", "data"),
    [
        ("ucf101_hmdb51", 12, ["ucf101/test/split1", "hmdb51/test/split1"]),
        (
            "ucf101_hmdb51_kinetics400",
            11,
            ["ucf101/test/split1", "hmdb51/test/split1", "kinetics400/val"],
        ),
        ("mimetics", 50, ["mimetics", "kinetics400/val"]),
    ],
)
def test_the_tables_of_the_package_serve_data_sets_by_their_names(
    name: str, classes: int, data: Sequence[str]
) -> None:
    assert name in shipped()
    for one in data:
        assert len(shared_classes(name).of(one)) == classes


OF_UCF101 = [name for name in shipped() if "ucf101" in shared_classes(name).columns]


@pytest.mark.parametrize("name", OF_UCF101)
def test_the_tables_of_the_package_name_classes_of_the_data_sets(name: str) -> None:
    found = shared_classes(name)
    hmdb = [source for sources in found.of("hmdb51/test/split1").values() for source in sources]
    assert set(hmdb) <= {*_TYPE_OF, "climb", "pullup", "pushup", "walk"}
    ucf = found.of("ucf101/test/split1")
    assert ucf["punch"] == ("BoxingPunchingBag", "BoxingSpeedBag", "Punch")


def test_official_classes_of_ucf101(sample_data: Path) -> None:
    lists = sample_data / "ucf101-sample" / "ucfTrainTestlist" / "classInd.txt"
    if not lists.is_file():
        pytest.skip("the sample has no list of classes")
    official = {line.split()[1] for line in lists.read_text().splitlines() if line.strip()}
    for name in OF_UCF101:
        ucf = shared_classes(name).of("ucf101")
        assert {source for sources in ucf.values() for source in sources} <= official


def test_the_limit_counts_clips_of_the_shared_classes(tmp_path: Path) -> None:
    for name, count in (("wave", 2), ("rest", 40), ("walk", 2)):
        (tmp_path / "clips" / name).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "clips" / name / f"{number}.avi").touch()
    classes = table(tmp_path, "class\nwave\nwalk\n")
    found = clips_of(Folder(root=tmp_path / "clips"), 4, classes)
    assert [clip.id for clip in found.clips] == [
        "walk/0.avi", "walk/1.avi", "wave/0.avi", "wave/1.avi",
    ]  # fmt: skip
    assert found.labels.tolist() == [1, 1, 0, 0]
