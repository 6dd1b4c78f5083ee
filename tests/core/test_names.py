"""Names: one spelling, printable, in a natural order."""

import os

import pytest

from clip_har.core.names import class_order, plain_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("v_Punch_g01_c01", "v_Punch_g01_c01"),
        ("cafe\u0301", "café"),
        ("\u1100\u1161", "가"),
        (os.fsdecode(b"caf\xe9.avi"), r"caf\xe9.avi"),
        ("\x1b[2J\x00\x7f\x85", r"\x1b[2J\x00\x7f\x85"),
        ("a\nb\tc\u2028d", r"a\x0ab\x09c\u2028d"),
        ("fdp.\u202e4pm", r"fdp.\u202e4pm"),
        ("\ud83d", r"\ud83d"),
        ("ריצה", "ריצה"),
        ("🏃🏽\u200d♀️ a/b", "🏃🏽\u200d♀️ a/b"),
    ],
)
def test_plain_names(name, plain):
    assert plain_name(name) == plain
    assert plain_name(plain) == plain
    plain.encode()


def test_numbers_are_in_the_order_of_their_values():
    numbers = [str(i) for i in range(20)]
    assert class_order(reversed(numbers)) == tuple(numbers)
    assert class_order(["10.0", "-1", "9.0", "007"]) == ("-1", "007", "9.0", "10.0")
    assert class_order(["10", "9", "walk"]) == ("10", "9", "walk")
    assert class_order(["1", "01"]) == ("01", "1")
