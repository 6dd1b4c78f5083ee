"""Nested noise: learned on a frozen one, beside a second one and a placebo, each kept once."""

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch

from clip_har.core.errors import ClipHarError
from clip_har.engine.clips import open_frames
from clip_har.engine.load_model import load_zero_shot
from clip_har.noise.learned import fitted
from clip_har.noise.learned.fitted import NOISE_FILE, FittedNoise, as_frozen, read_or_learn
from clip_har.noise.learned.identity import described_fit
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.restarts import learn_best
from clip_har.noise.learned.settings import NestedNoise
from clip_har.noise.learned.training_clips import TrainingClips, open_training
from tests.noise.cells import cell_of, identity, learned_of, planted_options

pytestmark = pytest.mark.usefixtures("no_kept_clips")


@pytest.fixture(scope="module")
def options(small_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two classes of planted videos: 10 to learn from, in 5 groups; 2 to evaluate."""
    folder = tmp_path_factory.mktemp("cell")
    groups = [f"g{number // 2}" for number in range(12)]
    found = planted_options(folder, small_clip, clips=12, classes=2, learned=10, groups=groups)
    return [*found, "learning.batch=6", "noise=nested", "noise.resolution=8"]


Opened = Callable[..., dict[str, FittedNoise]]


@pytest.fixture
def opened(options: list[str], tmp_path: Path) -> Opened:
    def found(*more: str) -> dict[str, FittedNoise]:
        cell = cell_of(*options, f"cache_dir={tmp_path / 'cache'}", *more)
        clips, noise = cell.dataset.clips(), learned_of(cell)
        zero_shot = load_zero_shot(cell, clips)
        training = cache(partial(open_training, noise, cell, zero_shot, partial(open_frames, cell)))
        named = {"learned": noise, **noise.beside()}
        if noise.file is None and (base := noise.base()) is not None:
            named["universal"] = base
        frames = open_frames(cell, clips)
        return {
            name: read_or_learn(one, cell, frames, zero_shot, training)
            for name, one in named.items()
        }

    return found


def pixels(one: FittedNoise) -> PixelNoise:
    assert isinstance(one.perturbation, PixelNoise)
    return one.perturbation


def fits(tmp_path: Path) -> list[str]:
    """Return which noise is kept, by the kinds in its files."""
    found = []
    for path in (tmp_path / "cache" / "noise").glob(f"*/{NOISE_FILE}"):
        card, _ = fitted.described_in(path)
        placebo = " (placebo)" if card["noise"].get("shuffled_labels") else ""
        found.append(card["kind"] + placebo)
    return sorted(found)


EVERY = ["NestedNoise", "NestedNoise (placebo)", "SecondNoise", "UniversalNoise"]


def test_all_of_them_lie_on_the_same_frozen_noise(opened, tmp_path):
    found = opened()
    assert set(found) == {"universal", "second", "learned", "shuffled labels"}
    base = as_frozen(found["universal"].perturbation)
    assert fits(tmp_path) == EVERY, "what they lie on is learned once"
    for name in ("second", "learned", "shuffled labels"):
        frozen = pixels(found[name]).frozen
        assert frozen is not None
        assert torch.equal(frozen, base), "learning leaves it as it was"
        under = found["universal"].history
        assert found[name].card["base"]["steps"] == under.steps
        assert found[name].card["base"]["kept_step"] == under.kept
        under = pixels(found[name]).under()
        assert under is not None
        assert torch.equal(under.parts["shared"], base)
    first = torch.zeros(1, dtype=torch.long)
    learned = pixels(found["learned"])
    torch.testing.assert_close(
        learned.delta(first + 1, first),
        learned.on(None).delta(first + 1, first) + pixels(found["universal"]).delta(first, first),
    )
    assert [found[name].perturbation.columns for name in ("universal", "second", "learned")] == [
        1,
        1,
        2,
    ]
    assert not torch.equal(learned.parts["own"], pixels(found["shuffled labels"]).parts["own"])


def test_what_was_learned_is_read(opened, monkeypatch):
    one = opened()
    monkeypatch.setattr(fitted, "learn_best", None)
    again = opened("noise.protocol=lift_topk", "noise.gate=false", "noise.fit_masking=none")
    for name, noise in one.items():
        for part, values in noise.perturbation.parts.items():
            assert torch.equal(again[name].perturbation.parts[part], values)
        assert (again[name].perturbation.frozen is None) == (name == "universal")


def test_only_what_is_asked_for_is_learned(opened, tmp_path):
    assert set(opened("noise.controls=false")) == {"universal", "learned"}
    assert fits(tmp_path) == ["NestedNoise", "UniversalNoise"]
    assert "shuffled labels" not in opened("noise.placebos=[random]")
    assert fits(tmp_path) == ["NestedNoise", "SecondNoise", "UniversalNoise"]
    opened("noise.epsilon_class=9", "noise.controls=false")
    assert fits(tmp_path).count("UniversalNoise") == 1, "a sweep shares it"


def test_no_noise_is_learned_from_held_groups(opened):
    groups = [set(one.card["groups"]) for one in opened().values()]
    assert groups[0] < {f"g{number}" for number in range(5)}
    assert all(one == groups[0] for one in groups)


def test_the_placebo_is_learned_and_validated_on_shuffled_labels(opened, monkeypatch):
    taught: dict[bool, list[int]] = {}
    validated: dict[bool, list[int]] = {}

    def watched(noise: Any, start: Any, zero_shot: Any, clips: TrainingClips, **more: Any) -> Any:
        if isinstance(noise, NestedNoise):
            taught[noise.shuffled_labels] = clips.labels.tolist()
            validated[noise.shuffled_labels] = clips.validation(noise).labels.tolist()
        return learn_best(noise, start, zero_shot, clips, **more)

    monkeypatch.setattr(fitted, "learn_best", watched)
    opened("noise.seed=8", "learning.validation_share=0.4")
    assert sorted(taught[True]) == sorted(taught[False])
    assert taught[True] != taught[False]
    assert validated[True] != validated[False]


def test_more_patterns_than_classes_are_refused(opened):
    opened("noise.rank=2", "noise.controls=false")  # two classes
    with pytest.raises(ClipHarError, match=r"noise.rank=3: expected at most one pattern for each"):
        opened("noise.rank=3", "noise.controls=false")


# On disk


@pytest.mark.parametrize("rank", ["null", "2"])
def test_noise_of_a_file_brings_what_it_lies_on(opened, tmp_path, rank):
    one = opened(f"noise.rank={rank}", "noise.controls=false")
    path = tmp_path / "own.safetensors"
    one["learned"].save(path)
    for kept in (tmp_path / "cache" / "noise").glob(f"*/{NOISE_FILE}"):
        kept.unlink()
    again = opened(f"noise.rank={rank}", f"noise.file={path}", "noise.controls=false")
    assert set(again) == {"learned"}
    assert fits(tmp_path) == []
    under = again["learned"].perturbation.under()
    assert under is not None
    assert torch.equal(as_frozen(under), as_frozen(one["universal"].perturbation))
    for name, part in one["learned"].perturbation.parts.items():
        assert torch.equal(again["learned"].perturbation.parts[name], part)


def test_what_it_lies_on_must_be_within_its_budget(opened, tmp_path):
    path = tmp_path / "own.safetensors"
    found = opened("noise.controls=false")["learned"]
    frozen = pixels(found).frozen
    assert frozen is not None
    FittedNoise(pixels(found).on(frozen + 40), found.history, found.card).save(path)
    with pytest.raises(
        ClipHarError,
        match=r"allowed here by noise\.epsilon and noise\.epsilon_class; .* epsilon_class=4",
    ):
        opened(f"noise.file={path}", "noise.controls=false")


def test_noise_of_a_file_must_not_know_the_held_groups(opened, tmp_path):
    path = tmp_path / "own.safetensors"
    found = opened("noise.controls=false")["learned"]
    card = {**found.card, "groups": [f"g{number}" for number in range(5)]}
    FittedNoise(found.perturbation, found.history, json.loads(json.dumps(card))).save(path)
    with pytest.raises(ClipHarError, match=r"of the groups that are held out here, such as g\d"):
        opened(f"noise.file={path}", "noise.controls=false")


def test_controls_would_lie_on_other_noise_than_that_of_a_file(options):
    with pytest.raises(ClipHarError, match=r"add noise\.controls=false"):
        cell_of(*options, "noise.file=noise.safetensors")


# Identity


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["learning.train_clips=2"], "at least 3 groups"),
        (["noise=universal", "learning.train_clips=1"], "at least 2 groups"),
        (["learning.train_clips=5"], "held clips .* at least 2 classes, got only"),
    ],
)
def test_too_few_groups_or_classes_are_said_before_clips_are_decoded(options, more, message):
    with pytest.raises(ClipHarError, match=message) as caught:
        identity(cell_of(*options, *more))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        "noise.epsilon=3",
        "noise.epsilon_class=3",
        "noise.rank=2",
        "noise.held_share=0.4",
        "noise.shuffled_labels=true",
        "learning.ema=0.5",
        "learning.restarts=2",
        "learning.validation_clips_per_class=3",
    ],
)
def test_what_shapes_the_parts_is_another_noise(options, change):
    one, other = (cell_of(*options, *more) for more in ([], [change]))
    assert described_fit(learned_of(one), one) != described_fit(learned_of(other), other)
    assert identity(one) != identity(other)


def test_noise_that_lies_on_another_is_described_with_it(options):
    cell = cell_of(*options)
    noise = learned_of(cell)
    base = noise.base()
    assert base is not None
    assert "base" not in described_fit(base, cell)
    for one in (noise, *noise.beside().values()):
        assert described_fit(one, cell)["base"] == described_fit(base, cell)


def test_the_placebos_shape_the_cell_and_not_the_noise(options):
    one, other = (cell_of(*options, *more) for more in ([], ["noise.placebos=[random]"]))
    assert described_fit(learned_of(one), one) == described_fit(learned_of(other), other)
    assert identity(one) != identity(other)
