"""Published data sets that a pattern and a few rules describe, on copies with their own lists."""

import logging
from functools import cache

import pytest

from clip_har.config.compose import build
from clip_har.core.errors import ClipHarError
from clip_har.data.parts import check_apart
from clip_har.data.sources.pattern import Pattern
from clip_har.results.sweep import read_outcomes
from tests.command import run_command
from tests.config.test_cell import composed
from tests.data.made import write_video
from tests.data.sources.layouts import LAYOUTS

NTU_43 = "falling"


@pytest.fixture(scope="module")
def lay_down(tmp_path_factory):
    video = write_video(tmp_path_factory.mktemp("drawn") / "clip.mp4", 4).read_bytes()

    @cache
    def root_of(option):
        return LAYOUTS[option].lay_down(tmp_path_factory.mktemp(option), video)

    return root_of


def source(option, root, *words):
    given = [f"dataset={option}", f"dataset.root={root}", *LAYOUTS[option].words, *words]
    built = build(composed(*given).dataset, "dataset")
    assert isinstance(built, Pattern)
    return built


def shown(clip_set):
    """What a test compares of each clip."""
    return [
        (clip.id, clip_set.class_names[clip.label], clip.group, dict(clip.attributes))
        for clip in clip_set.clips
    ]


# option, further settings, title, number of classes, clips, ids of the training part
SETS = {
    "ntu60 xsub": ("ntu60", [], "ntu60/xsub/test (3 of 16,560 clips)", 60, [
        ("S001C002P003R001A041_rgb", "sneeze/cough", "003", {"camera": "002"}),
        ("S002C001P003R002A043_rgb", NTU_43, "003", {"camera": "001"}),
        ("S002C003P010R001A010_rgb", "clapping", "010", {"camera": "003"}),
    ], ["S001C001P001R001A043_rgb"]),
    "ntu60 xview": ("ntu60", ["dataset.split=xview"], "ntu60/xview/test (2 of 18,960 clips)", 60, [
        ("S001C001P001R001A043_rgb", NTU_43, "001", {"camera": "001"}),
        ("S002C001P003R002A043_rgb", NTU_43, "003", {"camera": "001"}),
    ], ["S001C002P003R001A041_rgb", "S002C003P010R001A010_rgb"]),
    "ntu60 medical": ("ntu60", ["dataset.part=medical"], "ntu60/medical/xsub/test", 9, [
        ("S001C002P003R001A041_rgb", "sneeze/cough", "003", {"camera": "002"}),
        ("S002C001P003R002A043_rgb", NTU_43, "003", {"camera": "001"}),
    ], ["S001C001P001R001A043_rgb"]),
    "ntu120 xsub": ("ntu120", [], "ntu120/xsub/test", 120, [
        ("S001C002P003R001A041_rgb", "sneeze/cough", "003", {"camera": "002"}),
        ("S002C001P003R002A043_rgb", NTU_43, "003", {"camera": "001"}),
        ("S002C003P010R001A010_rgb", "clapping", "010", {"camera": "003"}),
        ("S018C001P041R001A061_rgb", "put on headphone", "041", {"camera": "001"}),
        ("S019C002P044R001A105_rgb", "blow nose", "044", {"camera": "002"}),
    ], ["S001C001P001R001A043_rgb", "S020C002P103R001A103_rgb"]),
    "ntu120 xset medical": (
        "ntu120", ["dataset.split=xset", "dataset.part=medical"], "ntu120/medical/xset/test", 12, [
        ("S001C001P001R001A043_rgb", NTU_43, "001", {"camera": "001"}),
        ("S001C002P003R001A041_rgb", "sneeze/cough", "003", {"camera": "002"}),
        ("S019C002P044R001A105_rgb", "blow nose", "044", {"camera": "002"}),
    ], ["S002C001P003R002A043_rgb", "S020C002P103R001A103_rgb"]),
    "smarthome cs": ("toyota_smarthome", [], "toyota_smarthome/cs/test", 31, [
        ("Cook.Cut_p02_r00_v02_c03", "cutting food", "02", {"camera": "03"}),
        ("Enter_p02_r07_v09_c01", "entering a room", "02", {"camera": "01"}),
        ("Walk_p10_r00_v02_c02", "walking", "10", {"camera": "02"}),
    ], ["Walk_p03_r01_v15_c02", "WatchTV_p03_r00_v01_c05"]),
    "smarthome cv1": (
        "toyota_smarthome", ["dataset.split=cv1"], "toyota_smarthome/cv1/test", 19, [
        ("Walk_p03_r01_v15_c02", "walking", "03", {"camera": "02"}),
        ("Walk_p10_r00_v02_c02", "walking", "10", {"camera": "02"}),
    ], ["Enter_p02_r07_v09_c01"]),
    "kinetics": ("kinetics400", [], "kinetics400/val (3 of 4 clips)", 3, [
        ("-3B32lodo2M_000059_000069", "archery", "-3B32lodo2M", {}),
        ("a_b-c_d0123_000040_000050", "shooting goal (soccer)", "a_b-c_d0123", {}),
        ("_dbcJuKJQNs_40_50", "air drumming", "_dbcJuKJQNs", {}),
    ], ["aaaaaaaaaaa_000001_000011"]),
    "kinetics600 mimetics": (
        "kinetics600", ["dataset.part=mimetics"], "kinetics600/mimetics/val", 2, [
        ("-3B32lodo2M_000059_000069", "archery", "-3B32lodo2M", {}),
        ("a_b-c_d0123_000040_000050", "shooting goal (soccer)", "a_b-c_d0123", {}),
    ], ["aaaaaaaaaaa_000001_000011"]),
    "mimetics": ("mimetics", [], "mimetics", 2, [
        ("-3B32lodo2M_000059_000069", "archery", "-3B32lodo2M", {}),
        ("a_b-c_d0123_000003_000007", "writing", "a_b-c_d0123", {}),
    ], None),
    "ssv2": ("ssv2", [], "ssv2/validation", 3, [
        ("78687", "Closing something", "78687", {}),
        ("42326", "Pulling something from left to right", "42326", {}),
        ("7", "Closing something", "7", {}),
    ], None),
    "jester": ("jester", [], "jester/validation", 3, [
        ("10", "No gesture", "10", {}),
        ("9", "Swiping Right", "9", {}),
    ], ["34"]),
    "ucf101_ds": ("ucf101_ds", [], "ucf101_ds", 2, [
        ("Biking/clip_1", "Biking", "yt1", {"category": "weather", "shift": "snow"}),
        ("Biking/clip_2", "Biking", "yt1", {"category": "lighting", "shift": "night"}),
        ("BilliardsShot/clip_1", "BilliardsShot", "yt2", {"category": "weather", "shift": "snow"}),
    ], None),
    "urfall": ("urfall", [], "urfall/cam0 (3 of 70 clips)", 2, [
        ("adl-01-cam0-rgb", "daily activity", "adl-01", {"camera": "0"}),
        ("fall-01-cam0-rgb", "fall", "fall-01", {"camera": "0"}),
        ("fall-02-cam0-rgb", "fall", "fall-02", {"camera": "0"}),
    ], None),
    "urfall both cameras": ("urfall", ["dataset.part=null"], "urfall (4 of 100 clips)", 2, [
        ("adl-01-cam0-rgb", "daily activity", "adl-01", {"camera": "0"}),
        ("fall-01-cam0-rgb", "fall", "fall-01", {"camera": "0"}),
        ("fall-01-cam1-rgb", "fall", "fall-01", {"camera": "1"}),
        ("fall-02-cam0-rgb", "fall", "fall-02", {"camera": "0"}),
    ], None),
    "gmdcsa24": ("gmdcsa24", [], "gmdcsa24 (3 of 160 clips)", 2, [
        ("Subject 1/ADL/01", "daily activity", "1", {}),
        ("Subject 1/Fall/01", "fall", "1", {}),
        ("Subject_2/ADL/16EVE (4)", "daily activity", "2", {}),
    ], None),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_labels_groups_splits_attributes_and_counts(name, lay_down):
    option, words, title, classes, expected, training = SETS[name]
    clip_set = (found := source(option, lay_down(option), *words)).clips()
    assert clip_set.title == title
    assert len(clip_set.class_names) == classes
    assert shown(clip_set) == expected
    assert clip_set.citation
    if training is not None:
        learned = found.training().clips()
        assert [clip.id for clip in learned.clips] == training
        assert learned.class_names == clip_set.class_names
        if name in {"ntu60 xview", "smarthome cv1", "ntu120 xset medical"}:
            assert clip_set.shares_groups
        check_apart(learned, clip_set, what="noise")


def test_kinetics_and_mimetics_pair_by_class(lay_down):
    both = set(source("mimetics", lay_down("mimetics")).clips().class_names)
    root = lay_down("kinetics400")
    part = source("kinetics400", root).parts["mimetics"]["label"]
    assert len(part) == 50
    assert both < set(part)


def test_clips_of_images_have_the_frame_rate_of_the_set(lay_down):
    clips = source("jester", lay_down("jester")).clips().clips
    assert {clip.fps for clip in clips} == {12}
    assert all(clip.path.is_dir() for clip in clips)
    assert {clip.fps for clip in source("urfall", lay_down("urfall")).clips().clips} == {30}
    video = source("mimetics", lay_down("mimetics"), "dataset.fps=12").clips().clips[0]
    assert video.fps is None


def test_a_partial_copy_is_refused_unless_that_is_allowed(lay_down):
    for option, count in (("kinetics400", "1 of 4 clips of kinetics400 "),
                          ("ntu60", "16557 of 16560 clips of ntu60 ")):  # fmt: skip
        whole = source(option, lay_down(option), "dataset.allow_missing=false")
        with pytest.raises(ClipHarError, match=count) as caught:
            whole.clips()
        assert "dataset.allow_missing=true" in str(caught.value)


def test_values_of_a_rule_that_nobody_has_are_told(lay_down, caplog):
    caplog.set_level(logging.WARNING)
    source("ntu120", lay_down("ntu120")).clips()
    (record,) = caplog.records
    said = "dataset.splits: no clip has person = 2, 4, 5, 8, 9 and 21 more"
    assert record.getMessage() == said


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("ntu60", "urfall"), marks=pytest.mark.slow),
        pytest.param(tuple(LAYOUTS), marks=pytest.mark.long),
    ],
    ids=["rules and lists", "all"],
)
def test_a_masked_sweep_runs_on_each(options, lay_down, small_clip, tmp_path):
    """One command, a cell a row: two masks on each data set."""
    rows = [
        f"{mask},{option},{lay_down(option)},{str(bool(LAYOUTS[option].words)).lower()}"
        for option in options
        for mask in ("percent", "shape")
    ]
    table = tmp_path / "cells.csv"
    table.write_text("\n".join(["masking,dataset,dataset.root,dataset.allow_missing", *rows]))
    done = run_command(
        tmp_path, "-m", "hydra/sweeper=table", "hydra.sweeper.file=cells.csv", "model=clip",
        f"model.checkpoint={small_clip}", "ratio=0.2", "frames.count=2", "attention_clips=0",
        "clean_twin=false", "tracking=none",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    (sweep,) = (tmp_path / "results" / "sweeps").iterdir()
    results = [outcome.result for outcome in read_outcomes(sweep).values()]
    found = {(one.protocol["data"], one.mask): one.table for one in results if one}
    assert len(found) == len(rows)
    for option in options:
        clip_set = source(option, lay_down(option)).clips()
        for mask in ("percent", "shape"):
            table = found[clip_set.title, mask]
            assert table.class_names == clip_set.class_names
            assert sorted(table.groups) == sorted(clip_set.groups)
