"""Whether a model that is blind to the order of the frames gave equal scores in every order."""

from collections.abc import Sequence

import numpy as np

from clip_har.metrics.pairing import common_rows
from clip_har.results.names import ORDER
from clip_har.results.result import Result
from clip_har.sweeps.cells import grouped

_ROUNDING = {"fp32": 1e-5, "bf16": 1e-2, "fp16": 1e-2}  # of the largest score


def order_note(cells: Sequence[Result]) -> str:
    """Return what equal scores mean where the order is swept with a model that pools single frames.

    Such a model takes a mean or maximum over frames, which does not depend on their order. Cells
    with noise are left out: noise may differ from frame to frame. So are frames that stand still.

    Args:
        cells: of one comparison.

    Returns:
        A few sentences; empty if the order is not swept, or the model sees whole clips.
    """
    known = [
        one
        for one in cells
        if one.cell.model.single_frames
        and one.cell.noise.is_clean
        and one.cell.frames.order != "single"
    ]
    several = [
        members
        for members in grouped(known, without={ORDER})
        if len({one.cell.frames.order for one in members}) > 1
    ]
    if not several:
        return ""
    *some, last = dict.fromkeys(str(one.cell.frames.order) for found in several for one in found)
    first = several[0][0].cell
    largest = max(map(_difference, several))
    text = (
        f"This model sees single frames and pools them ({first.model.pooling}), so it is blind to"
        f" their order: {', '.join(some)} and {last} must give equal scores. "
    )
    if largest <= _ROUNDING[first.precision]:
        return text + "They do, up to rounding."
    return text + (
        f"They do not: scores differ by up to {largest:.2g} of the largest one, which rounding does"
        " not explain."
    )


def _difference(cells: Sequence[Result]) -> float:
    """Return the largest difference of a score, as a share of the largest score."""
    rows, ids = common_rows([one.table for one in cells])
    if not ids:
        return 0.0
    scores = [one.table.scores[kept] for one, kept in zip(cells, rows, strict=True)]
    return float(np.ptp(scores, axis=0).max() / max(np.abs(scores).max(), 1e-12))
