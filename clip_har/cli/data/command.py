"""The command ``clip-har-data``: get a data set into place, verify it, look at it."""

import argparse
import logging
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from clip_har.cli.errors import report_fault
from clip_har.core.errors import ClipHarError

if TYPE_CHECKING:
    from clip_har.cli.data.sources import Download, Name, Source
    from clip_har.cli.data.verify import Verification

_NAMES = ("ucf101", "hmdb51")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the commands ``prepare``, ``verify`` and ``info``.

    Args:
        arguments: of the command line; None for the process's own.
    """
    given = _parsed(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("clip_har").setLevel(logging.INFO)
    try:
        sys.exit(given.run(given))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; settings of ``info`` may stand behind its options, too."""
    parser = _parser()
    given, rest = parser.parse_known_args(arguments)
    if rest and hasattr(given, "settings") and not any(one.startswith("-") for one in rest):
        given.settings += rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return given


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"expected 64 hexadecimal digits, got '{text}'")
    return text.lower()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="clip-har-data", description="Get a data set into place, verify it, look at it."
    )
    commands = parser.add_subparsers(required=True, metavar="{prepare,verify,info}")

    prepare = commands.add_parser(
        "prepare", help="unpack the official archives", description=_prepare.__doc__
    )
    prepare.add_argument("dataset", choices=_NAMES)
    prepare.add_argument("--root", type=Path, required=True, help="folder for the data set")
    prepare.add_argument("--archive", type=Path, help="archive of the clips")
    prepare.add_argument("--splits", type=Path, help="archive of the official lists")
    prepare.add_argument(
        "--download",
        action="store_true",
        help="fetch archives that are not named from the official address",
    )
    prepare.add_argument(
        "--accept-licence", action="store_true", help="needed for --download: see the terms first"
    )
    prepare.add_argument("--sha256", type=_sha256, help="that the archive of the clips must have")
    prepare.add_argument(
        "--max-bytes",
        type=int,
        default=64 * 10**9,
        metavar="N",
        help="that an archive may unpack to (%(default)s)",
    )
    prepare.set_defaults(run=_prepare)

    verify = commands.add_parser(
        "verify", help="compare a copy with the lists", description=_verify.__doc__
    )
    verify.add_argument("dataset", choices=_NAMES)
    verify.add_argument("--root", type=Path, required=True, help="folder of the data set")
    verify.add_argument("--videos", type=Path, help="folder of the class folders, if elsewhere")
    verify.add_argument("--lists", type=Path, help="folder of the official lists, if elsewhere")
    verify.add_argument(
        "--csv", type=Path, help="table with a row per clip (<root>/verify_<dataset>.csv)"
    )
    verify.add_argument("--allow-missing", action="store_true", help="a partial copy is no fault")
    verify.set_defaults(run=_verify)

    info = commands.add_parser(
        "info", help="classes, groups, lengths, sizes", description=_info.__doc__
    )
    info.add_argument("dataset", help="an option of the group dataset, such as ucf101 or folder")
    info.add_argument("settings", nargs="*", help="of it, such as dataset.split=2")
    info.add_argument("--root", type=Path, help="the same as dataset.root=…")
    info.add_argument("--out", type=Path, metavar="PNG", help="the picture (<dataset>_info.png)")
    info.set_defaults(run=_info)
    return parser


def _prepare(given: argparse.Namespace) -> int:
    """Unpack the official archives of a data set into the layout that this package reads.

    The terms of use are shown first. What is there already is left as it is; a killed run leaves
    nothing half-laid out.
    """
    from clip_har.cli.data.layout import clips_folder, dataset_root, lists_folder
    from clip_har.cli.data.prepare import prepare
    from clip_har.cli.data.sources import SOURCES

    name: Name = given.dataset
    source, root = SOURCES[name], given.root.expanduser().absolute()
    _show_terms(source)
    if given.download and not given.accept_licence:
        raise ClipHarError(
            f"--download fetches {source.title} under the terms above: add --accept-licence if they"
            " suit you"
        )
    prepare(
        name,
        root,
        archive=partial(
            _archive, given.archive, source.archive, "--archive", given, sha256=given.sha256
        ),
        splits=partial(_archive, given.splits, source.splits, "--splits", given),
        max_bytes=given.max_bytes,
    )
    table = _default_csv(root, name)
    found = _verified(
        *(source, name, lists_folder(name, root), clips_folder(name, root)), table=table
    )
    status = _report(source, found, table)
    sys.stdout.write(f"\nuse it: dataset={name} dataset.root={dataset_root(name, root)}\n")
    return status


def _archive(
    path: Path | None,
    official: "Download",
    option: str,
    given: argparse.Namespace,
    *,
    sha256: str | None = None,
) -> Path:
    """Return the archive that the user named, or fetch the official one."""
    if path is not None:
        path = path.expanduser().absolute()
        if sha256 is not None:
            from clip_har.cli.data.download import sha256_of

            if not path.is_file():
                raise ClipHarError(f"{path} does not exist: expected an archive ({option})")
            if (found := sha256_of(path)) != sha256:
                raise ClipHarError(f"{path} has the SHA-256 {found}, expected {sha256}")
        return path
    if not given.download:
        raise ClipHarError(
            f"expected {option} <file>, the archive from {official.url}; or --download, which"
            " fetches it"
        )
    from clip_har.cli.data.download import fetch

    path = given.root.expanduser().absolute() / "archives" / official.url.rpartition("/")[2]
    found = fetch(official.url, path, size=official.size, sha256=sha256 or official.sha256)
    checked = "as published" if official.sha256 else "none is published: note it down"
    sys.stdout.write(f"{path}: SHA-256 {found} ({checked})\n")
    return path


def _verify(given: argparse.Namespace) -> int:
    """Decode every clip, and compare files, names and official lists.

    The exit status is 1 where something is wrong.
    """
    from clip_har.cli.data.layout import find_clips, find_lists
    from clip_har.cli.data.sources import SOURCES

    name: Name = given.dataset
    source, root = SOURCES[name], given.root.expanduser().absolute()
    table = (given.csv or _default_csv(root, name)).expanduser().absolute()
    found = _verified(
        source,
        name,
        given.lists or find_lists(name, root),
        given.videos or find_clips(name, root),
        table=table,
        allow_missing=given.allow_missing,
    )
    return _report(source, found, table)


def _verified(
    source: "Source",
    name: "Name",
    lists: Path,
    videos: Path,
    *,
    table: Path,
    allow_missing: bool = False,
) -> "Verification":
    from clip_har.cli.data.listing import read_listing
    from clip_har.cli.data.verify import verify

    listing = read_listing(name, lists.expanduser().absolute(), videos.expanduser().absolute())
    try:  # before all clips are decoded for nothing
        table.parent.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=table.parent).close()
    except OSError as error:
        raise ClipHarError(
            f"{table} cannot be written ({error.strerror}): name another place with --csv"
        ) from error
    return verify(source, listing, allow_missing=allow_missing)


def _report(source: "Source", found: "Verification", table: Path) -> int:
    """Write the table, show the summary, and return the exit status."""
    from rich.console import Console
    from rich.table import Table

    from clip_har.cli.data.verify import write_classes, write_rows

    classes_table = table.with_name(f"{table.stem}_classes.csv")
    write_rows(table, found.rows)
    write_classes(classes_table, found.rows)
    console = Console(highlight=False, soft_wrap=True)
    shown = Table(
        "", *(f"split {k}" for k in (1, 2, 3)), title=f"{source.title}: clips that decode"
    )
    for use in ("train", "test"):
        cells = []
        for k in (1, 2, 3):
            there = sum(row.whole and f"{use}{k}" in row.parts.split() for row in found.rows)
            cells.append(f"{there:,} of {source.counts[f'{use}{k}']:,}")
        shown.add_row(use, *cells)
    console.print(shown)
    listed = [row for row in found.rows if row.status != "extra"]
    classes = {row.class_name for row in listed if row.whole}
    there = sum(row.whole for row in listed)
    console.print(
        f"{there:,} of {len(listed):,} clips of the lists, in {len(classes)} of {source.classes}"
        " classes"
    )
    for line in found.notes:
        console.print(f"note: {line}", markup=False)
    for line in found.faults:
        console.print(f"fault: {line}", markup=False)
    console.print(f"a row per clip: {table}", markup=False)
    console.print(f"a row per class: {classes_table}", markup=False)
    return 1 if found.faults else 0


def _info(given: argparse.Namespace) -> int:
    """Show classes, groups, lengths and frame sizes of any data set, and draw them."""
    from hydra import compose, initialize_config_dir
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from clip_har.cli.data.info import inspect
    from clip_har.config.cell import register_schema
    from clip_har.config.compose import CONFIG_DIR, build
    from clip_har.data.clips import clips_of
    from clip_har.figures.dataset import dataset_figure
    from clip_har.figures.save import save_figure

    overrides = [f"dataset={given.dataset}", *given.settings]
    if given.root is not None:
        overrides.append(f"dataset.root={given.root.expanduser().absolute()}")
    register_schema()
    try:
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            config = compose("config", overrides)
    except Exception as error:  # noqa: BLE001, Hydra's own, reported in one line
        return report_fault(error)
    clips = clips_of(build(config.dataset, "dataset"))
    found = inspect(clips)
    console = Console(highlight=False, soft_wrap=True)
    header, *rows = found.rows()
    table = Table(Column(header[0], overflow="fold"), *header[1:])
    for row in rows[:-1]:
        table.add_row(Text(row[0]), *row[1:])  # names may hold brackets, which rich takes as markup
    table.add_section()
    table.add_row(*rows[-1])
    console.print(table)
    for sentence in found.sentences():
        console.print(sentence, markup=False)
    per_class = {row[0]: (int(row[1]), int(row[2])) for row in rows[:-1]}
    figure = dataset_figure(
        clips.name,
        per_class,
        [length.seconds for length in found.known],
        [length.frames for length in found.known],
    )
    out = (given.out or Path(f"{given.dataset}_info.png")).expanduser().absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    save_figure(out, figure)
    console.print(f"picture: {out}", markup=False)
    return 0


def _default_csv(root: Path, name: str) -> Path:
    return root / f"verify_{name}.csv"


def _show_terms(source: "Source") -> None:
    sys.stdout.write(f"{source.title}\nlicence: {source.licence}\ncite: {source.citation}\n\n")
    sys.stdout.flush()
