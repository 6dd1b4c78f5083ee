"""Texts of each class from a file: found by class, each class with at least one."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.prompts.label_map import read_rows
from clip_har.prompts.prompt_set import PromptSet

CLASSES = ("ApplyEyeMakeup", "walk", "YoYo")
TEXTS = [["a brush", "an eye, close"], ["legs move"], ["a toy on a string"]]
JSON = (
    '{"YoYo": "a toy on a string", "walk": ["legs move"],'
    ' "apply eye makeup": ["a brush", "an eye, close"]}'
)
CSV = (
    "class,text\nApplyEyeMakeup,a brush\nwalk,legs move\n"
    'ApplyEyeMakeup,"an eye, close"\nYoYo,a toy on a string\n'
)
TSV = (
    "walk\tlegs move\nYoYo\ta toy on a string\nApplyEyeMakeup\ta brush\n"
    "ApplyEyeMakeup\tan eye, close\n"
)


def given(folder: Path, name: str, content: str) -> PromptSet:
    (folder / name).write_text(content, encoding="utf-8")
    return PromptSet(descriptions=folder / name)


@pytest.mark.parametrize(("name", "content"), [("a.json", JSON), ("a.csv", CSV), ("a.tsv", TSV)])
def test_texts_of_each_class_in_class_order(tmp_path: Path, name: str, content: str) -> None:
    assert given(tmp_path, name, content).texts(CLASSES) == TEXTS


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.json", '{"walk": "x", "YoYo": "y"}', "no text for 1 of the 3 classes: ApplyEyeMakeup"),
        ("a.json", JSON[:-1] + ', "jump": "z"}', "1 entries are no class of the data set: jump"),
        ("a.json", JSON.replace("walk", "walks"), "did you mean walk by walks"),
        ("a.json", JSON[:-1] + ', "yo yo": "z"}', "YoYo has two entries"),
        ("a.json", JSON[:-1] + ', "YoYo": "z"}', "'YoYo' occurs twice"),
        ("a.json", JSON.replace('["legs move"]', '["a", "a"]'), "walk has the same text twice"),
        ("a.json", JSON.replace('["legs move"]', "[]"), "'walk' has no text"),
        ("a.json", JSON.replace('["legs move"]', '{"a": "b"}'), "a text of 'walk': expected"),
        ("a.json", JSON.replace('["legs move"]', '[" "]'), "a text of 'walk'"),
        ("a.json", '["walk"]', "expected an object of texts by class"),
        ("a.json", "{", "expected JSON such as"),
        ("a.csv", CSV + "walk\n", "row 6: expected two values, a class and a text, got 1"),
        ("a.csv", CSV + "walk,\n", "row 6: expected two values, .*or an empty one"),
        ("a.txt", "walk", "expected a JSON, CSV or TSV file, got a.txt"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit(tmp_path: Path, name: str, content: str, fault: str) -> None:
    with pytest.raises(ClipHarError, match=fault) as caught:
        given(tmp_path, name, content).texts(CLASSES)
    assert str(caught.value).startswith(f"prompts.descriptions={tmp_path / name}")
    assert "\n" not in str(caught.value)


def test_lines_of_one_cell_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('walk,"a person\n\nwalks"\nrun,runs\n')
    assert read_rows(path, "key", ",") == [["walk", "a person walks"], ["run", "runs"]]


@pytest.mark.parametrize("text", ['walk,"a\nrun,b\n', f"walk,{'a' * 200_000}\n"])
def test_a_table_that_is_none_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ClipHarError, match="no table"):
        read_rows(tmp_path / "a.csv", "key", ",")


def test_two_classes_of_the_same_words_need_their_own_names(tmp_path: Path) -> None:
    both = given(tmp_path, "a.json", '{"a_b": "x", "aB": "y"}')
    assert both.texts(("aB", "a_b")) == [["y"], ["x"]]
    with pytest.raises(ClipHarError, match="no class of the data set: a b"):
        given(tmp_path, "a.json", '{"a b": "x", "aB": "y"}').texts(("aB", "a_b"))


def test_descriptions_stand_alone(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="file of descriptions"):
        PromptSet(templates=["a {}"], descriptions=tmp_path)
    with pytest.raises(ValidationError, match="descriptions use no class names"):
        PromptSet(descriptions=tmp_path, class_names={"a": "b"})
