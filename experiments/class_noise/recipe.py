"""Whether a sweep is the protocol's: ``conf/experiment/study/class_noise.yaml``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from omegaconf import OmegaConf

from clip_har.config.compose import cell_from_config, without_auto, without_hydra
from clip_har.config.parts import parts_of
from clip_har.config.session import Session, session
from clip_har.results.flat import flat_settings
from experiments.class_noise.cells import Fit, Grid, mask_named

EXPERIMENT = "study/class_noise"
_PLACEBOS = "noise.placebos"
_VARIES = ("ratio", "model.checkpoint", "noise.seed", _PLACEBOS)
_NAMED = 10  # differences that are named


@dataclass(frozen=True)
class Recipe:
    """What the study's command runs.

    Attributes:
        settings: flat, of all cells.
        masks: by name, their flat settings.
        placebos: of each fit: which one seed of a model has.
    """

    settings: Mapping[str, str]
    masks: Mapping[str, Mapping[str, str]]
    placebos: Mapping[Fit, str]


@cache
def planned() -> Recipe:
    """Return what the command runs as it is in this checkout."""
    given = [f"experiment={EXPERIMENT}"]
    with session() as hydra:
        sweeper = hydra.compose(given).hydra.sweeper
        params = [f"{key}={value}" for key, value in sweeper.params.items()]
        parts = parts_of(OmegaConf.to_container(sweeper.parts), params, given, hydra.loader)
        jobs = [job for part in parts for job in part.jobs]
        # The settings of a mask are those of any cell with it, and so are those of a fit.
        of_mask, of_fit = {_mask(job): job for job in jobs}, {_fit(job): job for job in jobs}
        masks = {mask: _settings(job, hydra) for mask, job in of_mask.items()}
        fits = {fit: _settings(job, hydra) for fit, job in of_fit.items()}
    return Recipe(
        _shared(next(iter(masks.values()))),
        {mask: _of_masking(settings) for mask, settings in masks.items()},
        {fit: settings[_PLACEBOS] for fit, settings in fits.items()},
    )


def _given(job: Sequence[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in job)


def _mask(job: Sequence[str]) -> str:
    given = _given(job)
    return mask_named(given["masking"], float(given["ratio"]))


def _fit(job: Sequence[str]) -> Fit:
    given = _given(job)
    return Fit(Path(given["model.checkpoint"]).name, int(given["noise_seed"]))


def _settings(job: Sequence[str], hydra: Session) -> Mapping[str, str]:
    config = hydra.compose(list(job))
    choices = config.hydra.runtime.choices
    return flat_settings(cell_from_config(without_auto(without_hydra(config), choices)[0]))


def departures(grid: Grid) -> list[str]:
    """Return how a sweep differs from the recipe, in a few words each; empty if it does not."""
    recipe = planned()
    return _short([*_of_size(grid, recipe), *_of_cells(grid, recipe), *_of_settings(grid, recipe)])


def _of_size(grid: Grid, recipe: Recipe) -> list[str]:
    found = [
        f"{len(of_sweep)} {name}, {len(of_sweep & wanted)} of them of the {len(wanted)} planned"
        for name, of_sweep, wanted in (
            ("masks", set(grid.masks), set(recipe.masks)),
            ("fits", set(grid.fits), set(recipe.placebos)),
        )
        if of_sweep != wanted
    ]
    clips = int(recipe.settings["dataset.count"])
    if len(grid.clips) != clips:
        found.append(f"{len(grid.clips)} clips are shown by all cells instead of {clips}")
    return found


def _of_cells(grid: Grid, recipe: Recipe) -> list[str]:
    """Return in which masks and fits a sweep differs that the recipe has, too."""
    found = []
    for (mask, fit), one in grid.cells.items():
        given, wanted = one.settings[_PLACEBOS], recipe.placebos.get(fit)
        if wanted not in (None, given):
            found.append(
                f"the placebos of {fit.model} with noise seed {fit.seed} are {given} instead of"
                f" {wanted}"
            )
        if recipe.masks.get(mask) not in (None, _of_masking(one.settings)):
            found.append(f"{mask} is another mask of this name")
    return list(dict.fromkeys(found))


def _of_settings(grid: Grid, recipe: Recipe) -> list[str]:
    """Return in which settings a sweep differs that all cells share."""
    found = []
    cells = [_shared(one.settings) for one in grid.cells.values()]
    for key in sorted(set(recipe.settings).union(*cells), key=lambda key: ("." in key, key)):
        given = {one.get(key, "not there") for one in cells}
        wanted = recipe.settings.get(key, "not there")
        if given != {wanted}:
            found.append(f"{key} is {' and '.join(sorted(given))} instead of {wanted}")
    return found


def caption(grid: Grid) -> str:
    """Return the model and the data of a sweep, in a few words."""
    names = list(dict.fromkeys(fit.model for fit in grid.fits))
    tiny = {fit.model for fit in planned().placebos}.issuperset(names)
    dataset = next(iter(grid.cells.values())).settings["dataset"]
    model = "tiny model" if tiny else f"model {', '.join(names)}"
    return f"{model}, {'rendered data' if grid.rendered else f'data {dataset}'}"


def _short(found: Sequence[str]) -> list[str]:
    more = len(found) - _NAMED
    return [*found[:_NAMED], *([f"{more} more settings"] if more > 0 else [])]


def _of_masking(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a cell's mask."""
    return {key: value for key, value in settings.items() if key.startswith("masking")}


def _shared(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in which the cells of a study must not differ."""
    return {
        key: value
        for key, value in settings.items()
        if key not in _VARIES and not key.startswith("masking")
    }
