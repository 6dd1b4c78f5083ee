"""Attention of a cell's own answers: measured on what was shown, where the subject is known."""

from pathlib import Path

import numpy as np
import pytest

from clip_har.config.cell import Cell
from clip_har.config.fingerprint import fingerprint
from clip_har.engine.attribution import MEASURES, attention_of, attribution_maps, covered
from clip_har.engine.evaluate import evaluate
from clip_har.masking.masked_clips import MaskedClips
from clip_har.models.zero_shot import ZeroShot
from tests.noise.cells import cell_of
from tests.noise.made import random_classifier, shown, subject_maps
from tests.planted import open_planted, planted_clips


@pytest.fixture(scope="module")
def looking(
    small_clip: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ZeroShot, MaskedClips]:
    folder = tmp_path_factory.mktemp("looking")
    frames = open_planted(planted_clips(folder / "clips").limit(6), folder)
    maps = subject_maps(frames, folder)
    return random_classifier(small_clip), shown(frames, subject=maps)


def test_every_measure_is_of_the_frames_that_were_seen_for_the_class_answered(looking):
    classifier, masked = looking
    answers = np.array([0, 1, 2, 3, 4, 0])
    given = {"a": answers, "b": answers}
    both = attention_of(
        masked,
        classifier,
        given,
        [1, 4],
        lambda name, clip, _: clip.frames if name == "b" else 255 - clip.frames,
    )
    found = both["a"]
    assert found.keys() == MEASURES.keys() == {"mass", "rank", "pointing", "focus"}
    for row in (1, 4):
        clip = masked.clip(row)
        attribution = attribution_maps(classifier, 255 - clip.frames, int(answers[row])).numpy()
        assert clip.subject is not None
        subject = covered(clip.subject, attribution.shape[-1])
        for name, measure in MEASURES.items():
            assert found[name][row] == pytest.approx(measure(attribution, subject))
    for values in found.values():
        assert np.flatnonzero(np.isfinite(values)).tolist() == [1, 4]
    assert both["b"]["mass"][1] != found["mass"][1]
    assert attention_of(masked, classifier, given, [], lambda *_: clip.frames) == {}


def test_patches_are_covered_in_part():
    subject = np.zeros((1, 4, 4), np.float32)
    subject[0, :3, :2] = 1
    assert covered(subject, 2).tolist() == [[[1.0, 0.0], [0.5, 0.0]]]


@pytest.fixture
def rendered_set(tmp_path: Path) -> list[str]:
    return ["dataset.count=20", "frames.count=2", f"cache_dir={tmp_path}", "masking=percent",
            f"dataset.cache_dir={tmp_path}", "attention_clips=5"]  # fmt: skip


def attention(cell: Cell) -> dict[str, int]:
    found = evaluate(cell, cell.dataset.clips().limit(cell.limit)).attention
    return {name: int(np.isfinite(values).sum()) for name, values in found.items()}


def test_a_cell_measures_it_where_the_subject_is_known(rendered_set):
    known = attention(cell_of(*rendered_set, "region=annotation"))
    assert known["mass"] == known["focus"] == 5
    for more in (
        ["region=none"],
        ["region=annotation", "attention_clips=0"],
        ["region=relevance"],  # the evaluated model's own attribution is no truth for it
    ):
        assert attention(cell_of(*rendered_set, *more)) == {}


def test_random_noise_is_seen_by_it(rendered_set):
    found = [
        evaluate(cell, cell.dataset.clips()).attention["mass"]
        for cell in (
            cell_of(*rendered_set, "region=annotation"),
            cell_of(*rendered_set, "region=annotation", "noise=gaussian", "noise.std=90"),
        )
    ]
    assert np.nanmax(np.abs(found[0] - found[1])) > 0.01


def test_it_counts_for_the_fingerprint_only_where_it_is_measured(rendered_set):
    def printed(*more: str) -> str:
        cell = cell_of(*rendered_set, *more)
        return fingerprint(cell, cell.dataset.clips())

    assert printed("attention_clips=0") == printed()
    known = "region=annotation"
    assert printed(known, "attention_clips=0") != printed(known)
