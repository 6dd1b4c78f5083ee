"""Every option of ``dataset`` works in the tools, and has a row and a card in the documentation."""

import re
from pathlib import Path

import pytest

from clip_har.cli.data.chosen import Chosen, chosen, parts_of, places
from clip_har.cli.data.info import inspect
from clip_har.cli.data.sample import sample_of, write_sample
from clip_har.cli.data.verify import verify
from clip_har.config.options import option_files
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import clips_of
from tests.cli.data.laid import LAID

DOCS = Path(__file__).parents[3] / "docs"
OWN = {"folder", "manifest", "pattern", "rawframes"}
"""Options that read any data of the user's, so that there is nothing to say on a card."""
ROWS = {
    match[1]: match[0]
    for match in re.finditer(r"^\| \[?`(\w+)`.*$", (DOCS / "data.md").read_text(), re.MULTILINE)
}
OPTIONS = list(option_files("dataset"))


def laid(option: str, folder: Path) -> Chosen:
    return chosen(option, None, LAID[option](folder))


def content(folder: Path) -> dict[Path, float]:
    return {path: path.stat().st_mtime for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("option", OPTIONS)
def test_it_has_a_row_and_a_card(option: str) -> None:
    assert ROWS[option].count("|") == 8, "option, domain, clips, classes, groups, licence, layout"
    cards = re.findall(r"\((cards/\w+\.md)\)", ROWS[option])
    assert bool(cards) == (option not in OWN)
    assert all((DOCS / card).is_file() for card in cards)


def test_the_rows_are_those_of_the_options() -> None:
    assert list(ROWS) == OPTIONS


@pytest.mark.parametrize("option", OPTIONS)
def test_it_is_verified_and_shown_and_a_sample_is_read_as_such(option: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    data = laid(option, whole)
    parts = parts_of(data.source)
    before = content(whole)
    found = verify(parts)
    assert found.faults == []
    assert {row.status for row in found.rows} - {"extra", "beyond"} == {"ok"}
    clips = parts.found[0].clips
    assert inspect(clips).rows()[-1][1] == str(len(clips.clips))
    assert content(whole) == before, "nothing is written into the data"
    if option == "synthetic":
        return
    made = sample_of(parts.found, per_class=1, seed=0)
    out = write_sample(made, tmp_path / "small", readme="a sample\n")
    for part in parts.found:
        copy = clips_of(made.copied(part, out))
        assert [clip.id for clip in copy.clips] == [clip.id for clip in made.chosen(part)]
        assert {clip.label for clip in copy.clips} == {clip.label for clip in part.clips.clips}
        assert copy.name.endswith("/sample")
        assert all(clip.path.is_relative_to(out) for clip in copy.clips)


def test_what_is_made_has_no_sample(tmp_path: Path) -> None:
    source = laid("synthetic", tmp_path).source
    assert places(source) == []
    with pytest.raises(ClipHarError, match=r"is made on each machine.*dataset\.count=100"):
        sample_of(parts_of(source).found, per_class=1, seed=0)
