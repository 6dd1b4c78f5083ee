"""Whether a sweep is the protocol's: ``conf/experiment/study/class_noise.yaml``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from omegaconf import OmegaConf

from clip_har.config.compose import cell_from_config, without_auto, without_hydra
from clip_har.config.parts import parts_of
from clip_har.config.session import session
from clip_har.results.flat import flat_settings
from experiments.class_noise.cells import Fit, Grid, mask_named

EXPERIMENT = "study/class_noise"
_VARIES = ("masking", "ratio", "model.checkpoint", "noise.seed", "noise.placebos")
RENDERED = "rendered data"
_NAMED = 10  # differences that are named


@dataclass(frozen=True)
class Recipe:
    """What the study's command runs.

    Attributes:
        settings: flat, of all cells.
        masks: names.
        fits: noise seeds of models.
    """

    settings: Mapping[str, str]
    masks: frozenset[str]
    fits: frozenset[Fit]


@cache
def planned() -> Recipe:
    """Return what the command runs as it is in this checkout."""
    given = [f"experiment={EXPERIMENT}"]
    with session() as hydra:
        sweeper = hydra.compose(given).hydra.sweeper
        params = [f"{key}={value}" for key, value in sweeper.params.items()]
        parts = parts_of(OmegaConf.to_container(sweeper.parts), params, given, hydra.loader)
        jobs = [dict(word.split("=", 1) for word in job) for part in parts for job in part.jobs]
        config = hydra.compose(list(parts[0].jobs[0]))
        choices = config.hydra.runtime.choices
        settings = flat_settings(cell_from_config(without_auto(without_hydra(config), choices)[0]))
    return Recipe(
        _shared(settings),
        frozenset(mask_named(job["masking"], float(job["ratio"])) for job in jobs),
        frozenset(Fit(Path(job["model.checkpoint"]).name, int(job["noise_seed"])) for job in jobs),
    )


def departures(grid: Grid) -> list[str]:
    """Return how a sweep differs from the recipe, in a few words each; empty if it does not."""
    recipe, found = planned(), []
    for name, of_sweep, of_recipe in (
        ("masks", set(grid.masks), set(recipe.masks)),
        ("fits", set(grid.fits), set(recipe.fits)),
    ):
        if of_sweep != of_recipe:
            same = len(of_sweep & of_recipe)
            found.append(f"{len(of_sweep)} {name}, {same} of them of the {len(of_recipe)} planned")
    cells = [_shared(one.settings) for one in grid.cells.values()]
    for key in sorted(set(recipe.settings).union(*cells), key=lambda key: ("." in key, key)):
        given = {one.get(key, "not there") for one in cells}
        wanted = recipe.settings.get(key, "not there")
        if given != {wanted}:
            found.append(f"{key} is {' and '.join(sorted(given))} instead of {wanted}")
    return _short(found)


def caption(grid: Grid) -> str:
    """Return the model and the data of a sweep, in a few words."""
    names = list(dict.fromkeys(fit.model for fit in grid.fits))
    tiny = {fit.model for fit in planned().fits}.issuperset(names)
    dataset = next(iter(grid.cells.values())).settings["dataset"]
    return f"{'tiny model' if tiny else ', '.join(names)}, {RENDERED if grid.rendered else dataset}"


def _short(found: Sequence[str]) -> list[str]:
    more = len(found) - _NAMED
    return [*found[:_NAMED], *([f"{more} more settings"] if more > 0 else [])]


def _shared(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in which the cells of a study must not differ."""
    return {
        key: value
        for key, value in settings.items()
        if key not in _VARIES and not key.startswith("masking.")
    }
