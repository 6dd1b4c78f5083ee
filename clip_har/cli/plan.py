"""What ``plan=true`` prints."""

from collections.abc import Callable, Iterable

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clip_har.core.wording import plural
from clip_har.results.speed import Rate, Speed
from clip_har.sweeps.plan import Plan, Step, counted

_WIDTH = 100  # columns if the output is not a terminal
_UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def show_plan(plan: Plan) -> None:
    """Print the plan of a command as one table, with totals."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(plan_table(plan), highlight=False)
    for line in plan_notes(plan):
        console.print(line, highlight=False, markup=False)


def plan_table(plan: Plan) -> Table:
    """Return one row per cell, then one for each thing that is made once, and the totals."""
    table = Table(box=SIMPLE, pad_edge=False, header_style="bold", show_footer=True)
    todo = [step for step in plan.steps if step.is_to_do]
    table.add_column("cell", overflow="fold", footer="in all, to do")
    table.add_column("state", no_wrap=True, footer=f"{len(todo)} of {len(plan.steps)}")
    totals = (
        ("frames", _total((step.frames for step in todo), lambda frames: f"{frames:,.0f}")),
        ("disk", _total((step.disk for step in todo), disk_text)),
        ("time", _total((step.seconds for step in todo), time_text)),
    )
    for name, total in totals:
        table.add_column(name, justify="right", no_wrap=True, footer=total)
    cells = [step for step in plan.steps if step.is_cell]
    others = [step for step in plan.steps if not step.is_cell]
    for number, step in enumerate([*cells, *others], start=1):
        table.add_row(*_row(step), end_section=number in (len(cells), len(plan.steps)))
    return table


def plan_notes(plan: Plan) -> list[str]:
    """Return what the table does not say: what its numbers mean, and what they rest on."""
    cells = sum(step.is_cell for step in plan.steps)
    lines = [f"{plural(cells, 'cell')}: {', '.join(counted(plan.steps))}"]
    if plan.equal:
        lines[0] += f"; {plan.equal} more are equal to one of these"
    todo = [step for step in plan.steps if step.is_to_do]
    if any(step.frames is None for step in todo):
        lines[0] += "; how many frames clips have is not known before they are decoded"
    for name, speed in plan.speed.items():
        lines.append(f"time of {name}: {_source(speed)}")
    lines.append("frames: through the model, at most; time: in one process")
    return lines


def _source(speed: Speed) -> str:
    shown: dict[Rate, tuple[str, int]] = {
        "frames_per_second": ("{} frames", 1),
        "learning": ("{} frames while noise is learned", 1),
        "decode": ("{} clips decoded", -1),
        "regions": ("targets found in {} clips", -1),
    }
    now = []
    for rate, (text, power) in shown.items():
        if rate in speed.measured and (value := getattr(speed, rate)):
            now.append(text.format(_figure(value**power)))
    found = []
    if speed.frames_per_second is not None and "frames_per_second" not in speed.measured:
        cells = plural(speed.cells, "earlier cell")
        found.append(f"{speed.frames_per_second:,.0f} frames a second in {cells}")
    if now:
        found.append(f"measured now, a second: {', '.join(now)}")
    return "; ".join(found) or (
        "not known, no earlier cell in the results folder has this model and device"
    )


def _figure(value: float) -> str:
    """Return a rate with two figures at least, such as 0.52, 4.1 or 1,320."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _row(step: Step) -> tuple[str, ...]:
    if not step.is_to_do:
        return (escape(step.what), step.state, "", "", "")
    frames = "?" if step.frames is None else f"{step.frames:,}" if step.frames else ""
    disk = "?" if step.disk is None else disk_text(step.disk) if step.disk else ""
    seconds = "?" if step.seconds is None else time_text(step.seconds)
    return (escape(step.what), step.state, frames, disk, seconds)


def _total(values: Iterable[float | None], text: Callable[[float], str]) -> str:
    """Return the sum of what is known; with a plus if some of it is not known."""
    found = list(values)
    known = [value for value in found if value is not None]
    if not known and found:
        return "?"
    return text(sum(known)) + ("+ ?" if len(known) < len(found) else "")


def disk_text(size: float) -> str:
    """Return a size on the disk with its unit.

    Example:
        >>> disk_text(4_556_000_000), disk_text(900)
        ('4.6 GB', '0.9 kB')
    """
    unit, factor = next((one for one in _UNITS if size >= 0.95 * one[1]), _UNITS[-1])
    return f"{size / factor:.{0 if size >= 10 * factor else 1}f} {unit}"


def time_text(seconds: float) -> str:
    """Return a time in the largest units that tell it apart.

    Example:
        >>> time_text(42), time_text(90), time_text(9630), time_text(200_000)
        ('42 s', '1 min 30 s', '2 h 40 min', '2 d 7 h')
    """
    whole = max(round(seconds), 1)
    for (large, size), (small, part) in (
        (("d", 86400), ("h", 3600)),
        (("h", 3600), ("min", 60)),
        (("min", 60), ("s", 1)),
    ):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {large} {rest} {small}"
    return f"{whole} s"
