"""Power: it is what the theory says, grows with the design, and chooses the smallest."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from clip_har.core.errors import ClipHarError
from experiments.class_noise.components import Components
from experiments.class_noise.design import Design, Pace
from experiments.class_noise.power import PILOT, chosen, main, power, read_pilot, text

NOTHING = Components(subject=0, subject_by_fit=0, clip=0, clip_by_fit=0, fit=0, model=0)


def test_power_is_that_of_a_z_test_of_the_true_standard_error() -> None:
    components = NOTHING.model_copy(update={"subject": 2.0, "clip": 8.0})
    design = Design(clips=640)
    error = np.sqrt((2.0**2 + 8.0**2 / 20) / 32)
    found = power(components, design, effect=1.5, studies=400, draws=300)
    assert found.error == pytest.approx(error, rel=0.1)
    expected = norm.sf(1.96 * 1.04 - 1.5 / error)  # t of about 31 degrees of freedom
    assert found.found == pytest.approx(expected, abs=0.07)
    assert found.covered == pytest.approx(0.95, abs=0.03)
    assert found.none <= 0.06 + 0.02


def test_more_clips_and_fits_find_more_and_no_effect_is_equivalent() -> None:
    components = read_pilot().components
    small, large = (
        power(components, Design(clips=clips, fits=fits), studies=200, draws=200)
        for clips, fits in ((160, 2), (1280, 8))
    )
    assert large.found > small.found + 0.1
    assert large.error < small.error
    assert large.equivalent > small.equivalent
    assert large.found_models < large.found, "three models say little of a fourth"


def test_the_cheapest_design_with_enough_power_is_chosen() -> None:
    rows = [(320, 0.7, 1.0), (480, 0.92, 1.3), (640, 0.97, 1.6), (960, 0.99, 2.4)]
    table = pd.DataFrame(
        [{"design": Design(clips=clips), "found": found, "hours": hours,
          **dict.fromkeys(("found_models", "covered", "none", "equivalent", "error"), 0.5)}
         for clips, found, hours in rows]
    )  # fmt: skip
    assert chosen(table) == Design(clips=480)
    assert "Chosen: 480 clips of 32 subjects, 4 fits of each of 3 models." in text(table, Pace())
    assert chosen(table[table["found"] < 0.9]) is None
    assert chosen(table[table["hours"] > 2]) is None, "within the time"
    assert "No design finds 1.5 points" in text(table[:1], Pace())


def test_the_cost_counts_every_pass() -> None:
    pace = Pace(forward=100, step=50, cell=0, base_steps=30, steps=10, batch=20, wrong=1,
                validation=(40, 5), candidates=3, held=0, classes=4)  # fmt: skip
    design = Design(clips=10, models=2, fits=3, costly=1, frames=2, masks=5)
    seconds = pace.seconds(design)
    validation = 5 * 40 * (1 + 3) / 100
    expected = {
        "evaluation": 6 * 5 * 20 * (4 + 3) / 100,
        "evaluation of costly placebos": 2 * 5 * 20 * 2 * 4 / 100,
        "noise for all classes": 6 * 30 * 20 / 50,
        "its second noise": 6 * 10 * 20 * 2 / 50,
        "class part": 6 * (10 * 20 * 2 / 50 + validation),
        "class part of shuffled labels": 2 * (10 * 20 * 2 / 50 + validation),
        "fitting the stacks": 0,
        "cells": 0,
    }
    assert seconds == pytest.approx(expected)
    assert pace.hours(design) == pytest.approx(sum(seconds.values()) / 3600)


@pytest.mark.parametrize("given", ["subject: 1\n", "components: {subject: -1}\n", "- 1\n"])
def test_a_wrong_pilot_is_one_clear_line(given: str, tmp_path: Path) -> None:
    path = tmp_path / "power.yaml"
    path.write_text(given, encoding="utf-8")
    with pytest.raises(ClipHarError, match="expected `components` with subject, subject_by_fit"):
        read_pilot(path)


@pytest.mark.slow
def test_the_command_prints_designs(capsys: pytest.CaptureFixture[str]) -> None:
    main([str(PILOT), "--studies", "20"])
    said = capsys.readouterr().out
    assert said.startswith("lift − stacked universal\n\n| clips | subjects |")
