"""Run the peers: what one clip costs them, and their start."""

from pathlib import Path

from benchmarks.compare import peer
from benchmarks.inputs import Inputs


def bare(inputs: Inputs, checkpoint: Path) -> float:
    """Return the seconds of the bare forward pass over the frames of one cell."""
    return peer("bare_forward", str(inputs.clips), str(checkpoint))["cell"]


def script(name: str, inputs: Inputs, checkpoint: Path, starts: list[float], *more: str) -> float:
    """Return the seconds of a peer for each clip of each cell; ``starts`` gets those of its start.

    A peer does the same work for each cell, so that one cell is enough to work out any sweep.
    """
    found = peer(name, str(inputs.clips), str(checkpoint), "--cells", "1", *more)
    starts.append(found["wall"] - found["cells"])
    return found["cells"] / inputs.count
