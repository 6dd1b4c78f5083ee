"""A picture of masks on real clips: ``clip-har-gallery``.

It takes the arguments of a sweep and shows what its cells would hide, without running a model.
Without ``masking`` it shows a selection of masks; with a ``region``, masks of the subject.
A second picture shows all shapes, without a clip.

    clip-har-gallery dataset.root=/data/ucf101 limit=2
    clip-har-gallery region=annotation limit=4
    clip-har-gallery dataset.root=/data/ucf101 masking=percent masking.patch=8,16,32
"""

import logging
import sys
from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from rich.console import Console

from clip_har.cli.errors import report_fault, take_over_errors
from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR, cell_from_config, expand
from clip_har.data.clips import clips_of
from clip_har.engine.clips import open_frames
from clip_har.figures.gallery import shape_figure
from clip_har.figures.save import save_figure
from clip_har.sweeps.gallery import CLIPS, draw_gallery

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
    register_schema()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        words = list(arguments)
        given = {word.partition("=")[0] for word in words}
        aimed = "region" in given and "masking" not in given
        if "ratio" not in given:
            words.append("ratio=null" if aimed else _RATIOS)
        selection = _AIMED if aimed else _SELECTION
        masks: Sequence[list[str]] = [[]] if "masking" in given else selection
        jobs = [job for mask in masks for job in expand([*mask, *words], loader)]
        cells = [cell_from_config(compose("config", overrides=job)) for job in jobs]
    first = cells[0]
    clips = clips_of(first.dataset, first.limit or CLIPS)
    figure = draw_gallery(cells, open_frames(first, clips), count=len(clips.clips))
    first.results_dir.mkdir(parents=True, exist_ok=True)
    pictures = {"mask_gallery": figure, "mask_shapes": shape_figure()}
    for name, picture in pictures.items():
        path = first.results_dir / f"{name}.png"
        save_figure(path, picture)
        first.tracking.log_figure(first.results_dir, path, name=name.replace("_", " "))
        Console().print(str(path), highlight=False, soft_wrap=True)


def run() -> None:
    """Run the command; after an error, end with one clear line."""
    logging.basicConfig(level=logging.WARNING)
    take_over_errors()
    try:
        main(sys.argv[1:])
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))


if __name__ == "__main__":
    run()
