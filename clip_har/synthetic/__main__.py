"""Contact sheets of the rendered data: ``python -m clip_har.synthetic FOLDER``."""

import argparse
from pathlib import Path
from typing import get_args

from rich.console import Console

from clip_har.synthetic.sheet import Kind, contact_sheet


def main() -> None:
    """Write one picture of each kind: actions, scenes, maps, matrix."""
    parser = argparse.ArgumentParser(prog="python -m clip_har.synthetic", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures are written")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for kind in get_args(Kind):
        path = folder / f"synthetic_{kind}.jpg"
        contact_sheet(kind).save(path, quality=88)
        Console().print(str(path), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
