"""Models as rows, masks as columns: top-1 of several models on one data set and protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clip_har.sweeps.cells import differing

Row = Mapping[str, Any]


@dataclass(frozen=True)
class ModelsByMasks:
    """Top-1 of each model under each mask.

    Attributes:
        masks: a name per column, the clean cells first.
        models: a name per row, the best in the first column first.
        cells: for each model, per column its row of the leaderboard; None without such a result.
    """

    masks: Sequence[str]
    models: Sequence[str]
    cells: Sequence[Sequence[Row | None]]


def models_by_masks(rows: Sequence[Row]) -> ModelsByMasks | None:
    """Return the results of several models as a table; None for one model.

    Only results with the same settings stand in a column, whatever they are called.

    Args:
        rows: of one data set and protocol; ``model``, ``cell``, ``top1``, ``is_clean``, ``mask``,
            ``ratio``, and ``shown_as``.
    """
    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    by_mask: dict[str, list[Row]] = {}
    for row in sorted(rows, key=_place):
        by_mask.setdefault(str(row["shown_as"]), []).append(row)
    columns = [found for found in by_mask.values() if len({row["model"] for row in found}) > 1]
    if len(models) < 2 or not columns:
        return None
    cells = {
        model: [next((row for row in found if row["model"] == model), None) for found in columns]
        for model in models
    }
    order = sorted(models, key=lambda model: -_first(cells[model]))
    return ModelsByMasks(_names(columns), order, [cells[model] for model in order])


def _place(row: Row) -> tuple[bool, str, float, str]:
    ratio = float(row["ratio"])
    return not row["is_clean"], str(row["mask"]), -1 if ratio != ratio else ratio, str(row["cell"])


def _first(cells: Sequence[Row | None]) -> float:
    return next((float(row["top1"]) for row in cells if row is not None), 0.0)


def _names(columns: Sequence[Sequence[Row]]) -> list[str]:
    """Return a name for each column; what sets columns of one name apart is added to it."""
    names = [str(found[0]["cell"]) for found in columns]
    for name in {name for name in names if names.count(name) > 1}:
        alike = [place for place, other in enumerate(names) if other == name]
        settings = [columns[place][0]["shown_as"] for place in alike]
        keys = differing(settings)
        for place, own in zip(alike, settings, strict=True):
            more = " ".join(f"{key}={own[key]}" for key in keys if key in own)
            names[place] = f"{name} ({more})"
    return names
