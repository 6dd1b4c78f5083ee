"""A cell's model with the classes of its clips."""

from functools import lru_cache
from typing import TYPE_CHECKING

from clip_har.data.clips import ClipSet
from clip_har.models.device import Precision, pick_device
from clip_har.models.encoder import Encoder
from clip_har.models.source import ModelSource
from clip_har.models.zero_shot import Classifier, ZeroShot, of_frames

if TYPE_CHECKING:
    from clip_har.config.cell import Cell


def load_model(cell: "Cell") -> Encoder:
    """Load the cell's model, or return the loaded one if the previous cell had the same."""
    return _load_model(cell.model, cell.device, cell.precision)


def load_classifier(cell: "Cell", clips: ClipSet) -> Classifier:
    """Load the cell's model and embed the classes of its clips."""
    return cell.model.classifier(
        load_model(cell),
        cell.prompts.texts(clips.class_names),
        batch_size=cell.batch_size,
        cache_dir=cell.cache_dir,
    )


def load_zero_shot(cell: "Cell", clips: ClipSet) -> ZeroShot:
    """Load a classifier that must be a model of single frames; `of_frames` says why it is."""
    return of_frames(load_classifier(cell, clips))


@lru_cache(maxsize=1)
def _load_model(source: ModelSource, device: str, precision: Precision) -> Encoder:
    # The cells of a sweep that run in one process share the model.
    return source.load(device=pick_device(device), precision=precision)
