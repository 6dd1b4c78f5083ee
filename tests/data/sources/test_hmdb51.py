"""HMDB-51: class folders, split files, and the film as the group."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.data.parts import check_apart
from clip_har.data.sources.hmdb51 import HMDB51, film_of

TAGS = "f_nm_np1_fr_med"


def lay_out(root: Path) -> Path:
    splits = root / "splits"
    splits.mkdir(parents=True)
    for name in ("wave", "shoot_ball"):
        folder = root / "videos" / name
        folder.mkdir(parents=True)
        lines = []
        for use, film in enumerate(("Spare", "Heat", "Ronin")):
            file = f"{film}_{name}_{TAGS}_{use}.avi"
            (folder / file).touch()
            lines.append(f"{file} {use} \r\n")
        for k in (1, 2, 3):
            (splits / f"{name}_test_split{k}.txt").write_bytes("".join(lines).encode())
    return root


def test_official_split(tmp_path):
    lay_out(tmp_path)
    settings = {"root": tmp_path / "videos", "splits": tmp_path / "splits"}
    test = HMDB51(**settings).clips()
    assert test.name == "hmdb51/test/split1"
    assert test.class_names == ("shoot_ball", "wave")
    assert [clip.path.name for clip in test.clips] == [
        f"Ronin_shoot_ball_{TAGS}_2.avi",
        f"Ronin_wave_{TAGS}_2.avi",
    ]
    assert test.labels.tolist() == [0, 1]
    assert test.groups.tolist() == ["Ronin", "Ronin"]  # one film, whatever the class
    train = HMDB51(**settings, split=3, subset="train").clips()
    assert set(train.groups) == {"Heat"}
    assert len(HMDB51(**settings, split=None, subset="all").clips().clips) == 6


def test_the_tags_are_attributes(tmp_path):
    lay_out(tmp_path)
    (tmp_path / "videos" / "wave" / "untagged.avi").touch()
    clips = HMDB51(root=tmp_path / "videos", subset="all").clips()
    tags = {
        "body": "full", "camera": "static", "people": "1", "viewpoint": "front",
        "quality": "medium",
    }  # fmt: skip
    known = {clip.id: clip.attributes for clip in clips.clips}
    assert known[f"wave/Heat_wave_{TAGS}_1"] == {"action_type": "body", **tags}
    ball = known[f"shoot_ball/Heat_shoot_ball_{TAGS}_1"]
    assert ball == {"action_type": "body with object", **tags}
    assert known["wave/untagged"] == {"action_type": "body"}


def test_split_files_beside_the_videos_are_found(tmp_path):
    lay_out(tmp_path)
    (tmp_path / "splits").rename(tmp_path / "testTrainMulti_7030_splits")
    assert len(HMDB51(root=tmp_path / "videos").clips().clips) == 2


def test_without_split_files_only_all(tmp_path):
    lay_out(tmp_path)
    root = tmp_path / "videos"
    (root / "notes").mkdir()
    with pytest.raises(ClipHarError, match=r"dataset\.splits=.*dataset\.subset=all"):
        HMDB51(root=root).clips()
    whole = HMDB51(root=root, subset="all").clips()
    assert whole.class_names == ("shoot_ball", "wave")
    assert len(whole.clips) == 6
    with pytest.raises(ValidationError, match="needs a split"):
        HMDB51(root=root, split=None)


def test_films_of_other_classes_may_be_in_both_parts(tmp_path, caplog):
    lay_out(tmp_path)
    (tmp_path / "videos" / "wave" / f"Heat_wave_{TAGS}_3.avi").touch()
    with (tmp_path / "splits" / "wave_test_split1.txt").open("a") as file:
        file.write(f"Heat_wave_{TAGS}_3.avi 2\n")
    source = HMDB51(root=tmp_path / "videos", splits=tmp_path / "splits")
    check_apart(source.training().clips(), source.clips(), what="noise")
    (message,) = [record.getMessage() for record in caplog.records]
    assert "groups that are also evaluated (1: Heat), because the official lists" in message


def test_lists_may_leave_out_extensions(tmp_path):
    lay_out(tmp_path)
    for path in (tmp_path / "splits").iterdir():
        path.write_text(path.read_text().replace(".avi", ""))
    clips = HMDB51(root=tmp_path / "videos", splits=tmp_path / "splits").clips()
    assert [clip.id for clip in clips.clips] == [
        f"shoot_ball/Ronin_shoot_ball_{TAGS}_2",
        f"wave/Ronin_wave_{TAGS}_2",
    ]


def test_unicode_forms_do_not_matter(tmp_path):
    lay_out(tmp_path)
    name = f"Am\u00e9lie_wave_{TAGS}_2"
    (tmp_path / "videos" / "wave" / f"Ame\u0301lie_wave_{TAGS}_2.avi").touch()
    with (tmp_path / "splits" / "wave_test_split1.txt").open("a", encoding="utf-8") as file:
        file.write(f"{name}.avi 2\n")
    clips = HMDB51(root=tmp_path / "videos", splits=tmp_path / "splits").clips()
    assert [clip.id for clip in clips.clips][-1] == f"wave/{name}"


def test_missing_clips_are_counted(tmp_path):
    lay_out(tmp_path)
    settings = {"root": tmp_path / "videos", "splits": tmp_path / "splits"}
    (tmp_path / "videos" / "wave" / f"Ronin_wave_{TAGS}_2.avi").unlink()
    with pytest.raises(ClipHarError, match=r"1 of 2 clips .*wave/Ronin_wave"):
        HMDB51(**settings).clips()
    left = HMDB51(**settings, allow_missing=True).clips()
    assert left.class_names == ("shoot_ball", "wave")
    assert left.labels.tolist() == [0]
    assert left.title == "hmdb51/test/split1 (1 of 2 clips)"


def test_malformed_split_files_are_named(tmp_path):
    lay_out(tmp_path)
    (tmp_path / "splits" / "wave_test_split1.txt").write_text("a.avi 1\nb.avi 5\n")
    with pytest.raises(ClipHarError, match=r"wave_test_split1\.txt, line 2: .*'b\.avi 5'"):
        HMDB51(root=tmp_path / "videos", splits=tmp_path / "splits").clips()


def test_missing_folders_say_what_to_set(tmp_path):
    with pytest.raises(ClipHarError, match=r"dataset\.root="):
        HMDB51(root=tmp_path / "absent", subset="all").clips()
    with pytest.raises(ClipHarError, match="holds no clips"):
        HMDB51(root=tmp_path, subset="all").clips()
    with pytest.raises(ClipHarError, match=r"dataset\.splits="):
        HMDB51(root=tmp_path, splits=tmp_path / "absent").clips()


@pytest.mark.parametrize(
    ("stem", "class_name", "film"),
    [
        ("TrumanShow_wave_f_nm_np1_fr_med_26", "wave", "TrumanShow"),
        ("A_wave_by_Day_wave_u_cm_np2_ba_goo_3", "wave", "A_wave_by_Day"),
        ("#122_Clean_Up__Japan_shoot_ball_l_nm_np1_le_bad_1", "shoot_ball", "#122_Clean_Up__Japan"),
        ("Heat_Wave_h_cm_np1_ri_med_0", "wave", "Heat"),
        ("Heat_hit_h_cm_np1_ri_med_0", "punch", "Heat_hit"),
        ("wave_h_cm_np1_ri_med_0", "wave", "wave"),
        ("holiday", "wave", "holiday"),
    ],
)
def test_film_of_a_name(stem, class_name, film):
    assert film_of(stem, class_name) == film


@pytest.mark.sample_data
def test_real_sample(sample_data):
    clips = HMDB51(root=sample_data / "hmdb51-sample", subset="all", split=None).clips()
    assert clips.class_names == ("cartwheel", "wave")
    assert clips.groups.tolist() == [
        "hmdb51_Turnk_r_Pippi_Michel",
        "RATRACE",
        "SchoolRulesHowTheyHelpUs",
        "TrumanShow",
    ]
