"""What the commands of ``clip-har-data`` do: each takes the command line and returns a status."""

import argparse
import math
import shlex
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clip_har.core.errors import ClipHarError
from clip_har.core.wording import plural

if TYPE_CHECKING:
    from rich.console import Console

    from clip_har.cli.data.chosen import Chosen
    from clip_har.cli.data.rows import Verification
    from clip_har.cli.data.sample import Sample
    from clip_har.cli.data.sources import Download, Name

OFFICIAL = ("ucf101", "hmdb51")
"""Data sets whose official archives and lists are known, see `clip_har.cli.data.sources`."""


def prepare(given: argparse.Namespace) -> int:
    """Unpack the official archives of a data set into the folders that this package reads.

    The terms of use are shown first. Folders that exist are not changed. A killed run leaves
    nothing half unpacked. OmniFall is fetched with its authors' own package.
    """
    from clip_har.cli.data.chosen import absolute, chosen

    root = absolute(given.root)
    if given.dataset not in OFFICIAL:
        return _prepare_omnifall(given, root)
    if given.words:
        raise ClipHarError(f"{given.words[0]}: only omnifall is prepared by components")
    from clip_har.cli.data.layout import clips_folder, lists_folder
    from clip_har.cli.data.listing import read_listing
    from clip_har.cli.data.official import verify_official
    from clip_har.cli.data.prepare import prepare as lay_out
    from clip_har.cli.data.sources import SOURCES

    name: Name = given.dataset
    source = SOURCES[name]
    _show_terms(source.terms)
    if given.download and not given.accept_licence:
        raise ClipHarError(
            f"--download fetches {source.title} under the terms above: add --accept-licence if you"
            " accept them"
        )
    table = chosen(name, root).result(given.csv, "verify.csv", option="--csv")
    lay_out(
        name,
        root,
        archive=partial(
            _archive, given.archive, source.archive, "--archive", given, sha256=given.sha256
        ),
        splits=partial(_archive, given.splits, source.splits, "--splits", given),
        max_bytes=given.max_bytes,
    )
    listing = read_listing(name, lists_folder(name, root), clips_folder(name, root))
    found = verify_official(source, listing)
    status = _report(source.title, source.classes, found, table, counts=source.counts)
    sys.stdout.write(f"\nuse it: dataset={name} dataset.root={root}\n")
    return status


def _prepare_omnifall(given: argparse.Namespace, root: Path) -> int:
    from clip_har.cli.data.omnifall import TERMS, prepare_omnifall

    if given.archive or given.splits or given.download or given.sha256:
        raise ClipHarError(
            "--archive, --splits, --download and --sha256 are for"
            f" {' and '.join(OFFICIAL)}: omnifall's own package fetches its videos"
        )
    _show_terms(TERMS)
    prepare_omnifall(root, given.words, accepted=given.accept_licence)
    words = ["verify", "omnifall", "--root", str(root), "--allow-missing"]
    sys.stdout.write(f"check it: clip-har-data {shlex.join(words)}\n")
    sys.stdout.write(f"use it: dataset=omnifall dataset.root={root}\n")
    return 0


def _show_terms(terms: str) -> None:
    sys.stdout.write(f"{terms}\n")
    sys.stdout.flush()


def _archive(
    path: Path | None,
    official: "Download",
    option: str,
    given: argparse.Namespace,
    *,
    sha256: str | None = None,
) -> Path:
    """Return the archive that the user named, or fetch the official one."""
    from clip_har.cli.data.chosen import absolute

    if path is not None:
        path = absolute(path)
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

    return fetch_official(official, absolute(given.root), sha256=sha256)


def verify(given: argparse.Namespace) -> int:
    """Decode every clip of all splits of a data set; compare files, groups and lists.

    UCF-101 and HMDB-51 are compared with all of their official lists. The exit status is 1 if there
    is a fault. Nothing is written into the folder of the data set.
    """
    from clip_har.cli.data.chosen import chosen, parts_of
    from clip_har.cli.data.verify import verify as verify_parts

    if given.dataset in OFFICIAL:
        return _verify_official(given)
    if given.videos or given.lists:
        raise ClipHarError(f"--videos and --lists are for {' and '.join(OFFICIAL)}")
    data = chosen(given.dataset, given.root, given.words)
    parts = parts_of(data.source, allow_missing=True)
    table = data.result(given.csv, "verify.csv", option="--csv")
    clips = parts.found[0].clips
    found = verify_parts(parts, allow_missing=given.allow_missing)
    counts = {part.name: part.clips.whole or len(part.clips.clips) for part in parts.found}
    return _report(clips.name, len(clips.class_names), found, table, counts=counts)


def _verify_official(given: argparse.Namespace) -> int:
    from clip_har.cli.data.chosen import absolute, chosen
    from clip_har.cli.data.layout import find_clips, find_lists
    from clip_har.cli.data.listing import read_listing
    from clip_har.cli.data.official import verify_official
    from clip_har.cli.data.sources import SOURCES

    if given.words or given.root is None:
        raise ClipHarError(
            f"expected verify {given.dataset} --root <folder>: all clips of all official lists are"
            f" verified, without settings{''.join(f'; got {one}' for one in given.words)}"
        )
    name: Name = given.dataset
    source, root = SOURCES[name], absolute(given.root)
    lists = absolute(given.lists or find_lists(name, root))
    listing = read_listing(name, lists, absolute(given.videos or find_clips(name, root)))
    table = chosen(name, root).result(given.csv, "verify.csv", option="--csv")
    found = verify_official(source, listing, allow_missing=given.allow_missing)
    return _report(source.title, source.classes, found, table, counts=source.counts)


def _report(
    title: str,
    classes: int,
    found: "Verification",
    table: Path,
    *,
    counts: Mapping[str, int],
) -> int:
    """Write the tables, print the summary, and return the exit status.

    Args:
        title: name of the data set.
        classes: number of its classes.
        found: the result of the check.
        table: where to write the row of each clip.
        counts: the number of clips of each split, as its list or its authors state it.
    """
    from rich.table import Column, Table

    from clip_har.cli.data.rows import write_classes, write_rows

    classes_table = table.with_name(f"{table.stem}_classes.csv")
    write_rows(table, found.rows)
    write_classes(classes_table, found)
    console = _console()
    if len(found.parts) > 1:
        numbers = (Column(name, justify="right") for name in ("clips that decode", "of"))
        shown = Table("split", *numbers)
        for part in found.parts:
            shown.add_row(part, f"{found.decoded(part):,}", f"{counts[part]:,}")
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


def info(given: argparse.Namespace) -> int:
    """Show classes, groups, lengths and frame sizes of any data set, and draw them."""
    from rich.table import Column, Table
    from rich.text import Text

    from clip_har.cli.data.chosen import chosen
    from clip_har.cli.data.info import inspect
    from clip_har.data.clips import clips_of
    from clip_har.figures.dataset import dataset_figure
    from clip_har.figures.save import save_figure

    data = chosen(given.dataset, given.root, given.words)
    clips = clips_of(data.source)
    out = data.result(given.out, "info.png", option="--out")
    found = inspect(clips)
    console = _console()
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
    save_figure(out, figure)
    console.print(f"picture: {out}", markup=False)
    return 0


def subject(given: argparse.Namespace) -> int:
    """Find the subject of each clip, for later runs, and draw what was found for you to judge.

    The folder gets a contact sheet for each class and a table with a row per clip. Write yes, x or
    1 in the column wrong of clips whose outline is wrong; region.wrong=<the table> leaves them out.
    """
    from clip_har.cli.data.chosen import chosen
    from clip_har.cli.data.subject import find_subjects
    from clip_har.regions.source import source_name

    data = chosen(given.dataset, given.root, given.words)
    cell = data.cell
    out = data.result(given.out, f"subject_{source_name(cell.region)}", option="--out")
    located = find_subjects(cell, out)
    console = _console()
    counts = f"{located.maps.found.sum():,} of {len(located.clips.clips):,} clips"
    console.print(f"{located.clips.name}: the subject is found in {counts}", markup=False)
    for line in (f"contact sheets: {out / 'sheets'}", f"a row per clip: {out / 'clips.csv'}"):
        console.print(line, markup=False)
    console.print(
        f"mark wrong clips in its column wrong (yes), then: region.wrong={out / 'clips.csv'}",
        markup=False,
    )
    return 0


def sample(given: argparse.Namespace) -> int:
    """Copy a few clips of each class, with the lists, to try a study on a small machine.

    The files are copied whole, keep their places, and are read again before the copy gets its name.
    The same option reads the copy with dataset.allow_missing=true, and says with every number how
    many of the clips are there.
    """
    from clip_har.cli.data.chosen import absolute, chosen, parts_of
    from clip_har.cli.data.sample import check_out, sample_of, size_text, write_sample

    data = chosen(given.dataset, given.root, given.words)
    out = absolute(given.out)
    parts = parts_of(data.source)
    made = sample_of(parts.found, per_class=given.per_class, seed=given.seed)
    check_out(made, out)
    console = _console()
    for line in _counts(made):
        console.print(line, markup=False)
    for name, why in parts.broken.items():
        console.print(f"without {name}, which cannot be read: {why}", markup=False)
    console.print(
        f"{len(made.files):,} files of clips and {len(made.lists):,} lists,"
        f" {size_text(made.bytes)}, from {made.base} into {out}",
        markup=False,
    )
    use = shlex.join(["python", "-m", "clip_har", *_words(data, made, out, given.words)])
    if given.dry_run:
        console.print("--dry-run: nothing was copied", markup=False)
        return 0
    write_sample(made, out, readme=_readme(data.option, made, use))
    console.print(f"copied, and read again as the same clips\nuse it: {use}", markup=False)
    return 0


def _counts(made: "Sample") -> list[str]:
    """Return how many clips of each split are copied, a line each."""
    lines = []
    for part in made.parts:
        clips, whole = made.chosen(part), part.clips
        classes = len({clip.label for clip in clips})
        groups = len({clip.group for clip in clips})
        lines.append(
            f"{whole.name}: {len(clips):,} of {whole.whole or len(whole.clips):,} clips, {classes}"
            f" of {len(whole.class_names)} classes, {plural(groups, 'group')}"
        )
    return lines


def _words(data: "Chosen", made: "Sample", out: Path, typed: list[str]) -> list[str]:
    """Return the overrides of a run on the copy."""
    from clip_har.cli.data.chosen import takes_missing
    from clip_har.config.session import as_overrides

    part = made.parts[0]
    changed = {f"dataset.{name}": value for name, value in made.settings(part, out).items()}
    if takes_missing(part.source) is not part.source:
        changed["dataset.allow_missing"] = True
    kept = [word for word in typed if word.partition("=")[0] not in changed]
    return [f"dataset={data.option}", *kept, *as_overrides(changed)]


def _readme(option: str, made: "Sample", use: str) -> str:
    """Return what is written beside the copy: what it is, how it is used, and the terms."""
    clips = made.parts[0].clips
    lines = [
        f"# A sample of {option}",
        "",
        "A few clips of each class, for trying a study. It is not the data set: call no number on",
        "it a result of the data set.",
        "",
        *(f"- {line}" for line in _counts(made)),
        "",
        "Files were copied whole, and the lists are those of the whole data set.",
        "",
        f"    {use}",
        "",
        "Change the paths if the folder moves.",
        "",
        f"Licence: {clips.licence}",
    ]
    if clips.citation:
        lines += ["", f"Cite: {clips.citation}"]
    return "\n".join(lines) + "\n"


def _console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)
