"""Cells by their overrides, fast enough for many."""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import Cell
from clip_har.config.compose import cell_from_config
from clip_har.noise.learned.base import Learned
from tests.config.test_cell import composed
from tests.data.made import write_video
from tests.planted import CLASSES, planted_frames


@cache
def _composed_once(*options: str) -> DictConfig:
    return composed(*options)


def cell_of(*overrides: str) -> Cell:
    """Return a checked cell; options are composed once, then values inside of them are set.

    Args:
        overrides: ``noise=universal``, ``noise.epsilon=3``, ``+noise.colour=red`` …
    """
    inside = [text for text in overrides if "." in text.partition("=")[0]]
    config = deepcopy(_composed_once(*(text for text in overrides if text not in inside)))
    for text in inside:
        key = text.lstrip("+").partition("=")[0]
        value = OmegaConf.select(OmegaConf.from_dotlist([text.lstrip("+")]), key)
        OmegaConf.update(config, key, value, force_add=text.startswith("+"))
    return cell_from_config(config)


def learned_of(cell: Cell) -> Learned:
    """Return the learned noise of a cell that has some."""
    assert isinstance(cell.noise, Learned)
    return cell.noise


def identity(cell: Cell) -> str:
    """Return what decides a cell's noise besides its settings."""
    return cell.noise.identity(cell)


def planted_options(
    folder: Path, checkpoint: Path, *, clips: int, classes: int, learned: int, groups: Sequence[str]
) -> list[str]:
    """Write a table of planted videos, the first ones to learn from; return the keys of a cell."""
    lines = ["path,label,group,split"]
    for number in range(clips):
        label = number % classes
        frames, _ = planted_frames(label, label, seed=number)
        write_video(folder / f"{number}.mkv", list(frames), codec="ffv1", pix_fmt="bgr0")
        part = "train" if number < learned else "test"
        lines.append(f"{number}.mkv,{CLASSES[label]},{groups[number]},{part}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [
        "dataset=manifest",
        f"dataset.path={folder / 'clips.csv'}",
        "dataset.subset=test",
        "model=clip",
        f"model.checkpoint={checkpoint}",
        "frames.count=2",
        "learning.steps=2",
        "learning.validate_every=1",
    ]
