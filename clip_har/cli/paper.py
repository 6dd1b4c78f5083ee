"""The command ``clip-har-paper``: data, weights, a plan, then the whole programme of the paper."""

import argparse
import logging
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from clip_har.cli.cores import share_cores
from clip_har.cli.errors import report_fault, take_over_errors
from clip_har.cli.parser import Parser
from clip_har.core.errors import ClipHarError

if TYPE_CHECKING:
    from clip_har.sweeps.named_cells import NamedCells
    from clip_har.sweeps.start import CheckedJob

_EXPERIMENT = "experiment=paper/all"
_SPLITS = {"1": "1", "2": "2", "3": "3", "all": "1,2,3"}
_LONG = 3600  # seconds: the user is asked before more than that


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare data and weights, show a plan, and run what has no result.

    Args:
        arguments: of the command line; None = those of the process.
    """
    take_over_errors()
    share_cores()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cluster's stop
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("clip_har.cli").setLevel(logging.INFO)
    try:
        _run(_parser().parse_intermixed_args(arguments))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="clip-har-paper",
        description="Run the programme of arXiv 2507.18675 on UCF-101, from nothing to a report."
        " Type the same command again after a stop: it goes on where it was.",
        epilog="The cells: conf/experiment/paper/all.yaml. Only the paper's abstract is public, so"
        " no number is claimed to be one of the paper.",
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder of UCF-101; it is fetched if it is not there",
    )
    parser.add_argument(
        "--splits", choices=_SPLITS, default="1", help="official splits (default: %(default)s)"
    )
    parser.add_argument(
        "--accept-licence",
        action="store_true",
        help="you accept the terms of use of UCF-101, which are shown before it is fetched",
    )
    parser.add_argument(
        "--yes", action="store_true", help="begin without a question, however long it takes"
    )
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="settings, such as model=clip model.checkpoint=FOLDER precision=bf16 limit=500",
    )
    return parser


def _run(given: argparse.Namespace) -> None:
    for word in given.overrides:
        key, sign, _ = word.partition("=")
        if not sign:
            raise ClipHarError(f"{word}: expected a setting as KEY=VALUE, such as precision=bf16")
        if key == "plan":
            raise ClipHarError(
                f"{word}: a plan is shown before each run; for the plan alone: python -m clip_har"
                f" {_EXPERIMENT} dataset.root={given.data} {word}"
            )
        if key in ("dataset", "dataset.root", "dataset.split"):
            raise ClipHarError(
                f"{word}: --data and --splits name the data; for other data: python -m clip_har"
                f" {_EXPERIMENT} {word}"
            )
    root = _data(given)
    words = _words(given, root)
    with _checked(words) as (found, jobs):
        page = _finished(found, jobs)
        if page is not None and _all_done(jobs):
            sys.stdout.write(f"all {len(jobs)} cells are done, nothing is run\nreport: {page}\n")
            return
        _plan(given, jobs, here=found.here)
    command = ["-m", "clip_har", *words]
    sys.stdout.write(f"python {shlex.join(command)}\n")
    _become([sys.executable, *command])


def _words(given: argparse.Namespace, root: Path) -> list[str]:
    """Return the overrides of the sweep."""
    from clip_har.config.session import as_overrides

    typed = list(given.overrides)
    named = any(word.startswith("experiment=") for word in typed)
    return [
        *([] if named else [_EXPERIMENT]),
        *as_overrides({"dataset.root": str(root)}),
        f"dataset.split={_SPLITS[given.splits]}",
        *typed,
    ]


def _data(given: argparse.Namespace) -> Path:
    from clip_har.cli.data.ensure import ensure_ucf101

    def accepts(terms: str) -> bool:
        sys.stdout.write(f"{terms}\n")
        sys.stdout.flush()
        if given.accept_licence:
            return True
        if not _asks():
            raise ClipHarError(
                "UCF-101 is fetched only under the terms above: add --accept-licence (make paper"
                " ACCEPT_LICENCE=yes) if you accept them"
            )
        return _answer("Do you accept these terms?")

    root: Path = ensure_ucf101(given.data.expanduser().absolute(), accepts=accepts)
    return root


@contextmanager
def _checked(words: Sequence[str]) -> "Iterator[tuple[NamedCells, Sequence[CheckedJob]]]":
    """Yield the cells of the sweep, checked; their weights are fetched first."""
    from clip_har.config.compose import build
    from clip_har.config.session import session
    from clip_har.sweeps.named_cells import named_cells
    from clip_har.sweeps.start import check_jobs

    with session() as hydra:
        config = hydra.compose(hydra.expand(list(words))[0])
        found = named_cells(config, words, hydra.loader)
        configs = {tuple(job): hydra.compose(list(job)) for job in found.jobs}
        for model in dict.fromkeys(build(one.model, "model") for one in configs.values()):
            sys.stdout.write(f"weights: {model.checkpoint}\n")  # type: ignore[attr-defined]
            sys.stdout.flush()
            model.folder()  # type: ignore[attr-defined]
        yield found, check_jobs(found.jobs, lambda job: configs[tuple(job)])


def _finished(found: "NamedCells", jobs: "Sequence[CheckedJob]") -> Path | None:
    """Return the report of an earlier sweep of the same cells; None if it must be run."""
    from clip_har.report.page import PAGE
    from clip_har.results.sweep import SWEEP, Sweep, read_outcomes

    if any(job.cell.overwrite == "always" for job in jobs):
        return None
    wanted = [job.fingerprint for job in jobs]
    results = jobs[0].cell.results_dir.expanduser().absolute()
    folders = sorted((path.parent for path in results.glob(f"sweeps/*/{SWEEP}")), reverse=True)
    for folder in folders:
        page = folder / "report" / PAGE
        sweep = Sweep.read(folder)
        if not page.is_file() or sweep is None or sweep.parts != found.parts:
            continue
        kept = [one.result for one in read_outcomes(folder).values()]
        cells = [one for one in kept if one is not None and one.is_up_to_date]
        if [one.folder.name for one in cells] == wanted and all(
            # The fingerprint is that of the scores: numbers and pages have settings of their own.
            (one.cell.measures, one.cell.report) == (job.cell.measures, job.cell.report)
            for one, job in zip(cells, jobs, strict=True)
        ):
            return page
    return None


def _all_done(jobs: "Sequence[CheckedJob]") -> bool:
    """Return whether a run would use the results of all cells as they are."""
    from clip_har.sweeps.plan import plan_of

    return all(step.state == "done" for step in plan_of(jobs).steps if step.is_cell)


def _plan(given: argparse.Namespace, jobs: "Sequence[CheckedJob]", *, here: bool) -> None:
    """Show the plan; ask before it begins if it takes long.

    Args:
        given: the command line.
        jobs: the cells.
        here: whether they run on this machine, so that its speed is measured.

    Raises:
        ClipHarError: when the user does not want to begin.
    """
    from clip_har.cli.plan import show_plan, time_text
    from clip_har.sweeps.plan import plan_of
    from clip_har.sweeps.timing import timing

    with timing(logging.getLogger(__name__).warning) as measure:
        if here:
            sys.stdout.write("measuring the speed of this machine on a few clips\n")
            sys.stdout.flush()
        plan = plan_of(jobs, measure if here else None)
    show_plan(plan)
    todo = [step.seconds for step in plan.steps if step.is_to_do]
    known = sum(seconds for seconds in todo if seconds is not None)
    if given.yes or not _asks() or (known <= _LONG and None not in todo):
        return
    if not _answer(f"This takes about {time_text(known)} on this machine. Begin?"):
        raise ClipHarError("nothing was run; limit=500 shows fewer clips, precision=bf16 is faster")


def _asks() -> bool:
    """Return whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _answer(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _become(command: Sequence[str]) -> NoReturn:
    """Go on as another command: signals and its exit status are this one's."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], list(command))  # noqa: S606, this package's own command


if __name__ == "__main__":
    main()
