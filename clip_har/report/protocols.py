"""What a report shows of protocols of papers: halves of the classes, splits, linear probes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clip_har.metrics.half_classes import HALVES
from clip_har.metrics.measures import find
from clip_har.report.numbers import UNKNOWN, formatted, interval, share
from clip_har.report.sections import Records
from clip_har.results.files import PROBE_CARD, PROBES
from clip_har.results.result import Result

_SPLITS = "splits/"


def half_class_rows(cells: Sequence[Result]) -> Records:
    """Return top-1 over random halves of the classes, a row per cell; empty if no cell has it."""
    rows: list[dict[str, Any]] = [
        {
            "cell": one.name,
            "leaks": one.leaks,
            "top1": one.metrics["top1"],
            "halves": [_mean_and_sd(one, many) for many in HALVES],
        }
        for one in cells
    ]
    known = any(text != UNKNOWN for row in rows for text in row["halves"])
    return rows if known else []


def _mean_and_sd(one: Result, many: int) -> str:
    name = f"half_classes/{many}/top1"
    if name not in one.metrics:
        return UNKNOWN
    mean, sd = (formatted(one.metrics[key], find(key)) for key in (name, f"{name}_sd"))
    return f"{mean} ± {sd.lstrip('+')}"


def split_rows(measures: pd.DataFrame) -> Records:
    """Return the means over official splits, a row per cell.

    Args:
        measures: columns ``measure, of, value, low, high, clips, groups``.
    """
    own = measures[measures["measure"].str.startswith(_SPLITS)] if len(measures) else measures
    return [
        {str(row["measure"]).removeprefix(_SPLITS): row for row in rows.to_dict("records")}
        | {"of": of}
        for of, rows in own.groupby("of", sort=False)
    ]


def without_splits(measures: pd.DataFrame) -> pd.DataFrame:
    """Return the measures that `split_rows` does not show."""
    return measures[~measures["measure"].astype(str).str.startswith(_SPLITS)]


@dataclass(frozen=True)
class ProbeTable:
    """Top-1 of linear probes.

    Attributes:
        shots: a column per number of training clips of each class.
        rows: per cell ``cell, leaks, zero_shot``, and ``probes``: a text per column.
        cards: what the probes were trained on; more than one if the cells do not agree.
    """

    shots: Sequence[str]
    rows: Records
    cards: Sequence[Any]


def probe_rows(cells: Sequence[Result]) -> ProbeTable | None:
    """Return top-1 of linear probes by cell; None if no cell has a probe."""
    tables = {}
    for one in cells:
        path = one.folder / PROBES
        asked = one.measures.probe is not None and one.has_its_measures
        if asked and path.is_file() and len(rows := pd.read_csv(path, dtype={"shots": str})):
            tables[one.name] = one, rows.set_index("shots")
    if not tables:
        return None
    shots = list(dict.fromkeys(shots for _, rows in tables.values() for shots in rows.index))
    cards = {(one.folder / PROBE_CARD).read_text(encoding="utf-8") for one, _ in tables.values()}
    return ProbeTable(
        shots=shots,
        rows=[
            {
                "cell": name,
                "leaks": one.leaks,
                "zero_shot": one.metrics["top1"],
                "probes": [
                    _of_probe(rows.loc[each]) if each in rows.index else UNKNOWN for each in shots
                ],
            }
            for name, (one, rows) in tables.items()
        ],
        cards=[json.loads(card) for card in sorted(cards)],
    )


def _of_probe(row: "pd.Series[Any]") -> str:
    sd = f" ± {share(row['top1_sd'])}" if pd.notna(row["top1_sd"]) else ""
    ends = interval(row["low"], row["high"])
    return f"{share(row['top1'])}{sd}" + (f" ({ends})" if ends != UNKNOWN else "")
