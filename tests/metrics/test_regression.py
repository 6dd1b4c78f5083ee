"""How much is hidden, or what: planted truths, oracles, and what has no answer."""

import re
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from numpy.typing import NDArray

from clip_har.metrics.regression import STEP, ShareEffects, share_effects
from tests.metrics.structure import split1

Labels = NDArray[np.int64]
MASKS = ("percent", "subject", "away")
CELLS = (("none", 0.0), *((mask, ratio) for mask in MASKS for ratio in (0.1, 0.3)))


def design(random: np.random.Generator, labels: Labels, groups: list[str]) -> pd.DataFrame:
    """Return a row per clip and cell: what masks at random, on and off the subject hide."""
    clips = len(labels)
    size = random.uniform(0.1, 0.4, clips)
    parts = []
    for number, (mask, ratio) in enumerate(CELLS):
        subject = {
            "none": np.zeros(clips),
            "percent": np.clip(ratio + random.normal(0, 0.08, clips), 0, 1),
            "subject": np.clip(ratio / size, 0, 1),
            "away": np.zeros(clips),
        }[mask]
        columns = {"picture": ratio, "subject": subject, "class": labels, "group": groups}
        parts.append(pd.DataFrame({"clip": np.arange(clips), "cell": number, **columns}))
    return pd.concat(parts, ignore_index=True)


def subjects(count: int, clips: int = 30) -> tuple[NDArray[np.int64], list[str]]:
    """Return labels and groups of subjects who show all of ten actions."""
    numbers = np.arange(count * clips)
    return numbers % 10, [f"subject {number}" for number in numbers // clips]


def answers(
    random: np.random.Generator,
    rows: pd.DataFrame,
    *,
    picture: float = 0.0,
    subject: float = 0.0,
    alike: float = 0.1,
) -> NDArray[np.bool_]:
    """Return right answers: clips and groups differ in difficulty, groups also in both slopes."""
    which = np.unique(rows["group"], return_inverse=True)[1]
    groups, clips = which.max() + 1, rows["clip"].max() + 1
    level = (
        0.7 + random.normal(0, alike, groups)[which] + random.normal(0, 0.05, clips)[rows["clip"]]
    )
    slopes = [mean + random.normal(0, alike, groups)[which] for mean in (picture, subject)]
    rate = level + slopes[0] * rows["picture"] + slopes[1] * rows["subject"]
    right: NDArray[np.bool_] = random.random(len(rows)) < rate.to_numpy()
    return right


def fitted(rows: pd.DataFrame, right: NDArray[np.bool_], **more: Any) -> ShareEffects:
    return share_effects(
        right,
        rows["picture"].to_numpy(float),
        rows["subject"].to_numpy(float),
        clips=rows["clip"].astype(str).tolist(),
        groups=rows["group"].tolist(),
        classes=rows["class"].to_numpy(np.int64),
        **more,
    )


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return design(np.random.default_rng(0), *split1(classes=40))


@pytest.mark.parametrize("truth", ["subject", "picture"])
def test_only_what_matters_has_an_effect(rows: pd.DataFrame, truth: str) -> None:
    right = answers(np.random.default_rng(1), rows, **{truth: -0.4})
    found = fitted(rows, right)
    other = found.picture if truth == "subject" else found.subject
    value, low, high = getattr(found, truth)
    assert low < -0.4 * STEP < high < 0
    assert value == pytest.approx(-0.4 * STEP, abs=0.01)
    assert other[1] < 0 < other[2]
    assert abs(other[0]) < 0.012
    alone = np.polyfit(rows["picture"], right, 1)[0]
    assert alone < -0.1, "the picture's share alone would take the blame in both cases"


def test_a_clip_s_difficulty_is_held() -> None:
    """Clips with a large subject are easier, and masks of the subject's size hide more of them."""
    random = np.random.default_rng(2)
    labels, groups = split1(classes=40)
    size = random.uniform(0.1, 0.4, len(labels))
    cells = [("none", 0 * size, 0 * size), ("on", size, 0 * size + 1), ("away", size, 0 * size)]
    rows = pd.concat(
        pd.DataFrame({"clip": np.arange(len(labels)), "picture": picture, "subject": subject})
        for _, picture, subject in cells
    )
    rows["class"], rows["group"] = np.tile(labels, 3), groups * 3
    right = random.random(len(rows)) < np.tile(0.4 + size, 3)
    found = fitted(rows, right)
    assert found.picture[1] < 0 < found.picture[2]
    by_class = smf.ols("right ~ picture + subject + C(Q('class'))", rows.assign(right=right * 1.0))
    assert by_class.fit().tvalues["picture"] > 3, "intercepts of classes take it for an effect"


def test_slopes_are_those_of_least_squares_with_a_dummy_for_each_clip(rows: pd.DataFrame) -> None:
    few = rows[rows["clip"] < 60].sample(frac=0.8, random_state=0)  # not each clip in each cell
    right = answers(np.random.default_rng(3), few, subject=-0.3)
    found = fitted(few, right)
    oracle = smf.ols("right ~ picture + subject + C(clip)", few.assign(right=right * 1.0)).fit()
    assert found.picture[0] == pytest.approx(STEP * oracle.params["picture"])
    assert found.subject[0] == pytest.approx(STEP * oracle.params["subject"])


@pytest.mark.parametrize("stratified", [False, True])
def test_intervals_are_those_of_clustered_standard_errors(stratified: bool) -> None:
    labels, groups = split1(classes=40) if stratified else subjects(60)
    rows = design(np.random.default_rng(4), labels, groups)
    right = answers(np.random.default_rng(4), rows, subject=-0.3)
    found = fitted(rows, right)
    within = rows[["picture", "subject"]].assign(right=right * 1.0)
    within -= within.groupby(rows["clip"]).transform("mean")
    oracle = sm.OLS(within["right"], within[["picture", "subject"]]).fit(
        cov_type="cluster",
        cov_kwds={"groups": np.unique(groups, return_inverse=True)[1][rows["clip"]]},
        use_t=True,
    )
    low, high = STEP * oracle.conf_int().loc["subject"]
    assert found.subject[2] - found.subject[1] == pytest.approx(high - low, rel=0.1)


def test_effects_are_the_average_marginal_effects_of_a_logit(rows: pd.DataFrame) -> None:
    """A model without thresholds: GEE, exchangeable within a group, with a dummy per class."""
    random = np.random.default_rng(5)
    easy = random.normal(1.5, 0.5, rows["class"].max() + 1)[rows["class"]]
    logit = easy - 0.9 * rows["subject"] - 0.6 * rows["picture"]
    right = random.random(len(rows)) < 1 / (1 + np.exp(-logit))
    found = fitted(rows, right)
    model = smf.gee(
        "right ~ picture + subject + C(Q('class'))",
        "group",
        rows.assign(right=right * 1.0),
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Exchangeable(),
    ).fit()
    slope = (model.fittedvalues * (1 - model.fittedvalues)).mean()
    assert found.subject[0] == pytest.approx(STEP * slope * model.params["subject"], abs=0.002)
    assert found.picture[0] == pytest.approx(STEP * slope * model.params["picture"], abs=0.002)


def made(**columns: Any) -> pd.DataFrame:
    """Return 40 clips in 20 groups, four cells; a column is given per cell, or by a function."""
    rows = pd.DataFrame([(clip, cell) for clip in range(40) for cell in range(4)])
    rows.columns = pd.Index(["clip", "cell"])
    lots = np.random.default_rng(0).random(len(rows))
    rows["picture"], rows["subject"] = rows["cell"] / 10, lots
    for name, values in columns.items():
        rows[name] = np.array(values, float)[rows["cell"]]
    rows["group"] = [f"group {clip // 2}" for clip in rows["clip"]]
    return rows.assign(**{"class": 0})


SOME = np.random.default_rng(1).random(160) < 0.7


@pytest.mark.parametrize(
    ("rows", "right", "reason"),
    [
        (made(), np.ones(160, bool), "no clip's answer changes"),
        (made(), np.zeros(160, bool), "no clip's answer changes"),
        (made(picture=[0.3] * 4), SOME, "the same hidden share in all cells"),
        (made(subject=[1.0] * 4), SOME, "the same share of its subject"),
        (made(subject=[0, 0.2, 0.4, 0.6]), SOME, r"change together \(correlation 1.00\)"),
        (made(subject=[1, 0.8, 0.6, 0.4]), SOME, r"change together \(correlation -1.00\)"),
        (made()[lambda rows: rows["clip"] < 10], SOME[:40], "6 groups of clips, there are 5"),
        (made()[lambda rows: rows["cell"] == 1], SOME[:40], "no clip is in two cells"),
        (made()[:0], SOME[:0], "no clip is in two cells"),
        (
            made(subject=[0, 1, 0, 1], picture=[0, 0, 1, 1]),
            np.tile([True, False, True, False], 40),
            "agree exactly",
        ),
    ],
)
def test_where_there_is_no_answer_the_reason_is_said(
    rows: pd.DataFrame, right: NDArray[np.bool_], reason: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fitted(rows, right)
    assert np.isnan([*found.picture, *found.subject]).all()
    assert re.search(reason, found.reason)


def test_a_class_that_is_always_right_is_an_observation(rows: pd.DataFrame) -> None:
    right = answers(np.random.default_rng(6), rows, subject=-0.4)
    easy = right | (rows["class"] < 20).to_numpy()
    found, half = fitted(rows, right), fitted(rows, easy)
    assert half.reason == ""
    assert half.clips == found.clips
    assert half.subject[0] == pytest.approx(found.subject[0] / 2, abs=0.008)


def test_clips_in_one_cell_alone_change_nothing(rows: pd.DataFrame) -> None:
    right = answers(np.random.default_rng(7), rows, subject=-0.4)
    kept = ((rows["clip"] >= 30) | (rows["cell"] == 0)).to_numpy()
    more = fitted(rows[kept], right[kept])
    less = fitted(rows[rows["clip"] >= 30], right[rows["clip"] >= 30])
    assert more == less


def test_a_large_sweep_takes_a_second() -> None:
    rows = design(np.random.default_rng(8), *split1())
    right = answers(np.random.default_rng(8), rows, subject=-0.3)
    start = time.process_time()
    assert fitted(rows, right).rows == 7 * 3783
    assert time.process_time() - start < 3


@pytest.mark.long
@pytest.mark.parametrize(
    ("labels", "groups", "sets"),
    [
        (*split1(classes=20), 600),
        (*subjects(16), 600),
        (*subjects(6), 600),
        (*split1(), 200),
    ],
    ids=["part of ucf101", "16 subjects", "6 subjects", "ucf101"],
)
def test_intervals_hold_the_truth(labels: Labels, groups: list[str], sets: int) -> None:
    """Groups differ in both slopes. The picture's share has no effect: a miss is a false alarm."""
    random = np.random.default_rng(9)
    truth = {"picture": 0.0, "subject": -0.2}
    missed = np.zeros(2)
    for _ in range(sets):
        rows = design(random, labels, groups)
        found = fitted(rows, answers(random, rows, **truth), draws=500)
        for place, (name, slope) in enumerate(truth.items()):
            _, low, high = getattr(found, name)
            missed[place] += not low <= STEP * slope <= high
    error = np.sqrt(0.05 * 0.95 / sets)  # of a share of 5 % in so many sets
    assert (missed / sets <= 0.05 + 2.5 * error).all(), missed / sets
    assert (missed / sets >= 0.05 - 3 * error).all(), missed / sets
