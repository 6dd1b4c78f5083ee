"""Sentences about a specification curve: both the numbers and what they show are computed."""

from collections.abc import Callable, Mapping

import pandas as pd

from clip_har.metrics.specification import LEVEL, Expected
from clip_har.report.numbers import p_value, points
from experiments.curve import NUMBERS
from experiments.words import markdown


class CurveWords:
    """The functions that a template may call to show a specification curve.

    Args:
        curve: see `experiments.curve.curve`.
        joint: see there.
        expected: the sign that was expected.
    """

    def __init__(self, curve: pd.DataFrame, joint: pd.DataFrame, expected: Expected) -> None:
        self._curve = curve
        self._joint = joint.set_index("statistic")
        self._lower = expected == "lower"

    def names(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by their names in templates."""
        return {
            "certain": self.certain,
            "specifications": self.specifications,
            "clips": lambda: int(self._curve["clips"].iloc[0]),
            "groups": lambda: int(self._curve["groups"].iloc[0]),
            "median": self.median,
            "extremes": self.extremes,
            "expected": self.expected,
            "significant": self.significant,
            "opposed": self.opposed,
            "joint_p": self.joint_p,
            "level": self.level,
            "matters_most": self.matters_most,
            "levels_table": self.levels_table,
            "curve_table": self.curve_table,
        }

    def certain(self) -> bool:
        """Return whether the median difference has the expected sign beyond chance."""
        return bool(self._joint["p"]["median"] < LEVEL)

    def specifications(self) -> int:
        """Return their number."""
        return len(self._curve)

    def median(self) -> str:
        """Return the median difference over all specifications, in points."""
        return points(self._joint["value"]["median"])

    def extremes(self) -> str:
        """Return the smallest and the largest difference, in points."""
        found = self._curve["difference"]
        return f"{points(found.min())} to {points(found.max())}"

    def expected(self) -> int:
        """Return how many specifications have the expected sign."""
        return int(self._towards(self._curve).sum())

    def significant(self) -> int:
        """Return how many have the expected sign and a p-value below the level."""
        return int((self._towards(self._curve) & (self._curve["p"] < LEVEL)).sum())

    def opposed(self) -> int:
        """Return how many have the other sign and a p-value below the level."""
        against = ~self._towards(self._curve) & (self._curve["difference"] != 0)
        return int((against & (self._curve["p"] < LEVEL)).sum())

    def joint_p(self, statistic: str) -> str:
        """Return the joint p-value of ``median``, ``expected`` or ``significant``."""
        text = p_value(self._joint["p"][statistic])
        return text if text.startswith("<") else f"= {text}"

    def level(self, factor: str, value: str) -> str:
        """Return the median difference of the specifications with one choice, in points."""
        return points(self._curve[self._curve[factor] == value]["difference"].median())

    def matters_most(self) -> str:
        """Return the choice whose values differ most in their median, with these medians."""
        medians = {factor: self._medians(factor) for factor in self._factors()}
        most = max(medians, key=lambda factor: medians[factor].max() - medians[factor].min())
        listed = ", ".join(f"{value}: {points(found)}" for value, found in medians[most].items())
        return f"{most} ({listed})"

    def levels_table(self) -> str:
        """Return the curve by each choice, as Markdown."""
        lines = []
        for factor in self._factors():
            for value in self._medians(factor).index:
                part = self._curve[self._curve[factor] == value]
                towards, found = self._towards(part), part["difference"]
                lines.append(
                    (
                        factor, value, len(part), points(found.median()),
                        f"{points(found.min())} to {points(found.max())}", int(towards.sum()),
                        int((towards & (part["p"] < LEVEL)).sum()),
                    )
                )  # fmt: skip
        sign = "below 0" if self._lower else "above 0"
        head = ("choice", "value", "specifications", "median, points", "from … to", sign,
                f"{sign}, p < {LEVEL:g}")  # fmt: skip
        return markdown(head, lines)

    def curve_table(self) -> str:
        """Return all specifications, sorted by their estimate, as Markdown."""
        factors = self._factors()
        ordered = self._curve.sort_values("difference", kind="stable").to_dict("records")
        lines = [
            (
                *(row[factor] or "–" for factor in factors),
                f"{points(row['difference'])} ({points(row['low'])} to {points(row['high'])})",
                p_value(row["p"]),
            )
            for row in ordered
        ]
        return markdown((*factors, "points (95 %)", "p"), lines)

    def _factors(self) -> list[str]:
        return [str(name) for name in self._curve if name not in NUMBERS]

    def _medians(self, factor: str) -> pd.Series:
        """Return the median difference of each value of a choice, in the order of the curve."""
        chosen = self._curve[self._curve[factor] != ""]
        found: pd.Series = chosen.groupby(factor, sort=False)["difference"].median()
        return found

    def _towards(self, rows: pd.DataFrame) -> pd.Series:
        towards: pd.Series = rows["difference"] < 0 if self._lower else rows["difference"] > 0
        return towards
