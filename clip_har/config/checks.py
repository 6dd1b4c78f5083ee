"""Refuse combinations of options that cannot work together, before anything runs.

Each option checks what it needs from the rest of the cell. This module runs these checks, and
those between groups.
"""

from clip_har.config.cell import Cell
from clip_har.core.errors import ClipHarError
from clip_har.models.runtime import check_runtime
from clip_har.models.source import NO_ATTRIBUTION


def check_combination(cell: Cell) -> None:
    """Refuse settings that are valid alone but cannot be used together.

    Raises:
        ClipHarError: for the first such combination.
    """
    cell.masking.check(cell.region, sharded=cell.shard is not None)
    cell.noise.check(cell)
    if cell.region.asks_model and not cell.model.gives_attribution:
        raise ClipHarError(f"region=relevance: {NO_ATTRIBUTION}; use another region source")
    check_runtime(cell.model.runtime, device=cell.device, precision=cell.precision)
    if cell.precision == "fp16" and cell.device == "cpu":
        raise ClipHarError("precision=fp16 needs an accelerator: use precision=bf16 or fp32 on cpu")
