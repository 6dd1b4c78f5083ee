"""A cell that is split over jobs ends with the table of the whole one."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import clips_of
from clip_har.data.shards import Shard
from clip_har.engine import run_shard as run_part
from clip_har.engine.evaluate import answer_part, evaluate
from clip_har.engine.shards import PartAnswers, find_parts, join_parts, part_file
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable
from tests.command import run_command
from tests.data.made import write_video
from tests.noise.cells import cell_of
from tests.tables import made_table

GROUPS = "aabcbdda"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    rows = []
    for number, group in enumerate(GROUPS):
        label = ("climbing", "swimming")[number % 2]
        write_video(folder / f"{number}.mp4", 5 + number % 3)
        rows.append(
            {
                "path": f"{number}.mp4",
                "label": label,
                "group": group,
                "split": "train" if number % 3 else "test",
                "light": "day" if number > 2 else "",
            }
        )
    with (folder / "clips.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    path: Path = folder / "clips.csv"
    return path


def settings(manifest: Path, small_clip: Path) -> list[str]:
    return [
        *("dataset=manifest", f"dataset.path={manifest}", "dataset.attributes=[light]"),
        *("model=clip", f"model.checkpoint={small_clip}", "frames.count=2", "batch_size=3"),
    ]


def test_the_parts_of_a_table_make_the_whole_one(manifest, small_clip, tmp_path):
    cell = cell_of(
        *settings(manifest, small_clip), "masking=percent", "ratio=0.4", "noise=gaussian",
        f"cache_dir={tmp_path}",
    )  # fmt: skip
    clips = clips_of(cell.dataset, None)
    clean = evaluate(cell.model_copy(update={"noise": cell_of().noise}), clips).table
    whole = evaluate(cell, clips, clean=clean).table
    parts = []
    for number in (1, 2, 3):
        part = cell.model_copy(update={"shard": Shard(number, 3)})
        answers = answer_part(part, clips, clean=clean)
        answers.write(tmp_path / f"{number}.safetensors")
        parts.append(PartAnswers.read(tmp_path / f"{number}.safetensors"))
    assert all(len(part.clip_ids) < len(GROUPS) for part in parts)
    cost = Cost()
    joined = evaluate(cell, clips, clean=clean, cost=cost, parts=parts).table
    same_tables(joined, whole)
    spent = sum(part.seconds["model"] for part in parts)
    assert cost.seconds["model"] == pytest.approx(spent)
    assert spent > 0


def test_the_parts_of_learned_noise_make_the_whole(manifest, small_clip, tmp_path):
    cell = cell_of(
        *settings(manifest, small_clip), "masking=percent", "ratio=0.4",
        "noise=class_specific", "dataset.subset=test",
        "learning.steps=2", "learning.validate_every=1", "train_masking=[none]",
        f"cache_dir={tmp_path}",
    )  # fmt: skip
    clips = clips_of(cell.dataset, None)
    whole = evaluate(cell, clips)
    parts = []
    for number in (1, 2):
        part = answer_part(cell.model_copy(update={"shard": Shard(number, 2)}), clips)
        part.write(tmp_path / f"{number}.safetensors")
        parts.append(PartAnswers.read(tmp_path / f"{number}.safetensors"))
    joined = evaluate(cell, clips, parts=parts)
    same_tables(joined.table, whole.table)
    assert joined.noise is not None
    assert whole.noise is not None
    for name, answers in whole.noise.answers.items():
        same_tables(joined.noise.answers[name].table, answers.table)


def same_tables(ours: ScoreTable, theirs: ScoreTable) -> None:
    for name in ("class_names", "clip_ids", "groups", "empty", "kind", "attributes"):
        assert getattr(ours, name) == getattr(theirs, name), name
    np.testing.assert_array_equal(ours.predictions(), theirs.predictions())
    # Batches of other sizes round otherwise.
    np.testing.assert_allclose(ours.scores, theirs.scores, rtol=1e-5, atol=1e-5)
    for name in (
        *("labels", "mask_ratio", "subject_hidden", "subject_found", "native_black"),
        *("feature_hidden", "feature_frames", "noise_rms", "noise_largest", "scene_labels"),
    ):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert (ours.drift is None) == (theirs.drift is None)
    if ours.drift is not None and theirs.drift is not None:
        np.testing.assert_allclose(ours.drift, theirs.drift, atol=1e-5)


def test_parts_of_other_clips_are_refused():
    part = PartAnswers(("a", "b"), {"scores": np.zeros((2, 3))})
    with pytest.raises(ClipHarError, match="shards hold answers to 2 clips"):
        join_parts([part], ["a", "c"])


def test_parts_are_compared_with_the_clean_twin_all_or_none():
    parts = [
        PartAnswers((name,), {"scores": np.zeros((1, 3))}, compared=name == "a") for name in "ab"
    ]
    with pytest.raises(ClipHarError, match="some shards were answered with clean_twin=false"):
        join_parts(parts, ["a", "b"])


def test_parts_without_a_twin_do_not_pass_for_compared_ones(manifest, small_clip, tmp_path):
    cell = cell_of(
        *settings(manifest, small_clip), "masking=percent", "ratio=0.4", f"cache_dir={tmp_path}"
    )
    clips = clips_of(cell.dataset, None)
    clean = evaluate(cell.model_copy(update={"masking": cell_of().masking}), clips).table
    part = answer_part(cell.model_copy(update={"shard": Shard(1, 1)}), clips)
    with pytest.raises(ClipHarError, match="set clean_twin=false here, too"):
        evaluate(cell, clips, clean=clean, parts=[part])
    alone = evaluate(cell, clips, parts=[part]).table
    assert alone.drift is None or np.isnan(alone.drift).all()


def test_a_finished_twin_serves_further_shards(tmp_path, small_clip, manifest):
    cell = cell_of(*settings(manifest, small_clip), "shard=1/2", f"cache_dir={tmp_path}")
    clips = clips_of(cell.dataset, None)
    folder = tmp_path / "twin"
    folder.mkdir()
    table = made_table(labels=[0, 1, 1], classes=2, right=[1, 0, 1])
    table.write(folder / "scores.parquet")
    (folder / "metrics.json").write_text("{}")
    found = run_part._clean(cell, clips, folder, "twin")
    assert isinstance(found, ScoreTable)
    assert not folder.with_suffix(".parts").exists(), "the model was not asked"


def test_the_split_that_is_nearest_to_whole_counts(tmp_path):
    folder = tmp_path / "abc"
    assert find_parts(folder) == ([], [])
    for number, count in ((1, 3), (3, 3), (1, 2)):
        file = part_file(folder, Shard(number, count))
        file.parent.mkdir(exist_ok=True)
        file.touch()
    assert find_parts(folder) == ([], [Shard(2, 2)])
    assert find_parts(folder, 3) == ([], [Shard(2, 3)]), "of the split that was asked for"
    part_file(folder, Shard(2, 3)).touch()
    files, missing = find_parts(folder)
    assert [file.name for file in files] == [f"{n}of3.safetensors" for n in (1, 2, 3)]
    assert not missing


def test_a_part_of_uneven_columns_is_damaged(tmp_path):
    path = tmp_path / "1of2.safetensors"
    PartAnswers(("a", "b"), {"scores": np.zeros((3, 2))}).write(path)
    with pytest.raises(ClipHarError, match="columns of other lengths"):
        PartAnswers.read(path)


def test_a_damaged_part_is_named(tmp_path):
    path = tmp_path / "1of2.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(ClipHarError, match=r"1of2.*run that shard again"):
        PartAnswers.read(path)


@pytest.mark.slow
def test_a_user_splits_a_cell_and_puts_it_together(manifest, small_clip, tmp_path):
    typed = [*settings(manifest, small_clip), "masking=percent"]
    split, whole = tmp_path / "split", tmp_path / "whole"
    split.mkdir()
    whole.mkdir()
    assert run_command(whole, *typed).returncode == 0

    first = run_command(split, *typed, "shard=1/3")
    assert first.returncode == 0, first.stderr
    assert "part kept" in first.stdout
    early = run_command(split, *typed)
    assert early.returncode == 1
    assert "no answers yet for shard 2/3 and 3/3" in early.stderr
    assert not list((split / "results" / "cells").glob("*.failed")), "nothing was tried"
    rest = run_command(split, "-m", *typed, "shard=1/3,2/3,3/3")
    assert rest.returncode == 0, rest.stderr
    assert "3 cells: 3 done" in rest.stdout
    assert "answered already" in rest.stderr, "what was there is not answered again"
    assert "report" not in rest.stdout + rest.stderr, "there is nothing to report yet"
    together = run_command(split, *typed)
    assert together.returncode == 0, together.stderr
    assert "put together from 3 shards" in together.stderr

    (ours,), (theirs,) = (
        [path for path in (folder / "results" / "cells").glob("*") if is_masked(path)]
        for folder in (split, whole)
    )
    assert ours.name == theirs.name, "the same cell"
    same_tables(
        ScoreTable.read(ours / "scores.parquet"), ScoreTable.read(theirs / "scores.parquet")
    )
    numbers = [json.loads((path / "metrics.json").read_text()) for path in (ours, theirs)]
    assert numbers[0].keys() == numbers[1].keys()
    for name, number in numbers[1].items():
        assert numbers[0][name] == pytest.approx(number, abs=1e-5), name
    assert not list(ours.parent.glob("*.parts")), "the parts have done their duty"


def is_masked(folder: Path) -> bool:
    path = folder / "protocol.json"
    return path.is_file() and json.loads(path.read_text())["clean_twin"] is not None
