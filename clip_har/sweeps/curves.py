"""Numbers over the hidden share, for the charts of the tracking store."""

import logging
from collections.abc import Sequence

from clip_har.results.result import Result
from clip_har.sweeps.cells import metric_words
from clip_har.tracking.tracker import OVER_RATIO, Curve

log = logging.getLogger(__name__)

_MEASURES = ("top1", "confidence", "ece")


def curves_over_ratio(finished: Sequence[Result]) -> dict[str, Curve]:
    """Return top-1, confidence and ECE of each mask by its hidden share in percent.

    The hidden share is that which was painted, as in the figure of accuracy. The clean twin gives
    the value at 0, if all cells of the mask show the same clips as it, without noise. Cells without
    a ratio are left out, as their share depends on the clip. So is a mask with two cells at the
    same percent.

    Args:
        finished: the results of a sweep's cells; several jobs may share one.

    Returns:
        Curves by name, such as ``top1_over_ratio/shape``.
    """
    masks: dict[str, dict[str, Result]] = {}
    for one in finished:
        if one.ratio is not None:
            masks.setdefault(one.strategy, {})[str(one.folder)] = one
    words = metric_words(masks)
    curves: dict[str, Curve] = {}
    for mask, by_folder in masks.items():
        cells = list(by_folder.values())
        points = {round(100 * one.metrics["mask/realised_ratio"]): one for one in cells}
        if len(points) < len(cells):
            log.info("%s: several cells hide the same percent, no curve is sent", mask)
            continue
        clean = cells[0].clean
        clips = {one.metrics["data/clips"] for one in cells}
        noisy = any(not one.cell.noise.is_clean for one in cells)  # its clean twin has no noise
        if clean is not None and not noisy and clips == {clean.metrics["data/clips"]}:
            points.setdefault(0, clean)
        for measure in _MEASURES:
            curves[f"{measure}{OVER_RATIO}{words[mask]}"] = {
                percent: points[percent].metrics[measure]
                for percent in sorted(points)
                if measure in points[percent].metrics
            }
    return {name: curve for name, curve in curves.items() if curve}
