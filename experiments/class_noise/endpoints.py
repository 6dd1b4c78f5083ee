"""The endpoints that the protocol names, and what is concluded from them by its rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from clip_har.core.errors import ClipHarError
from clip_har.metrics.intervals import quantile
from clip_har.metrics.significance import corrected, t_test
from clip_har.noise.learned.arms import GATED, LIFT, STACKED
from clip_har.noise.variants import NONE, SHUFFLED
from experiments.class_noise.cells import CLEAN, SWAP
from experiments.class_noise.effects import ALL, Effects

ALPHA, MARGIN, CLEAN_LOSS = 0.05, 0.01, 0.005
SHOWN, NOT_SHOWN, NOT_MEASURED = "shown", "not shown", "not measured"
BY_RULE = "shown: the same clips are right in all fits"
OPPOSITE = "not shown: the opposite is seen"
NOT_CONFIRMED = (
    "seen, not confirmed, because the primary endpoint does not show that noise per class helps"
)

Conclusion = Literal["helps", "helps a little", "equivalent", "harms", "undecided"]


@dataclass(frozen=True)
class Endpoint:
    """One comparison of two arms.

    Attributes:
        name: a few words.
        condition: the arm.
        control: the arm that it is compared with.
        measure: what is compared.
        mask: under which mask; `ALL` for the mean over all.
        lower: whether lower is better.
        allowed: how much worse it may be, where it need not be better; else 0.
    """

    name: str
    condition: str
    control: str
    measure: str
    mask: str
    lower: bool = False
    allowed: float = 0.0


PRIMARY = Endpoint("noise per class", LIFT, STACKED, "top1", ALL)
SECONDARY = (
    Endpoint("against the noise of another class", LIFT, SHUFFLED, "top1", ALL),
    Endpoint(
        "errors that name the background", LIFT, STACKED, "scene/errors_to_scene", SWAP, lower=True
    ),
    Endpoint(
        "loss on clean clips at most 0.5 points", GATED, NONE, "top1", CLEAN, allowed=CLEAN_LOSS
    ),
)


def conclusion(low: float, high: float, p_equivalent: float) -> Conclusion:
    """Return what the primary endpoint shows.

    Args:
        low: lower end of the 95 % interval.
        high: upper end.
        p_equivalent: of the two one-sided tests at ±`MARGIN`.

    Example:
        >>> conclusion(0.002, 0.03, 0.8), conclusion(-0.004, 0.004, 0.001)
        ('helps', 'equivalent')
    """
    if high < 0:
        return "harms"
    small = p_equivalent < ALPHA
    if low > 0:
        return "helps a little" if small else "helps"
    return "equivalent" if small else "undecided"


def endpoints_table(
    effects: Effects, models: Sequence[str], *, rendered: bool = True
) -> pd.DataFrame:
    """Return the endpoints with tests and conclusions.

    The tests of the secondary endpoints are corrected together (Holm 1979), always over all of
    them. They confirm something only if the primary endpoint shows that noise per class helps.

    Args:
        effects: of all arms.
        models: names of the models, each of which gets a row of the primary endpoint, without a
            conclusion: it is no test.
        rendered: whether the clips are rendered. Real clips may have no swapped background: then
            this endpoint's row says that it was not measured.

    Returns:
        Columns ``endpoint, order, condition, control, measure, mask, before, after, difference,
        low, high, low_90, high_90, low_models, high_models, p, p_holm, p_equivalent, conclusion,
        clips, groups, fits, models``. TOST at 5 % asks whether the interval of 90 % lies within
        the margin. Order is ``primary``, ``secondary`` or ``one model``.

    Raises:
        ClipHarError: when an endpoint was not measured.
    """
    rows: list[dict[str, object]] = []
    for order, given in (("primary", (PRIMARY,)), ("secondary", SECONDARY)):
        for one in given:
            found = effects.of(one.mask, one.condition, one.control, one.measure, margin=MARGIN)
            named: dict[str, object] = {"endpoint": one.name, "order": order, **_of(one)}
            if found is None and one.mask == SWAP and not rendered:
                rows.append(named)
                continue
            if found is None:
                raise ClipHarError(
                    f"the study lacks {one.measure} of {one.condition} and {one.control} under"
                    f" {one.mask}, an endpoint of its protocol: run its command with all masks"
                )
            effect, clips = found
            # Two-sided also for "not much worse", as its interval is.
            distance = effect.difference + one.allowed
            p = t_test(distance, effect.standard_error, effect.degrees)
            half = quantile(effect.degrees, level=0.9) * effect.standard_error
            within = {"low_90": effect.difference - half, "high_90": effect.difference + half}
            row: dict[str, object] = {
                **named, **vars(effect), **within, "p": p, "clips": clips,
            }  # fmt: skip
            if one.allowed and effects.same_answers(one.mask, one.condition, one.control):
                row |= {"low": 0.0, "high": 0.0, "p": np.nan}  # no loss in any clip: by the rule
            rows.append(row)
    for model in models if len(models) > 1 else ():
        found = effects.of(ALL, PRIMARY.condition, PRIMARY.control, PRIMARY.measure, model=model)
        assert found is not None, "every model has the arms of the primary endpoint"  # noqa: S101
        of_model = {"endpoint": model, "order": "one model", **_of(PRIMARY), **vars(found[0])}
        rows.append({**of_model, "clips": found[1]})
    table = pd.DataFrame(rows)
    secondary = table["order"] == "secondary"
    table["p_holm"] = np.nan
    # What was not tested counts as a test without a finding: the others must not gain by it.
    tested = table.loc[secondary, "p"]
    table.loc[secondary, "p_holm"] = corrected(tested.fillna(1.0).tolist(), "holm")
    table.loc[tested.index[tested.isna()], "p_holm"] = np.nan
    for column in ("clips", "groups", "fits", "models"):
        table[column] = table[column].astype("Int64")
    table["conclusion"] = _conclusions(table)
    return table[[
        "endpoint", "order", "condition", "control", "measure", "mask", "before", "after",
        "difference", "low", "high", "low_90", "high_90", "low_models", "high_models", "p",
        "p_holm", "p_equivalent", "conclusion", "clips", "groups", "fits", "models",
    ]]  # fmt: skip


def _of(one: Endpoint) -> dict[str, str]:
    return {
        "condition": one.condition, "control": one.control, "measure": one.measure,
        "mask": one.mask,
    }  # fmt: skip


def _conclusions(table: pd.DataFrame) -> list[str]:
    found: list[str] = []
    first = table.iloc[0]
    of_primary = conclusion(first["low"], first["high"], first["p_equivalent"])
    for row in table.to_dict("records"):
        if row["order"] != "secondary":
            found.append(of_primary if row["order"] == "primary" else "")
            continue
        if np.isnan(row["p"]):
            found.append(NOT_MEASURED if np.isnan(row["difference"]) else BY_RULE)
            continue
        one = next(one for one in SECONDARY if one.name == row["endpoint"])
        better = row["high"] < 0 if one.lower else row["low"] > -one.allowed
        if not (better and row["p_holm"] < ALPHA):
            worse = row["low"] > 0 if one.lower else row["high"] < -one.allowed
            found.append(OPPOSITE if worse and row["p_holm"] < ALPHA else NOT_SHOWN)
        else:
            helped = of_primary.startswith("helps")
            found.append(SHOWN if helped else NOT_CONFIRMED)
    return found
