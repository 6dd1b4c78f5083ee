"""A cell that is split over jobs ends with the table of the whole one."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from clip_har.config.cell import Cell
from clip_har.core.checksum import write_manifest
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet, clips_of
from clip_har.data.shards import Shard
from clip_har.engine.evaluate import evaluate
from clip_har.engine.merge_shards import merge_shards, merge_tables
from clip_har.engine.run_shard import clean_table
from clip_har.results.cell_folder import CellFolder
from clip_har.results.costs import Cost
from clip_har.results.score_table import ScoreTable
from clip_har.results.shard_scores import read_shard, write_shard
from clip_har.results.variant_scores import VariantScores
from tests.command import run_command
from tests.data.made import write_video
from tests.noise.cells import cell_of
from tests.noise.made import shown
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
                "split": "test" if group in "cd" else "train",
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


def test_the_shards_of_a_table_make_the_whole_one(manifest, small_clip, tmp_path):
    cell = cell_of(
        *settings(manifest, small_clip), "masking=percent", "ratio=0.4", "noise=gaussian",
        f"cache_dir={tmp_path}",
    )  # fmt: skip
    clips = clips_of(cell.dataset, None)
    clean = evaluate(cell.model_copy(update={"noise": cell_of().noise}), clips).table
    whole = evaluate(cell, clips, clean=clean).table
    shards = [written(cell, clips, Shard(number, 3), tmp_path, clean=clean) for number in (1, 2, 3)]
    for shard in shards:
        assert len(read_shard(shard).tables["random"].clip_ids) < len(GROUPS)
    cost = Cost()
    joined = evaluate(cell, clips, clean=clean, cost=cost, shards=shards).table
    same_tables(joined, whole)
    spent = [read_shard(shard).seconds["model"] for shard in shards]
    assert cost.seconds["model"] == pytest.approx(sum(spent))
    assert min(spent) > 0


def written(
    cell: Cell, clips: ClipSet, shard: Shard, folder: Path, clean: ScoreTable | None = None
) -> Path:
    """Evaluate a shard, and return the folder of its answers."""
    cost, out = Cost(), folder / f"{shard.number}of{shard.count}"
    found = evaluate(cell.model_copy(update={"shard": shard}), clips, clean=clean, cost=cost)
    write_shard(
        out, found.headline, found.variant_scores, seconds=cost.seconds, compared=clean is not None
    )
    return out


def test_the_shards_of_learned_noise_make_the_whole(manifest, small_clip, tmp_path):
    cell = cell_of(
        *settings(manifest, small_clip), "masking=percent", "ratio=0.4",
        "noise=class_specific", "dataset.subset=test",
        "learning.steps=2", "learning.validate_every=1", "train_masking=[none]",
        f"cache_dir={tmp_path}",
    )  # fmt: skip
    clips = clips_of(cell.dataset, None)
    whole = evaluate(cell, clips)
    shards = [written(cell, clips, Shard(number, 2), tmp_path) for number in (1, 2)]
    joined = evaluate(cell, clips, shards=shards)
    same_tables(joined.table, whole.table)
    assert list(joined.tables) == list(whole.tables)
    for name, table in whole.tables.items():
        same_tables(joined.tables[name], table)
    for one, other in zip(joined.inspection.examples, whole.inspection.examples, strict=True):
        assert one.clip.id == other.clip.id
        np.testing.assert_array_equal(one.noisy, other.noisy)


def same_tables(ours: ScoreTable, theirs: ScoreTable) -> None:
    for name in ("class_names", "clip_ids", "groups", "empty", "kind", "attributes"):
        assert getattr(ours, name) == getattr(theirs, name), name
    np.testing.assert_array_equal(ours.predictions(), theirs.predictions())
    # Batches of other sizes round otherwise.
    np.testing.assert_allclose(ours.scores, theirs.scores, rtol=1e-5, atol=1e-5)
    for name in (
        *("labels", "mask_ratio", "subject_hidden", "subject_found", "native_black"),
        "background_kept",
        *("video_hidden", "tokens_hidden", "tokens_partly"),
        *("feature_hidden", "feature_frames", "noise_rms", "noise_largest", "scene_labels"),
        "seconds",
    ):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name), err_msg=name)
    assert (ours.drift is None) == (theirs.drift is None)
    if ours.drift is not None and theirs.drift is not None:
        np.testing.assert_allclose(ours.drift, theirs.drift, atol=1e-5)


def test_shards_of_other_clips_are_refused(small_frames):
    table = made_table(labels=[0, 1], classes=2, right=[1, 0])
    with pytest.raises(ClipHarError, match="shards hold 2 clips"):
        merge_tables([table], shown(small_frames))


def test_shards_are_compared_with_the_clean_twin_all_or_none(small_frames, tmp_path):
    table = VariantScores(made_table(labels=[0, 1], classes=2, right=[1, 0]))
    folders = [tmp_path / "1of2", tmp_path / "2of2"]
    for number, folder in enumerate(folders):
        write_shard(folder, "none", {"none": table}, seconds={}, compared=bool(number))
    with pytest.raises(ClipHarError, match="some shards were run with clean_twin=false"):
        merge_shards(folders, shown(small_frames), compared=False, cost=Cost())


def test_shards_without_a_twin_do_not_pass_for_compared_ones(manifest, small_clip, tmp_path):
    cell = cell_of(
        *settings(manifest, small_clip), "masking=percent", "ratio=0.4", f"cache_dir={tmp_path}"
    )
    clips = clips_of(cell.dataset, None)
    clean = evaluate(cell.model_copy(update={"masking": cell_of().masking}), clips).table
    shard = written(cell, clips, Shard(1, 1), tmp_path / "shards")
    with pytest.raises(ClipHarError, match="set clean_twin=false here, too"):
        evaluate(cell, clips, clean=clean, shards=[shard])
    alone = evaluate(cell, clips, shards=[shard]).table
    assert alone.drift is None or np.isnan(alone.drift).all()


def test_a_finished_twin_serves_further_shards(tmp_path, small_clip, manifest):
    cell = cell_of(*settings(manifest, small_clip), "shard=1/2", f"cache_dir={tmp_path}")
    clips = clips_of(cell.dataset, None)
    folder = tmp_path / "twin"
    folder.mkdir()
    table = made_table(labels=[0, 1, 1], classes=2, right=[1, 0, 1])
    table.write(folder / "scores.parquet")
    (folder / "metrics.json").write_text("{}")
    write_manifest(folder)
    found = clean_table(cell, Shard(1, 2), clips, folder, "twin")
    assert found.clip_ids == table.clip_ids
    assert not CellFolder(folder).shards.exists(), "the model was not run"


@pytest.mark.slow
def test_a_user_splits_a_cell_and_puts_it_together(manifest, small_clip, tmp_path):
    typed = [*settings(manifest, small_clip), "masking=percent"]
    split, whole = tmp_path / "split", tmp_path / "whole"
    split.mkdir()
    whole.mkdir()
    assert run_command(whole, *typed).returncode == 0

    first = run_command(split, *typed, "shard=1/3")
    assert first.returncode == 0, first.stderr
    assert "shard kept" in first.stdout
    early = run_command(split, *typed)
    assert early.returncode == 1
    assert "no result yet for shard 2/3 and 3/3" in early.stderr
    assert not list((split / "results" / "cells").glob("*.failed")), "nothing was tried"
    rest = run_command(split, "-m", *typed, "shard=1/3,2/3,3/3")
    assert rest.returncode == 0, rest.stderr
    assert "3 cells: 3 done" in rest.stdout
    assert "finished already" in rest.stderr, "what was there is not run again"
    assert "report" not in rest.stdout + rest.stderr, "there is nothing to report yet"
    together = run_command(split, *typed)
    assert together.returncode == 0, together.stderr
    assert "merged from 3 shards" in together.stderr

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
    assert not list(ours.parent.glob("*.shards")), "their answers stand in the whole cell"


def is_masked(folder: Path) -> bool:
    path = folder / "protocol.json"
    return path.is_file() and json.loads(path.read_text())["clean_twin"] is not None
