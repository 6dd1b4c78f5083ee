"""All numbers of one cell, from its score table."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

from clip_har.config.measures import MeasureSettings
from clip_har.metrics.measures import MEASURES, find
from clip_har.results.score_table import ScoreTable

_OF_SETTINGS = frozenset({"reference", "target", "sensitivity", "coverage", "probe", "probe_seeds"})
"""Parameters that come from the settings of the measures, see `MeasureSettings`."""


def summarise(
    table: ScoreTable,
    clean: ScoreTable | None = None,
    reference: ScoreTable | None = None,
    settings: MeasureSettings | None = None,
) -> dict[str, float]:
    """Return a cell's metrics under their MLflow names.

    These are the entries of `MEASURES` whose source is the score table. The function of an entry
    takes what it needs by the names of its parameters: ``labels``, ``scores``, ``score_kind``,
    ``probabilities``, ``table``; ``clean``, the table of the clean twin; ``reference``, that of the
    reference cell; ``target``, the labels of the classes of the event; ``sensitivity`` and
    ``coverage``; ``probe`` and ``probe_seeds``. An entry is left out if something that it needs is
    not there. The function returns the value; or None if
    it is not known, which is left out; or, if several entries share a function, a mapping from
    names to values.

    Args:
        table: of the cell.
        clean: of its clean twin.
        reference: of its reference cell; no clip of it is in ``table``.
        settings: of the measures; None for the default.

    Raises:
        ClipHarError: when the target names a class that is not there.
    """
    settings = settings or MeasureSettings()
    given: dict[str, Any] = {
        "table": table,
        "labels": table.labels,
        "scores": table.scores,
        "score_kind": table.kind,
        "probabilities": table.probabilities(),
        "clean": clean,
        "reference": reference,
        "target": settings.target_labels(table.class_names),
        "sensitivity": settings.sensitivity,
        "coverage": settings.coverage,
        "probe": settings.probe,
        "probe_seeds": settings.probe_seeds,
    }
    names = {one.function: one.name for one in MEASURES if one.source == "scores"}
    metrics: dict[str, float] = {}
    for function, name in names.items():
        assert function is not None, name  # noqa: S101, tested for the whole table
        needed = {key: given[key] for key in _parameters(function)}
        if any(value is None for value in needed.values()):
            continue
        found = function(**needed)
        if isinstance(found, Mapping):
            metrics |= found
        elif found is not None:
            metrics[name] = found
    return metrics


def depends_on_settings(name: str) -> bool:
    """Return whether a number, by its MLflow name, depends on the settings of the measures.

    Example:
        >>> depends_on_settings("top1")
        False
    """
    measure = find(name)
    if measure.source != "scores" or measure.function is None:
        return False
    return not _OF_SETTINGS.isdisjoint(_parameters(measure.function))


def _parameters(function: Callable[..., Any]) -> list[str]:
    parameters = signature(function).parameters.values()
    return [one.name for one in parameters if one.default is Parameter.empty]
