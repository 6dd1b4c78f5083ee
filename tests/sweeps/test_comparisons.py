"""Which cells may be compared, and what they are called then."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from clip_har.results.result import Result
from clip_har.sweeps.comparisons import comparisons_of, named_by_settings, newest_results
from tests.report.made import made_cell, table

ANSWERS = table(0.5)


def made(results: Path, name: str, *overrides: str, **protocol: Any) -> Result:
    digests = {"data_digest": "d" * 64, "weights_digest": "w" * 64}
    found = Result(made_cell(results, name, ANSWERS, *overrides, **{**digests, **protocol}))
    return replace(found, named={"masking": overrides[0].partition("=")[2], "ratio": 0.3})


def test_mask_target_noise_and_seed_may_differ(tmp_path: Path) -> None:
    cells = [
        made(tmp_path, "a", "masking=percent"), made(tmp_path, "b", "masking=shape", "ratio=0.5"),
        made(tmp_path, "c", "masking=feature", "region=motion", "fill=mean"),
        made(tmp_path, "d", "masking=percent", "noise=gaussian"),
        made(tmp_path, "e", "masking=percent", "seed=3"),
        made(tmp_path, "f", "masking=percent", "dataset.workers=3", "batch_size=7"),
        made(tmp_path, "g", "masking=percent", "frames.order=shuffled"),
    ]  # fmt: skip
    (found,) = comparisons_of(cells)
    assert found.name == "tiny on made"
    assert found.cells == tuple(cells)


def test_data_model_and_protocol_set_apart(tmp_path: Path) -> None:
    cells = [
        made(tmp_path, "a", "masking=percent", data="ucf101/test/split1"),
        made(tmp_path, "b", "masking=percent", data="hmdb51/test/split1", data_digest="e" * 64),
        made(tmp_path, "c", "masking=percent", "precision=bf16", data="ucf101/test/split1"),
        made(tmp_path, "d", "masking=percent", "model.checkpoint=r1/final", weights_digest="1"),
        made(tmp_path, "e", "masking=percent", "model.checkpoint=r2/final", weights_digest="2"),
        made(tmp_path, "f", "masking=shape", data="ucf101/test/split1"),
    ]  # fmt: skip
    found = comparisons_of(cells)
    assert [[cells.index(one) for one in part.cells] for part in found] == [
        [0, 5], [1], [2], [3], [4],
    ]  # fmt: skip
    assert [part.model for part in found[2:]] == ["tiny", "r1/final", "r2/final"]
    assert found[2].name == "tiny on ucf101/test/split1, precision=bf16"
    assert len({part.name for part in found}) == 5


def test_the_same_data_at_another_place_is_the_same(tmp_path: Path) -> None:
    places = [tmp_path / place for place in ("here", "there")]
    for place in places:
        place.mkdir()
    cells = [
        made(tmp_path, place.name, "masking=percent", "dataset=folder", f"dataset.root={place}")
        for place in places
    ]
    assert len(comparisons_of(cells)) == 1
    other = made(tmp_path, "other", "masking=percent", data_digest="other")
    first, second = comparisons_of([made(tmp_path, "one", "masking=percent"), other])
    assert (first.settings, second.settings) == (
        {"digest": "dddddddd+wwwwwwww"}, {"digest": "other+wwwwwwww"},
    )  # fmt: skip


def test_cells_of_several_sweeps_are_named_by_what_differs(tmp_path: Path) -> None:
    cells = [
        made(tmp_path, "a", "masking=percent"), made(tmp_path, "b", "masking=percent", "fill=mean"),
        made(tmp_path, "c", "masking=percent", "ratio=0.5"), made(tmp_path, "d", "masking=none"),
    ]  # fmt: skip
    assert len({one.name for one in cells}) < 4  # as in their own sweeps
    named = named_by_settings(cells)
    assert [one.name for one in named] == [
        "percent r=0.3 fill=black", "percent r=0.3 fill=mean", "percent r=0.5 fill=black", "none",
    ]  # fmt: skip
    assert named[0].strategy == named[2].strategy != named[1].strategy


def test_equal_settings_of_other_code_are_never_alike(tmp_path: Path) -> None:
    cells = [made(tmp_path, name, "masking=percent") for name in ("1234", "5678")]
    named = named_by_settings(cells)
    assert [one.name for one in named] == ["percent r=0.3 result=1234", "percent r=0.3 result=5678"]
    assert named[0].strategy != named[1].strategy


def test_noise_seeds_that_follow_are_not_named(tmp_path: Path) -> None:
    cells = [
        made(tmp_path, f"{seed}", "masking=percent", "noise=gaussian", f"seed={seed}")
        for seed in (0, 1)
    ]
    alone = made(tmp_path, "own", "masking=percent", "noise=gaussian", "noise.seed=4")
    assert [one.name for one in named_by_settings(cells)] == [
        "percent r=0.3 seed=0", "percent r=0.3 seed=1",
    ]  # fmt: skip
    assert len({one.name for one in named_by_settings([*cells, alone])}) == 3


def test_an_edited_file_of_prompts_sets_apart(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("a photo of {}\n")
    prompts = ("masking=percent", "prompts.templates=[]", f"prompts.file={file}")
    old, first, second = (
        made(tmp_path, name, *prompts, **card)
        for name, card in (
            ("old", {}), ("first", {"prompts_digest": "1"}), ("second", {"prompts_digest": "2"}),
        )
    )  # fmt: skip
    found = comparisons_of([old, first, second])
    assert [part.cells for part in found] == [(old, first), (second,)]
    assert len({part.name for part in found}) == 2
    kept, left_out = newest_results([first, second])
    assert (kept, left_out) == ([first, second], []), "they are two conditions"


def test_of_results_with_the_same_settings_the_newest_counts(tmp_path: Path) -> None:
    new, old = (made(tmp_path, name, "masking=percent", "seed=0") for name in ("new", "old"))
    seed = made(tmp_path, "seed", "masking=percent", "seed=1")
    clean = [
        made(tmp_path, f"clean {ratio}", "masking=none", f"ratio={ratio}") for ratio in (0.1, 0.3)
    ]
    for time, one in enumerate([old, clean[0], new, seed, clean[1]]):
        os.utime(one.folder / "protocol.json", (time, time))
    kept, left_out = newest_results([new, old, seed, *clean, new])
    assert kept == [new, seed, clean[1], new]
    assert left_out == [
        "percent r=0.3: new has the same settings as old and is newer",
        "none r=0.3: clean_0.3 has the same settings as clean_0.1 and is newer",
    ]
