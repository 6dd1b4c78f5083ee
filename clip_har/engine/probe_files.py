"""The files about a cell's linear probes: their table, and their card."""

import logging
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from clip_har.config.measures import ALL_SHOTS, MeasureSettings
from clip_har.core.atomic import whole_file
from clip_har.heads.logistic import STEPS, TOLERANCE
from clip_har.metrics.probe import probe_table
from clip_har.results.files import PROBE_CARD, PROBES, write_json
from clip_har.results.result import Result
from clip_har.results.score_table import ScoreTable

log = logging.getLogger(__name__)

_NAMED = 3  # classes that a message names


def write_probes(
    folder: Path, table: ScoreTable, reference: Result | None, settings: MeasureSettings
) -> None:
    """Write the table and the card of a cell's probes; without probes older ones are removed.

    Args:
        folder: of the cell.
        table: its score table.
        reference: the cell whose clips the probes are trained on; None if the cell has none.
        settings: of the measures.
    """
    if settings.probe is None or reference is None:
        for name in (PROBES, PROBE_CARD):
            (folder / name).unlink(missing_ok=True)
        return
    rows = probe_table(table, reference.table, settings.probe, settings.probe_seeds)
    _warn_of_missing(settings, set(rows["shots"]), table, reference)
    _warn_of_steps(rows)
    with whole_file(folder / PROBES) as path:
        rows.to_csv(path, index=False)
    card = {
        "trained_on": reference.protocol["data"],
        "trained_on_cell": reference.folder.name,
        "trained_on_digest": reference.protocol.get("data_digest"),
        "clips": len(reference.table.clip_ids),
        "groups": len(set(reference.table.groups)),
        "features": "embeddings of whole clips, without mask and noise, of length 1",
        "classifier": f"LogisticRegression of scikit-learn {version('scikit-learn')}, L-BFGS, at"
        f" most {STEPS} steps, in double precision",
        "tolerance": TOLERANCE,
        "steps": _by_shots(rows, "steps"),
        "converged": _by_shots(rows, "converged"),
        "C": "CLIP's search over 10^-6 to 10^6 on validation clips of other groups; 8 steps a"
        " decade",
        "shots": [str(one) for one in settings.probe],
        "draws_of_the_clips": settings.probe_seeds,
        "zero_shot": False,
    }
    with whole_file(folder / PROBE_CARD) as path:
        write_json(path, card)


def _by_shots(rows: pd.DataFrame, column: str) -> dict[str, str]:
    """Return a column of `probe_table` by its numbers of shots."""
    return dict(zip(rows["shots"], rows[column], strict=True))


def _warn_of_steps(rows: pd.DataFrame) -> None:
    late = [str(row["shots"]) for row in rows.to_dict("records") if "no" in row["converged"]]
    if late:
        log.warning(
            "linear probe with %s: some fits did not converge in %d steps, so top-1 may be too low;"
            " %s names their draws",
            _listed(late),
            STEPS,
            PROBES,
        )


def _warn_of_missing(
    settings: MeasureSettings, known: set[str], table: ScoreTable, reference: Result
) -> None:
    missing = [str(one) for one in settings.probe or () if str(one) not in known]
    if missing:
        name = f"the reference ({settings.reference})"
        if (limit := reference.cell.limit) is not None:
            name = f"the reference ({settings.reference}, which limit={limit} shortens, too)"
        why = _why_missing(table, reference.table, name)
        log.warning("no linear probe with %s: %s", _listed(missing), why)


def _why_missing(table: ScoreTable, reference: ScoreTable, name: str) -> str:
    if table.embeddings is None:
        return "the cell keeps no embeddings (learned noise, or shards of an earlier version)"
    if reference.embeddings is None:
        return f"{name} keeps no embeddings (shards of an earlier version)"
    trained = np.unique(reference.labels)
    if unknown := np.setdiff1d(table.labels, trained).tolist():
        return f"{name} has no clip of an evaluated class: {_classes(table, unknown)}"
    if len(trained) < 2:
        return f"{name} has clips of one class only: {_classes(reference, trained.tolist())}"
    names = np.array(reference.groups)
    of_one = [one for one in trained.tolist() if len(set(names[reference.labels == one])) == 1]
    if of_one:
        return f"{name} has a class whose clips are of one group: {_classes(reference, of_one)}"
    return f"{name} has too few clips of some class outside its validation groups"


def _classes(table: ScoreTable, labels: list[int]) -> str:
    named = [table.class_names[label] for label in labels[:_NAMED]]
    return ", ".join(named) + (", …" if len(labels) > _NAMED else "")


def _listed(shots: list[str]) -> str:
    return ", ".join("all clips" if one == ALL_SHOTS else one for one in shots)
