"""Refuse combinations of options that cannot work together, before anything runs."""

from clip_har.config.cell import Cell
from clip_har.core.errors import ClipHarError
from clip_har.masking.swap import SwapMask
from clip_har.models.runtime import check_runtime
from clip_har.models.source import NO_ATTRIBUTION
from clip_har.noise.learned.settings import EmbeddingNoise, Learned, LearnedPixels
from clip_har.regions.none import NoRegion
from clip_har.regions.source import PERSON, SUBJECT


def check_combination(cell: Cell) -> None:
    """Refuse what each part accepts alone and the parts cannot do together."""
    if cell.shard is not None and isinstance(cell.masking, SwapMask):
        raise ClipHarError(
            f"shard={cell.shard}: masking=swap puts clips before the scenes of any others, which"
            " lie in other parts; run it without shard"
        )
    if cell.masking.feature is not None:
        cell.region.check(cell.masking.feature)
    if isinstance(cell.masking, SwapMask) and cell.region.on_empty == "whole":
        raise ClipHarError(
            "masking=swap needs a subject to put before another scene: with region.on_empty=whole"
            " a clip without one would stay as it is; use region.on_empty=skip or error"
        )
    if isinstance(cell.noise, Learned):
        _check_learned(cell, cell.noise)
    if cell.region.asks_model and not cell.model.gives_attribution:
        raise ClipHarError(f"region=relevance: {NO_ATTRIBUTION}; use another region source")
    check_runtime(cell.model.runtime, device=cell.device, precision=cell.precision)
    if cell.precision == "fp16" and cell.device == "cpu":
        raise ClipHarError("precision=fp16 needs an accelerator: use precision=bf16 or fp32 on cpu")


def _check_learned(cell: Cell, noise: Learned) -> None:
    """Refuse learned noise that the rest of the cell cannot give what it needs."""
    if not cell.model.single_frames:
        raise ClipHarError(
            "noise: what is learned is learned on single frames, and the model judges whole clips;"
            " use noise=none, gaussian, uniform or salt_pepper, or a model of single frames, such"
            " as a CLIP"
        )
    if noise.loss.attention > 0 and not cell.model.gives_attribution:
        raise ClipHarError(f"noise.loss.attention: {NO_ATTRIBUTION}; set it to 0")
    if noise.loss.attention > 0 and isinstance(noise, EmbeddingNoise):
        raise ClipHarError(
            "noise.loss.attention: noise in feature space changes no pixel that attention could"
            " move to; use noise=class_specific, or set it to 0"
        )
    if noise.needs_region and isinstance(cell.region, NoRegion):
        raise ClipHarError(
            "noise.loss.attention, and feature or isolation in noise.train_masking, must know where"
            " the subject is: add region=motion or region=annotation"
        )
    if "same" in noise.train_masking:
        _check_same_mask(cell)
    if noise.needs_region and cell.region.uses_label(SUBJECT):
        raise ClipHarError(
            "noise.train_masking, noise.loss.attention: a subject found by the true label"
            " (region.attribution=label) would teach the label; use another region source"
        )
    fixed = cell.frames.sampler in ("uniform", "middle")
    if isinstance(noise, LearnedPixels) and not noise.static and not fixed:
        raise ClipHarError(
            f"noise.static=false learns noise for each frame of a clip, and frames.sampler="
            f"{cell.frames.sampler} takes as many as a clip has: use frames.sampler=uniform"
        )


def _check_same_mask(cell: Cell) -> None:
    """Refuse to learn noise under a mask that training clips cannot be shown under."""
    known = (None, PERSON, SUBJECT)
    if isinstance(cell.masking, SwapMask) or cell.masking.feature not in known:
        raise ClipHarError(
            "train_masking=same learns noise under the cell's own mask, which must not be a swap"
            " nor be aimed at anything but the subject: name masks, such as"
            " train_masking=[none,percent]"
        )
    if cell.masking.feature is None:
        return
    if isinstance(cell.region, NoRegion):
        raise ClipHarError("train_masking=same: the mask needs region=motion or region=annotation")
    if cell.region.uses_label(SUBJECT):
        raise ClipHarError(
            "train_masking=same: a subject found by the true label (region.attribution=label) would"
            " teach the label; use another region source"
        )
