"""Sentences about a study's numbers: both the numbers and "raises" or "lowers" are computed."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from clip_har.core.errors import ClipHarError
from clip_har.report.numbers import number, p_value, points, share
from experiments.effects import CLEAN

_ALPHA = 0.05
_AS_SHARE = ("top1", "true_class_confidence", "ece")
_NAMES = {
    "top1": "top-1",
    "true_class_confidence": "true-class confidence",
    "ece": "ECE",
    "bias/skew_kl": "skew, nats",
    "bias/recall_sd": "spread of recall",
}


class Words:
    """The functions that a template may call to show a study's results.

    Args:
        effects: see `experiments.effects.effects`.
        scene: see `experiments.effects.scene_bias`.
    """

    def __init__(self, effects: pd.DataFrame, scene: pd.DataFrame) -> None:
        self._effects = effects
        self._scene = scene

    def names(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by their names in templates."""
        return {
            "accuracy": self.accuracy,
            "hidden": self.hidden,
            "change": self.change,
            "effect": self.effect,
            "scene": self.scene,
            "certain": self.certain,
            "effects_table": self.effects_table,
            "bias_table": self.bias_table,
            "scene_table": self.scene_table,
            "tests": self.tests,
        }

    def accuracy(self, condition: str, against: str = CLEAN, side: str = "after") -> str:
        """Return the top-1 of a condition, or with ``side="before"`` of its control, in percent."""
        return f"{share(self._row(condition, against)[side])} %"

    def hidden(self, condition: str) -> str:
        """Return the mean share of pixels that a condition hides, in percent."""
        return f"{share(self._row(condition, CLEAN)['hidden'])} %"

    def change(self, condition: str, against: str = CLEAN, measure: str = "top1") -> str:
        """Return a difference with its interval, and its p-value if it was tested."""
        row = self._row(condition, against, measure)
        shown = points if measure in _AS_SHARE else _signed
        text = f"{shown(row['difference'])} ({shown(row['low'])} to {shown(row['high'])}"
        return text + (f", p {_p(row['p_holm'])})" if pd.notna(row["p_holm"]) else ")")

    def effect(self, condition: str, against: str = CLEAN, measure: str = "top1") -> str:
        """Return a change with its verdict, such as ``lowers top-1 by 12.0 points (…)``.

        A change of top-1 counts as one only if the interval over groups excludes zero and Holm's p
        is below 5 %. Other measures are not tested: there the interval alone decides.
        """
        row = self._row(condition, against, measure)
        unit = " points" if measure in _AS_SHARE else ""
        text = self.change(condition, against, measure)
        size, _, rest = text.partition(" ")
        of = _NAMES[measure].removesuffix(", nats")
        if not self.certain(condition, against, measure):
            return f"does not clearly change {of}: {size}{unit} {rest}"
        verb = "raises" if row["difference"] > 0 else "lowers"
        return f"{verb} {of} by {size.lstrip('+−')}{unit} {rest}"

    def certain(self, condition: str, against: str = CLEAN, measure: str = "top1") -> bool:
        """Return whether a change counts as a change, by the rule of `effect`."""
        row = self._row(condition, against, measure)
        tested = pd.isna(row["p_holm"]) or row["p_holm"] < _ALPHA
        return bool(tested and (row["low"] > 0 or row["high"] < 0))

    def scene(self, measure: str, of: str) -> str:
        """Return a measure of scene bias in percent, with its interval."""
        kept = (self._scene["measure"] == f"scene/{measure}") & (self._scene["of"] == of)
        if not kept.any():
            known = sorted(set(self._scene["of"])) if len(self._scene) else "none"
            raise ClipHarError(f"there is no scene/{measure} of {of}; there are: {known}")
        row = self._scene[kept].iloc[0]
        return f"{share(row['value'])} % ({share(row['low'])} to {share(row['high'])})"

    def tests(self) -> int:
        """Return the number of tests in Holm's correction."""
        return int(self._effects["p_holm"].notna().sum())

    def effects_table(self) -> str:
        """Return top-1 of every condition beside clean twin and control, as Markdown."""
        rows = self._effects[self._effects["measure"] == "top1"]
        head = ("condition", "hidden, %", "against", "before, %", "after, %", "points (95 %)",
                "p, Holm", "clips", "groups", "seeds")  # fmt: skip
        lines = [
            (
                row["condition"] + (" **(leaks the label)**" if row["leaks"] else ""),
                share(row["hidden"]), row["control"], share(row["before"]), share(row["after"]),
                f"{points(row['difference'])} ({points(row['low'])} to {points(row['high'])})",
                p_value(row["p_holm"]), row["clips"], row["groups"], row["seeds"],
            )
            for row in rows.to_dict("records")
        ]  # fmt: skip
        return markdown(head, lines)

    def bias_table(self) -> str:
        """Return confidence, calibration and class bias of every condition, as Markdown."""
        rows = self._effects[self._effects["control"] == CLEAN]
        measures = [name for name in _NAMES if name != "top1" and name in set(rows["measure"])]
        lines = [
            (name, *(self.change(str(name), CLEAN, measure) for measure in measures))
            for name in dict.fromkeys(rows["condition"])
        ]
        return markdown(("condition", *(_NAMES[measure] for measure in measures)), lines)

    def scene_table(self) -> str:
        """Return the measures of scene bias, a row per measure, a column per setting."""
        settings = list(dict.fromkeys(self._scene["of"]))
        names = [name.removeprefix("scene/") for name in dict.fromkeys(self._scene["measure"])]
        lines = [(name, *(self.scene(name, of) for of in settings)) for name in names]
        return markdown(("measure", *settings), lines)

    def _row(self, condition: str, against: str, measure: str = "top1") -> pd.Series:
        table = self._effects
        kept = (table["condition"] == condition) & (table["measure"] == measure)
        found = table[kept & (table["control"] == against)]
        if len(found) != 1:
            raise ClipHarError(
                f"expected one row of {measure} of {condition} against {against} in the results,"
                f" found {len(found)}: run the study's commands again, or correct its page"
            )
        return found.iloc[0]


def markdown(head: tuple[str, ...], lines: Sequence[tuple[object, ...]]) -> str:
    """Return a table as Markdown."""
    rows = [head, ("---",) * len(head), *lines]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _signed(value: float) -> str:
    text = number(value)
    return text if text.startswith("−") else f"+{text}"


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"
