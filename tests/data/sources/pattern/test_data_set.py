"""The layout language: fields, classes, rules, lists, and what is said when they are wrong."""

import json
import logging
from typing import Any

import pytest
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.data.parts import check_apart
from clip_har.data.sources.pattern.data_set import Pattern
from tests.data.made import write_video

FILES = ("run_p01_front.mp4", "run_p02_side.mp4", "jump_p02_front.avi", "deep/jump_p10_side.mp4")
NAMED = "**/{label}_p{person:d}_{view}"
RULES = {"people": {"train": {"person": [1, "9-12"]}, "test": "rest"}}


@pytest.fixture
def root(tmp_path):
    for name in FILES:
        touch(tmp_path / "clips" / name)
    return tmp_path / "clips"


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def write(root, text, name="list.csv"):
    (root / name).write_text(text, encoding="utf-8")
    return name


def ids(source):
    return [clip.id for clip in source.clips().clips]


def fault_of(**settings):
    """Return the one line that is said."""
    with pytest.raises(ClipHarError) as caught:
        Pattern(**settings).clips()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_fields_become_labels_groups_and_attributes(root):
    clips = Pattern(
        root=root, pattern=NAMED, group="{person}", attributes=("view",), name="mine"
    ).clips()
    assert clips.name == "mine"
    assert clips.class_names == ("jump", "run")
    assert [(c.id, c.label, c.group, dict(c.attributes)) for c in clips.clips] == [
        ("jump_p10_side", 0, "10", {"view": "side"}),
        ("jump_p02_front", 0, "02", {"view": "front"}),
        ("run_p01_front", 1, "01", {"view": "front"}),
        ("run_p02_side", 1, "02", {"view": "side"}),
    ]
    assert clips.clips[0].path == root / "deep" / "jump_p10_side.mp4"
    alone = Pattern(root=root, pattern=NAMED).clips()
    assert alone.groups.tolist() == [clip.id for clip in alone.clips]
    named = Pattern(root=root, pattern="**/{label}_p{group:d}_{}").clips()
    assert named.groups.tolist() == ["10", "02", "01", "02"]


def test_templates_join_fields(root):
    clips = Pattern(
        root=root, pattern=NAMED, label="{label} {view}", group="{view}{person}"
    ).clips()
    assert clips.class_names == ("jump front", "jump side", "run front", "run side")
    assert clips.groups.tolist()[0] == "side10"


@pytest.mark.parametrize("extension", ["", ".mp4"])
def test_a_pattern_with_an_extension_takes_only_that(root, extension):
    found = ids(Pattern(root=root, pattern=NAMED + extension))
    assert ("jump_p02_front" in found) == (not extension)
    assert len(found) == (3 if extension else 4)


def test_rules_make_subsets(root):
    source = Pattern(root=root, pattern=NAMED, group="{person}", splits=RULES, split="people",
                     subset="test")  # fmt: skip
    assert ids(source) == ["jump_p02_front", "run_p02_side"]
    assert ids(source.training()) == ["jump_p10_side", "run_p01_front"]
    assert source.clips().name == "clips/people/test"
    assert source.clips().class_names == source.training().clips().class_names
    assert len(ids(source.model_copy(update={"subset": None}))) == 4
    check_apart(source.training().clips(), source.clips(), what="noise")


def test_shared_groups_of_a_split_are_refused_or_declared(root, caplog):
    views = {"views": {"train": {"view": "front"}, "test": {"view": "side"}}}
    source = Pattern(root=root, pattern=NAMED, group="{person}", splits=views, split="views",
                     subset="test")  # fmt: skip
    with pytest.raises(ClipHarError, match=r"groups are also in .*\(1: 02\)"):
        check_apart(source.training().clips(), source.clips(), what="noise")
    declared = source.model_copy(update={"shares_groups": "views share people"})
    check_apart(declared.training().clips(), declared.clips(), what="noise")
    assert "views share people" in caplog.text


def test_the_field_split_makes_subsets(tmp_path):
    for name in ("train/run/a.mp4", "test/run/b.mp4", "test/jump/c.mp4"):
        touch(tmp_path / name)
    source = Pattern(root=tmp_path, pattern="{split}/{label}/{}", subset="test")
    assert ids(source) == ["test/jump/c", "test/run/b"]
    assert ids(source.training()) == ["train/run/a"]
    assert source.training().clips().class_names == ("jump", "run")
    assert "expected one of test, train" in fault_of(
        root=tmp_path, pattern="{split}/{label}/{}", subset="val"
    )


def test_a_part_keeps_clips_and_their_classes(root):
    parts = {"jumps": {"label": "jump"}, "front": {"view": ["front"]}}
    source = Pattern(root=root, pattern=NAMED, parts=parts, part="jumps")
    assert source.clips().class_names == ("jump",)
    assert source.clips().name == "clips/jumps"
    classes = {"jump": "jumping", "run": "running", "sit": "sitting"}
    named = source.model_copy(update={"classes": classes})
    assert named.clips().class_names == ("jumping",)
    front = named.model_copy(update={"part": "front"})
    assert front.clips().class_names == ("jumping", "running", "sitting")
    assert len(front.clips().clips) == 2


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (["run", "jump", "sit"], ("run", "jump", "sit")),
        ({"run": "moving", "jump": "moving", "sit": "still"}, ("moving", "still")),
        ("0 run\n1 jump\n", ("run", "jump")),
        ("jump\nrun\n", ("jump", "run")),
        ('["run", "jump"]', ("run", "jump")),
        ('{"run": "1", "jump": 0}', ("jump", "run")),
        ('{"run": "a run", "jump": "a jump"}', ("a run", "a jump")),
        ("id,name\n0,run\n1,jump\n", ("run", "jump")),
        ('0,"jump"\n1,"run"\n', ("jump", "run")),
        ("run,1\njump,0\n", ("jump", "run")),
        ("what,number\nrun,1\njump,0\n", ("jump", "run")),
        ("label,name\nrun,a run\njump,a jump\n", ("a run", "a jump")),
        ("1\trun\n0\tjump\n", ("jump", "run")),
    ],
)
def test_classes_are_given_in_many_ways(root, classes, names):
    if isinstance(classes, str):
        suffix = "json" if classes[0] in "[{" else "csv" if "," in classes else "txt"
        classes = write(root, classes, f"classes.{suffix}")
    clips = Pattern(root=root, pattern=NAMED, classes=classes).clips()
    assert clips.class_names == names
    found = {clip.id: clips.class_names[clip.label] for clip in clips.clips}
    assert found["run_p01_front"] in {"run", "moving", "a run"}
    assert found["jump_p02_front"] in {"jump", "moving", "a jump"}


def test_labels_compare_by_value_and_without_case(tmp_path):
    for name in ("A007", "A7", "A10"):
        touch(tmp_path / f"{name}.avi")
    clips = Pattern(root=tmp_path, pattern="A{label:d}", classes={7: "throw", 10: "clap"}).clips()
    assert clips.labels.tolist() == [0, 1, 0]
    found = Pattern(root=tmp_path, pattern="A{label:d}").clips()
    assert found.class_names == ("007", "10")  # 7 is 007
    touch(tmp_path / "Air_Drumming.mp4")
    drumming = Pattern(root=tmp_path, pattern="{label}.mp4", classes=["air [drumming]"]).clips()
    assert drumming.labels.tolist() == [0]


LIST = "id,label,group,start,end\n02,jump,anna,0.5,2\n1,run,bert,,\n02,sit,anna,2,\n"


def test_a_list_names_clips_and_sections(tmp_path):
    for name in ("001", "002", "003"):
        touch(tmp_path / "videos" / f"{name}.mp4")
    write(tmp_path, LIST)
    clips = Pattern(root=tmp_path, pattern="**/{id:d}", list_file="list.csv").clips()
    assert [(c.id, clips.class_names[c.label], c.group, c.start, c.end) for c in clips.clips] == [
        ("002#0.5-2", "jump", "anna", 0.5, 2.0),
        ("001", "run", "bert", None, None),
        ("002#2-", "sit", "anna", 2.0, None),
    ]
    assert clips.whole == 3


@pytest.mark.parametrize(
    ("name", "text", "settings"),
    [
        ("list.csv", "id,label\n1,run\n2,a jump\n", {}),
        ("list.tsv", "id\tlabel\n1\trun\n2\ta jump\n", {}),
        ("list.csv", "1;run\n2;a jump\n", {"columns": ("id", "label"), "delimiter": ";"}),
        ("list.txt", "videos/1.mp4   run\nvideos/2 a_jump \n", {"columns": ("path", "label"),
                                                          "pattern": "{path:**}"}),
        ("list.json", json.dumps([{"id": 1, "label": "run"}, {"id": "2", "label": "a jump"}]), {}),
        ("val.csv", "id,label\n1,run\n2,a jump\n", {"list_file": "{subset}.csv", "subset": "val"}),
    ],
)  # fmt: skip
def test_lists_come_in_many_forms(tmp_path, name, text, settings):
    for number in (1, 2):
        touch(tmp_path / "videos" / f"{number}.mp4")
    write(tmp_path, text, name)
    given = {"root": tmp_path, "pattern": "**/{id}", "list_file": name, **settings}
    clips = Pattern(**given).clips()
    assert [clips.class_names[clip.label].replace("_", " ") for clip in clips.clips] == [
        "run",
        "a jump",
    ]


def test_names_are_spelt_as_in_the_list(tmp_path):
    touch(tmp_path / "Air_Drumming" / "a.mp4")
    write(tmp_path, "label,name\nair drumming,a.mp4\n")
    clips = Pattern(root=tmp_path, pattern="{label}/{name}", list_file="list.csv").clips()
    assert clips.class_names == ("air drumming",)
    assert clips.clips[0].id == "Air_Drumming/a"


def test_images_are_clips_where_the_pattern_says_so(tmp_path):
    for number in range(2):
        touch(tmp_path / "run" / "v_1" / f"{number}.jpg")
        touch(tmp_path / "jump" / "v_2" / f"{number}.jpg")
    folders = Pattern(root=tmp_path, pattern="{label}/{}", fps=5).clips()
    assert [clip.id for clip in folders.clips] == ["jump/v_2", "run/v_1"]
    assert {clip.fps for clip in folders.clips} == {5}
    single = Pattern(root=tmp_path, pattern="{label}/{}/{}").clips()
    assert [clip.id for clip in single.clips] == [
        "jump/v_2/0", "jump/v_2/1", "run/v_1/0", "run/v_1/1",
    ]  # fmt: skip
    write(tmp_path, "name,label,start\nv_1,run,1\n")
    assert "need their frames per second" in fault_of(
        root=tmp_path, pattern="{}/{name}", list_file="list.csv"
    )


def test_a_missing_clip_counts_and_may_be_allowed(root):
    write(root, "person,label\n1,run\n44,run\n10,jump\n45,run\n")
    given = {"root": root, "pattern": "**/{}_p{person:d}_{}", "list_file": "list.csv"}
    touch(root / "x_p02_y.mp4").unlink()
    (root / "run_p02_side.mp4").unlink()
    assert "2 of 4 clips of clips (all) are missing" in fault_of(**given)
    clips = Pattern(**given, allow_missing=True).clips()
    assert clips.title == "clips (2 of 4 clips)"
    counted = Pattern(root=root, pattern=NAMED, whole={"all": 5}, allow_missing=True)
    assert counted.clips().title == "clips (3 of 5 clips)"
    assert "2 of 5 clips of clips (all) are missing" in fault_of(
        root=root, pattern=NAMED, whole={"all": 5}
    )
    one = {"parts": {"first": {"person": 1}, "second": {"person": 10}}, "allow_missing": True}
    of_parts = {
        part: Pattern(root=root, pattern=NAMED, whole={"first": 4, "all": 5}, part=part, **one)
        for part in ("first", "second")
    }
    assert of_parts["first"].clips().whole == 4
    assert of_parts["second"].clips().whole is None, "the number of another part says nothing"


def test_a_list_of_names_alone_chooses_clips(root):
    write(root, "run_p01_front.mp4\njump_p10_side\nwalk_p11_side.mp4\n", "names.txt")
    source = Pattern(root=root, pattern="**/{name}", label="{name}", list_file="names.txt",
                     columns=("name",), allow_missing=True)  # fmt: skip
    assert ids(source) == ["run_p01_front", "jump_p10_side"]
    write(root, "1,front\n10,side\n11,side\n", "names.csv")
    by_path = Pattern(root=root, pattern=NAMED, list_file="names.csv", columns=("person", "view"),
                      allow_missing=True).clips()  # fmt: skip
    assert by_path.class_names == ("jump", "run")
    assert by_path.title == "clips (2 of 3 clips)"


def test_a_clip_without_a_value_does_not_fall_to_the_rest(root):
    write(root, "person,view,site\n1,front,a\n10,side,\n", "sites.csv")
    given = {"root": root, "pattern": NAMED, "list_file": "sites.csv", "split": "site"}
    rules = {"site": {"train": {"site": "a"}, "test": "rest"}}
    assert "sites.csv, line 3: 'site' is empty" in fault_of(**given, splits=rules, subset="test")
    named = {"site": {"train": {"site": "a"}, "test": {"site": "b"}}}
    assert len(Pattern(**given, splits=named, subset="train").clips().clips) == 1


def test_more_clips_than_officially_are_told(root, caplog):
    assert Pattern(root=root, pattern=NAMED, whole={"all": 3}).clips().title == "clips"
    assert "4 clips, and officially there are 3" in caplog.text


def test_what_does_not_match_is_counted(root, caplog):
    caplog.set_level(logging.INFO)
    touch(root / "notes.txt")
    assert len(ids(Pattern(root=root, pattern="run_p{person:d}_{label}"))) == 2
    assert (
        "files that are not used: 3 (1 .txt, 2 that do not match dataset.pattern, such as"
        " deep/jump_p10_side.mp4)"
    ) in caplog.text


SPLIT = {"splits": RULES, "split": "people", "subset": "test"}
FAULTS: dict[str, Any] = {
    "no match": ({"pattern": "{label}/x"}, "none of the 4 clips in ", "deep/jump_p10_side.mp4"),
    "unknown label": ({"classes": ["run", "sit"]}, "jump_p10_side.mp4: 'jump' is no class of",
                      "which has 2: run, sit"),
    "absent field in a rule": ({**SPLIT, "pattern": "**/{label}_p{}"},
                               "dataset.splits.people needs the field person", "label"),
    "absent field in a part": ({"parts": {"a": {"camera": 1}}, "part": "a"},
                               "dataset.parts.a needs the field camera", "label, person, view"),
    "absent field in the group": ({"group": "{actor}"}, "dataset.group needs the field actor", ""),
    "absent attribute": ({"attributes": ["age"]}, "dataset.attributes needs the field age", ""),
    "absent label": ({"pattern": "**/{name}"}, "dataset.label needs the field label", ""),
    "subset without splits": ({"subset": "test"}, "dataset.subset needs the field split", ""),
    "empty subset": ({**SPLIT, "splits": {"people": {"test": {"person": 77}}}},
                     "no clip is in dataset.subset=test of split people", ""),
    "two rules": ({**SPLIT, "splits": {"people": {"test": {"person": "1-5"}, "x": {"person": 2}}}},
                  "jump_p02_front.avi: the rules of test and x both choose this clip", ""),
    "absent classes": ({"classes": "absent.txt"}, "absent.txt does not exist", "dataset.classes"),
    "absent list": ({"list_file": "absent.csv"}, "absent.csv does not exist", "dataset.list_file"),
    "no field in common": ({"list_file": "list.csv"}, "have no field in common",
                           "the columns id, kind, the pattern label, person, view"),
    "subset of a list": ({"list_file": "{subset}.csv"}, "needs dataset.subset", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_one_line_says_what_is_wrong(name, root):
    settings, *parts = FAULTS[name]
    write(root, "id,kind\n1,run\n")
    said = fault_of(**{"root": root, "pattern": NAMED, **settings})
    for part in parts:
        assert part in said


LISTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "unknown label": ("person,label\n1,run\n10,fly\n", "line 3: 'fly' is no class of", {
        "classes": ["run", "jump"]}),
    "empty label": ("person,label\n1,\n", "line 2: 'label' is empty", {}),
    "empty key": ("person,label\n,run\n", "line 2: 'person' is empty", {}),
    "listed twice": ("person,label\n1,run\n01,run\n", "line 3: run_p01_front is listed twice", {}),
    "too few values": ("person,label\n1,run\n2\n", "line 3: expected 2 values", {}),
    "two files": ("person,label\n2,run\n", "line 2: two files are this clip: ", {}),
    "wrong times": ("person,label,start,end\n1,run,3,2\n", "line 2: expected 'end' after", {}),
    "no file": ("person,label\n77,run\n", "line 2 has person = 77, and ", {}),
    "no rows": ("person,label\n", "has no rows", {}),
    "two columns": ("person,label,label\n1,run,jump\n", "two columns are called 'label'", {}),
    "a header": ("person,label\n1,run\n", "line 1: this is a header", {
        "columns": ["person", "label"], "allow_missing": True}),
    "digits": (f"person,label\n{'1' * 5000},run\n", "no file belongs to a row", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_broken_list_is_named_with_its_line(name, root):
    text, fault, settings = LISTS[name]
    write(root, text)
    pattern = "**/{}_p{person:d}_{}"
    said = fault_of(root=root, pattern=pattern, list_file="list.csv", **settings)
    assert "list.csv" in said
    assert fault in said


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is not JSON"),
        ("{}", "expected a JSON list of objects"),
        ('[{"person": 1}, 3]', "entry 2: expected an object, got 3"),
        ('[{"person": 1, "label": "run"}, {"label": "run"}]', "entry 2: 'person' is empty"),
        ('[{"person": 1, "label": "run", "label": "jump"}]', "'label' stands twice"),
        ('[{"person": 1, "label": ["run", "jump"]}]', "entry 1: expected one value as 'label'"),
    ],
)
def test_a_broken_json_list_is_named_with_its_entry(text, fault, root):
    write(root, text, "list.json")
    assert fault in fault_of(root=root, pattern="**/{}_p{person:d}_{}", list_file="list.json")


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("c.txt", "1 run\n2 jump\nsit\n", "c.txt, line 3: expected a number and a name"),
        ("c.txt", "1 run\n1 jump\n", "c.txt: label 1 has two names"),
        ("c.json", "[[]]", "expected a JSON list of names"),
        ("c.json", '{"a": {}}', "expected a JSON list of names"),
        ("c.json", "[", "c.json is not JSON"),
        ("c.json", "[" * 100_000, "c.json is not JSON"),
        ("c.json", '{"1": "run", "1": "jump"}', "'1' stands twice"),
        ("c.csv", "1,put in, or out\n", "line 1: expected a label and a name, got 3 values"),
        ("c.csv", '1,"run\n', "c.csv, line 1: expected CSV"),
        ("c.txt", "", "c.txt: expected class names, got none"),
    ],
)
def test_a_broken_list_of_classes_is_named(name, text, fault, root):
    write(root, text, name)
    assert fault in fault_of(root=root, pattern=NAMED, classes=name)


def test_a_path_that_can_be_read_in_two_ways_is_told(tmp_path, caplog):
    for name in ("brush_hair_p03", "run_p01"):
        write_video(tmp_path / f"{name}.mp4", 1)
    clips = Pattern(root=tmp_path, pattern="{label}_{person}").clips()
    assert clips.class_names == ("brush", "run")
    assert "reads 1 paths in two ways: brush_hair_p03.mp4 is taken as label = brush" in caplog.text
    assert "and not as label = brush_hair, person = p03" in caplog.text
    caplog.clear()
    assert "brush_hair" in Pattern(root=tmp_path, pattern="{label}_p{person:d}").clips().class_names
    assert not caplog.text


def test_two_files_of_one_clip_are_refused(root):
    write_video(root / "run_p01_front.avi", 2)
    said = fault_of(root=root, pattern=NAMED)
    assert "two files are the clip run_p01_front: " in said
    assert said.count("run_p01_front.") == 2


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"pattern": "{a"}, "expected '}'"),
        ({"label": "label"}, "expected a template of fields"),
        ({"group": "{a.b}"}, "expected the name of a field"),
        ({"split": "x"}, "expected split to be one of none"),
        ({"splits": RULES, "split": "x"}, "expected split to be one of people, got x"),
        ({**SPLIT, "subset": "val"}, "expected subset to be one of train, test, got val"),
        ({"part": "x"}, "expected part to be one of none"),
        ({"delimiter": ";"}, "describe a list"),
        ({"fps": 0}, "greater than 0"),
        ({"splits": {"a": {"train": {"b": {"c": 1}}}}}, "expected a value or a list of values"),
        ({"parts": {"a": {"b": "1-9999999999"}}}, "at most 1,000,000 numbers in a range"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, fault, root):
    with pytest.raises(ValidationError) as caught:
        Pattern(**{"root": root, "pattern": NAMED, **settings})
    assert fault in str(caught.value)


def test_equal_settings_are_found_again(root):
    one, same = (Pattern(root=root, pattern=NAMED, splits=RULES) for _ in range(2))
    assert one == same
    assert hash(one) == hash(same)


def test_training_needs_a_subset(root):
    with pytest.raises(ClipHarError, match=r"set dataset\.subset=test"):
        Pattern(root=root, pattern=NAMED).training()
    rules = {"all": {"test": "rest"}}
    with pytest.raises(ClipHarError, match="all has no subset train"):
        Pattern(root=root, pattern=NAMED, splits=rules, split="all", subset="test").training()
