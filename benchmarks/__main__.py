"""``python -m benchmarks``: measure, print one table and write it as JSON."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import (
    accelerator,
    agreement,
    host,
    noise,
    overhead,
    sections,
    start,
    store,
    sweep,
    tiny,
    workers,
)
from benchmarks.compare import Row, machine
from benchmarks.inputs import Inputs, make_inputs
from clip_har.cli.cores import keep_memory
from clip_har.models.runtime import Runtime

_RUNTIMES: tuple[Runtime, ...] = ("torch", "compile", "onnxruntime", "openvino")
_EVERYWHERE = [
    "start",
    "agreement",
    "store",
    "host",
    "sections",
    "noise",
    "overhead",
    "report",
    "memory",
    "workers",
    "shared",
    "tiny",
    "sweep",
]
_GROUPS = [*_EVERYWHERE, "accelerator"]


def main() -> None:
    """Measure the selected rows, print the table, write JSON."""
    arguments = _parse()
    keep_memory()  # as the command does; commands and peers are other processes
    folder = arguments.folder.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    inputs = make_inputs(folder, arguments.clips)
    groups = _groups(inputs, arguments.rounds, arguments.runtimes)
    rows: list[Row] = []
    for name in arguments.only or _EVERYWHERE:
        print(name, file=sys.stderr)
        rows += groups[name]()
        write(arguments.json, inputs, rows, arguments.rounds)  # so that an hour's work is not lost
    show(rows)
    Console(stderr=True).print(f"written to {arguments.json}")
    if wrong := [row for row in rows if not all(check.met for check in row.checks)]:
        raise SystemExit(f"other results than those of a plain script: {wrong[0].measured}")


def write(path: Path, inputs: Inputs, rows: Sequence[Row], rounds: int) -> None:
    """Write the measurements as JSON, and the table as Markdown beside it."""
    found = {
        "machine": machine(),
        "clips": inputs.count,
        "real_clips": inputs.real,
        "rounds": rounds,
        "rows": [asdict(row) | {"median": row.middle, "met": row.met} for row in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(markdown(rows), encoding="utf-8")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--clips", type=int, default=64, help="number of clips (64)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each comparison (2)")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=_GROUPS,
        help="measure only these",
    )
    parser.add_argument("--runtimes", nargs="+", choices=_RUNTIMES, default=["torch", "compile"])
    parser.add_argument("--folder", type=Path, default=Path("~/.cache/clip_har/benchmarks"))
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    found = parser.parse_args()
    if found.runtimes[0] != "torch":
        found.runtimes = ["torch", *(name for name in found.runtimes if name != "torch")]
    return found


def _groups(
    inputs: Inputs, rounds: int, runtimes: Sequence[Runtime]
) -> dict[str, Callable[[], list[Row]]]:
    return {
        "start": partial(start.rows, inputs, rounds),
        "accelerator": partial(accelerator.rows, inputs, rounds, tuple(runtimes)),
        "agreement": partial(agreement.rows, inputs, runtimes),
        "store": partial(store.rows, inputs, rounds),
        "host": partial(host.rows, inputs, rounds),
        "sections": partial(sections.rows, inputs, rounds),
        "noise": partial(noise.rows, inputs, rounds),
        "overhead": lambda: [overhead.overhead_row(inputs, rounds)],
        "report": lambda: [overhead.report_row(inputs, min(rounds, 2))],
        "memory": lambda: overhead.memory_rows(inputs, min(rounds, 2)),
        "workers": lambda: [workers.row(inputs, rounds)],
        "shared": lambda: [workers.shared_row(inputs, rounds)],
        "tiny": partial(tiny.rows, inputs, rounds),
        "sweep": partial(sweep.rows, inputs, rounds, tuple(runtimes)),
    }


_COLUMNS = ("#", "measured", "against", "found", "goal", "met", "difference of the results")


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row of the table."""
    low, high = min(row.values), max(row.values)
    goal = "" if row.goal is None else f"{'≥' if row.at_least else '≤'} {row.goal:g}"
    met = {None: "", True: "yes", False: "no"}[row.met]
    shown = ".2f" if row.unit else ".1e"
    found = f"{row.middle:{shown}} {row.unit} ({low:{shown}} – {high:{shown}})"
    alike = "; ".join(map(str, row.checks))
    return (row.number, row.measured, row.against, found, goal, met, alike)


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    table = Table(title="medians over rounds, lowest and highest in brackets")
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column in ("found", "goal") else "left")
    for row in _sorted(rows):
        table.add_row(*cells(row))
    Console(width=150).print(table)


def markdown(rows: Sequence[Row]) -> str:
    """Return the table in Markdown."""
    lines = [_COLUMNS, ("---",) * len(_COLUMNS), *map(cells, _sorted(rows))]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: int(row.number))


main()
