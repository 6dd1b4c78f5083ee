from pathlib import Path

import pytest
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.prompts.prompt_set import PromptSet, spaced


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
        with pytest.raises(ValidationError, match="either templates or a file"):
            PromptSet(**both)


def test_files_that_are_missing_empty_or_of_another_length(tmp_path: Path) -> None:
    with pytest.raises(ClipHarError, match="cannot be read"):
        PromptSet(file=tmp_path / "none.txt").texts(["a"])
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(ClipHarError, match="empty file"):
        PromptSet(file=tmp_path / "empty.txt").texts(["a"])
    (tmp_path / "one.txt").write_text("one\n")
    with pytest.raises(ClipHarError, match="expected 2 names, one a line in class order, got 1"):
        PromptSet(templates=["{}"], class_names=tmp_path / "one.txt").texts(["a", "b"])
