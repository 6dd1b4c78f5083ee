"""The YAML files of the two groups hold exactly the keys of what they name, and its defaults."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

CONF = Path(__file__).parents[2] / "conf"
OPTIONS = sorted((*(CONF / "masking").glob("*.yaml"), *(CONF / "region").glob("*.yaml")))
VARIANTS = [path for path in OPTIONS if "defaults" in OmegaConf.load(path)]  # of other options
ROOT = {"ratio": 0.25, "fill": "black", "feature": "subject"}
EXPECTED = {
    "none", "percent", "shape", "feature", "isolation", "swap", "swap_frozen",
    "background_only", "person_only", "away",
    "annotation", "motion", "person", "prompted", "relevance",
}  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [path for path in OPTIONS if path not in VARIANTS],
    ids=lambda path: f"{path.parent.name}={path.stem}",
)
def test_an_option_is_its_settings(path):
    node = OmegaConf.create(ROOT | {"option": OmegaConf.load(path)}).option
    keys: Any = OmegaConf.to_container(node, resolve=True)
    assert next(iter(keys)) == "_target_"
    module, _, name = keys.pop("_target_").rpartition(".")
    settings = getattr(importlib.import_module(module), name)
    assert list(keys) == list(settings.model_fields)
    made = settings(**keys)
    required = {key: keys[key] for key in ("ratio",) if key in keys}
    assert made == settings(**required)  # the defaults of the YAML are those of the code
    assert made.model_dump().get("ratio", 0.25) == 0.25


@pytest.mark.parametrize("path", OPTIONS, ids=lambda path: f"{path.parent.name}={path.stem}")
def test_an_option_opens_with_its_command(path):
    first, second, *_ = path.read_text().splitlines()
    assert first.startswith("# ")
    assert second.startswith("#   python -m clip_har ")
    assert f"{path.parent.name}={path.stem}" in second


def test_the_options_are_there():
    assert {path.stem for path in OPTIONS} == EXPECTED
