"""Convert HAT's lists of pairs for the action swap into the CSV that ``masking.pairs`` reads.

    python -m experiments.hat.pairs actionswap_demo.pickle pairs.csv

The format is that of ``mmaction2/README.md`` in the repository of HAT (Chung et al. 2022): a dict
from the clip whose people are shown, ``<class>/<clip>``, to ``[clip of the background, its number
of frames, the index of its class]``.
"""

import argparse
import csv
import sys
from pathlib import Path

from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError
from experiments.data_pickle import read_pickle

COLUMNS = ("clip", "scene")


def convert(source: Path, table: Path) -> int:
    """Write the pairs of a list as CSV, a row per pair, and return how many there are.

    The pickle is read without unpickling, see `experiments.data_pickle`.

    Args:
        source: the pickle.
        table: the CSV; one that is there is replaced.

    Raises:
        ClipHarError: the file cannot be read, or holds anything else.
    """
    content = read_pickle(source)
    if not isinstance(content, dict) or not content:
        raise ClipHarError(f"{source}: expected a dict of pairs, got {type(content).__name__}")
    pairs = [(clip, _scene(source, clip, entry)) for clip, entry in content.items()]
    with whole_file(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(pairs)
    return len(pairs)


def main() -> None:
    """Convert the list that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.hat.pairs", description=convert.__doc__
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("table", type=Path)
    given = parser.parse_args()
    try:
        count = convert(given.source, given.table)
    except ClipHarError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{count:,} pairs: masking.pairs={given.table}\n")


def _scene(source: Path, clip: object, entry: object) -> str:
    scene = entry[0] if isinstance(entry, list | tuple) and len(entry) == 3 else None
    if not isinstance(clip, str) or not isinstance(scene, str):
        raise ClipHarError(
            f"{source}: expected [background, frames, class] for each clip, got"
            f" {str(entry)[:60]} for {str(clip)[:60]}"
        )
    return scene


if __name__ == "__main__":
    main()
