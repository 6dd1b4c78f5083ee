"""Every preset is what its description says, in its settings, its header and the README."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from clip_har.config.cell import Cell
from clip_har.config.compose import CONFIG_DIR, cell_from_config, without_hydra
from clip_har.data.sources.ucf101 import UCF101
from clip_har.masking.none import NoMask
from clip_har.models.clip import CLIP
from clip_har.noise.none import NoNoise
from tests.config.test_cell import composed

ROOT = Path(__file__).parents[1]
FOLDER = CONFIG_DIR / "experiment" / "preset"
TABLE = ROOT / "experiments" / "presets" / "README.md"
PRESETS: Any = OmegaConf.to_container(
    OmegaConf.load(ROOT / "experiments" / "presets" / "presets.yaml")
)


def described(cell: Cell) -> dict[str, Any]:
    """Return what a preset's description says, of a cell."""
    prompts = cell.prompts.texts(["ApplyEyeMakeup"])[0]
    return {
        "checkpoint": cell.model.checkpoint,
        "frames": "middle" if cell.frames.sampler == "middle" else cell.frames.count,
        "fit": cell.frames.fit,
        "resample": cell.frames.resample,
        "pooling": cell.model.pooling,
        "prompts": len(prompts),
        "first_prompt": prompts[0],
    }


def row(name: str) -> str:
    """Return a preset's line of the README's table."""
    message = PRESETS[name]
    frames = "the middle one" if message["frames"] == "middle" else f"{message['frames']}, evenly"
    splits = "mean of " + ", ".join(map(str, message["splits"])) if message["splits"][1:] else "1"
    cells = [
        f"`{name}`",
        message["checkpoint"].partition("/")[2],
        frames,
        f"{message['prompts']}: “{message['first_prompt']}”",
        splits,
        f"{message['published_top1']}",
        message["source"],
        "yes" if message["run"] else "no",
    ]
    return f"| {' | '.join(cells)} |"


def test_each_preset_is_described_once() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_what_its_description_says(name: str) -> None:
    message = PRESETS[name]
    config = composed(f"experiment=preset/{name}")
    cell = cell_from_config(without_hydra(config))
    assert described(cell) == {key: message[key] for key in described(cell)}
    assert isinstance(cell.dataset, UCF101)
    assert (cell.dataset.subset, cell.dataset.allow_missing, cell.limit) == ("test", False, None)
    assert isinstance(cell.masking, NoMask)
    assert isinstance(cell.noise, NoNoise)
    assert isinstance(cell.model, CLIP)
    assert cell.model.revision
    preset = OmegaConf.load(FOLDER / f"{name}.yaml")
    swept = OmegaConf.select(preset, "hydra.sweeper.params")
    if message["splits"][1:]:
        assert swept == {"dataset.split": ",".join(map(str, message["splits"]))}
    else:
        assert swept is None
        assert message["splits"] == [cell.dataset.split]


@pytest.mark.parametrize("name", PRESETS)
def test_a_header_says_command_number_and_every_choice(name: str) -> None:
    message = PRESETS[name]
    header = [
        line
        for line in (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    ]
    text = "\n".join(header)
    assert f"python -m clip_har experiment=preset/{name} dataset.root=" in text
    assert f"# Published top-1: {message['published_top1']} %, ViT-" in text
    for choice in ("Frames", "Crop", "Prompts", "Splits", "Not stated"):
        assert any(line.startswith(f"# {choice}: ") for line in header), choice
    assert f"# Run here:   {'yes' if message['run'] else 'no'}" in header


def test_the_readme_has_the_same_table() -> None:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    found = [line for line in lines if line.startswith("| `")]
    assert found == [row(name) for name in PRESETS]
    for name in PRESETS:
        assert any(f"experiment=preset/{name} " in line for line in lines)
