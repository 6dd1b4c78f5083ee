"""What the terminal shows when a cell or a sweep has ended."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clip_har.cli.errors import report_fault
from clip_har.core.imports import quick_imports
from clip_har.core.wording import plural
from clip_har.metrics.measure import Measure
from clip_har.results.files import WHOLE_SET
from clip_har.results.sweep import Outcome, read_outcomes
from clip_har.sweeps.callback import bar, drawing, started
from clip_har.tracking.tracker import SweepStatus

if TYPE_CHECKING:
    import pandas as pd

_WIDTH = 400  # columns if the output is not a terminal: as wide as the table needs


def show_cell(outcome: Outcome) -> None:
    """Print one cell's numbers and where its results are."""
    console = _console()
    metrics = _metrics(outcome)
    shown = [one for one in _columns([metrics]) if one.name != "data/clips"]
    numbers = "  ".join(f"{one.name} {_number(one, metrics)}" for one in shown)
    clips = f", {plural(int(metrics['data/clips']), 'clip')}" if metrics else ""
    if part := _partial_data([outcome]):
        clips += f" of {part}"
    message = f"{outcome.name}: {outcome.state}{clips}  {numbers}"
    console.print(message, highlight=False, soft_wrap=True, markup=False)
    if outcome.folder:
        console.print(f"results in {outcome.folder}", highlight=False, soft_wrap=True)


def end_sweep(stopped: BaseException | None) -> int:
    """Print the table of a sweep's cells, end its parent run, and return the exit status.

    Args:
        stopped: what ended the sweep early, such as Ctrl-C; a cell that fails does not.
    """
    bar.close()
    this = started[-1]
    first = this.cells[0]
    numbered = read_outcomes(this.folder)
    outcomes = list(numbered.values())
    console = _console()
    console.print(sweep_table(outcomes), highlight=False)
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    for error in dict.fromkeys(outcome.error for outcome in failed):
        names = [outcome.name for outcome in failed if outcome.error == error]
        shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
        console.print(f"failed: {shown}: {error}", highlight=False, soft_wrap=True, markup=False)
    missing = len(this.cells) - len(outcomes)
    skipped = sum(outcome.state == "skipped" for outcome in outcomes)
    done = len(outcomes) - len(failed) - skipped
    ended = f"{plural(len(this.cells), 'cell')}: {done} done, {len(failed)} failed"
    ended += f", {skipped} skipped" if skipped else ""
    ended += f", {missing} not run" if missing else ""
    if part := _partial_data(outcomes):
        ended += f"; not all clips were there: {part}"
    console.print(ended, highlight=False, soft_wrap=True)
    twins = sum(outcome.twin_seconds for outcome in outcomes)
    if twins >= 1:  # less is the time of finding results of earlier runs
        what = "clean twins" if first.measures.reference is None else "clean twins and reference"
        line = f"{what}: {twins:.1f} seconds, which are not in the table"
        console.print(line, highlight=False, soft_wrap=True)
    lost = [outcome.name for outcome in outcomes if outcome.is_lost]
    if lost:
        line = f"files are missing or damaged, run the command again: {', '.join(lost)}"
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    whole = not failed and not missing and not lost
    status: SweepStatus = "FINISHED" if whole else "FAILED"
    if isinstance(stopped, KeyboardInterrupt):
        status = "KILLED"
    with quick_imports():
        from clip_har.api.finish import finish

    files, measures = finish(this, numbered, status=status, drawing=drawing[-1])
    if len(measures.rows):
        console.print(measures_table(measures.rows), highlight=False)
    if len(measures.noise):
        from clip_har.sweeps.noise import top1_rows  # a heavy import that is needed only here

        console.print(noise_table(top1_rows(measures.noise)), highlight=False)
    places: list[tuple[str, object]] = [
        ("logs", this.folder),
        *((path.stem.replace("_", " "), path) for path in files if path.name != "report.md"),
    ]
    if this.shared.parent is not None and (ui := first.tracking.ui(first.results_dir)):
        places.append(("MLflow", ui))
    places.sort(key=lambda place: place[0] == "report")  # the file to open first comes last
    lines = [f"{what:<20} {place}" for what, place in places]
    console.print("\n".join(lines), highlight=False, soft_wrap=True, markup=False)
    if stopped is not None:
        return report_fault(stopped)
    return 0 if whole else 1


def _metrics(outcome: Outcome) -> dict[str, float]:
    result = outcome.result
    return result.metrics if result is not None and result.is_whole else {}


def _partial_data(outcomes: Sequence[Outcome]) -> str:
    """Return the names of the data sets of which only a part was there, with how many clips."""
    cards = [outcome.result.protocol for outcome in outcomes if outcome.result is not None]
    partial = [card for card in cards if card.get(WHOLE_SET, 0) > card.get("clips", 0)]
    return ", ".join(dict.fromkeys(str(card["data"]) for card in partial))


def sweep_table(outcomes: list[Outcome]) -> Table:
    """Return one row per cell: name, state, numbers, seconds."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("cell", overflow="fold")  # two names that are cut may look alike
    table.add_column("state", no_wrap=True, min_width=8)
    numbers = [_metrics(outcome) for outcome in outcomes]
    columns = _columns(numbers)
    for one in columns:
        header = one.name.rpartition("/")[2]
        table.add_column(header, justify="right", no_wrap=True, min_width=6)
    table.add_column("seconds", justify="right", no_wrap=True, min_width=5)
    for outcome, found in zip(outcomes, numbers, strict=True):
        values = [_number(one, found) for one in columns]
        table.add_row(escape(outcome.name), outcome.state, *values, f"{outcome.seconds:.1f}")
    return table


def _columns(numbers: Sequence[dict[str, float]]) -> list[Measure]:
    """Return the measures that the terminal shows and that at least one cell has."""
    from clip_har.metrics.measures import shown_in  # a heavy import

    return [one for one in shown_in("terminal") if any(one.name in found for found in numbers)]


def _number(measure: Measure, found: dict[str, float]) -> str:
    if measure.name not in found:
        return "–"
    return f"{found[measure.name]:{'.0f' if measure.unit == 'count' else '.4f'}}"


def measures_table(rows: "pd.DataFrame") -> Table:
    """Return one row per measure over several cells."""
    from clip_har.metrics.measures import find  # it imports all measures

    table = Table(box=None, pad_edge=False, header_style="bold")
    several = rows["of"].astype(bool).any()
    table.add_column("measure", no_wrap=True)
    if several:
        table.add_column("of", overflow="fold")
    for name in ("value", "95 % interval", "clips", "groups"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows.to_dict("records"):
        known = row["low"] == row["low"]  # NaN is not equal to itself
        interval = f"{row['low']:.3f} to {row['high']:.3f}" if known else "–"
        groups = f"{row['groups']:.0f}" if row["groups"] == row["groups"] else "–"
        of = [escape(str(row["of"]))] if several else []
        whole = find(str(row["measure"])).unit == "count"
        cells = (
            f"{row['value']:{'.0f' if whole else '.4f'}}",
            interval,
            f"{row['clips']:.0f}",
            groups,
        )
        table.add_row(str(row["measure"]), *of, *cells)
    return table


def noise_table(rows: "pd.DataFrame") -> Table:
    """Return one row per mask and variant of learned noise: top-1, and its change by the noise."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("mask", no_wrap=True)
    table.add_column("with noise", overflow="fold")
    for name in ("top1 before", "after", "difference", "95 % interval", "seeds"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows.to_dict("records"):
        known = row["low"] == row["low"]  # NaN is not equal to itself
        table.add_row(
            escape(str(row["mask"])),
            escape(str(row["variant"])) + (" *" if row["headline"] else ""),
            f"{row['before']:.4f}",
            f"{row['after']:.4f}",
            f"{row['difference']:+.4f}",
            f"{row['low']:+.3f} to {row['high']:+.3f}" if known else "–",
            str(row["seeds"]),
        )
    table.caption = "* the cell's own numbers; oracle uses the true label and is not a result"
    table.caption_justify = "left"
    return table


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
