"""The command ``clip-har-data``: unpack a data set, verify it, show it, find its subjects."""

import argparse
import logging
import math
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from clip_har.cli.errors import report_fault
from clip_har.core.errors import ClipHarError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from clip_har.cli.data.sources import Download, Name
    from clip_har.cli.data.verify import Verification
    from clip_har.data.clips import ClipSet

_OFFICIAL = ("ucf101", "hmdb51")
"""Data sets with official archives and lists."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one of the commands ``prepare``, ``verify``, ``info`` and ``subject``.

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
    """Parse the command line; settings of a data set may also come after the options."""
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
        prog="clip-har-data",
        description="Unpack a data set, verify it, show it, find its subjects.",
    )
    commands = parser.add_subparsers(required=True, metavar="{prepare,verify,info,subject}")

    prepare = commands.add_parser(
        "prepare", help="unpack the official archives", description=_prepare.__doc__
    )
    prepare.add_argument("dataset", choices=_OFFICIAL)
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
        type=int,
        default=64 * 10**9,
        metavar="N",
        help="largest unpacked size of an archive, bytes (default: %(default)s)",
    )
    prepare.set_defaults(run=_prepare)

    verify = commands.add_parser(
        "verify", help="decode every clip, compare with the lists", description=_verify.__doc__
    )
    verify.add_argument("--videos", type=Path, help="folder of the class folders, if elsewhere")
    verify.add_argument("--lists", type=Path, help="folder of the official lists, if elsewhere")
    verify.add_argument(
        "--csv",
        type=Path,
        help="table with a row per clip (default: verify_<dataset>.csv in the current folder)",
    )
    verify.add_argument("--allow-missing", action="store_true", help="a partial copy is no fault")
    verify.set_defaults(run=_verify)

    info = commands.add_parser(
        "info", help="classes, groups, lengths, sizes", description=_info.__doc__
    )
    info.add_argument(
        "--out",
        type=Path,
        metavar="PNG",
        help="the picture (default: <dataset>_info.png in the current folder)",
    )
    info.set_defaults(run=_info)

    subject = commands.add_parser(
        "subject",
        help="find the subject of each clip, draw contact sheets",
        description=_subject.__doc__,
    )
    subject.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="for the sheets and the table (default: <dataset>_subject_<region>, here)",
    )
    subject.set_defaults(run=_subject)

    settings = dict.fromkeys((verify, info), "settings of the data set, such as dataset.split=2")
    settings[subject] = "settings of a run, such as region=motion, model=clip_vit_b32 or limit=50"
    for command in settings:
        command.add_argument(
            "dataset", help="an option of the group dataset, such as ucf101 or folder"
        )
        command.add_argument("settings", nargs="*", help=settings[command])
        command.add_argument("--root", type=Path, help="folder of the data set")
    return parser


def _prepare(given: argparse.Namespace) -> int:
    """Unpack the official archives of a data set into the folders that this package reads.

    The terms of use are shown first. Folders that exist are not changed. A killed run leaves
    nothing half unpacked.
    """
    from clip_har.cli.data.layout import clips_folder, dataset_root, lists_folder
    from clip_har.cli.data.prepare import prepare
    from clip_har.cli.data.sources import SOURCES

    name: Name = given.dataset
    source, root = SOURCES[name], _absolute(given.root)
    sys.stdout.write(f"{source.terms}\n")
    sys.stdout.flush()
    if given.download and not given.accept_licence:
        raise ClipHarError(
            f"--download fetches {source.title} under the terms above: add --accept-licence if you"
            " accept them"
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
    table = root / f"verify_{name}.csv"
    _check_writable(table)
    found = _verified_official(name, lists_folder(name, root), clips_folder(name, root))
    status = _report(source.title, source.classes, found, table, counts=source.counts)
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
        path = _absolute(path)
        if sha256 is not None:
            from clip_har.cli.data.download import sha256_of

            if not path.is_file():
                raise ClipHarError(f"{path} does not exist: expected an archive ({option})")
            if (found := sha256_of(path)) != sha256:
                raise ClipHarError(f"{path} has the SHA-256 {found}, expected {sha256}")
        return path
    if not given.download:
        raise ClipHarError(
            f"expected {option} <file>, the archive from {official.url}, or --download to fetch it"
        )
    from clip_har.cli.data.download import fetch_official

    return fetch_official(official, _absolute(given.root), sha256=sha256)


def _verify(given: argparse.Namespace) -> int:
    """Decode every clip of a data set; compare UCF-101 and HMDB-51 with their official lists.

    The exit status is 1 if there is a fault. Nothing is written into the folder of the data set.
    """
    from clip_har.cli.data.layout import find_clips, find_lists
    from clip_har.cli.data.sources import SOURCES
    from clip_har.cli.data.verify import verify_clips

    table = _absolute(given.csv or Path(f"verify_{given.dataset}.csv"))
    root = None if given.root is None else _absolute(given.root)
    if given.dataset not in _OFFICIAL:
        if given.videos or given.lists or given.allow_missing:
            raise ClipHarError(
                "--videos, --lists and --allow-missing are for data sets with official lists:"
                f" {' and '.join(_OFFICIAL)}"
            )
        clips = _chosen_clips(given)
        _check_writable(table)
        found = verify_clips(clips, root)
        return _report(clips.name, len(clips.class_names), found, table)
    if given.settings or root is None:
        raise ClipHarError(
            f"expected verify {given.dataset} --root <folder>: all clips of all official lists are"
            f" verified, without settings{''.join(f'; got {one}' for one in given.settings)}"
        )
    name: Name = given.dataset
    source = SOURCES[name]
    lists = _absolute(given.lists or find_lists(name, root))
    videos = _absolute(given.videos or find_clips(name, root))
    _check_writable(table)
    found = _verified_official(name, lists, videos, allow_missing=given.allow_missing)
    return _report(source.title, source.classes, found, table, counts=source.counts)


def _verified_official(
    name: "Name", lists: Path, videos: Path, *, allow_missing: bool = False
) -> "Verification":
    from clip_har.cli.data.listing import read_listing
    from clip_har.cli.data.sources import SOURCES
    from clip_har.cli.data.verify import verify

    return verify(SOURCES[name], read_listing(name, lists, videos), allow_missing=allow_missing)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _check_writable(table: Path) -> None:
    """Refuse a table that cannot be written, before all clips are decoded."""
    try:
        table.parent.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=table.parent).close()
    except OSError as error:
        raise ClipHarError(
            f"{table} cannot be written ({error.strerror}): name another file with --csv"
        ) from error


def _report(
    title: str,
    classes: int,
    found: "Verification",
    table: Path,
    *,
    counts: Mapping[str, int] | None = None,
) -> int:
    """Write the tables, print the summary, and return the exit status.

    Args:
        title: name of the data set.
        classes: number of its classes.
        found: the result of the check.
        table: where to write the row of each clip.
        counts: the official number of clips of each list; None if there are no lists.
    """
    from rich.console import Console
    from rich.table import Table

    from clip_har.cli.data.verify import write_classes, write_rows

    classes_table = table.with_name(f"{table.stem}_classes.csv")
    write_rows(table, found.rows)
    write_classes(classes_table, found.rows)
    console = Console(highlight=False, soft_wrap=True)
    if counts is not None:
        splits = (1, 2, 3)
        shown = Table("", *(f"split {k}" for k in splits), title=f"{title}: clips that decode")
        for use in ("train", "test"):
            lists = [f"{use}{k}" for k in splits]
            whole = [
                sum(row.whole and one in row.parts.split() for row in found.rows) for one in lists
            ]
            shown.add_row(
                use, *(f"{n:,} of {counts[one]:,}" for n, one in zip(whole, lists, strict=True))
            )
        console.print(shown)
    listed = [row for row in found.rows if row.status != "extra"]
    named = len({row.class_name for row in listed if row.whole})
    console.print(
        f"{title}: {sum(row.whole for row in listed):,} of {len(listed):,} clips decode, in"
        f" {named} of {classes} classes",
        markup=False,
    )
    for kind, lines in (("note", found.notes), ("fault", found.faults)):
        for line in lines:
            console.print(f"{kind}: {line}", markup=False)
    console.print(f"a row per clip: {table}", markup=False)
    console.print(f"a row per class: {classes_table}", markup=False)
    return 1 if found.faults else 0


def _composed(given: argparse.Namespace) -> "DictConfig":
    """Return the configuration of a run on the data set that the command line names."""
    from hydra import compose, initialize_config_dir

    from clip_har.cli.data.layout import dataset_root
    from clip_har.config.cell import register_schema
    from clip_har.config.compose import CONFIG_DIR

    overrides = [f"dataset={given.dataset}", *given.settings]
    if given.root is not None:
        overrides.append(f"dataset.root={dataset_root(given.dataset, _absolute(given.root))}")
    register_schema()
    try:
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            return compose("config", overrides)
    except Exception as error:  # noqa: BLE001, Hydra's own, reported in one line
        sys.exit(report_fault(error))


def _chosen_clips(given: argparse.Namespace) -> "ClipSet":
    """Return the clips of the data set that the command line names."""
    from clip_har.config.compose import build
    from clip_har.data.clips import clips_of

    return clips_of(build(_composed(given).dataset, "dataset"))


def _info(given: argparse.Namespace) -> int:
    """Show classes, groups, lengths and frame sizes of any data set, and draw them."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from clip_har.cli.data.info import inspect
    from clip_har.figures.dataset import dataset_figure
    from clip_har.figures.save import save_figure

    clips = _chosen_clips(given)
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
        [length.seconds for length in found.known if not math.isnan(length.seconds)],
        [length.frames for length in found.known],
    )
    out = _absolute(given.out or Path(f"{given.dataset}_info.png"))
    out.parent.mkdir(parents=True, exist_ok=True)
    save_figure(out, figure)
    console.print(f"picture: {out}", markup=False)
    return 0


def _subject(given: argparse.Namespace) -> int:
    """Find the subject of each clip, for later runs, and draw what was found for you to judge.

    The folder gets a contact sheet for each class and a table with a row per clip. Write yes, x or
    1 in the column wrong of clips whose outline is wrong; region.wrong=<the table> leaves them out.
    """
    from rich.console import Console

    from clip_har.cli.data.subject import find_subjects
    from clip_har.config.compose import cell_from_config, without_hydra
    from clip_har.regions.source import source_name

    config = _composed(given)
    cell = cell_from_config(without_hydra(config))
    out = _absolute(given.out or Path(f"{given.dataset}_subject_{source_name(cell.region)}"))
    located = find_subjects(cell, out)
    console = Console(highlight=False, soft_wrap=True)
    counts = f"{located.maps.found.sum():,} of {len(located.clips.clips):,} clips"
    console.print(f"{located.clips.name}: the subject is found in {counts}", markup=False)
    for line in (f"contact sheets: {out / 'sheets'}", f"a row per clip: {out / 'clips.csv'}"):
        console.print(line, markup=False)
    console.print(
        f"mark wrong clips in its column wrong (yes), then: region.wrong={out / 'clips.csv'}",
        markup=False,
    )
    return 0
