"""The files of a finished cell: tables, pictures, configuration, protocol card."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from clip_har.cell import mask_clip
from clip_har.config import Cell
from clip_har.data.clips import ClipSet
from clip_har.data.store import FrameStore
from clip_har.environment import environment
from clip_har.figures.confusion import confusion_figure
from clip_har.figures.masked_clips import masked_clips_figure
from clip_har.metrics.accuracy import confusion_matrix
from clip_har.metrics.tables import confused_pairs, per_class
from clip_har.models.checkpoint import weights_digest
from clip_har.results import METRICS, SCORES, write_json
from clip_har.scores import ScoreTable

_SHOWN_CLIPS = 8


def write_artifacts(
    folder: Path,
    config: DictConfig,
    cell: Cell,
    clips: ClipSet,
    frames: FrameStore,
    table: ScoreTable,
    metrics: dict[str, float],
    *,
    device: str,
    title: str,
) -> None:
    """Write everything that a cell is remembered by.

    Args:
        folder: an empty folder.
        config: the composed configuration, without Hydra's own node.
        cell: the checked settings made from it.
        clips: what was evaluated.
        frames: their decoded frames.
        table: what was found.
        metrics: its numbers.
        device: that the model ran on.
        title: of the figures.
    """
    table.write(folder / SCORES)
    write_json(folder / METRICS, metrics)
    _write_classes(folder, table, title)
    save_figure(folder / "masked_clips.png", _masked_clips(cell, clips, frames, title))
    OmegaConf.save(config, folder / "config.yaml", resolve=True)
    write_json(folder / "environment.json", environment(device))
    write_json(folder / "protocol.json", _protocol(cell, clips, frames, device))
    if frames.failures:
        rows = [(fault.clip_id, fault.path.name, fault.reason) for fault in frames.failures]
        failed = pd.DataFrame(rows, columns=["clip_id", "file", "reason"])
        failed.to_csv(folder / "failed_clips.csv", index=False)


def save_figure(path: Path, figure: Figure) -> None:
    """Write a figure as PNG."""
    figure.savefig(path, dpi=130, facecolor="white", bbox_inches="tight")


def _write_classes(folder: Path, table: ScoreTable, title: str) -> None:
    confusion = confusion_matrix(table.labels, table.scores)
    names = table.class_names
    per_class(confusion, names).to_csv(folder / "per_class.csv", index=False)
    confused_pairs(confusion, names).to_csv(folder / "confused_pairs.csv", index=False)
    counts = pd.DataFrame(confusion, index=list(names), columns=list(names))
    counts.to_csv(folder / "confusion.csv", index_label="true")
    figure = confusion_figure(confusion, names, title=title)
    save_figure(folder / "confusion.png", figure)


def _masked_clips(cell: Cell, clips: ClipSet, frames: FrameStore, title: str) -> Figure:
    """Draw the middle frame of a few clips, as the model saw it."""
    chosen = _spread(frames.ok, _SHOWN_CLIPS)
    pictures: list[NDArray[np.uint8]] = []
    captions: list[str] = []
    for index in chosen:
        clip = clips.clips[index]
        shown, effect = mask_clip(cell, frames.view(index))
        pictures.append(shown[len(shown) // 2].permute(1, 2, 0).numpy())
        captions.append(f"{clips.class_names[clip.label]}\n{effect.realised_ratio:.4f} hidden")
    return masked_clips_figure(pictures, captions, title=title)


def _spread(items: Sequence[int], most: int) -> list[int]:
    places = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[place] for place in places]


def _protocol(cell: Cell, clips: ClipSet, frames: FrameStore, device: str) -> dict[str, object]:
    """Return the protocol card: what a number of this cell is a number of."""
    prompts = cell.prompts.texts(clips.class_names)
    return {
        "data": clips.name,
        "clips": len(clips.clips),
        "clips_evaluated": len(frames.ok),
        "clips_failed": len(frames.failures),
        "classes": len(clips.class_names),
        "groups": len({clip.group for clip in clips.clips}),
        "data_digest": clips.digest,
        "frames_digest": frames.digest,
        "licence": clips.licence,
        "citation": clips.citation,
        "frames": cell.frames.model_dump(mode="json"),
        "model": cell.model.model_dump(mode="json"),
        "weights_digest": weights_digest(cell.model.folder()),
        "input_size": cell.model.image_size(),
        "prompts_per_class": len(prompts[0]),
        "first_prompt": prompts[0][0],
        "masking": {"kind": type(cell.masking).__name__, **cell.masking.model_dump(mode="json")},
        "noise": {"kind": type(cell.noise).__name__, **cell.noise.model_dump(mode="json")},
        "region": {"kind": type(cell.region).__name__, **cell.region.model_dump(mode="json")},
        "limit": cell.limit,
        "device": device,
        "precision": cell.precision,
        "seed": cell.seed,
        "uses_true_label_at_test_time": False,
        "torch": torch.__version__,
    }
