"""What a measure is: its name, scale, meaning and function, and where it is shown."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import isinf
from typing import Any, Literal

Unit = Literal["%", "points", "nats", "count", "number", "grey levels", "seconds", "MB"]
"""How a value is shown: shares in [0, 1] as per cent, differences of shares as points."""

Better = Literal["higher", "lower", "neither"]

Source = Literal["scores", "cell", "sweep"]
"""What a measure is computed from: a cell's score table, the run of a cell, or several cells."""

Place = Literal["terminal", "report: mask", "report: bias", "report: protocols", "report: sweep"]
"""Where a measure is shown, besides the documentation, which has all of them."""


@dataclass(frozen=True)
class Measure:
    """One number that a cell or a sweep logs.

    Attributes:
        name: in MLflow, `metrics.json` and `cells.csv`; ``<…>`` stands for a name that the user
            chose, such as that of an attribute.
        title: a few words, without the unit.
        unit: how its value is shown.
        better: which direction is better.
        range: the least and the greatest value as logged, both possible or approached.
        function: what computes it. For the source ``scores`` see `clip_har.metrics.summary`. None
            if it is only counted or read.
        meaning: what it means, in one or two plain sentences.
        source: what it is computed from.
        places: where it is shown.
    """

    name: str
    title: str
    unit: Unit
    better: Better
    range: tuple[float, float]
    function: Callable[..., Any] | None
    meaning: str
    source: Source = "scores"
    places: tuple[Place, ...] = ()

    @property
    def label(self) -> str:
        """The title with its unit."""
        return self.title if self.unit in ("count", "number") else f"{self.title}, {self.unit}"

    @property
    def scale(self) -> str:
        """Its range as shown, and which direction is better; may be empty.

        Example:
            >>> one = Measure("top1", "top-1", "%", "higher", (0, 1), None, "Share of right clips.")
            >>> one.label, one.scale
            ('top-1, %', '0 to 100, higher is better')
        """
        factor = 100 if self.unit in ("%", "points") else 1
        low, high = (f"{factor * end:g}".replace("-", "−") for end in self.range)
        if isinf(self.range[0]):
            found = ""
        else:
            found = f"at least {low}" if isinf(self.range[1]) else f"{low} to {high}"
        direction = "" if self.better == "neither" else f"{self.better} is better"
        return ", ".join(text for text in (found, direction) if text)

    @property
    def explanation(self) -> str:
        """Its meaning and its scale."""
        scale = self.scale
        return f"{self.meaning} {scale[0].upper()}{scale[1:]}." if scale else self.meaning

    def covers(self, name: str) -> bool:
        """Return whether a logged name is that of this measure."""
        return self._pattern.fullmatch(name) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"<\w+>", "[^/]+(/[^/]+)?", self.name))
