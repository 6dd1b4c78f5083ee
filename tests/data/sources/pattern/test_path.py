"""Patterns of paths."""

import pytest

from clip_har.data.sources.pattern.path import PathPattern

NTU = "S{setup:3d}C{camera:3d}P{person:3d}R{}A{label:3d}_rgb"


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        (NTU, "S001C002P003R001A043_rgb",
         {"setup": "001", "camera": "002", "person": "003", "label": "043"}),
        (NTU, "S001C002P003R001A043_ir", None),
        (NTU, "S01C002P003R001A043_rgb", None),
        (NTU, "rgb/S001C002P003R001A043_rgb", None),
        ("**/{label}/{}", "run/a", {"label": "run"}),
        ("**/{label}/{}", "x/y/run/a b.c", {"label": "run"}),
        ("{label}/{}", "x/run/a", None),
        ("**/{id:11}_{start:d}", "deep/a_b-c_d0123_07", {"id": "a_b-c_d0123", "start": "07"}),
        ("**/{id:11}_{start:d}", "deep/a_b-c_d012_07", None),
        ("**/{id:11}_{start:d}", "deep/a_b-c_d0123_07x", None),
        ("{path:**}", "x/y/z", {"path": "x/y/z"}),
        ("{label}_*/{_}", "run_anything/b", {"label": "run"}),
        ("{label}/**/{clip}", "run/b", {"label": "run", "clip": "b"}),
        ("{label}/**/{clip}", "run/x/y/b", {"label": "run", "clip": "b"}),
        ("{label}/v_{label}_{group}", "run/v_run_g1", {"label": "run", "group": "g1"}),
        ("{label}/v_{label}_{group}", "run/v_walk_g1", None),
        ("a.b+(c)/{{x}}/{n}", "a.b+(c)/{x}/1", {"n": "1"}),
        ("a.b/{n}", "aXb/1", None),
        ("{label}/{n}", "Lauf/\u00e9\n", {"label": "Lauf", "n": "\u00e9\n"}),
        ("Clip{n:d}", "clip1", None),
        ("Clip{n:d}", "Clip\u0663", None),  # a digit of another script
    ],
)  # fmt: skip
def test_fields_are_read(pattern, path, expected):
    found = PathPattern(pattern).match(path)
    assert (found and found[1]) == expected


def test_the_name_of_a_clip_does_not_tell_where_its_folder_lies():
    pattern = PathPattern("**/{label}/{}")
    for path in ("run/a", "train/run/a", "x/y/run/a"):
        assert pattern.match(path) == ("run/a", {"label": "run"})
    assert PathPattern("{}/{label}/{}").match("x/run/a") == ("x/run/a", {"label": "run"})


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("", "got none"),
        ("{label", "expected '}'"),
        ("label}", "single '}'"),
        ("{label:3x}", "{label:3x}"),
        ("{label:0d}", "{label:0d}"),
        ("{label!r}", "{label!r}"),
        ("{a.b}", "{a.b}"),
        ("{0}", "{0}"),
        ("{_clip}", "{_clip}"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern, fault):
    with pytest.raises(ValueError, match="expected") as caught:
        PathPattern(pattern)
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)
