"""Shared by the peers: arguments, the list of videos, the output of times."""

import argparse
import json
from pathlib import Path


def parse(description: str) -> argparse.Namespace:
    """Read the arguments that all peers take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("root", type=Path, help="folder of class folders of videos")
    parser.add_argument("checkpoint", type=Path, help="CLIP folder in the hub's format")
    parser.add_argument("--cells", type=int, default=9, help="number of masks, one after the other")
    parser.add_argument("--frames", type=int, default=8, help="frames per clip")
    parser.add_argument("--device", default="cpu", help="cpu, or auto for an accelerator")
    parser.add_argument("--architecture", default="ViT-B-32", help="for open_clip")
    parser.add_argument("--ratio", type=float, default=0.0, help="hidden share of plain_scores")
    parser.add_argument("--output", type=Path, help="file of plain_scores")
    return parser.parse_args()


def videos(root: Path) -> list[tuple[Path, str]]:
    """Return the videos with their class names."""
    return [(path, path.parent.name) for path in sorted(root.glob("*/*")) if path.is_file()]


def masks(cells: int) -> list[float]:
    """Return the hidden share of each cell."""
    return [(0.1, 0.3, 0.5)[cell % 3] for cell in range(cells)]


def report(**seconds: float) -> None:
    """Print seconds as JSON."""
    print(json.dumps(seconds))
