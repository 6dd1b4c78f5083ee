"""What each mask costs each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clip_har.metrics.tables import class_changes
from clip_har.report.numbers import UNKNOWN, points
from clip_har.report.sections import Records
from clip_har.results.result import Result

_CELLS = 24  # largest number of cells, so that a page of many classes stays light
_NAMED = 3  # largest number of classes that share the largest loss and are named


@dataclass(frozen=True)
class ClassTable:
    """The change of recall of each class under each mask.

    Attributes:
        cells: names of the cells.
        rows: ``name, clips``, ``clean``, the recall of the clean twin, and ``changes``: per cell
            None, or the change and whether it is the largest loss of the cell.
        left_out: the number of cells that are not shown.
    """

    cells: Sequence[str]
    rows: Records
    left_out: int


def class_table(cells: Sequence[Result]) -> ClassTable:
    """Return the change of recall of each class under each mask; cells that leak are left out.

    Args:
        cells: of one comparison.
    """
    compared = [one for one in cells if one.clean is not None and not one.leaks]
    shown = compared[:_CELLS]
    columns = [_losses(one) for one in shown]
    if not shown or shown[0].clean is None:
        return ClassTable([], [], 0)
    twin = shown[0].clean.table
    clean = class_changes(twin, twin).set_index("class")
    rows = [
        {
            "name": name,
            "clips": int(clean["clips"][name]),
            "clean": float(clean["before"][name]),
            "changes": [_of(losses, name) for losses in columns],
        }
        for name in (name for name in twin.class_names if name in clean.index)
    ]
    return ClassTable([one.name for one in shown], rows, len(compared) - len(shown))


def hardest_class(one: Result) -> str:
    """Return the class that loses most recall under a cell, with its loss; a dash if none does."""
    if one.clean is None:
        return UNKNOWN
    losses = _losses(one)
    worst = min(losses.values(), default=0.0)
    if worst >= 0:
        return UNKNOWN
    names = [name for name, change in losses.items() if change == worst]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more} {points(worst)}"


def _losses(one: Result) -> dict[str, float]:
    assert one.clean is not None  # noqa: S101, only cells with a twin are compared
    changes = class_changes(one.clean.table, one.table)
    return dict(zip(changes["class"], changes["change"].round(12), strict=True))


def _of(losses: dict[str, float], name: str) -> dict[str, Any] | None:
    if name not in losses:
        return None
    change = losses[name]
    return {"change": change, "worst": change < 0 and change == min(losses.values())}
