"""UCF-101: official lists, tolerant of how copies of the data set differ."""

from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.data.parts import check_apart
from clip_har.data.sources.ucf101 import _TYPE_OF, UCF101, _type


def lay_out(root: Path, *, classes=("Archery", "HandstandPushups"), suffix=".avi") -> Path:
    """Two classes: two test clips of g01 and two train clips of g08 each; CRLF as published."""
    lists, test, train = root / "ucfTrainTestlist", "", ""
    lists.mkdir(parents=True)
    index = "".join(f"{i} {name}\r\n" for i, name in enumerate(classes, 1))
    for label, name in enumerate(classes, 1):
        (root / "UCF-101" / name).mkdir(parents=True)
        spelt = name.replace("Handstand", "HandStand")
        for group, clip in [(1, 1), (1, 2), (8, 1), (8, 2)]:
            stem = f"v_{spelt}_g{group:02}_c{clip:02}"
            (root / "UCF-101" / name / f"{stem}{suffix}").touch()
            if group == 1:
                test += f"{name}/{stem}.avi\r\n"
            else:
                train += f"{name}/{stem}.avi {label}\r\n"
    for file, text in [("classInd", index), ("testlist01", test), ("trainlist01", train)]:
        (lists / f"{file}.txt").write_bytes(text.encode())
    return root


def test_a_group_in_both_lists_is_refused(tmp_path):
    source = UCF101(root=lay_out(tmp_path))
    check_apart(source.training().clips(), source.clips(), what="noise")
    (tmp_path / "UCF-101" / "Archery" / "v_Archery_g01_c03.avi").touch()
    with (tmp_path / "ucfTrainTestlist" / "trainlist01.txt").open("a") as file:
        file.write("Archery/v_Archery_g01_c03.avi 1\r\n")
    with pytest.raises(ClipHarError, match=r"ucf101/test/split1 \(1: Archery_g01\)"):
        check_apart(source.training().clips(), source.clips(), what="noise")


def test_clips_of_a_split(tmp_path):
    clips = UCF101(root=lay_out(tmp_path)).clips()
    assert clips.name == "ucf101/test/split1"
    assert clips.class_names == ("Archery", "HandstandPushups")
    assert [clip.id for clip in clips.clips][1:3] == [
        "v_Archery_g01_c02",
        "v_HandStandPushups_g01_c01",
    ]
    assert clips.labels.tolist() == [0, 0, 1, 1]
    assert clips.groups.tolist() == ["Archery_g01"] * 2 + ["HandstandPushups_g01"] * 2
    assert all(clip.path.is_file() for clip in clips.clips)
    assert "Soomro" in clips.citation
    assert "licence" in clips.licence
    train = UCF101(root=tmp_path, subset="train").clips()
    assert train.labels.tolist() == [0, 0, 1, 1]
    assert set(train.groups) == {"Archery_g08", "HandstandPushups_g08"}


def test_lists_may_leave_out_extensions(tmp_path):
    known = UCF101(root=lay_out(tmp_path)).clips()
    test_list = tmp_path / "ucfTrainTestlist" / "testlist01.txt"
    test_list.write_text(test_list.read_text().replace(".avi", ""))
    assert UCF101(root=tmp_path).clips() == known


@pytest.mark.sample_data
def test_each_class_has_its_authors_type(sample_data):
    lists = sample_data / "ucf101-sample" / "ucfTrainTestlist"
    lines = (lists / "classInd.txt").read_text().split()[1::2]
    types = [_type(name)["action_type"] for name in lines]
    assert Counter(types) == {
        "human-object interaction": 20, "body motion only": 16, "human-human interaction": 5,
        "playing musical instruments": 10, "sports": 50,
    }  # fmt: skip
    assert set(_TYPE_OF) <= set(lines)


def test_clips_carry_their_type(tmp_path):
    clips = UCF101(root=lay_out(tmp_path)).clips()
    assert [clip.attributes["action_type"] for clip in clips.clips] == [
        "sports", "sports", "body motion only", "body motion only",
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".AVI", ".mkv"])
def test_other_containers_are_taken(tmp_path, suffix):
    clips = UCF101(root=lay_out(tmp_path, suffix=suffix)).clips()
    assert {clip.path.suffix for clip in clips.clips} == {suffix}
    assert clips.clips[0].id == "v_Archery_g01_c01"


def test_the_original_wins_over_a_copy(tmp_path):
    lay_out(tmp_path)
    folder = tmp_path / "UCF-101" / "Archery"
    for name in ("v_Archery_g01_c01.mp4", "v_Archery_g01_c01.3gp", "._v_Archery_g01_c02.avi"):
        (folder / name).touch()
    assert UCF101(root=tmp_path).clips().clips[0].path.suffix == ".avi"


def test_either_spelling_of_folder_and_file(tmp_path):
    lay_out(tmp_path)
    folder = tmp_path / "UCF-101" / "HandstandPushups"
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("HandStand", "Handstand"))
    folder.rename(folder.with_name("HandStandPushups"))
    clips = UCF101(root=tmp_path).clips()
    assert clips.clips[3].path.name == "v_HandstandPushups_g01_c02.avi"
    assert clips.clips[3].id == "v_HandStandPushups_g01_c02"  # as the list spells it


def test_lists_and_videos_elsewhere_or_in_the_root(tmp_path):
    lay_out(tmp_path)
    expected = UCF101(root=tmp_path).clips().digest
    for path in [*(tmp_path / "UCF-101").iterdir(), *(tmp_path / "ucfTrainTestlist").iterdir()]:
        path.rename(tmp_path / path.name)
    (tmp_path / "UCF-101").rmdir()
    (tmp_path / "ucfTrainTestlist").rmdir()
    assert UCF101(root=tmp_path).clips().digest == expected
    apart = UCF101(root=Path("/no/such"), lists=tmp_path, videos=tmp_path)
    assert apart.clips().digest == expected


def test_relative_and_home_roots(tmp_path, monkeypatch):
    lay_out(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = {UCF101(root=Path(root)).clips().clips[0].path for root in ("data", "~/data")}
    [path] = paths
    assert path.is_absolute()


def test_missing_clips_are_counted(tmp_path):
    lay_out(tmp_path)
    for path in (tmp_path / "UCF-101" / "HandstandPushups").iterdir():
        path.unlink()
    with pytest.raises(ClipHarError, match=r"2 of 4 clips .* missing") as caught:
        UCF101(root=tmp_path).clips()
    assert "HandstandPushups/v_HandStandPushups_g01_c01.avi" in str(caught.value)
    assert "dataset.allow_missing=true" in str(caught.value)
    left = UCF101(root=tmp_path, allow_missing=True).clips()
    assert left.labels.tolist() == [0, 0]
    assert len(left.class_names) == 2
    assert (left.name, left.title) == ("ucf101/test/split1", "ucf101/test/split1 (2 of 4 clips)")
    assert left.limit(1).title == "ucf101/test/split1 (1 of 4 clips)"
    for path in (tmp_path / "UCF-101" / "Archery").iterdir():
        path.unlink()
    with pytest.raises(ClipHarError, match="4 of 4 clips"):
        UCF101(root=tmp_path, allow_missing=True).clips()


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("classInd", "1 Archery\n3 Rowing\n", r"line 2: expected '2 <Class>'"),
        ("testlist01", "Archery/v_Archery_g01_c01.avi\nRowing/v.avi\n", "line 2: .*Rowing"),
        ("testlist01", "Archery\n", "line 1"),
        ("testlist01", "Archery/v_Archery_g01_c01.avi 2\n", "line 1: expected the index 1"),
        ("testlist01", "Archery/archery1.avi\n", "v_<Class>_gNN_cMM"),
    ],
)
def test_malformed_lists_are_named(tmp_path, file, text, fault):
    lay_out(tmp_path)
    (tmp_path / "UCF-101" / "Archery" / "archery1.avi").touch()
    (tmp_path / "ucfTrainTestlist" / f"{file}.txt").write_text(text)
    with pytest.raises(ClipHarError, match=fault):
        UCF101(root=tmp_path).clips()


def test_missing_folders_say_what_to_set(tmp_path):
    with pytest.raises(ClipHarError, match=r"does not exist: expected .*dataset\.root="):
        UCF101(root=tmp_path / "absent").clips()
    with pytest.raises(ClipHarError, match=r"classInd\.txt does not exist.*dataset\.lists="):
        UCF101(root=tmp_path).clips()
    lay_out(tmp_path)
    with pytest.raises(ClipHarError, match=r"testlist02\.txt does not exist"):
        UCF101(root=tmp_path, split=2).clips()
    with pytest.raises(ClipHarError, match=r"dataset\.videos="):
        UCF101(root=tmp_path, videos=tmp_path / "absent").clips()


@pytest.mark.parametrize("fields", [{"split": 4}, {"subset": "val"}, {"splits": 1}])
def test_wrong_settings_are_refused(fields):
    with pytest.raises(ValidationError):
        UCF101(root=Path(), **fields)


@pytest.mark.sample_data
def test_real_sample(sample_data):
    root = sample_data / "ucf101-sample"
    clips = UCF101(root=root, allow_missing=True).clips()
    assert len(clips.clips) == 13
    assert len(clips.class_names) == 101
    assert clips.class_names[36] == "HandstandPushups"
    train = UCF101(root=root, subset="train", allow_missing=True).clips()
    assert [clip.id for clip in train.clips] == [
        "v_SoccerJuggling_g23_c01",
        "v_SoccerJuggling_g24_c01",
    ]
    with pytest.raises(ClipHarError, match="3770 of 3783 clips"):
        UCF101(root=root).clips()


@pytest.mark.sample_data
@pytest.mark.parametrize("split", [1, 2, 3])
def test_official_counts_and_groups(sample_data, tmp_path, split):
    lists = sample_data / "ucf101-sample" / "ucfTrainTestlist"
    for name in (f"testlist0{split}.txt", f"trainlist0{split}.txt"):
        for line in (lists / name).read_text().split():
            if "/" in line:
                path = tmp_path / line
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    test, train = (
        UCF101(root=tmp_path, lists=lists, split=split, subset=subset).clips()
        for subset in ("test", "train")
    )
    assert len(test.clips) + len(train.clips) == 13320
    if split == 1:
        assert (len(test.clips), len(train.clips)) == (3783, 9537)
    assert len(set(test.labels)) == len(set(train.labels)) == 101
    check_apart(train, test, what="noise")
    assert len(set(test.groups) | set(train.groups)) == 101 * 25
