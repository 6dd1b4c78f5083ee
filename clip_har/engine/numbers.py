"""The metrics of a cell, computed from its tables alone: no model is loaded."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clip_har.config.measures import MeasureSettings
from clip_har.core.atomic import whole_file
from clip_har.core.checksum import MANIFEST, read_manifest, write_manifest
from clip_har.engine.noise_artifacts import rewrite_effects
from clip_har.engine.probe_files import write_probes
from clip_har.figures.confusion import confusion_sheet
from clip_har.metrics.accuracy import confusion_matrix
from clip_har.metrics.attention import attention_means
from clip_har.metrics.attributes import attribute_table
from clip_har.metrics.measures import MEASURES
from clip_har.metrics.noise_effect import effect_table, noise_metrics
from clip_har.metrics.summary import depends_on_settings, summarise
from clip_har.metrics.tables import confused_pairs, per_class
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.learning import History
from clip_har.results.files import (
    CONFUSION,
    COUNTED,
    FAILED_CLIPS,
    METRICS,
    METRICS_CODE,
    NOISE,
    write_json,
)
from clip_har.results.measured import Measured
from clip_har.results.result import Result, metrics_code
from clip_har.results.score_table import ScoreTable

log = logging.getLogger(__name__)

_FROM_RUN = tuple(one.name for one in MEASURES if one.source == "cell" and one.function is None)
"""Numbers that are in no table: they are counted while the cell runs."""


def numbers(
    table: ScoreTable,
    clean: ScoreTable | None,
    attention: Mapping[str, NDArray[np.float64]],
    *,
    failed: float,
    reference: ScoreTable | None = None,
    settings: MeasureSettings | None = None,
) -> dict[str, float]:
    """Return a cell's metrics under their MLflow names, without those of its learned noise.

    Args:
        table: its score table.
        clean: the score table of its clean twin; None if it is not compared with one.
        attention: ``(N,)`` by measure, NaN where it was not measured.
        failed: how many clips could not be decoded.
        reference: the score table of its reference cell; None if it has none.
        settings: of the measures; None for the default.
    """
    found = summarise(table, clean, reference, settings)
    if found.get("detect/prevalence") == 0:
        log.warning("no evaluated clip is an event (measures.target): it cannot be detected")
    if reference is not None:
        _warn_of_reference(found)
    return {**found, FAILED_CLIPS: failed, **attention_means(attention)}


def _warn_of_reference(found: Mapping[str, float]) -> None:
    """Say what the reference cell is too small or too easy for."""
    if "detect/prevalence" in found and "detect/required/threshold" not in found:
        log.warning(
            "no clip of the reference is an event (measures.target): no threshold is chosen"
        )
    if "calibrated/temperature" not in found:
        log.warning(
            "no temperature is the best for the reference: all of its clips are right, or the"
            " scores tell nothing of the class; calibrated/* is not measured"
        )
    if found["conformal/least_probability"] == 0:
        log.warning(
            "the reference has too few groups for measures.coverage: each conformal set is all"
            " classes; lower it, or name a larger split"
        )


def manifest_facts(metrics: Mapping[str, float], measured: Measured) -> dict[str, Any]:
    """Return what the manifest of a cell notes about its numbers.

    Args:
        metrics: the numbers.
        measured: what they were measured with.
    """
    names = tuple(name for name in metrics if depends_on_settings(name))
    return {METRICS_CODE: metrics_code(), **replace(measured, numbers=names).facts()}


def learning_numbers(classes: pd.DataFrame, history: History) -> dict[str, float]:
    """Return the numbers that are counted while noise is learned, under their MLflow names.

    Args:
        classes: the size of each class's noise, see `clip_har.noise.contract.CellNoise`.
        history: the history of the learning.
    """
    found = {"noise/steps": float(history.steps), "noise/kept_step": float(history.kept)}
    if "named_on_empty" in classes:
        found["noise/named_on_empty"] = float(classes["named_on_empty"].mean())
    return {name: value for name, value in found.items() if np.isfinite(value)}


def counted_numbers(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers that are in no table, so that the protocol card must keep them."""
    return {name: metrics[name] for name in _FROM_RUN if name in metrics}


def write_class_tables(folder: Path, table: ScoreTable) -> None:
    """Write the tables of classes: confusion matrix, recalls, confused pairs, attributes.

    Older files are replaced one by one, each as a whole.

    Args:
        folder: of the cell.
        table: its score table.
    """
    confusion = confusion_matrix(table.labels, table.scores)
    names = list(table.class_names)
    counts = pd.DataFrame(confusion, index=names, columns=names).rename_axis("true").reset_index()
    tables = {
        "per_class.csv": per_class(table.labels, table.scores, names, table.groups),
        "confused_pairs.csv": confused_pairs(confusion, names),
        "confusion.csv": counts,
    }
    if table.attributes:
        tables["attributes.csv"] = attribute_table(table)
    for name, content in tables.items():
        with whole_file(folder / name) as path:
            content.to_csv(path, index=False)


def draw_confusion(folder: Path, table: ScoreTable, *, title: str) -> None:
    """Draw the confusion matrix of a cell; an older picture is replaced as a whole.

    Args:
        folder: of the cell.
        table: its score table.
        title: the title of the picture.
    """
    confusion = confusion_matrix(table.labels, table.scores)
    with whole_file(folder / CONFUSION) as path:
        confusion_sheet(confusion, table.class_names, title=title).save(path)


def compute_again(result: Result) -> None:
    """Compute a result's numbers again from its tables, because they are damaged or of other code.

    The caller holds the cell's lock.
    """
    clean = None if result.clean is None else result.clean.table
    manifest = read_manifest(result.folder)
    damaged = () if manifest is None else manifest.damaged()
    failed = float(result.protocol["clips_failed"])
    settings, reference = result.measures, result.reference
    new = numbers(
        result.table,
        clean,
        result.attention,
        failed=failed,
        reference=None if reference is None else reference.table,
        settings=settings,
    )
    new |= result.protocol[COUNTED]
    new |= _write_own_files(result)
    write_probes(result.folder, result.table, reference, settings)
    with whole_file(result.folder / METRICS) as path:
        write_json(path, new)
    used = {} if reference is None else {str(settings.reference): reference.folder.name}
    measured = Measured(settings, {**result.measured.references, **used})
    # Last: if this process is killed before this line, the next one computes all again.
    with whole_file(result.folder / MANIFEST) as path:
        write_manifest(result.folder, manifest_facts(new, measured), path=path)
    if damaged:
        _say_mended(result, damaged)
    else:
        log.info("%s: numbers computed again from the score table", result.name)


def mend_own_files(result: Result) -> None:
    """Make the damaged files of a result again that need no other cell; its numbers stay.

    The caller holds the cell's lock, and no other file is damaged, see `Result.unmendable`.
    """
    manifest = read_manifest(result.folder)
    assert manifest is not None  # noqa: S101, without it there is no result
    damaged = manifest.damaged()
    _write_own_files(result)
    with whole_file(result.folder / MANIFEST) as path:
        write_manifest(result.folder, manifest.facts, path=path)
    _say_mended(result, damaged)


def _write_own_files(result: Result) -> dict[str, float]:
    """Write what follows from a cell's own answers; return the numbers of its learned noise."""
    write_class_tables(result.folder, result.table)
    draw_confusion(result.folder, result.table, title=result.name)
    if not (result.folder / NOISE).is_dir():
        return {}
    headline, scores = result.variant_scores
    effects = effect_table(scores, headline)
    rewrite_effects(result.folder / NOISE, cast(Learned, result.cell.noise), effects)
    return noise_metrics(effects)


def _say_mended(result: Result, damaged: Sequence[str]) -> None:
    names = ", ".join(damaged)
    log.warning("%s: damaged, made again from the score table: %s", result.name, names)
