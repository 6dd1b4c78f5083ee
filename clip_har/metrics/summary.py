"""All numbers of one cell, from its score table."""

from collections.abc import Mapping
from inspect import Parameter, signature

from clip_har.metrics.measures import MEASURES
from clip_har.results.score_table import ScoreTable


def summarise(table: ScoreTable, clean: ScoreTable | None = None) -> dict[str, float]:
    """Return a cell's metrics under their MLflow names.

    These are the entries of `MEASURES` whose source is the score table. The function of an entry
    takes what it needs by the names of its parameters: ``labels``, ``scores``, ``probabilities``,
    ``table``, or ``clean``, the table of the clean twin. It returns the value; or None if it is not
    known, which is left out; or, if several entries share a function, a mapping from names to
    values.

    Args:
        table: of the cell.
        clean: of its clean twin. Without it the entries that compare with the twin are left out.
    """
    given = {
        "table": table,
        "labels": table.labels,
        "scores": table.scores,
        "probabilities": table.probabilities(),
    }
    if clean is not None:
        given["clean"] = clean
    names = {one.function: one.name for one in MEASURES if one.source == "scores"}
    metrics: dict[str, float] = {}
    for function, name in names.items():
        assert function is not None, name  # noqa: S101, tested for the whole table
        parameters = signature(function).parameters.values()
        wanted = [one.name for one in parameters if one.default is Parameter.empty]
        if "clean" in wanted and clean is None:
            continue
        found = function(**{key: given[key] for key in wanted})
        if isinstance(found, Mapping):
            metrics |= found
        elif found is not None:
            metrics[name] = found
    return metrics
