"""From the study's finished sweep to its CSV files, its figure, and the words of its page."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from clip_har.core.atomic import whole_file
from clip_har.figures.save import save_figure
from clip_har.noise.learned.arms import arm_of
from clip_har.noise.learned.fits import Fits
from clip_har.noise.learned.fitted import NOISE_FILE, described_in
from clip_har.noise.learned.identity import STACKS_FILE
from clip_har.noise.variants import UNIVERSAL
from clip_har.results.files import NOISE
from experiments.class_noise.cells import Grid, read_grid
from experiments.class_noise.effects import ALL, Effects, effects_table, measure_arms
from experiments.class_noise.endpoints import endpoints_table
from experiments.class_noise.figure import noise_figure
from experiments.class_noise.recipe import caption, departures
from experiments.class_noise.words import PER_CLASS, NoiseWords
from experiments.study import EFFECTS

ENDPOINTS, TOP1, COSTS, FIGURE = "endpoints.csv", "top1.csv", "costs.csv", "effects.png"
LEARNED, DEPARTURES, ABOUT = "learned.csv", "departures.csv", "about.csv"


def take(folder: Path, sweeps: Sequence[Path]) -> None:
    """Write the study's results from finished sweeps: CSV files and a figure.

    Args:
        folder: the folder of the study.
        sweeps: the folders of the sweeps.

    Raises:
        ClipHarError: as `read_grid` and `measure_arms`.
    """
    grid = read_grid(sweeps)
    effects = measure_arms(grid)
    found = effects_table(effects)
    models = list(dict.fromkeys(fit.model for fit in grid.fits))
    tables = {
        EFFECTS: found,
        ENDPOINTS: endpoints_table(effects, models, rendered=grid.rendered),
        TOP1: top1_table(effects),
        COSTS: costs_table(grid),
        LEARNED: learned_table(grid),
        ABOUT: pd.DataFrame({"caption": [caption(grid)]}),
        DEPARTURES: pd.DataFrame({"departure": departures(grid)}, dtype=object),
    }
    for name, table in tables.items():
        with whole_file(folder / name) as path:
            table.to_csv(path, index=False, float_format="%.5g")
    save_figure(folder / FIGURE, noise_figure(found, caption=caption(grid)))


def words(folder: Path) -> Mapping[str, Callable[..., object]]:
    """Return the functions of the page's template, from the study's results."""
    names = (EFFECTS, ENDPOINTS, TOP1, COSTS, LEARNED, DEPARTURES, ABOUT)
    read = [pd.read_csv(folder / name) for name in names]
    return NoiseWords(*read).names()


def top1_table(effects: Effects) -> pd.DataFrame:
    """Return the top-1 of each arm under each mask, mean over its fits.

    Returns:
        Columns ``condition``, one per mask, ``all masks``, ``fits, leaks``.
    """
    rows = []
    for arm in effects.names():
        of = {
            mask: float(effects.arms[mask, arm].values["top1"][0].mean()) for mask in effects.masks
        }
        fits = len(effects.arms[effects.masks[0], arm].fits)
        mean = sum(of.values()) / len(of)
        rows.append({"condition": arm, **of, ALL: mean, "fits": fits, "leaks": arm_of(arm).leaks})
    return pd.DataFrame(rows)


def learned_table(grid: Grid) -> pd.DataFrame:
    """Return how long the noise of each fit was learned, from its card.

    Returns:
        Columns ``model, seed, part, steps, planned, kept, best_head``: the part is ``universal`` or
        ``per class``; steps made and planned, and the step whose noise was kept; the head that is
        the best one on held training clips, if there is one.
    """
    rows = []
    for fit in grid.fits:
        one = grid.cells[grid.masks[0], fit]
        card, _ = described_in(one.folder / NOISE / NOISE_FILE)
        planned = card["noise"]["learning"]["steps"]
        fits = Fits.read(one.folder / NOISE / STACKS_FILE) or Fits()
        for part, made, steps in (
            (UNIVERSAL, card["base"], card["noise"]["base_steps"] or planned),
            (PER_CLASS, card, planned),
        ):
            kept = made["steps"], steps, made["kept_step"]
            rows.append((fit.model, fit.seed, part, *kept, fits.best_head or None))
    return pd.DataFrame(rows, columns=["model", "seed", "part", "steps", "planned", "kept",
                                       "best_head"])  # fmt: skip


def costs_table(grid: Grid) -> pd.DataFrame:
    """Return the time of each part of the study's cells, columns ``part, hours``.

    Time that a cell waited for the learned noise of another is in ``noise`` of the first.
    """
    seconds: dict[str, float] = {}
    for one in grid.cells.values():
        for key, value in one.cost.items():
            part = key.removeprefix("cost/").removesuffix("_seconds")
            if key.endswith("_seconds"):
                seconds[part] = seconds.get(part, 0.0) + value
    seconds["all parts"] = sum(seconds.values())
    return pd.DataFrame([(part, value / 3600) for part, value in seconds.items()],
                        columns=["part", "hours"])  # fmt: skip
