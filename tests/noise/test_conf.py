"""The options of the group: what is interpolated, and lists that become tuples."""

import importlib
from typing import Any, cast

import pytest
from omegaconf import OmegaConf

from clip_har.config.compose import CONFIG_DIR
from clip_har.config.options import option_files
from clip_har.noise.learned.learning_settings import LearningSettings
from tests.config.test_cell import composed
from tests.noise.cells import cell_of, learned_of

NAMES = list(option_files("noise"))
ROOT: Any = OmegaConf.load(CONFIG_DIR / "config.yaml")
LEARNED = ["border", "class_specific", "embedding", "nested", "residual", "universal"]


def keys_of(name: str, *overrides: str, resolve: bool = True) -> dict[str, Any]:
    option = composed(f"noise={name}", *overrides).noise
    return cast(dict[str, Any], OmegaConf.to_container(option, resolve=resolve))


def settings_of(keys: dict[str, Any]) -> Any:
    module, _, name = keys.pop("_target_").rpartition(".")
    return getattr(importlib.import_module(module), name)


def noise_of(*overrides: str) -> Any:
    return cell_of(*overrides).noise


def test_the_options_are_there():
    assert sorted(NAMES) == sorted(["none", "gaussian", "salt_pepper", "uniform", *LEARNED])


def test_learning_at_the_root_is_its_settings():
    keys: Any = OmegaConf.to_container(ROOT.learning)
    assert list(keys) == list(LearningSettings.model_fields)
    assert LearningSettings(**keys) == LearningSettings()


# What is interpolated


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_is_the_noise_seed(name):
    raw = keys_of(name, resolve=False)
    if name == "none":
        assert "seed" not in raw
        return
    assert raw["seed"] == "${noise_seed}"
    keys = keys_of(name, "noise_seed=7")
    assert settings_of(keys)(**keys).seed == 7


def test_the_noise_seed_is_the_seed_unless_it_is_set():
    assert noise_of("noise=gaussian", "seed=5").seed == 5
    assert noise_of("noise=gaussian", "seed=5", "noise_seed=2").seed == 2
    cell = cell_of("noise=universal", "noise_seed=2")
    assert (cell.seed, learned_of(cell).seed) == (0, 2)


@pytest.mark.parametrize("name", LEARNED)
def test_the_root_says_how_all_noise_is_learned(name):
    root = ["learning.steps=7", "learning.optimiser=sign"]
    assert noise_of(f"noise={name}", *root).learning == LearningSettings(steps=7, optimiser="sign")
    masks = noise_of(f"noise={name}", "train_masking=[same,none]", "train_ratios=[0.2]")
    assert (masks.train_masking, masks.train_ratios) == (("same", "none"), (0.2,))


# Lists


@pytest.mark.parametrize("name", LEARNED)
def test_lists_become_tuples_so_that_settings_cannot_change(name):
    plain = noise_of(f"noise={name}")
    assert plain.train_masking == ("none", "percent", "shape")
    assert plain.train_ratios == (0.1, 0.3, 0.5)
    other = noise_of(f"noise={name}", "noise.train_masking=[percent]", "noise.train_ratios=[0,1]")
    assert (other.train_masking, other.train_ratios) == (("percent",), (0.0, 1.0))
    assert hash(other) != hash(plain)
    listed = type(plain)(train_masking=["percent"], train_ratios=[0, 1])
    assert listed == other


@pytest.mark.parametrize("name", LEARNED)
def test_what_was_written_down_reads_as_the_same(name):
    given = ("noise.file=some/noise.safetensors", "noise.controls=false", "noise.loss.bias=2")
    noise = noise_of(f"noise={name}", *given)
    assert type(noise)(**noise.model_dump()) == noise
    assert type(noise).model_validate_json(noise.model_dump_json()) == noise
