"""What is learned from shares nothing with what is evaluated."""

from dataclasses import replace
from pathlib import Path

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.parts import check_apart, shared_groups


def part(name: str, **groups: str) -> ClipSet:
    clips = tuple(Clip(clip, Path(clip), 0, group) for clip, group in groups.items())
    return ClipSet(f"made/{name}", ("run", "jump"), clips, licence="", citation="")


TRAIN = part("train", a="ann", b="ben", c="cid", d="dan", e="eve")


def test_parts_that_share_nothing_are_apart(caplog):
    check_apart(TRAIN, part("test", f="fay"), what="noise")
    assert not caplog.records


def test_shared_groups_are_counted_and_named():
    test = part("test", f="dan", g="ben", h="fay", i="ann", j="eve", k="eve")
    assert shared_groups(TRAIN.groups.tolist(), test) == ["ann", "ben", "dan", "eve"]
    with pytest.raises(ClipHarError) as caught:
        check_apart(TRAIN, test, what="noise")
    assert str(caught.value) == (
        "noise is learned on made/train, and some of its groups are also in made/test"
        " (4: ann, ben, dan, …): expected each group in one split only; give all clips of a group"
        " the same split"
    )


def test_a_data_set_whose_lists_share_groups_gets_a_warning(caplog):
    test = replace(part("test", f="dan"), shares_groups="its lists say so")
    check_apart(TRAIN, test, what="noise")
    (message,) = [record.getMessage() for record in caplog.records]
    assert message == (
        "noise is learned on groups that are also evaluated (1: dan), because its lists say so:"
        " numbers with it may be too good"
    )
    assert test.limit(1).shares_groups
    with pytest.raises(ClipHarError, match="its lists say so"):
        check_apart(TRAIN, test, what="a threshold", lists_may_share=False)


def test_a_clip_is_never_in_both_parts():
    test = replace(part("test", b="fay"), shares_groups="its lists say so")
    with pytest.raises(ClipHarError, match=r"also evaluated, such as b: .*dataset\.subset=test"):
        check_apart(TRAIN, test, what="noise")
