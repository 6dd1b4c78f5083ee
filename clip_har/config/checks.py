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
    if cell.frames.crops > 1:
        _check_views(cell)
    check_runtime(cell.model.runtime, device=cell.device, precision=cell.precision)
    if cell.precision == "fp16" and cell.device == "cpu":
        raise ClipHarError("precision=fp16 needs an accelerator: use precision=bf16 or fp32 on cpu")


def _check_views(cell: Cell) -> None:
    """Refuse what knows only the one view of a frame that is its centre."""
    refused = {
        "the model sees the frames of a clip as one view": not cell.model.single_frames,
        "a target of a mask is looked for in the centre only": cell.finds_regions,
        "fill=background takes pixels from other frames of the same view": (
            getattr(cell.masking, "fill", None) == "background"
        ),
        "noise is learned for one view": cell.noise.is_learned,
    }
    for reason, holds in refused.items():
        if holds:
            raise ClipHarError(f"frames.crops={cell.frames.crops}: {reason}; use frames.crops=1")
