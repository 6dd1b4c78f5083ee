"""The table of a sweep: what its cells are, and one line for everything that is wrong with it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from clip_har.config.session import session
from clip_har.config.table import table_jobs
from clip_har.core.errors import ClipHarError


def jobs(
    folder: Path, text: str | bytes, *typed: str, params: Sequence[str] = ()
) -> list[list[str]]:
    file = folder / "cells.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with session():
        return table_jobs(file, params, typed, GlobalHydra.instance().config_loader())


def test_a_row_is_a_cell(tmp_path: Path) -> None:
    text = "masking, ratio,frames.count\npercent,0.3,\nshape,0.1,4\n\nnone,,\n"
    found = jobs(tmp_path, text, "seed=1", "model=tiny")
    assert found == [
        ["seed=1", "model=tiny", "masking=percent", "ratio=0.3"],
        ["seed=1", "model=tiny", "masking=shape", "ratio=0.1", "frames.count=4"],
        ["seed=1", "model=tiny", "masking=none"],
    ]


@pytest.mark.parametrize(
    ("entry", "override"),
    [
        ('"[0.1,0.3]"', "fill=[0.1,0.3]"),
        ("'a, b'", None),
        ("\"'a, b=c'\"", "fill='a, b=c'"),
        ("null", "fill=null"),
        ("#ff0000", None),
        ("'#ff0000'", "fill='#ff0000'"),
    ],
)
def test_values_are_written_as_on_the_command_line(
    tmp_path: Path, entry: str, override: str | None
) -> None:
    text = f"masking,fill\npercent,{entry}\nnone,\n"
    if override is not None:
        assert jobs(tmp_path, text)[0][1] == override
        return
    with pytest.raises(ClipHarError, match="row 2"):
        jobs(tmp_path, text)


def test_files_of_a_spreadsheet_are_read(tmp_path: Path) -> None:
    plain = "masking,ratio\npercent,0.3\n"
    known = jobs(tmp_path, plain)
    assert jobs(tmp_path, b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode()) == known


def test_columns_win_over_what_an_experiment_sweeps(tmp_path: Path) -> None:
    text = "ratio\n0.1\n0.5\n"
    params = ("ratio=0.1,0.3", "masking=percent")
    assert jobs(tmp_path, text, params=params) == [
        ["masking=percent", "ratio=0.1"],
        ["masking=percent", "ratio=0.5"],
    ]
    assert jobs(tmp_path, text, "masking=shape", params=params)[0][0] == "masking=shape"
    with pytest.raises(ClipHarError, match="add the column masking"):
        jobs(tmp_path, text, params=("masking=percent,shape",))


@pytest.mark.parametrize(
    ("text", "typed", "fault"),
    [
        ("", (), "expected a line of keys"),
        ("masking,ratio\n", (), "expected a line of keys"),
        ("masking;ratio\npercent;0.3\n", (), "separated by commas"),
        ("masking,\npercent,\n", (), "column 2: expected a key"),
        ("~masking\nx\n", (), "column 1: expected a key"),
        ("ratio,ratio\n0.1,0.2\n", (), "two columns ratio"),
        ("hydra/launcher\njoblib\n", (), "add it to the command"),
        ("masking,ratio\npercent\n", (), "row 2: expected 2 values"),
        ("masking,fill\npercent,a,b\n", (), "row 2: expected 2 values"),
        ("ratio\n0.1\n0.3\n0.1\n", (), "row 4: equal to row 2"),
        ('ratio\n"0.1,0.3"\n', (), "row 2: ratio=0.1,0.3 has several values"),
        ("ratio\n0.1\n", ("ratio=0.3",), "ratio=0.3: ratio is also a column"),
        ("ratio\n0.1\n", ("seed=0,1",), "seed=0,1: several values"),
        ("ratio\n{\n", (), "row 2: ratio={ cannot be read"),
        (b"ratio\n\xff\n", (), "expected CSV in UTF-8"),
        ('ratio\n"0.1\n', (), "expected CSV"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, text: str | bytes, typed: tuple[str, ...], fault: str
) -> None:
    with pytest.raises(ClipHarError, match=fault) as error:
        jobs(tmp_path, text, *typed)
    assert "\n" not in str(error.value)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with session(), pytest.raises(ClipHarError, match="cannot be read"):
        table_jobs(tmp_path, (), (), GlobalHydra.instance().config_loader())
