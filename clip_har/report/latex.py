"""The cells as a LaTeX table."""

import re
from collections.abc import Sequence

import pandas as pd

from clip_har.report.comparison import ComparisonPart
from clip_har.report.models import ModelsPart
from clip_har.report.numbers import (
    UNKNOWN,
    interval,
    millions,
    milliseconds,
    number,
    p_value,
    points,
    rank_text,
    share,
)

_TEX = str.maketrans({"–": "--", "−": "-", "…": "...", "\u00a0": " "})
_LAST_KNOWN = 0x17F  # of the letters that LaTeX knows without further packages


def latex_table(parts: Sequence[ComparisonPart]) -> str:
    r"""Return the cells as a table for the package booktabs, the clean ones first.

    It compiles with every TeX engine: ``\input`` it into a table.

    Args:
        parts: the comparisons.
    """
    shown = pd.concat([_rows(part, named=len(parts) > 1) for part in parts], ignore_index=True)
    return _booktabs(shown, columns="l" * (len(shown.columns) - 7) + "rrrrrlr")


def latex_models(parts: Sequence[ModelsPart]) -> str:
    r"""Return top-1 of models and masks, ranks and cost as a table for the package booktabs.

    Args:
        parts: the comparisons of models.
    """
    shown = pd.concat([_models(part, named=len(parts) > 1) for part in parts], ignore_index=True)
    left = 2 if len(parts) > 1 else 1
    return _booktabs(shown.fillna(UNKNOWN), columns="l" * left + "r" * (len(shown.columns) - left))


def _booktabs(table: pd.DataFrame, *, columns: str) -> str:
    shown = table.map(_plain).rename(columns=_plain)
    styled = shown.style.hide(axis="index").format(escape="latex")
    styled = styled.format_index(axis="columns", escape="latex")
    text = str(styled.to_latex(hrules=True, column_format=columns))
    return re.sub(r"(& |\(|to )-(?=\d)", r"\1$-$", text.replace("& < ", "& $<$ "))


def _rows(part: ComparisonPart, *, named: bool) -> pd.DataFrame:
    rows = pd.DataFrame(part.cells.rows)
    settings = zip(*rows["settings"], strict=True) if part.cells.settings else ()
    return pd.DataFrame(
        {
            **({"Model and data": part.name} if named else {}),
            "Cell": rows["cell"] + rows["leaks"].map({True: " (uses the true label)", False: ""}),
            **dict(zip(map(str.capitalize, part.cells.settings), settings, strict=True)),
            "Unchanged": rows["top1_clean"].map(share),
            "Top-1": rows["top1"].map(share),
            "95 % interval": list(map(interval, rows["top1_low"], rows["top1_high"])),
            "Change": rows["top1_change"].map(points),
            "p (Holm)": rows["top1_p_holm"].map(p_value),
            "Verdict": [text if isinstance(text, str) else UNKNOWN for text in rows["verdict"]],
            "ECE": rows["ece"].map(number),
        }
    )


def _models(part: ModelsPart, *, named: bool) -> pd.DataFrame:
    """Return the rows of some models; leaking masks are marked."""
    ranks = {row["model"]: row for ranked in part.ranked for row in ranked["rows"]}
    costs = {row["model"]: row for row in part.costs}
    lines = []
    for row in part.rows:
        line = {"Data": part.tables.models.title} if named else {}
        line["Model"] = row["model"]
        for mask, cell in zip(part.masks, row["cells"], strict=True):
            title = str(mask["name"]) + " (uses the true label)" * bool(mask["leaks"])
            line[title] = UNKNOWN if cell is None else share(cell["top1"])
        if row["change"] is not None:
            ends = interval(row["change"]["change_low"], row["change"]["change_high"], points)
            line["Change"] = f"{points(row['change']['change'])} ({ends})"
        if row["model"] in ranks:
            line["Rank interval"] = rank_text(ranks[row["model"]])
        if row["model"] in costs:
            line["ms a clip"] = milliseconds(costs[row["model"]]["seconds_per_clip"])
            line["Parameters, millions"] = millions(costs[row["model"]]["parameters"])
        lines.append(line)
    return pd.DataFrame(lines)


def _plain(text: object) -> str:
    r"""Return text in letters that LaTeX knows; others get their number.

    Example:
        >>> _plain("café 走"), _plain("−2.5")
        ('café (U+8D70)', '-2.5')
    """
    letters = str(text).translate(_TEX)
    return "".join(c if ord(c) <= _LAST_KNOWN else f"(U+{ord(c):04X})" for c in letters)
