"""The command ``clip-har-data``: prepare a data set, verify it, show it, copy a sample of it."""

import argparse
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from clip_har.cli.data import actions
from clip_har.cli.errors import report_fault
from clip_har.cli.numbers import whole_from_1
from clip_har.cli.parser import Parser

_RESULTS = "<results_dir>/data/<dataset>"
_CSV = f"table with a row per clip (default: {_RESULTS}/verify.csv)"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the commands ``prepare``, ``verify``, ``info``, ``subject`` and ``sample``.

    Args:
        arguments: of the command line; None = those of the process.
    """
    given = _parsed(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("clip_har").setLevel(logging.INFO)
    try:
        sys.exit(given.run(given))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; the words of a data set may also come after the options."""
    parser = _parser()
    given, rest = parser.parse_known_args(arguments)
    if any(one.startswith("-") for one in rest):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    given.words += rest
    return given


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"expected 64 hexadecimal digits, got '{text}'")
    return text.lower()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="clip-har-data",
        description="Prepare data sets, verify and show them, find subjects, copy samples.",
    )
    commands = parser.add_subparsers(required=True, metavar="{prepare,verify,info,subject,sample}")

    prepare = commands.add_parser(
        "prepare", help="unpack the official archives", description=actions.prepare.__doc__
    )
    prepare.add_argument("dataset", choices=(*actions.OFFICIAL, "omnifall"))
    prepare.add_argument(
        "words",
        nargs="*",
        metavar="component",
        help="of omnifall, such as le2i; none: its labels and splits",
    )
    prepare.add_argument("--root", type=Path, required=True, help="folder for the data set")
    prepare.add_argument("--archive", type=Path, help="archive of the clips")
    prepare.add_argument("--splits", type=Path, help="archive of the official lists")
    prepare.add_argument(
        "--download",
        action="store_true",
        help="fetch each archive that is not named from its official address",
    )
    prepare.add_argument(
        "--accept-licence",
        action="store_true",
        help="needed for --download: you accept the terms of use",
    )
    prepare.add_argument(
        "--sha256", type=_sha256, help="expected checksum of the archive of the clips"
    )
    prepare.add_argument(
        "--max-bytes",
        type=whole_from_1,
        default=64 * 10**9,
        metavar="N",
        help="largest unpacked size of an archive, bytes (default: %(default)s)",
    )
    prepare.add_argument("--csv", type=Path, help=_CSV)
    prepare.set_defaults(run=actions.prepare)

    verify = commands.add_parser(
        "verify",
        help="decode every clip, compare with the lists",
        description=actions.verify.__doc__,
    )
    verify.add_argument("--videos", type=Path, help="folder of the class folders, if elsewhere")
    verify.add_argument("--lists", type=Path, help="folder of the official lists, if elsewhere")
    verify.add_argument("--csv", type=Path, help=_CSV)
    verify.add_argument("--allow-missing", action="store_true", help="a partial copy is no fault")
    verify.set_defaults(run=actions.verify)

    info = commands.add_parser(
        "info", help="classes, groups, lengths, sizes", description=actions.info.__doc__
    )
    info.add_argument(
        "--out",
        type=Path,
        metavar="PNG",
        help=f"the picture (default: {_RESULTS}/info.png)",
    )
    info.set_defaults(run=actions.info)

    subject = commands.add_parser(
        "subject",
        help="find the subject of each clip, draw contact sheets",
        description=actions.subject.__doc__,
    )
    subject.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help=f"for the sheets and the table (default: {_RESULTS}/subject_<region>)",
    )
    subject.set_defaults(run=actions.subject)

    sample = commands.add_parser(
        "sample",
        help="copy a few clips of each class, with the lists",
        description=actions.sample.__doc__,
    )
    sample.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="a new folder for the copy"
    )
    sample.add_argument(
        "--per-class",
        type=whole_from_1,
        default=5,
        metavar="N",
        help="clips of each class in each split (default: %(default)s)",
    )
    sample.add_argument(
        "--seed", type=int, default=0, metavar="S", help="of the choice (default: %(default)s)"
    )
    sample.add_argument("--dry-run", action="store_true", help="say what is copied; copy nothing")
    sample.set_defaults(run=actions.sample)

    settings = dict.fromkeys(
        (verify, info, sample), "settings of the data set, such as dataset.split=2"
    )
    settings[subject] = "settings of a run, such as region=motion, model=clip_vit_b32 or limit=50"
    for command in settings:
        command.add_argument(
            "dataset", help="an option of the group dataset, such as ucf101 or folder"
        )
        command.add_argument("words", nargs="*", metavar="KEY=VALUE", help=settings[command])
        command.add_argument("--root", type=Path, help="folder of the data set")
    return parser
