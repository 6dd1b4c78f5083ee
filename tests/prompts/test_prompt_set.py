import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from clip_har.config.compose import checked
from clip_har.core.errors import ClipHarError
from clip_har.prompts.prompt_set import PromptSet
from clip_har.prompts.spelling import spaced


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ApplyEyeMakeup", "apply eye makeup"),
        ("YoYo", "yo yo"),
        ("TaiChi", "tai chi"),
        ("shoot_bow", "shoot bow"),
        ("push-up", "push up"),
        ("HTMLPage", "html page"),
        ("walking", "walking"),
        ("Clean and Jerk", "clean and jerk"),
    ],
)
def test_spaced(name: str, expected: str) -> None:
    assert spaced(name) == expected


def test_texts_per_class_in_class_order() -> None:
    prompts = PromptSet(templates=["a photo of {}.", "{}"])
    assert prompts.texts(["YoYo", "walk"]) == [
        ["a photo of yo yo.", "yo yo"],
        ["a photo of walk.", "walk"],
    ]


def test_names_as_they_are_written() -> None:
    prompts = PromptSet(templates=["a photo of {}"], spelling="as_written")
    assert prompts.texts(["YoYo", "shoot_bow"]) == [["a photo of YoYo"], ["a photo of shoot_bow"]]


def test_own_files(tmp_path: Path) -> None:
    (tmp_path / "templates.txt").write_text("one {}\r\n\ntwo {}\n", encoding="utf-8")
    (tmp_path / "names.txt").write_text("doing yoyo tricks\nwalking\n", encoding="utf-8")
    prompts = PromptSet(file=tmp_path / "templates.txt", class_names=tmp_path / "names.txt")
    assert prompts.texts(["YoYo", "walk"]) == [
        ["one doing yoyo tricks", "two doing yoyo tricks"],
        ["one walking", "two walking"],
    ]


def test_braces_in_a_class_name_are_harmless() -> None:
    assert PromptSet(templates=["a {}"]).texts(["{0.__class__}"]) == [["a {0. class }"]]


@pytest.mark.parametrize("template", ["no place", "{} and {}", "{0}"])
def test_a_template_needs_one_place(template: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        PromptSet(templates=[template])
    (tmp_path / "templates.txt").write_text(template)
    with pytest.raises(ClipHarError, match="exactly one"):
        PromptSet(file=tmp_path / "templates.txt").texts(["a"])


def test_either_templates_or_a_file(tmp_path: Path) -> None:
    for both in ({}, {"templates": ["{}"], "file": tmp_path}):
        with pytest.raises(ValidationError, match="either templates, or a file"):
            PromptSet(**both)


def test_files_that_are_missing_empty_or_of_another_length(tmp_path: Path) -> None:
    with pytest.raises(ClipHarError, match="cannot be read"):
        PromptSet(file=tmp_path / "none.txt").texts(["a"])
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(ClipHarError, match="empty file"):
        PromptSet(file=tmp_path / "empty.txt").texts(["a"])
    (tmp_path / "one.txt").write_text("one\n")
    with pytest.raises(ClipHarError, match="expected 2 names, one a class in class order, got 1"):
        PromptSet(templates=["{}"], class_names=tmp_path / "one.txt").texts(["a", "b"])


NUMBERS = ("0", "1", "2", "10")
NAMES = ["walk", "run", "sit down", "fall, sideways"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("map.json", '{"0": "walk", "1": "run", "2": "sit down", "10": "fall, sideways"}'),
        ("map.json", '{"fall, sideways": 10, "run": 1, "sit down": "2", "walk": 0, "other": 11}'),
        ("map.json", '["walk", "run", "sit down", "fall, sideways"]'),
        ("map.csv", 'id,name\n0,walk\n01,run\n2,sit down\n10,"fall, sideways"\n11,other\n'),
        ("map.csv", '\ufeffname,id\n"fall, sideways",10\nwalk,0\n\nrun,1\nsit down,2.0\n'),
        ("map.tsv", "name\tid\nwalk\t0\nrun\t1\nsit down\t2\nfall, sideways\t10\n"),
        ("map.txt", "10 fall, sideways\n1\trun\n2  sit down\n00 walk\n3 other\n"),
        ("map.txt", "walk\nrun\nsit down\nfall, sideways\n"),
    ],
)
def test_label_maps(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    prompts = PromptSet(templates=["a {}"], class_names=tmp_path / name)
    assert prompts.texts(NUMBERS) == [[f"a {words}"] for words in NAMES]


def test_a_label_map_in_the_configuration() -> None:
    given = dict(zip((0, 1, 2, 10), NAMES, strict=True))
    prompts = PromptSet.model_validate({"templates": ["{}"], "class_names": given})
    assert prompts.texts(NUMBERS) == [[words] for words in NAMES]
    prompts = PromptSet.model_validate({"templates": ["{}"], "class_names": list(NAMES)})
    assert prompts.texts(NUMBERS) == [[words] for words in NAMES]
    with pytest.raises(ClipHarError, match="expected 3 names, one a class in class order, got 4"):
        prompts.texts(["0", "1", "2"])
    with pytest.raises(ClipHarError, match=r"^prompts.class_names=3: expected a mapping such as"):
        checked(PromptSet, {"templates": ["{}"], "class_names": 3}, "prompts")
    for wrong in ({0: None}, {0: True}, {None: "walk"}, {0: " "}, {0: ["walk"]}, [None], [""]):
        with pytest.raises(ClipHarError, match=r"^prompts.class_names.*: expected a name"):
            checked(PromptSet, {"templates": ["{}"], "class_names": wrong}, "prompts")
    words = PromptSet(templates=["{}"], class_names={"Café": "in a café", "Bar": "in a bar"})
    assert words.texts(["Bar", "Café"]) == [["in a bar"], ["in a café"]]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("map.json", '{"0": "walk", "1": "run"}', "no name for 2 of the 4 classes, such as 2"),
        ("map.json", '{"0": "walk"', "expected JSON"),
        ("map.json", "3", "expected a JSON object or list"),
        *[
            (
                "map.json",
                f'{{"0": {name}, "1": "run", "2": "sit", "10": "fall"}}',
                "expected a name",
            )
            for name in ("null", "true", "NaN", '""', '" "', '["walk"]', '{"name": "walk"}')
        ],
        ("map.json", '["walk", "run", "sit", null]', "expected a name"),
        ("map.json", '{"0": "walk", "0": "run"}', "'0' occurs twice"),
        ("map.csv", "0,walk\n1,run\n2,\n10,fall\n", "no name for 1 of the 4 classes, such as 2"),
        ("map.tsv", "0,walk\n", "row 1: expected two values"),
        ("map.txt", "1 walk\n2 run\n3 sit\n10 fall\n", "no name for 1 of the 4 .*such as 0"),
        ("map.yaml", "0: walk\n1: run\n2: sit\n10: fall\n", r"\.yaml is not read: expected a JSON"),
        ("map.csv", "0,walk,x\n", "row 1: expected two values"),
        ("map.csv", "0,walk\n1,run\n00,stroll\n", "00 has two names, 'walk' and 'stroll'"),
    ],
)
def test_faulty_label_maps(tmp_path: Path, name: str, content: str, fault: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ClipHarError, match=fault):
        PromptSet(templates=["{}"], class_names=tmp_path / name).texts(NUMBERS)


def test_names_that_are_numbers_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    prompts = PromptSet(templates=["{}"])
    prompts.texts(["walk", "100"])
    assert not caplog.records
    for _ in range(2):
        prompts.texts(["7", "8", "9", "10"])
        PromptSet(templates=["{}"], class_names={"a": 7, "b": 8, "c": 9, "d": 10}).texts([*"abcd"])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "7, 8, 9" in caplog.text


def test_a_pipe_is_no_list(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "names.txt")
    with pytest.raises(ClipHarError, match="no regular file"):
        PromptSet(templates=["{}"], class_names=tmp_path / "names.txt").texts(["a"])


def test_the_digest_is_that_of_the_texts(tmp_path):
    file = tmp_path / "prompts.txt"
    file.write_text("a photo of {}\n")
    from_file = PromptSet(file=file)
    names = ["walk", "run"]
    before = from_file.digest(names)
    assert before == PromptSet(templates=["a photo of {}"]).digest(names)
    file.write_text("a video of {}\n")
    assert len({before, from_file.digest(names), from_file.digest(names[::-1])}) == 3
