"""One cell of a study, from clips to a folder of results; it reads like the flow of the data."""

import logging
from dataclasses import dataclass
from functools import lru_cache

from clip_har.config import Cell
from clip_har.data.clips import ClipSet
from clip_har.masked_clips import MaskedClips, open_frames, open_masked
from clip_har.models.dual_encoder import DualEncoder, ModelSource, Precision, pick_device
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.evaluation import NoiseResult, evaluate_noise
from clip_har.noise.none import NoNoise
from clip_har.noise.settings import Learned
from clip_har.scores import ScoreTable
from clip_har.scoring import score_clips

log = logging.getLogger(__name__)


def load_model(cell: Cell) -> DualEncoder:
    """Load the cell's model, or return it when the cell before had the same."""
    return _load_model(cell.model, cell.device, cell.precision)


def load_zero_shot(cell: Cell, clips: ClipSet) -> ZeroShot:
    """Load the cell's model and embed the classes of its clips."""
    return ZeroShot.build(
        load_model(cell),
        cell.prompts.texts(clips.class_names),
        pooling=cell.model.pooling,
        batch_size=cell.batch_size,
        cache_dir=cell.cache_dir,
    )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was found out about a cell.

    Attributes:
        masked: the clips as they were shown, before noise.
        table: one row per judged clip, in the clip set's order.
        noise: what learned noise did; None without it.
    """

    masked: MaskedClips
    table: ScoreTable
    noise: NoiseResult | None = None


def evaluate(cell: Cell, clips: ClipSet) -> Evaluation:
    """Score every class for every clip that decodes, under the cell's mask and noise.

    Args:
        cell: the checked settings.
        clips: what is evaluated.
    """
    zero_shot = load_zero_shot(cell, clips)  # before hours of decoding: it may not be loadable
    frames = open_frames(cell, clips)
    masked = open_masked(cell, frames, zero_shot=lambda: zero_shot)
    if masked.empty:
        skipped = masked.on_empty == "skip"
        done = "left out" if skipped else "their whole frames are taken for it"
        log.warning("%s: %s", masked.told_empty(), done)
    if isinstance(cell.noise, Learned):
        table, result = evaluate_noise(cell, masked, zero_shot)
        return Evaluation(masked, table, result)
    corruption = None if isinstance(cell.noise, NoNoise) else cell.noise
    return Evaluation(masked, score_clips(masked, zero_shot, corruption))


@lru_cache(maxsize=1)
def _load_model(source: ModelSource, device: str, precision: Precision) -> DualEncoder:
    # The cells of a sweep that run in one process share the model.
    return source.load(device=pick_device(device), precision=precision)
