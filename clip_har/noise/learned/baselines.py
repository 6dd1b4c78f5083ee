"""The classifiers on frozen embeddings that learned from the same clips as the noise."""

import logging
from collections.abc import Sequence
from pathlib import Path

from clip_har.core.cache import cached, key_of
from clip_har.heads.file import read_heads, save_heads
from clip_har.heads.fit import fit_heads
from clip_har.heads.head import Head, TextClasses
from clip_har.heads.learn import Schedule
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.head_clips import embed_training
from clip_har.noise.learned.held import HeldClips
from clip_har.noise.learned.identity import described_clips, described_masks, training_clips
from clip_har.noise.settings import LearningCell

log = logging.getLogger(__name__)

_HEADS_FILE = "heads.safetensors"
_CODE = ("clip_har.noise.learned.baselines",)


def fitted_heads(held: HeldClips, *, names: Sequence[str]) -> dict[str, Head]:
    """Return the heads of a cell from the cache; fit them first if they are not there.

    They learn from the clips that the noise learns from, under the same masks, for as many steps of
    as many clips, and are validated on the same clips.

    Args:
        held: the training clips of the cell.
        names: its class names.

    Raises:
        ClipHarError: when they cannot be stored.
    """
    noise, cell, zero_shot = held.noise, held.cell, held.zero_shot

    def make(temporary: Path) -> None:
        log.info("fitting classifiers on frozen embeddings (once)")
        learning, base = noise.learning, noise.base()
        schedule = Schedule(
            steps=learning.steps + (0 if base is None else base.learning.steps),
            batch=learning.batch,
            validate_every=learning.validate_every,
            patience=learning.patience,
            seed=noise.seed,
        )
        learned_from, validated_on = embed_training(noise, zero_shot, held.training())
        heads = fit_heads(
            learned_from,
            validated_on,
            TextClasses.of(zero_shot),
            schedule,
            model=zero_shot.model,
            names=cell.prompts.words(names),
        )
        save_heads(temporary, heads)

    return cached(
        heads_path(noise, cell),
        "classifiers on frozen embeddings",
        read=read_heads,
        make=make,
    )


def heads_path(noise: Learned, cell: LearningCell) -> Path:
    """Return the file of `fitted_heads`."""
    clips = training_clips(cell.dataset, noise.learning.train_clips, cell.classes)
    content = {
        "kind": "heads",
        "learning": [one.learning.model_dump(mode="json") for one in (noise, noise.base()) if one],
        "names": cell.prompts.words(clips.class_names),
        "masks": described_masks(noise, cell, "train"),
        **described_clips(noise, cell),
    }
    return cell.cache_dir / "noise" / key_of(content, code=_CODE) / _HEADS_FILE
