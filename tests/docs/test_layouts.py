"""The page about layouts: its commands compose, and its option reads clips as it says."""

from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from clip_har.config.compose import CONFIG_DIR, build, cell_from_config
from clip_har.data.sources.pattern.data_set import Pattern
from tests.config.test_cell import composed
from tests.docs.pages import DOCS, blocks, commands

PAGE = DOCS / "layouts.md"


@pytest.mark.parametrize("arguments", commands(PAGE), ids=" ".join)
def test_its_commands_compose(arguments: list[str]) -> None:
    assert isinstance(cell_from_config(composed(*arguments)).dataset, Pattern)


def test_its_option_reads_falls(tmp_path: Path) -> None:
    (code,) = [block.code for block in blocks(PAGE) if block.language == "yaml"]
    for name in ("S01_left_A1", "S09_left_A3", "S11_left_A4", "S12_right_A4", "S12_right_A2"):
        (tmp_path / f"{name}.mp4").touch()
    base = OmegaConf.load(CONFIG_DIR / "dataset/pattern.yaml")
    own = OmegaConf.create(code)
    assert isinstance(own, DictConfig)
    assert own.pop("defaults") == ["pattern"]
    option = OmegaConf.merge(base, own, {"root": str(tmp_path), "part": "falls"})
    assert isinstance(option, DictConfig)
    source = build(option, "dataset")
    assert isinstance(source, Pattern)
    clips = source.clips()
    assert clips.class_names == ("falling forwards", "falling sideways")
    assert [(clip.id, clip.label, clip.group) for clip in clips.clips] == [
        ("S09_left_A3", 0, "09"),
        ("S12_right_A4", 1, "12"),
    ]
    assert [clip.id for clip in source.training().clips().clips] == ["S11_left_A4"]
