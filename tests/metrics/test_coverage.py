"""Do 95 % intervals hold the truth in 95 % of the cases? Clips of a group are alike."""

import numpy as np
import pytest

from clip_har.metrics.bootstrap import cluster_bootstrap
from clip_har.metrics.significance import wilson_interval

GROUPS, EACH, TRUE = 60, 8, 0.6
SETS = 500


def grouped_hits(draws: np.random.Generator, alike: float) -> np.ndarray:
    """Return ``(G, n)`` hits whose intraclass correlation is ``alike``: a beta per group."""
    spread = 1 / alike - 1
    share = draws.beta(TRUE * spread, (1 - TRUE) * spread, GROUPS)
    return draws.random((GROUPS, EACH)) < share[:, None]


@pytest.mark.parametrize("alike", [0.1, 0.3])
def test_intervals_over_groups_cover_and_those_by_clip_do_not(alike):
    draws = np.random.default_rng(0)
    names = [f"g{number}" for number in range(GROUPS) for _ in range(EACH)]
    covered = {"groups": 0, "clips": 0}
    for number in range(SETS):
        hits = grouped_hits(draws, alike).ravel()
        column = {"hit": hits.astype(float)}
        _, low, high = cluster_bootstrap(column, names, lambda m: m, draws=500, seed=number)["hit"]
        covered["groups"] += low <= TRUE <= high
        low, high = wilson_interval(int(hits.sum()), len(hits))
        covered["clips"] += low <= TRUE <= high
    assert 0.92 <= covered["groups"] / SETS <= 0.98
    assert covered["clips"] / SETS < 0.88
    assert covered["clips"] < covered["groups"]


def test_intervals_of_paired_differences_cover():
    """The difference of two cells on the same clips, as the report has it."""
    draws = np.random.default_rng(1)
    names = [f"g{number}" for number in range(GROUPS) for _ in range(EACH)]
    covered = 0
    for number in range(SETS):
        clean = grouped_hits(draws, 0.2)
        lost = draws.random((GROUPS, EACH)) < draws.beta(1, 4, GROUPS)[:, None]  # a fifth
        change = (clean & ~lost).astype(float) - clean
        column = {"change": change.ravel()}
        found = cluster_bootstrap(column, names, lambda m: m, draws=500, seed=number)
        _, low, high = found["change"]
        covered += low <= -TRUE / 5 <= high
    assert 0.92 <= covered / SETS <= 0.98
