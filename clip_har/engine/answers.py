"""What the model answers for a few clips, without a result: for a person who looks at them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.engine.score_clips import seen_frames
from clip_har.masking.masked_clip import MaskedClip
from clip_har.models.zero_shot import Classifier
from clip_har.noise.contract import CellNoise
from clip_har.results.score_table import ScoreTable

if TYPE_CHECKING:
    from clip_har.config.cell import Cell


def noise_without_controls(cell: "Cell", frames: FrameStore, classifier: Classifier) -> CellNoise:
    """Return the cell's noise without its controls; learned noise must be there already.

    Args:
        cell: the checked settings.
        frames: of the clips.
        classifier: its model with its classes.

    Raises:
        ClipHarError: when the noise is not learned yet.
    """
    kind = cell.noise
    if kind.is_learned:
        # Nothing is learned in this cache: said before the training clips are looked for.
        if getattr(kind, "file", None) is None and not any(cell.cache_dir.glob("noise/*/*")):
            raise _not_learned()
        kind = kind.model_copy(update={"controls": False})  # the answers do not need them
    return kind.open(cell, frames, classifier, _no_training)


def _no_training(clips: ClipSet) -> FrameStore:
    raise _not_learned(f"; it is learned from {clips.title}")


def _not_learned(more: str = "") -> ClipHarError:
    return ClipHarError(
        f"this noise is not learned yet, which takes minutes{more}: run the cell's command once,"
        " then it is shown here"
    )


def frames_of_answer(
    clip: MaskedClip,
    row: int,
    noise: CellNoise,
    tables: Mapping[str, ScoreTable],
    classifier: Classifier,
) -> NDArray[np.uint8]:
    """Return the frames of a clip with the noise under which its class was predicted.

    Args:
        clip: the clip under its mask.
        row: its row in the tables.
        noise: the cell's noise.
        tables: the score tables by variant.
        classifier: the model with its classes.

    Returns:
        ``(T, 3, S, S)`` uint8.
    """
    scores = {name: table.scores for name, table in tables.items()}
    labels = tables[noise.headline].labels
    variant = noise.inspected_variants(scores, labels)[noise.headline]
    own, column = noise.by_name[variant.noise], int(variant.columns[row])
    frames: NDArray[np.uint8] = seen_frames(clip, own, column, device=classifier.device).numpy()
    return frames


def caution(cell: "Cell", class_names: Sequence[str]) -> str:
    """Return what must be known about the model's answers for some classes; empty for nothing.

    Args:
        cell: the checked settings.
        class_names: the names as the data set spells them.
    """
    unknown = cell.model.unfamiliar(cell.prompts.words(class_names))
    if not cell.model.caution or not unknown:
        return cell.model.caution
    return f"{cell.model.caution}; it was not trained on {len(unknown)} of these classes"
