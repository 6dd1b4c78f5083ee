"""The command ``clip-har-report``."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clip_har.cli.errors import report_fault
from clip_har.cli.parser import Parser
from clip_har.core.background import Background
from clip_har.core.errors import ClipHarError, disk_reason
from clip_har.figures.processes import drawing_processes

if TYPE_CHECKING:
    from clip_har.report.selection import Chosen

_NAMED = 5  # largest number of lines about cells that are not in the report


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the report of a sweep, an experiment or a selection of runs, and print its path.

    Args:
        arguments: of the command line; None for the process's own.
    """
    logging.basicConfig(level=logging.WARNING, format="clip-har: %(message)s")
    logging.getLogger("clip_har.core.locks").setLevel(logging.INFO)  # that it waits for another
    parser = Parser(
        prog="clip-har-report",
        description="Write tables, figures and one HTML page about finished cells.",
        epilog="Without arguments: the newest sweep in results/.",
    )
    parser.add_argument("sweep", nargs="?", type=Path, help="folder of a sweep")
    parser.add_argument("--results-dir", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--experiment", help="MLflow experiment, instead of a sweep")
    parser.add_argument(
        "--filter", default="", help="filter of runs, such as \"params.masking = 'shape'\""
    )
    parser.add_argument("--uri", help="MLflow store (default: SQLite in the results folder)")
    parser.add_argument(
        "--base-model",
        metavar="NAME",
        help="model that the errors of other models are compared with",
    )
    parser.add_argument(
        "--margin",
        type=float,
        metavar="SHARE",
        help="largest change of top-1 that counts as none (default: report.margin, 0.01)",
    )
    parser.add_argument(
        "--clips",
        type=int,
        metavar="N",
        help="largest number of answers whose frames are shown in clips.html, 0: none"
        " (default: report.clips, 400)",
    )
    parser.add_argument(
        "--print",
        action="store_true",
        default=None,
        help="also write all figures as PDF for a paper, in the report's folder figures/"
        " (default: report.print, false)",
    )
    parser.add_argument(
        "--recompute",
        action="store_true",
        help="first compute numbers again if the code of the metrics has changed; no model is run",
    )
    parser.add_argument(
        "--leaderboard",
        action="store_true",
        help="write a page of all results in the results folder, to be put on a web site",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the report")
    given = parser.parse_args(arguments)
    if given.filter and not given.experiment:
        parser.error("--filter selects runs of an experiment: add --experiment clip_har")
    if given.margin is not None and not 0 < given.margin < 1:
        parser.error(f"--margin={given.margin:g}: expected a share between 0 and 1, such as 0.01")
    if given.clips is not None and given.clips < 0:
        parser.error(f"--clips={given.clips}: expected 0 or more")
    if given.leaderboard and given.print:
        parser.error("--leaderboard has no figures: leave out --print")
    if given.leaderboard and given.sweep:
        parser.error("--leaderboard shows a whole results folder: name it with --results-dir")
    try:
        with drawing_processes() as drawing:
            page, problems = _report(given, drawing)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))
    sys.stdout.write(f"{page}\n")
    for problem in problems[:_NAMED]:
        sys.stderr.write(f"clip-har: not in the report: {problem}\n")
    if (more := len(problems) - _NAMED) > 0:
        sys.stderr.write(f"clip-har: not in the report: {more} more, which it lists\n")


def _report(given: argparse.Namespace, drawing: Background) -> tuple[Path, Sequence[str]]:
    """Write the report; return its page, and a line per cell that is not in it."""
    from clip_har.report.confidence import ask_intervals
    from clip_har.report.page import write_report, write_sweep_tables

    chosen, out = _selected(given)
    used = (other for one in chosen.cells for other in (one.clean, one.reference))
    others = {other.folder: other for other in used if other is not None}
    cells = {**others, **{one.folder: one for one in chosen.cells}}.values()
    again = [
        one for one in cells if given.recompute or not one.is_whole or not one.has_its_measures
    ]
    if again:
        from clip_har.engine.recompute import recompute_all

        try:
            recompute_all(again)
        except OSError as error:
            names = ", ".join(one.name for one in again)
            raise ClipHarError(
                f"the numbers of {names} are damaged or of another version, and cannot be computed"
                f" again here ({disk_reason(error)}): write the report of a copy that may be"
                " written, or run the command again"
            ) from error
        chosen, out = _selected(given)
    out = out.expanduser().absolute()
    try:
        if given.leaderboard:
            from clip_har.report.leaderboard import write_leaderboard

            return write_leaderboard(chosen, out, margin=given.margin), chosen.problems
        compared = {"base_model": given.base_model, "margin": given.margin}
        intervals = ask_intervals(chosen.cells, drawing)  # computed beside the tables
        written = write_sweep_tables(chosen, drawing=drawing, **compared)
        shown = {"clips": given.clips, "printed": given.print, "intervals": intervals}
        page = write_report(chosen, out, written=written, drawing=drawing, **shown, **compared)
    except OSError as error:
        raise ClipHarError(
            f"the report cannot be written to {out} ({disk_reason(error)}): make room, or name"
            " another folder with --out"
        ) from error
    if given.recompute and written is not None:
        from clip_har.api.finish import send_again

        send_again(chosen, written, page)
    return page, chosen.problems


def _selected(given: argparse.Namespace) -> "tuple[Chosen, Path]":
    """Return the cells that the report is about, and the folder for it."""
    from clip_har.report.selection import newest_sweep, of_experiment, of_results, of_sweep
    from clip_har.tracking.relocate import follow_move

    results = given.results_dir.expanduser().absolute()
    follow_move(results / "mlflow.db", results)
    if given.experiment:
        from clip_har.tracking.mlflow import default_uri

        uri = given.uri or os.environ.get("MLFLOW_TRACKING_URI") or default_uri(results)
        chosen = of_experiment(results, given.experiment, uri=uri, filters=given.filter)
        return chosen, given.out or results / ("leaderboard" if given.leaderboard else "report")
    if given.leaderboard:
        return of_results(results), given.out or results / "leaderboard"
    folder = given.sweep or newest_sweep(results)
    return of_sweep(folder.expanduser().absolute()), given.out or folder / "report"


if __name__ == "__main__":
    main()
