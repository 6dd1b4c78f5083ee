"""Whole cells with the models beside CLIP: masks, noise, drift, shards, and what is left out."""

import logging
from typing import Any

import numpy as np
import pytest

from clip_har.config.cell import Cell
from clip_har.data.shards import Shard
from clip_har.engine.clips import frame_settings, open_frames
from clip_har.engine.evaluate import evaluate
from clip_har.noise.learned.cell_noise import LearnedNoise
from clip_har.results.score_table import ScoreTable
from clip_har.results.shard_scores import write_shard
from tests.checkpoints import write_siglip, write_xclip
from tests.data.made import write_video
from tests.models.open_clip.made import write
from tests.noise.cells import cell_of
from tests.planted import CLASSES, planted_frames


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A table of planted videos with mask files: 15 to learn from, in 3 groups; 10 to evaluate."""
    folder = tmp_path_factory.mktemp("cells")
    lines = ["path,label,group,split"]
    for number in range(25):
        frames, labels = planted_frames(number % 5, number % 5, seed=number)
        write_video(folder / f"{number}.mkv", list(frames), codec="ffv1", pix_fmt="bgr0")
        np.savez_compressed(folder / f"{number}.npz", masks=(labels == 1).astype(np.float32))
        part = "train" if number < 15 else "test"
        lines.append(f"{number}.mkv,{CLASSES[number % 5]},g{number // 5},{part}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["dataset=manifest", f"dataset.path={folder / 'clips.csv'}", "dataset.subset=test",
            f"region.maps={folder}", f"cache_dir={folder / 'cache'}", "frames.count=4",
            "region=annotation", "batch_size=8", "device=cpu", "tracking=none"]  # fmt: skip


@pytest.fixture(scope="module")
def xclip(planted: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = write_xclip(tmp_path_factory.mktemp("xclip"), frames=4)
    return [*planted, "model=xclip", f"model.checkpoint={folder}"]


@pytest.fixture(scope="module")
def siglip(planted: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = write_siglip(tmp_path_factory.mktemp("siglip"))
    return [*planted, "model=siglip", f"model.checkpoint={folder}"]


@pytest.fixture(scope="module")
def of_open_clip(planted: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = write(tmp_path_factory.mktemp("open_clip") / "model", "vit")
    return [*planted, "model=open_clip", f"model.checkpoint={folder}"]


def table_of(cell: Cell, **more: Any) -> ScoreTable:
    return evaluate(cell, cell.dataset.clips(), **more).table


def test_a_video_model_under_masks_and_random_noise_beside_its_clean_twin(xclip):
    clean = table_of(cell_of(*xclip))
    assert clean.scores.shape == (10, 5)
    assert clean.kind == "logits"
    assert clean.embeddings is not None
    again = table_of(cell_of(*xclip), clean=clean)
    np.testing.assert_array_equal(again.scores, clean.scores)
    assert again.drift is not None
    assert np.abs(again.drift).max() < 1e-6
    for more in (["masking=percent", "ratio=0.5"], ["noise=gaussian", "noise.std=60"]):
        shown = table_of(cell_of(*xclip, *more), clean=clean)
        assert shown.drift is not None
        assert shown.drift.min() > 1e-5
        assert np.isfinite(shown.scores).all()


def test_shards_of_a_video_models_cell_are_the_whole(xclip, tmp_path):
    cell = cell_of(*xclip, "prompts=ucf101_48")
    clips = cell.dataset.clips()
    shards = []
    for number in (1, 2):
        part = evaluate(cell.model_copy(update={"shard": Shard(number, 2)}), clips)
        shards.append(tmp_path / f"{number}of2")
        write_shard(shards[-1], part.headline, part.variant_scores, seconds={}, compared=False)
    whole = table_of(cell)
    np.testing.assert_allclose(table_of(cell, shards=shards).scores, whole.scores, atol=1e-5)


@pytest.mark.parametrize("family", ["siglip", "xclip"])
def test_attention_that_cannot_be_measured_gives_a_warning_and_is_left_out(family, request, caplog):
    chosen = request.getfixturevalue(family)
    cell = cell_of(*chosen, "masking=feature", "ratio=null")
    with caplog.at_level(logging.WARNING):
        found = evaluate(cell, cell.dataset.clips())
    assert found.attention == {}
    assert "attention is not measured: the model has no class token" in caplog.text
    assert np.nanmin(found.table.subject_hidden) > 0.9


def test_noise_is_learned_for_siglip_without_attention(siglip):
    cell = cell_of(
        *siglip, "noise=universal", "learning.steps=2", "learning.batch=4",
        "learning.validate_every=1", "train_masking=[none]",
    )  # fmt: skip
    found = evaluate(cell, cell.dataset.clips())
    assert isinstance(found.noise, LearnedNoise)
    assert all(answers.attention is None for answers in found.variant_scores.values())
    assert np.isfinite(found.table.scores).all()


def test_a_model_of_open_clip_does_all_that_a_clip_does(of_open_clip):
    clean = table_of(cell_of(*of_open_clip))
    again = table_of(cell_of(*of_open_clip, "frames.resident=true", "batch_size=3"), clean=clean)
    np.testing.assert_allclose(again.scores, clean.scores, atol=1e-5)
    masked = table_of(cell_of(*of_open_clip, "masking=percent", "ratio=0.5"), clean=clean)
    assert masked.drift is not None
    assert masked.drift.min() > 1e-5
    own = [word for word in of_open_clip if not word.startswith("region")]
    aimed = table_of(cell_of(*own, "region=relevance", "masking=feature", "ratio=0.2"))
    assert aimed.subject_found.all()
    assert np.abs(aimed.scores - clean.scores).max() > 1e-3
    cell = cell_of(*of_open_clip, "masking=feature", "ratio=null")
    assert evaluate(cell, cell.dataset.clips()).attention


def test_noise_is_learned_for_a_model_of_open_clip_with_its_attention(of_open_clip):
    cell = cell_of(
        *of_open_clip, "noise=universal", "learning.steps=2", "learning.batch=4",
        "learning.validate_every=1", "train_masking=[none]", "noise.loss.attention=0.5",
    )  # fmt: skip
    found = evaluate(cell, cell.dataset.clips())
    assert isinstance(found.noise, LearnedNoise)
    assert np.isfinite(found.table.scores).all()


def test_models_that_fit_frames_otherwise_do_not_share_them(siglip, xclip):
    stores = [
        open_frames(cell, cell.dataset.clips()) for cell in (cell_of(*siglip), cell_of(*xclip))
    ]
    assert stores[0].path != stores[1].path
    assert [store.fit for store in stores] == ["squash", "crop"]


def test_what_is_left_to_the_model_is_filled_in(siglip):
    message = frame_settings(cell_of(*siglip)).model_dump(mode="json")
    assert (message["size"], message["fit"], message["resample"]) == (64, "squash", "bilinear")
