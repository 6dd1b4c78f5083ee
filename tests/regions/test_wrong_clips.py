"""Clips whose regions a person marked as wrong."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.regions.annotation import AnnotationRegion
from clip_har.regions.motion import MotionRegion
from clip_har.regions.wrong_clips import check_marks, read_marks, region_identity, wrong_clips

CLIPS = ClipSet(
    "toy", ("run",), tuple(Clip(name, Path(name), 0, "g") for name in ("a", "b", "c")), "", ""
)


def table(folder: Path, *rows: str, header: str = "clip,confidence,wrong") -> Path:
    path = folder / "clips.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_marks(tmp_path):
    rows = ["a,0.9,yes", "b,0.9,X", "c,,1", "d,1, Yes ", "e,1,TRUE", "f,1,", "g,1,no", "h,1,0"]
    path = table(tmp_path, *rows)
    assert wrong_clips(path) == {"a", "b", "c", "d", "e"}
    assert list(read_marks(path).wrong) == list("abcdefgh")
    assert read_marks(path).region is None
    assert wrong_clips(None) == frozenset()


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (
            ["a,1,maybe"],
            "clip,confidence,wrong",
            "line 2: expected yes, x, 1 or nothing in 'wrong'",
        ),
        (["a,1,", "a,1,yes"], "clip,confidence,wrong", "line 3: a is in an earlier row"),
        (["a,yes"], "clip,mark", "has no column wrong"),
        (["a;1;yes"], "clip;confidence;wrong", "has no column clip, wrong"),
        (["a,selfie,", "b,motion,"], "clip,region,wrong", "line 3: expected the same 'region'"),
        ([",1,yes"], "clip,confidence,wrong", "line 2: 'clip' is empty"),
        ([], "clip,confidence,wrong", "has no rows"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, rows, header, message):
    with pytest.raises(ClipHarError, match=message) as error:
        read_marks(table(tmp_path, *rows, header=header))
    assert "\n" not in str(error.value)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(ClipHarError, match=r"set region.wrong=<the file>"):
        wrong_clips(tmp_path / "none.csv")


def test_ids_that_do_not_exist(tmp_path):
    check_marks(MotionRegion(), CLIPS)
    check_marks(MotionRegion(wrong=table(tmp_path, "a,1,yes", "c,1,")), CLIPS)
    source = MotionRegion(wrong=table(tmp_path, "a,1,yes", "x,1,yes", "y,1,"))
    with pytest.raises(ClipHarError, match=r"2 of 3 clips are not in toy \(x, y\): .* such as a"):
        check_marks(source, CLIPS)
    check_marks(source, replace(CLIPS, whole=4))  # a part of the data set of the table
    table(tmp_path, "x,1,yes")
    with pytest.raises(ClipHarError, match="1 of 1 clips are not in toy"):
        check_marks(source, replace(CLIPS, whole=4))


def test_regions_of_another_source_were_judged(tmp_path):
    path = table(tmp_path, "a,motion,yes", header="clip,region,wrong")
    check_marks(MotionRegion(wrong=path), CLIPS)
    with pytest.raises(ClipHarError, match="region=motion were judged there, and region=annotat"):
        check_marks(AnnotationRegion(wrong=path), CLIPS)


def test_the_identity_follows_the_marks_of_the_clips(tmp_path):
    def identity(*rows: str) -> str:
        source = SimpleNamespace(wrong=table(tmp_path, *rows), identity=lambda _: "weights")
        return region_identity(source, CLIPS)  # type: ignore[arg-type]

    assert identity("a,1,") == identity("a,0,no", "b,1,") == identity("z,1,yes") == "weights"
    marked = identity("a,1,yes")
    assert marked != "weights"
    assert identity("b,1,", "a,0.5,x") == marked, "what else is in the table does not count"
    assert len({"weights", marked, identity("b,1,yes"), identity("a,1,x", "b,1,x")}) == 4
