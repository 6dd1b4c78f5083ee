"""Compare the suite's score tables with those of a plain script."""

from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks.cells import RATIO
from benchmarks.compare import Check, peer
from benchmarks.inputs import Inputs
from clip_har.results.files import SCORES
from clip_har.results.score_table import ScoreTable

LOGIT = 1e-3
"""The largest difference of a logit: the script normalises and pools in another order."""


def plain_scores(inputs: Inputs, checkpoint: Path, ratio: float) -> NDArray[np.float32]:
    """Return the scores ``(N, C)`` of the plain script under a square of some size."""
    output = inputs.folder / "plain.npy"
    arguments = [str(inputs.clips), str(checkpoint), "--ratio", str(ratio)]
    peer("plain_scores", *arguments, "--output", str(output))
    scores: NDArray[np.float32] = np.load(output)
    return scores


def table_checks(inputs: Inputs, checkpoint: Path, results: Path) -> list[Check]:
    """Compare the clean twin and a masked cell of a results folder with the plain script."""
    tables = {_mask(path.parent): path for path in results.glob(f"cells/*/{SCORES}")}
    checks = []
    for mask, ratio in (("NoMask", 0.0), (f"ShapeMask square {RATIO}", RATIO)):
        found = ScoreTable.read(tables[mask]).scores
        plain = plain_scores(inputs, checkpoint, ratio)
        checks.append(Check(f"logit, hidden {ratio:g}:", difference(found, plain), LOGIT))
    return checks


def difference(found: NDArray[np.floating], plain: NDArray[np.floating]) -> float:
    """Return the largest difference; infinite if the shapes differ."""
    return float(np.abs(found - plain).max()) if found.shape == plain.shape else np.inf


def _mask(cell: Path) -> str:
    masking = yaml.safe_load((cell / "config.yaml").read_text(encoding="utf-8"))["masking"]
    kind = masking["_target_"].rpartition(".")[2]
    return f"{kind} {masking['shape']} {masking['ratio']}" if kind == "ShapeMask" else kind
