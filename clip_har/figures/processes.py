"""Processes that draw figures while this one goes on."""

from clip_har.core.background import Background, spare_cores

_IMPORTED = (
    *(f"matplotlib.backends.backend_{form}" for form in ("agg", "pdf", "svg")),
    *(f"clip_har.figures.{name}" for name in ("confusion", "gallery", "over_ratio", "save")),
)


def drawing_processes() -> Background:
    """Start processes that draw figures, one for each core that is left.

    At once they import what they need, so start them some seconds before.
    """
    drawing = Background(spare_cores())
    drawing.import_early(*_IMPORTED)
    return drawing
