"""``python -m experiments.class_noise.power``: the smallest design that finds the effect.

Whole studies are simulated from variance components, and analysed as the study is.
"""

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from clip_har.cli.errors import report_fault
from clip_har.core.errors import ClipHarError
from clip_har.core.seeding import generator
from clip_har.core.settings import Settings
from clip_har.metrics.bootstrap import GroupDraws, group_draws
from clip_har.metrics.crossed import crossed_effect
from clip_har.noise.learned.arms import LIFT, STACKED
from experiments.class_noise.components import Components
from experiments.class_noise.design import Design, Pace
from experiments.words import markdown

FOLDER = Path(__file__).parent
PILOT = FOLDER / "power.yaml"
EFFECT, MARGIN, ENOUGH, HOURS = 1.5, 1.0, 0.9, 2.0  # points, points, power, hours
CLIPS, FITS, SUBJECTS = (160, 240, 320, 480, 640), (4, 5), (32, 64)


class Pilot(Settings):
    """What the simulation starts from: ``power.yaml``.

    Attributes:
        compared: the two arms whose difference it is.
        components: variance components of the difference.
        pace: what the work takes.
    """

    compared: tuple[str, str] = (LIFT, STACKED)
    components: Components
    pace: Pace = Pace()


def read_pilot(path: Path = PILOT) -> Pilot:
    """Read a pilot.

    Raises:
        ClipHarError: when the file is missing or has other keys.
    """
    try:
        return Pilot(**yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, yaml.YAMLError, ValidationError) as error:
        keys = ", ".join(Components.model_fields)
        raise ClipHarError(
            f"{path}: expected `components` with {keys} in points, and `pace`:"
            f" {' '.join(str(error).split())}"
        ) from error


@dataclass(frozen=True)
class Power:
    """How often simulated studies come to a conclusion.

    Attributes:
        found: share with a 95 % interval above 0, if the effect is the mean of these models.
        found_models: the same with models as random, if it is the mean of all models.
        covered: share of the intervals that hold the mean of the three models.
        none: share that find an effect, of either sign, where there is none (type I).
        equivalent: share that find equivalence where there is no effect.
        error: median standard error, points.
    """

    found: float
    found_models: float
    covered: float
    none: float
    equivalent: float
    error: float


def power(
    components: Components,
    design: Design,
    *,
    effect: float = EFFECT,
    studies: int = 1000,
    draws: int = 500,
    seed: int = 0,
) -> Power:
    """Simulate studies with and without an effect.

    Args:
        components: standard deviations, points.
        design: the size of the study.
        effect: the true difference, points.
        studies: their number.
        draws: bootstrap samples of each.
        seed: of the simulation.
    """
    samples = _samples(design, draws)
    names = [str(n // design.fits) for n in range(design.models * design.fits)]
    random = generator(seed, "class_noise/power", str(design))
    found = np.empty((studies, 6))
    for row in found:
        means, truth = _study(components, design, random)
        values = samples.weights @ means.T / design.subjects / 100  # (R + 1, F)
        ends, of_models, flat = (
            crossed_effect(
                np.zeros_like(values), values + shift / 100, names, measure="top1",
                degrees=samples.degrees, groups=design.subjects, margin=MARGIN / 100,
            )
            for shift in (effect - truth, effect, -truth)
        )  # fmt: skip
        row[:] = (
            ends.low > 0, of_models.low_models > 0, ends.low <= effect / 100 <= ends.high,
            flat.p < 0.05, flat.p_equivalent < 0.05, 100 * ends.standard_error,
        )  # fmt: skip
    numbers = [*found[:, :5].mean(axis=0).tolist(), float(np.median(found[:, 5]))]
    return Power(**dict(zip(Power.__dataclass_fields__, numbers, strict=True)))


def _samples(design: Design, draws: int) -> GroupDraws:
    return group_draws([str(n) for n in range(design.subjects)], draws=draws)


def _study(
    components: Components, design: Design, random: np.random.Generator
) -> tuple[NDArray[np.float64], float]:
    """Return ``(F, G)`` the mean difference of each subject under each fit, and the models' mean.

    All in points, without an effect.
    """
    fits, subjects = design.models * design.fits, design.subjects
    each = (design.clips / subjects) ** 0.5
    models = random.normal(0, components.model, design.models)
    of_fit = np.repeat(models, design.fits) + random.normal(0, components.fit, fits)
    of_subject = random.normal(0, np.hypot(components.subject, components.clip / each), subjects)
    alone = np.hypot(components.subject_by_fit, components.clip_by_fit / each)
    return of_fit[:, None] + of_subject + random.normal(0, alone, (fits, subjects)), float(
        models.mean()
    )


def designs(components: Components, pace: Pace, *, studies: int = 1000) -> pd.DataFrame:
    """Return power and cost of each design, the cheapest first."""
    rows = []
    for clips, fits, subjects in itertools.product(CLIPS, FITS, SUBJECTS):
        design = Design(clips=clips, fits=fits, subjects=subjects)
        found = power(components, design, studies=studies)
        rows.append({"design": design, "hours": pace.hours(design), **vars(found)})
    return pd.DataFrame(rows).sort_values("hours", ignore_index=True)


def chosen(table: pd.DataFrame) -> Design | None:
    """Return the cheapest design with enough power within the time; None if there is none."""
    good = table[(table["found"] >= ENOUGH) & (table["hours"] <= HOURS)]
    return good["design"].iloc[0] if len(good) else None


def text(table: pd.DataFrame, pace: Pace) -> str:
    """Return the designs as Markdown, which one is chosen, and what its parts take."""
    head = (
        "clips", "subjects", "fits of each model", "hours", f"power at {EFFECT:g} points",
        "with new models", "coverage", "type I", f"TOST ±{MARGIN:g} at 0", "standard error",
    )  # fmt: skip
    lines = [
        (row["design"].clips, row["design"].subjects, row["design"].fits, f"{row['hours']:.2f}",
         *(f"{100 * row[key]:.0f} %" for key in ("found", "found_models", "covered")),
         f"{100 * row['none']:.1f} %", f"{100 * row['equivalent']:.0f} %",
         f"{row['error']:.2f}")
        for row in table.to_dict("records")
    ]  # fmt: skip
    best = chosen(table)
    if best is None:
        return (
            f"{markdown(head, lines)}\n\nNo design finds {EFFECT:g} points with {ENOUGH:.0%} within"
            f" {HOURS:g} hours.\n"
        )
    parts = [(part, f"{seconds / 60:.0f}") for part, seconds in pace.seconds(best).items()]
    return (
        f"{markdown(head, lines)}\n\nChosen: {best.clips} clips of {best.subjects} subjects,"
        f" {best.fits} fits of each of {best.models} models.\n\n"
        f"{markdown(('part', 'minutes'), parts)}\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of designs.

    Args:
        arguments: of the command line; None for the process's own.
    """
    parser = argparse.ArgumentParser(
        prog="python -m experiments.class_noise.power",
        description="Simulate studies and choose the smallest design with enough power.",
    )
    parser.add_argument("pilot", nargs="?", type=Path, default=PILOT, help="YAML")
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies a design")
    given = parser.parse_args(arguments)
    try:
        pilot = read_pilot(given.pilot)
        table = designs(pilot.components, pilot.pace, studies=given.studies)
    except (ClipHarError, KeyboardInterrupt) as error:
        sys.exit(report_fault(error))
    sys.stdout.write(f"{' − '.join(pilot.compared)}\n\n{text(table, pilot.pace)}")


if __name__ == "__main__":
    main()
