"""Sentences and tables of the study's page: numbers and verdicts come from its CSV files."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from clip_har.core.errors import ClipHarError
from clip_har.heads.names import HEADS
from clip_har.noise.learned.arms import GATED, LIFT, STACKED, arm_of
from clip_har.noise.learned.protocols import LEAKS
from clip_har.noise.variants import CALIBRATION, NONE, SHUFFLED, UNIVERSAL
from clip_har.report.numbers import number, p_value, points, share
from experiments.class_noise.arms import BEST_LIFT, BEST_UNIVERSAL, PLACEBOS, passes
from experiments.class_noise.effects import ALL
from experiments.class_noise.endpoints import NOT_SHOWN, OPPOSITE, SHOWN
from experiments.words import markdown

_VERDICTS = {
    "helps": "**noise per class helps**",
    "helps a little": "**noise per class helps, by less than one point**",
    "equivalent": "**noise per class changes top-1 by less than one point**",
    "harms": "**noise per class harms**",
    "undecided": "**undecided**: neither an effect nor its absence is shown",
}
_UNKNOWN = "–"
PER_CLASS = "per class"
_PARTS = {UNIVERSAL: "for all classes", PER_CLASS: "per class"}
_IN_NATS = ("bias/skew_kl",)
_MEASURES = {
    "top1": "top-1, points",
    "true_class_confidence": "true-class confidence, points",
    "ece": "ECE, points",
    "bias/skew_kl": "skew, nats",
    "bias/recall_sd": "spread of recall, points",
    "bias/worst10": "worst tenth of classes, points",
    "attention/mass": "attribution inside the subject, points",
    "scene/swap_error": "SBErr (swapped clips), points",
    "scene/errors_to_scene": "errors that name the background (swapped clips), points",
}


class NoiseWords:
    """The functions that the template of the study's page may call.

    Args:
        effects: see `experiments.class_noise.effects.effects_table`.
        endpoints: see `experiments.class_noise.endpoints.endpoints_table`.
        top1: by arm, top-1 under each mask.
        costs: parts with hours.
        learned: see `experiments.class_noise.analysis.learned_table`.
        departures: how the sweep differs from the fixed protocol, one row each.
        about: the caption of the model and the data.
    """

    def __init__(
        self,
        effects: pd.DataFrame,
        endpoints: pd.DataFrame,
        top1: pd.DataFrame,
        costs: pd.DataFrame,
        learned: pd.DataFrame,
        departures: pd.DataFrame,
        about: pd.DataFrame,
    ) -> None:
        self._effects = effects
        self._endpoints = endpoints
        self._top1 = top1
        self._costs = costs
        self._learned = learned
        self._departures = departures
        self._about = about

    def names(self) -> Mapping[str, Callable[..., object]]:
        """Return the functions by their names in templates."""
        return {
            "primary": self.primary,
            "verdict": self.verdict,
            "caption": self.caption,
            "departures": self.departures,
            "learned": self.learned,
            "of_the_class": self.of_the_class,
            "of_the_background": self.of_the_background,
            "across_models": self.across_models,
            "change": self.change,
            "has": self.has,
            "endpoints_table": self.endpoints_table,
            "models_table": self.models_table,
            "top1_table": self.top1_table,
            "masks_table": self.masks_table,
            "bias_table": self.bias_table,
            "placebo_table": self.placebo_table,
            "heads_table": self.heads_table,
            "arms_table": self.arms_table,
            "costs_table": self.costs_table,
            "clean_loss": self.clean_loss,
            "fewer_fits": self.fewer_fits,
            "heads": self.heads,
            "best_head": self.best_head,
        }

    def primary(self) -> str:
        """Return the primary endpoint with its interval, its size and its verdict, one sentence."""
        row = self._first()
        return (
            f"Noise per class (lift) changes top-1 by {_points(row)} against one noise for all"
            " classes at equal effort in learning (stacked universal), mean over"
            f" {self._masks()} masks, {row['fits']:.0f} fits of {row['models']:.0f}"
            f" {_plural(row['models'], 'model')} and {row['clips']:.0f} clips of"
            f" {row['groups']:.0f} subjects: {self.verdict()}."
        )

    def verdict(self) -> str:
        """Return the conclusion by the rules of the protocol: of the primary endpoint, and of the
        placebo, because lift may also gain by averaging over many noises.
        """  # noqa: D205
        said = self._first()["conclusion"]
        if said.startswith("helps") and self._placebo()["conclusion"] != SHOWN:
            return "**lift helps, but not shown to be because of the class**"
        return f"{_VERDICTS[said]}{self._within()}"

    def _within(self) -> str:
        """Return what "less than one point" rests on: the 90 % interval, which TOST is."""
        row = self._first()
        if row["conclusion"] not in ("helps a little", "equivalent"):
            return ""
        return (
            f" (90 % interval {points(row['low_90'], 2)} to {points(row['high_90'], 2)}, TOST"
            f" p {_equals(row['p_equivalent'])})"
        )

    def caption(self) -> str:
        """Return the model and the data, such as ``tiny model, rendered data``."""
        return str(self._about["caption"].item())

    def departures(self) -> str:
        """Return how the sweep differs from the fixed protocol; empty if it does not."""
        return "; ".join(self._departures["departure"])

    def learned(self) -> str:
        """Return how often learning stopped early, and which steps were kept, in sentences."""
        return " ".join(
            f"Noise {_PARTS[str(part)]}: of {rows['planned'].max()} steps validation kept the last"
            f" one in {int((rows['kept'] == rows['planned']).sum())} of {len(rows)} fits, and at"
            f" the earliest step {rows['kept'].min()}; learning stopped early in"
            f" {int((rows['steps'] < rows['planned']).sum())}."
            for part, rows in self._learned.groupby("part", sort=False)
        )

    def of_the_class(self) -> str:
        """Return whether a gain is of each class's own noise, one sentence.

        Lift averages over many noises: with errors that each noise makes by itself, that alone
        helps, although none of them knows anything of a class.
        """
        row = self._placebo()
        if row["conclusion"] == SHOWN:
            ends = "so the gain depends on each class having its own noise"
        elif row["conclusion"] == OPPOSITE:
            ends = "so lift is worse than the placebo"
        elif row["conclusion"] != NOT_SHOWN:
            ends = row["conclusion"]
        else:
            ends = "so it is **not shown** that the gain depends on each class having its own noise"
        return (
            f"Against the placebo, the noise of another class, lift changes top-1 by"
            f" {_points(row)}, p after Holm's correction {_equals(row['p_holm'])}: {ends}."
        )

    def of_the_background(self) -> str:
        """Return whether errors name the background less often with noise per class, a sentence."""
        row = self._endpoints[self._endpoints["measure"] == "scene/errors_to_scene"].iloc[0]
        if pd.isna(row["difference"]):
            return "Whether errors name the background less often was not measured."
        said = {
            SHOWN: "so a smaller share of the errors names the background",
            OPPOSITE: "so a **larger** share of the errors names the background, the opposite of"
            " what was hoped",
            NOT_SHOWN: "so it is **not shown** that a smaller share names the background",
        }
        mask, measure = row["mask"], row["measure"]
        alone = [self.change(arm, NONE, mask, measure) for arm in (LIFT, STACKED)]
        return (
            "The share of errors on swapped clips that name the background changes by"
            f" {_points(row)} against stacked universal, p after Holm's correction"
            f" {_equals(row['p_holm'])}: {said.get(row['conclusion'], row['conclusion'])}. Against"
            f" no noise it changes by {alone[0]} with lift, and by {alone[1]} with stacked"
            " universal."
        )

    def across_models(self) -> str:
        """Return what the primary endpoint says of models that the study did not have."""
        row = self._first()
        if pd.isna(row["low_models"]):
            return "One model: nothing is said of other models."
        ends = f"{points(row['low_models'], 2)} to {points(row['high_models'], 2)}"
        holds = row["low_models"] > 0 or row["high_models"] < 0
        same = (row["low_models"], row["high_models"]) == (row["low"], row["high"])
        because = (
            " (it would be narrower than the one above, because these models agree, and is never"
            " reported so)"
        )
        return (
            f"With models as random, too, the interval of lift − stacked universal is {ends}"
            f"{because if same else ''}: by the rule, the sign"
            f" {'also holds' if holds else 'is not shown'} for models of new training seeds. That"
            f" rests on {row['models']:.0f} models."
        )

    def change(self, condition: str, control: str, mask: str = ALL, measure: str = "top1") -> str:
        """Return a difference with its interval; "–" where these two arms lack the measure."""
        found = self._rows(condition, control, mask, measure)
        if len(found):
            return _difference(found.iloc[0])
        if not self.has(condition, control):
            raise ClipHarError(
                f"the study's results do not compare {condition} with {control}: run its command"
                " again, or correct its page"
            )
        return _UNKNOWN

    def has(self, condition: str, control: str = NONE) -> bool:
        """Return whether the study has a comparison."""
        return len(self._rows(condition, control, ALL, "top1")) > 0

    def endpoints_table(self) -> str:
        """Return primary and secondary endpoints, as Markdown."""
        rows = self._endpoints[self._endpoints["order"] != "one model"]
        head = ("endpoint", "compared", "measure", "mask", "difference (95 %)", "p", "p, Holm",
                "p, TOST ±1 point", "fits", "conclusion")  # fmt: skip
        lines = []
        for row in rows.to_dict("records"):
            first = row["order"] == "primary"
            lines.append((
                f"**{row['endpoint']}** (primary)" if first else row["endpoint"],
                f"{row['condition']} − {row['control']}", _MEASURES[str(row["measure"])],
                row["mask"], _difference(row, 2), p_value(row["p"]), p_value(row["p_holm"]),
                p_value(row["p_equivalent"]) if first else _UNKNOWN,
                _UNKNOWN if pd.isna(row["fits"]) else f"{row['fits']:.0f}",
                self.verdict() if first else row["conclusion"],
            ))  # fmt: skip
        return markdown(head, lines)

    def models_table(self) -> str:
        """Return the primary endpoint of each model, as Markdown; empty for one model."""
        rows = self._endpoints[self._endpoints["order"] == "one model"]
        if not len(rows):
            return ""
        lines = [
            (row["endpoint"], _difference(row, 2), row["fits"], row["groups"])
            for row in rows.to_dict("records")
        ]
        head = ("model", "lift − stacked universal, points (95 %)", "fits", "subjects")
        return markdown(head, lines)

    def top1_table(self) -> str:
        """Return the top-1 of every arm under every mask, mean over fits, as Markdown."""
        masks = [name for name in self._top1.columns if name not in ("condition", "fits", "leaks")]
        lines = [
            (_marked(row["condition"]), *(share(row[mask]) for mask in masks), row["fits"])
            for row in self._top1.to_dict("records")
        ]
        return markdown(("top-1, %", *masks, "fits"), lines)

    def masks_table(self) -> str:
        """Return top-1 of lift against its controls under each mask, as Markdown."""
        against = [one for one in (NONE, STACKED, SHUFFLED, CALIBRATION) if self.has(LIFT, one)]
        masks = [name for name in dict.fromkeys(self._effects["mask"]) if name != ALL]
        lines = [
            (mask, *(self.change(LIFT, one, mask) for one in against)) for mask in (*masks, ALL)
        ]
        return markdown(("lift, points of top-1 (95 %)", *(f"− {one}" for one in against)), lines)

    def bias_table(self) -> str:
        """Return confidence, calibration, bias and attention, as Markdown."""
        pairs = [
            pair
            for pair in (
                (LIFT, STACKED),
                (LIFT, SHUFFLED),
                (LIFT, CALIBRATION),
                (LIFT, NONE),
                (STACKED, NONE),
            )
            if self.has(*pair)
        ]
        measured = set(self._effects["measure"])
        lines = []
        for measure, title in _MEASURES.items():
            if measure in measured and measure != "top1":
                mask = "swap" if measure.startswith("scene/") else ALL
                lines.append((title, *(self.change(*pair, mask, measure) for pair in pairs)))
        return markdown(("measure", *(f"{one} − {other}" for one, other in pairs)), lines)

    def placebo_table(self) -> str:
        """Return lift and what is left of it without its class parts, as Markdown."""
        return self._pairs_table([(LIFT, one) for one in (*PLACEBOS, STACKED)])

    def heads_table(self) -> str:
        """Return lift against the heads, and noise on top of the best head, as Markdown."""
        alone = [(arm, NONE) for arm in (*HEADS, STACKED, LIFT)]
        against = [(LIFT, head) for head in HEADS]
        on_top = [(BEST_UNIVERSAL, NONE), (BEST_LIFT, NONE), (BEST_LIFT, BEST_UNIVERSAL)]
        return self._pairs_table([*alone, *against, *on_top])

    def arms_table(self) -> str:
        """Return what each arm is and costs, as Markdown."""
        arms = [(name, arm_of(name)) for name in self._top1["condition"]]
        lines = [
            (_marked(name), one.said, ", ".join(one.features), passes(one)) for name, one in arms
        ]
        head = ("arm", "what it is", "stacked scores", "passes of a frame")
        return markdown(head, lines)

    def costs_table(self) -> str:
        """Return the time of the study's parts, as Markdown."""
        lines = [(row["part"], number(row["hours"])) for row in self._costs.to_dict("records")]
        return markdown(("part", "hours of work, summed over workers"), lines)

    def clean_loss(self) -> str:
        """Return the change of the gated arm on clean clips, by the endpoint's own interval."""
        rows = self._endpoints[self._endpoints["condition"] == GATED]
        return _difference(rows.iloc[0], 2)

    def fewer_fits(self) -> str:
        """Return which arms ran in some fits only, in sentences; empty if all ran in all."""
        most = self._top1["fits"].max()
        rows = self._top1[self._top1["fits"] < most]
        if not len(rows):
            return ""
        names = ", ".join(_marked(name) for name in rows["condition"])
        return (
            f"In {rows['fits'].min()} of the {most} fits only: {names}. Their top-1 is that of"
            f" these fits; compare them by differences such as lift − {rows['condition'].iloc[0]}."
        )

    def heads(self) -> str:
        """Return whether noise per class is worth its passes beside heads from the same labels."""
        found = {head: self._rows(LIFT, head, ALL, "top1") for head in HEADS}
        rows = {head: table.iloc[0] for head, table in found.items() if len(table)}
        if not rows:
            return ""
        kept = [head for head, row in rows.items() if row["low"] <= 0]
        beaten = ", ".join(head for head in rows if head not in kept)
        if not kept:
            return f"Lift is better than all heads from the same labels: {beaten}."
        against = ", ".join(f"lift − {head} is {_difference(rows[head])} points" for head in kept)
        others = f" It is better than {beaten}." if beaten else ""
        return (
            "**By the protocol, noise per class is not worth its C + 2 passes**: it does not beat a"
            f" head from the same labels, which needs one: {against}.{others}"
        )

    def best_head(self) -> str:
        """Return what noise adds to the best head, and which head that is, in sentences."""
        names = self._learned.drop_duplicates(["model", "seed"])["best_head"].dropna()
        counts = ", ".join(f"{name} in {count}" for name, count in names.value_counts().items())
        chosen = f" It was {counts} of {len(names)} fits." if counts else ""
        on_top = self._rows(BEST_LIFT, BEST_UNIVERSAL, ALL, "top1")
        if not len(on_top):
            return ""
        row = on_top.iloc[0]
        return (
            "In each fit the best head is the one with the lowest loss on training subjects that it"
            f" did not learn from.{chosen} With noise for all classes it has"
            f" {share(row['before'])} %, and with lift in its place {share(row['after'])} %:"
            f" {_difference(row)} points."
        )

    def _pairs_table(self, pairs: Sequence[tuple[str, str]]) -> str:
        lines = []
        for condition, control in pairs:
            found = self._rows(condition, control, ALL, "top1")
            if len(found):
                row = found.iloc[0]
                lines.append((
                    f"{condition} − {control}", share(row["before"]), share(row["after"]),
                    _difference(row), row["fits"],
                ))  # fmt: skip
        head = ("compared", "second arm, %", "first arm, %", "points (95 %)", "fits")
        return markdown(head, lines)

    def _rows(self, condition: str, control: str, mask: str, measure: str) -> pd.DataFrame:
        table = self._effects
        kept = (table["condition"] == condition) & (table["control"] == control)
        found: pd.DataFrame = table[kept & (table["mask"] == mask) & (table["measure"] == measure)]
        return found

    def _first(self) -> Any:
        return self._endpoints.iloc[0]

    def _placebo(self) -> Any:
        return self._endpoints[self._endpoints["control"] == SHUFFLED].iloc[0]

    def _masks(self) -> int:
        return int((self._effects["mask"].drop_duplicates() != ALL).sum())


def _marked(name: str) -> str:
    return name.replace(LEAKS, f" **{LEAKS.strip()}**")


def _points(row: Any) -> str:
    return (
        f"**{points(row['difference'], 2)} points** (95 % interval {points(row['low'], 2)} to"
        f" {points(row['high'], 2)})"
    )


def _difference(row: Any, decimals: int = 1) -> str:
    """Return a difference with its interval in the unit of its measure; decimals of points."""
    if pd.isna(row["difference"]):
        return _UNKNOWN
    shown = _signed if row["measure"] in _IN_NATS else partial(points, decimals=decimals)
    return f"{shown(row['difference'])} ({shown(row['low'])} to {shown(row['high'])})"


def _signed(value: float) -> str:
    text = number(value)
    return text if text.startswith("−") else f"+{text}"


def _equals(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
