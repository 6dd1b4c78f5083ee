"""A cell's model with the classes of its clips."""

import logging
from functools import lru_cache
from typing import TYPE_CHECKING

from clip_har.core.names import listed
from clip_har.data.clips import ClipSet
from clip_har.models.checkpoint import MODEL
from clip_har.models.classes import check_embeddings, warn_of_texts
from clip_har.models.device import Precision, pick_device
from clip_har.models.encoder import Encoder
from clip_har.models.source import ModelSource
from clip_har.models.zero_shot import Classifier, ZeroShot, of_frames

if TYPE_CHECKING:
    from clip_har.config.cell import Cell

log = logging.getLogger(__name__)


def load_model(cell: "Cell") -> Encoder:
    """Load the cell's model, or return the loaded one if the previous cell had the same."""
    return _load_model(cell.model, cell.device, cell.precision)


def load_classifier(cell: "Cell", clips: ClipSet) -> Classifier:
    """Load the cell's model and embed the classes of its clips.

    Raises:
        ClipHarError: when an embedding is not finite, or the model cannot tell the classes apart.
    """
    model, prompts = load_model(cell), cell.prompts.texts(clips.class_names)
    classifier = cell.model.classifier(
        model,
        prompts,
        batch_size=cell.batch_for(model.device.type),
        cache_dir=cell.cache_dir,
    )
    words = tuple(cell.prompts.words(clips.class_names))
    _warn_once(cell.model, model, tuple(map(tuple, prompts)), clips.class_names, words)
    check_embeddings(model, classifier.class_vectors(), clips.class_names)
    return classifier


def load_zero_shot(cell: "Cell", clips: ClipSet) -> ZeroShot:
    """Load a classifier that must be a model of single frames; `of_frames` says why it is."""
    return of_frames(load_classifier(cell, clips))


@lru_cache(maxsize=64)
def _warn_once(
    source: ModelSource,
    model: Encoder,
    prompts: tuple[tuple[str, ...], ...],
    class_names: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    """Warn of what the model does not know, once for all cells of a sweep in one process."""
    warn_of_texts(model, prompts, class_names)
    if others := source.unfamiliar(words):
        log.warning(
            "%s=%s: %s; it was not trained on %d of the %d classes (%s)",
            MODEL, model.name, source.caution, len(others), len(class_names), listed(others),
        )  # fmt: skip


@lru_cache(maxsize=1)
def _load_model(source: ModelSource, device: str, precision: Precision) -> Encoder:
    # The cells of a sweep that run in one process share the model.
    return source.load(device=pick_device(device), precision=precision)
