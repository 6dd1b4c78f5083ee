"""The command ``python -m experiments.tiny_clip.halve``: a checkpoint folder in half the bytes."""

import argparse
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from clip_har.core.atomic import whole_folder
from clip_har.core.errors import ClipHarError
from experiments.tiny_clip.card import CARD, model_card
from experiments.tiny_clip.folder import RECIPE, SCORES

_WEIGHTS = "model.safetensors"
_WHOLE = "logit_scale"  # one number, that multiplies all scores


def halve(source: Path, target: Path) -> None:
    """Copy a checkpoint folder with its weights as float16, and write its card.

    The model loads as float32 whatever the weights are stored as.

    Args:
        source: a folder that ``python -m experiments.tiny_clip.train`` wrote.
        target: what is there is replaced.

    Raises:
        ClipHarError: when the folder lacks a file, or a weight is too large for float16.
    """
    if lacking := [name for name in (_WEIGHTS, RECIPE, SCORES) if not (source / name).is_file()]:
        raise ClipHarError(f"{source}: there is no {' and no '.join(lacking)}")
    weights = load_file(source / _WEIGHTS)
    halved = {name: one if name == _WHOLE else one.half() for name, one in weights.items()}
    if broken := [name for name, one in halved.items() if not torch.isfinite(one).all()]:
        raise ClipHarError(f"{source}: {broken[0]} has values that float16 cannot hold")
    with whole_folder(target) as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        save_file(halved, folder / _WEIGHTS, metadata={"format": "pt"})
        (folder / _WEIGHTS).chmod(0o644)
        (folder / CARD).write_text(model_card(folder), encoding="utf-8")


def main() -> None:
    """Halve the folder that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.tiny_clip.halve", description=halve.__doc__
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    given = parser.parse_args()
    try:
        halve(given.source, given.target)
    except ClipHarError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
