"""The cells of the study, by mask and by fit: one noise seed of one model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clip_har.core.errors import ClipHarError
from clip_har.metrics.pairing import common_rows
from clip_har.report.selection import of_sweep
from clip_har.results.result import Result

CLEAN, SWAP = "none", "swap"


@dataclass(frozen=True, order=True)
class Fit:
    """Noise that was learned once.

    Attributes:
        model: the last part of the model's checkpoint.
        seed: of the noise.
    """

    model: str
    seed: int


@dataclass(frozen=True, eq=False)
class Grid:
    """All cells of the study.

    Attributes:
        masks: their names, in the order of the sweep.
        fits: in order.
        cells: by mask and fit.
        clips: ids of the clips that all cells show as intended.
    """

    masks: tuple[str, ...]
    fits: tuple[Fit, ...]
    cells: dict[tuple[str, Fit], Result]
    clips: tuple[str, ...]

    @property
    def rendered(self) -> bool:
        """Whether its clips are rendered; a real study may have no swapped clips."""
        return next(iter(self.cells.values())).settings["dataset"] == "Synthetic"


def read_grid(sweeps: Sequence[Path]) -> Grid:
    """Return the cells with learned noise of finished sweeps.

    Raises:
        ClipHarError: when a sweep is not complete, when a cell is there twice or is missing, when
            models share a noise seed or have unequal numbers of them, or when the cells show
            different clips.
    """
    found: dict[tuple[str, Fit], Result] = {}
    for folder in sweeps:
        chosen = of_sweep(folder)
        if chosen.problems:
            raise ClipHarError(
                f"{folder}: {chosen.problems[0]}: run the sweep's command again first"
            )
        for one in chosen.cells:
            if not one.cell.noise.is_learned:
                continue
            key = mask_of(one), fit_of(one)
            if key in found:
                raise ClipHarError(
                    f"{one.name}: the study has this mask, model and noise seed already; give it"
                    " only the sweep of its own command"
                )
            found[key] = one
    if not found:
        raise ClipHarError("these sweeps hold no cell with learned noise: check the command")
    _check_names(found.values())
    masks = tuple(dict.fromkeys(mask for mask, _ in found))
    fits = tuple(sorted({fit for _, fit in found}))
    _check(masks, fits, found)
    try:
        _, ids = common_rows([one.table for one in found.values()])
    except ValueError as error:
        raise ClipHarError(f"the cells of the study show different clips: {error}") from error
    if not ids:
        raise ClipHarError("the cells of the study have no clip in common")
    return Grid(masks, fits, found, tuple(ids))


def mask_of(one: Result) -> str:
    """Return a cell's mask with its ratio, such as ``percent 0.3``."""
    return mask_named(one.mask, one.ratio)


def mask_named(mask: str, ratio: float | None) -> str:
    """Return a mask with its ratio, where it has one.

    Example:
        >>> mask_named("percent", 0.3), mask_named("swap", 0.3)
        ('percent 0.3', 'swap')
    """
    return mask if ratio is None or mask in (CLEAN, SWAP) else f"{mask} {ratio:g}"


def fit_of(one: Result) -> Fit:
    """Return whose noise a cell shows."""
    return Fit(Path(_checkpoint(one)).name, int(one.cell.noise.described()["seed"]))


def _checkpoint(one: Result) -> str:
    return str(one.cell.model.described().get("checkpoint", one.cell.model))


def _check_names(cells: Iterable[Result]) -> None:
    checkpoints: dict[str, str] = {}
    for one in cells:
        checkpoint = _checkpoint(one)
        name = Path(checkpoint).name
        other = checkpoints.setdefault(name, checkpoint)
        if other != checkpoint:
            raise ClipHarError(
                f"two models have the same name {name}: {other} and {checkpoint}; give them folders"
                " of other names"
            )


def _check(
    masks: tuple[str, ...], fits: tuple[Fit, ...], found: dict[tuple[str, Fit], Result]
) -> None:
    for mask in masks:
        for fit in fits:
            if (mask, fit) not in found:
                raise ClipHarError(
                    f"the study lacks {mask} of {fit.model} with noise seed {fit.seed}: run the"
                    " sweep's command again"
                )
    models = [fit.model for fit in fits]
    counts = {model: models.count(model) for model in models}
    if len(set(counts.values())) > 1:
        raise ClipHarError(f"expected as many noise seeds of each model, got {counts}")
    seeds = [fit.seed for fit in fits]
    if len(set(seeds)) < len(seeds):
        raise ClipHarError(
            "two models have the same noise seed: their noise learns from the same frames in the"
            " same order, and does not count as two fits; give each model seeds of its own"
        )
