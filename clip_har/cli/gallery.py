"""A picture of masks on real clips: ``clip-har-gallery``.

It takes the arguments of a sweep and shows what its cells would hide, and the noise that they add,
without running a model (learned noise is left out). With an ``experiment`` it shows the cells of
that experiment. Else, without ``masking``, it shows a selection of masks; with a ``region``, masks
of the subject. A second picture shows all shapes, without a clip. ``--format`` writes pictures for
print.

    clip-har-gallery dataset.root=/data/ucf101 limit=2
    clip-har-gallery region=annotation limit=4
    clip-har-gallery dataset.root=/data/ucf101 masking=percent masking.patch=8,16,32
    clip-har-gallery experiment=scene_bias dataset=ucf101 dataset.root=/data/ucf101 region=selfie
    clip-har-gallery region=annotation limit=4 --format pdf        # or svg, png
"""

import logging
import sys
from argparse import ArgumentError, ArgumentParser
from collections.abc import Collection, Sequence

from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from rich.console import Console

from clip_har.cli.cores import keep_memory, share_cores
from clip_har.cli.errors import report_fault, take_over_errors
from clip_har.config.cell import Cell, register_schema
from clip_har.config.compose import CONFIG_DIR, cell_from_config, expand
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import clips_of
from clip_har.engine.clips import open_frames
from clip_har.figures.gallery import mask_gallery
from clip_har.figures.mask_shapes import shape_figure
from clip_har.figures.save import FORMS, save_whole
from clip_har.figures.sheet import save_sheet
from clip_har.sweeps.gallery import CLIPS, gallery_rows, on_same_clips
from clip_har.sweeps.named_cells import named_cells
from clip_har.sweeps.start import experiment_overrides

log = logging.getLogger(__name__)

_RATIOS = "ratio=0.1,0.3,0.5"
_SELECTION = (
    ["masking=percent"],
    ["masking=shape", "masking.shape=square,circle,star,grid"],
    ["masking=shape", "masking.shape=cross", "masking.fill=blur"],
)
_AIMED = (  # for a region source
    ["masking=feature", "masking.hole=exact,box,ellipse"],
    ["masking=feature", "masking.place=away"],
    ["masking=background_only"],
    ["masking=isolation"],
    ["masking=isolation", "masking.hole=box", "masking.fill=grey"],
    ["masking=swap"],
)


def main(arguments: Sequence[str]) -> None:
    """Draw the gallery, write it to the results folder and send it to the tracking store."""
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(__doc__ or "")
        return
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--format", choices=FORMS, default="png")
    try:
        given, words = parser.parse_known_args(arguments)
    except ArgumentError as error:
        raise ClipHarError(str(error)) from error
    cells = _cells(words)
    alike = on_same_clips(cells)
    if len(alike) < len(cells):
        log.warning(
            "%d of %d cells are not shown: their clips or frames are not those of the first cell",
            len(cells) - len(alike),
            len(cells),
        )
    first = alike[0]
    clips = clips_of(first.dataset, first.limit or CLIPS, first.classes)
    rows, ratios = gallery_rows(alike, open_frames(first, clips), count=len(clips.clips))
    first.results_dir.mkdir(parents=True, exist_ok=True)
    paths = [
        first.results_dir / f"{name}.{given.format}" for name in ("mask_gallery", "mask_shapes")
    ]
    save_sheet(mask_gallery(rows, ratios), paths[0])
    save_whole(shape_figure, paths[1])
    for path in paths:
        name = path.stem.replace("_", " ")
        first.tracking.log_figure(first.results_dir, path, name=name)
        Console().print(str(path), highlight=False, soft_wrap=True)


def _cells(words: Sequence[str]) -> list[Cell]:
    """Return the cells that the words of the command name."""
    register_schema()
    named = {word.partition("=")[0].lstrip("+") for word in words}
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        if "experiment" in named:
            jobs = [
                job for typed in expand(list(words), loader) for job in _swept(typed, named, loader)
            ]
        else:
            aimed = "region" in named and "masking" not in named
            typed = [*words, *([] if "ratio" in named else ["ratio=null" if aimed else _RATIOS])]
            selection = _AIMED if aimed else _SELECTION
            masks: Sequence[list[str]] = [[]] if "masking" in named else selection
            jobs = [job for mask in masks for job in expand([*mask, *typed], loader)]
        return [cell_from_config(compose("config", overrides=job)) for job in jobs]


def _swept(typed: list[str], named: Collection[str], loader: ConfigLoader) -> list[list[str]]:
    """Return the overrides of each cell of an experiment; what was typed replaces its own values.

    Args:
        typed: overrides of one cell, which name the experiment.
        named: their keys.
        loader: the loader of the configuration.
    """
    whole = compose("config", overrides=typed, return_hydra_config=True)
    if whole.hydra.sweeper.get("parts"):
        return [list(job) for job in named_cells(whole, typed, loader).jobs]
    own = [word for word in experiment_overrides(whole) if word.partition("=")[0] not in named]
    return expand([*own, *typed], loader)


def run() -> None:
    """Run the command; after an error, end with one clear line."""
    logging.basicConfig(level=logging.WARNING)
    take_over_errors()
    share_cores()
    keep_memory()
    try:
        main(sys.argv[1:])
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))


if __name__ == "__main__":
    run()
