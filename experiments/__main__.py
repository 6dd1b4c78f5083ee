"""``python -m experiments``: write a study's results from finished sweeps, and all pages."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from clip_har.cli.errors import report_fault
from clip_har.core.errors import ClipHarError
from experiments.study import FOLDER


def main(arguments: Sequence[str] | None = None) -> None:
    """Write results and pages, and print the paths of the pages.

    Args:
        arguments: of the command line; None for the process's own.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments",
        description="Write a study's CSV and figure from its finished sweeps, and all pages.",
        epilog="Without arguments: the pages only, from the committed results.",
    )
    parser.add_argument("study", nargs="?", help="name of its folder in experiments/")
    parser.add_argument("sweeps", nargs="*", type=Path, help="folders of its finished sweeps")
    parser.add_argument(
        "--into", type=Path, help="a folder for results and page; those of the repository stay"
    )
    given = parser.parse_args(arguments)
    if given.study and not given.sweeps:
        parser.error("add the folders of the study's finished sweeps")
    if given.into and not given.study:
        parser.error("--into: add the name of a study and the folders of its finished sweeps")
    try:
        from experiments.pages import take, take_into, write_pages

        sweeps = [sweep.expanduser().absolute() for sweep in given.sweeps]
        if given.study and given.into:
            pages = [take_into(FOLDER / given.study, given.into.expanduser(), sweeps)]
        else:
            if given.study:
                take(FOLDER / given.study, sweeps)
            pages = write_pages()
    except (ClipHarError, KeyboardInterrupt) as error:
        sys.exit(report_fault(error))
    sys.stdout.write("".join(f"{page}\n" for page in pages))


if __name__ == "__main__":
    main()
