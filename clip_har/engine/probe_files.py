"""The files about a cell's linear probes: their table, and their card."""

import logging
from importlib.metadata import version
from pathlib import Path

from clip_har.config.measures import ALL_SHOTS, MeasureSettings
from clip_har.core.atomic import whole_file
from clip_har.metrics.probe import STEPS, probe_table
from clip_har.results.files import PROBE_CARD, PROBES, write_json
from clip_har.results.result import Result
from clip_har.results.score_table import ScoreTable

log = logging.getLogger(__name__)


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
    _warn_of_missing(settings, set(rows["shots"]), table)
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
        f" most {STEPS} steps",
        "C": "CLIP's search over 10^-6 to 10^6 on validation clips of other groups; 8 steps a"
        " decade",
        "shots": [str(one) for one in settings.probe],
        "draws_of_the_clips": settings.probe_seeds,
        "zero_shot": False,
    }
    with whole_file(folder / PROBE_CARD) as path:
        write_json(path, card)


def _warn_of_missing(settings: MeasureSettings, known: set[str], table: ScoreTable) -> None:
    missing = [str(one) for one in settings.probe or () if str(one) not in known]
    if not missing:
        return
    if table.embeddings is None:
        reason = "the cell keeps no embeddings (learned noise, or shards of an earlier version)"
    else:
        reason = (
            f"the reference ({settings.reference}) has too few clips of some class outside its"
            " validation groups, or a class of one group only"
        )
    if missing == [ALL_SHOTS]:
        missing = ["all clips"]
    log.warning("no linear probe with %s: %s", ", ".join(missing), reason)
