"""Write figures."""

from pathlib import Path

from matplotlib.figure import Figure


def save_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG."""
    figure.savefig(path, dpi=130, facecolor="white", bbox_inches="tight")
