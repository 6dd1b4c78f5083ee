"""Make the result of one cell: evaluate it, compute its metrics, write all files."""

import logging
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from clip_har.core.atomic import whole_folder
from clip_har.core.checksum import write_manifest
from clip_har.engine.artifacts import write_artifacts, write_clip_pictures
from clip_har.engine.evaluate import evaluate
from clip_har.engine.job import Prepared
from clip_har.engine.load_model import load_model
from clip_har.engine.numbers import draw_confusion, learning_numbers, manifest_facts, numbers
from clip_har.engine.probe_files import write_probes
from clip_har.metrics.noise_effect import effect_table, noise_metrics
from clip_har.noise.learned.cell_noise import LearnedNoise
from clip_har.results.costs import Cost
from clip_har.results.files import COST, write_json
from clip_har.results.measured import Measured
from clip_har.results.result import Result

log = logging.getLogger(__name__)


def make_result(
    run: Prepared, *, twin: Result | None, reference: Result | None, shards: Sequence[Path]
) -> None:
    """Evaluate a cell and write its folder, completely or not at all.

    Args:
        run: the cell.
        twin: the clean twin; None if the cell is not compared with one.
        reference: the reference cell; None if it has none.
        shards: folders with the score tables of all shards; empty to run the model.
    """
    cell, info, cost = run.cell, run.info, Cost()
    clean = None if twin is None else twin.table
    if shards:
        log.info("%s: merged from %d shards", info.name, len(shards))
    found = evaluate(cell, run.clips, clean=clean, cost=cost, shards=shards)
    frames = found.masked.frames
    measured = Measured(
        cell.measures,
        {} if reference is None else {str(cell.measures.reference): reference.folder.name},
    )
    # The threads end before the folder gets its name: a cell has all of its files or none.
    with whole_folder(run.folder) as out, ThreadPoolExecutor(2) as background:
        pictures = [
            background.submit(draw_confusion, out, found.table, title=info.name),
            background.submit(write_clip_pictures, out, cell, found.masked, title=info.name),
        ]
        with cost.of("metrics"):
            metrics = numbers(
                found.table,
                clean,
                found.attention,
                failed=float(len(frames.failures)),
                reference=None if reference is None else reference.table,
                settings=cell.measures,
            )
            effects = None
            if isinstance(found.noise, LearnedNoise):
                effects = effect_table(found.variant_scores, found.headline)
                metrics |= learning_numbers(found.inspection.classes, found.noise.fitted.history)
                metrics |= noise_metrics(effects)
            write_artifacts(
                out,
                run.config,
                cell,
                found,
                metrics,
                effects,
                device=str(load_model(cell).device),
                title=info.name,
                named={
                    "varies": dict(info.varies),
                    "command": info.command,
                    "clean_twin": None if twin is None else twin.folder.name,
                    "parameters": load_model(cell).parameters,
                },
            )
            write_probes(out, found.table, reference, cell.measures)
            for picture in pictures:
                picture.result()
        shown = frames.lengths[found.masked.evaluated]
        write_json(out / COST, cost.metrics(clips=len(shown), frames=int(shown.sum())))
        write_manifest(out, manifest_facts(metrics, measured))
    if shards:  # their rows are in the whole cell's tables now
        shutil.rmtree(run.place.shards, ignore_errors=True)
