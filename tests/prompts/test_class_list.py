"""Class names that a user gives in a line or in a file."""

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.prompts.class_list import classes_in_file, classes_in_line


def test_blanks_and_empty_places_of_a_line_do_not_count():
    assert classes_in_line(" riding a bike,fencing ,, cafe\u0301", "x") == (
        *("riding a bike", "fencing"),
        "caf\u00e9",
    )
    assert classes_in_line(" , ", "x") == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [("running", "at least two names"), ("a, b, a", "a stands there"), ("a, b, A", "A stands")],
)
def test_a_line_of_one_name_or_of_equal_ones_is_refused(line, message):
    with pytest.raises(ClipHarError, match=f"^--classes: .*{message}"):
        classes_in_line(line, "--classes")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "falling\n\n getting up, slowly \r\n", ("falling", "getting up, slowly")),
        ("classInd.txt", "1 Archery\n2 BabyCrawling\n", ("Archery", "BabyCrawling")),
        ("names.txt", "0 walk\n1 run\n", ("walk", "run")),
        ("a.txt", "1 step\nwalk\n", ("1 step", "walk")),  # a number that belongs to the name
        ("a.txt", "100 m\n400 m\n", ("100 m", "400 m")),
        ("a.txt", "2 hands\n1 hand\n", ("2 hands", "1 hand")),
        ("a.json", '["falling", 7]', ("falling", "7")),
    ],
)
def test_a_file_has_a_name_on_each_line_or_a_list(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_text(content)
    assert classes_in_file(path, "--classes") == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "", "empty file"),
        ("a.txt", "walk\n", "at least two names"),
        ("a.txt", "walk\nrun\nwalk\n", "walk stands there more than once"),
        ("a.json", '{"a": 1}', "expected a JSON list of names .*dict"),
        ("a.json", "[1", "expected a JSON list of names"),
        ("a.json", '["a", null]', "expected a JSON list of names"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ClipHarError, match=message) as caught:
        classes_in_file(path, "--classes")
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
