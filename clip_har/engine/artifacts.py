"""The files of a finished cell: tables, pictures, configuration, protocol card."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import Cell
from clip_har.core.evenly import evenly
from clip_har.core.names import plain_name
from clip_har.data.parts import shared_groups
from clip_har.engine.clips import frame_settings
from clip_har.engine.evaluate import Evaluation
from clip_har.engine.noise_artifacts import write_noise
from clip_har.engine.numbers import counted_numbers, write_class_tables
from clip_har.engine.score_clips import seen_frames
from clip_har.figures.masked_clips import masked_clips_sheet
from clip_har.figures.sheet import Sheet
from clip_har.figures.video import can_encode, write_pair
from clip_har.masking.masked_clips import MaskedClips
from clip_har.metrics.half_classes import HALVES
from clip_har.noise.learned.cell_noise import LearnedNoise
from clip_har.regions.none import NoRegion
from clip_har.regions.wrong_clips import region_identity
from clip_har.results.environment import environment
from clip_har.results.files import (
    ALSO_LEARNED_FROM,
    ATTENTION,
    CONFIG,
    COUNTED,
    MASKED_CLIPS,
    METRICS,
    NOISE,
    PROTOCOL,
    SCORES,
    VIDEOS,
    WHOLE_SET,
    write_json,
)

_SHOWN_CLIPS, _FILMED_CLIPS = 8, 3


def write_artifacts(
    folder: Path,
    config: DictConfig,
    cell: Cell,
    found: Evaluation,
    metrics: dict[str, float],
    effects: pd.DataFrame | None = None,
    *,
    device: str,
    title: str,
    named: Mapping[str, object],
) -> None:
    """Write the files of a finished cell; its confusion matrix and clips are drawn beside.

    Args:
        folder: a new folder.
        config: the composed configuration, without Hydra's own node.
        cell: the checked settings made from it.
        found: the clips as the model saw them, and their scores.
        metrics: the cell's numbers.
        effects: the effect of learned noise, see `clip_har.metrics.noise_effect.effect_table`; None
            without learned noise.
        device: the device that the model ran on.
        title: the title of the figures.
        named: for the protocol card: what varies, the command that runs this cell again, and the
            fingerprint of the cell that it was compared with.
    """
    masked, table = found.masked, found.table
    table.write(folder / SCORES)
    write_json(folder / METRICS, metrics)
    write_class_tables(folder, table)
    OmegaConf.save(config, folder / CONFIG, resolve=True)
    write_json(folder / "environment.json", environment(device))
    protocol = _protocol(cell, found, device)
    write_json(folder / PROTOCOL, {**protocol, **named, COUNTED: counted_numbers(metrics)})
    _write_clip_lists(folder, masked)
    if found.attention:
        columns = {"clip_id": table.clip_ids, **found.attention}
        measured = pd.DataFrame(columns).dropna(how="all", subset=list(found.attention))
        measured.to_csv(folder / ATTENTION, index=False)
    if effects is not None and isinstance(found.noise, LearnedNoise):
        write_noise(folder / NOISE, found.noise, found, effects, title=title)


def write_clip_pictures(folder: Path, cell: Cell, masked: MaskedClips, *, title: str) -> None:
    """Write a picture and videos of a few clips as the model saw them; learned noise is left out.

    Args:
        folder: of the cell.
        cell: the checked settings.
        masked: its clips.
        title: the title of the picture.
    """
    _masked_clips(cell, masked, title).save(folder / MASKED_CLIPS)
    _write_videos(folder / VIDEOS, cell, masked)


def _write_clip_lists(folder: Path, masked: MaskedClips) -> None:
    """Write lists of clips that failed, lack the target or are covered, and of swaps, if any."""
    clips = masked.frames.clip_set
    failed = [
        (fault.clip_id, plain_name(fault.path.name), fault.reason)
        for fault in masked.frames.failures
    ]
    empty = [(clips.clips[index].id, masked.on_empty) for index in masked.empty]
    covered = [(clips.clips[index].id,) for index in masked.covered]
    pairs = [
        (clip.id, clips.class_names[clip.label], scene.id, clips.class_names[scene.label])
        for index, scene_index in masked.scene_clips.items()
        for clip, scene in [(clips.clips[index], clips.clips[scene_index])]
    ]
    for name, columns, rows in (
        ("failed_clips", ["clip_id", "file", "reason"], failed),
        ("empty_clips", ["clip_id", "on_empty"], empty),
        ("covered_clips", ["clip_id"], covered),
        ("scene_pairs", ["clip_id", "class", "scene_clip_id", "scene_class"], pairs),
    ):
        if rows:
            pd.DataFrame(rows, columns=columns).to_csv(folder / f"{name}.csv", index=False)


def _masked_clips(cell: Cell, masked: MaskedClips, title: str) -> Sheet:
    """Draw the middle frame of a few clips, as the model saw it; learned noise is left out."""
    clips = masked.frames.clip_set
    pictures: list[NDArray[np.uint8]] = []
    captions: list[str] = []
    noise = cell.noise.unlearned()
    for index in evenly(masked.evaluated, _SHOWN_CLIPS):
        clip = masked.clip(index)
        frames = seen_frames(clip, noise)
        pictures.append(frames[len(frames) // 2].permute(1, 2, 0).numpy())
        caption = f"{plain_name(clip.id)}\n{clips.class_names[clips.clips[index].label]}"
        scene = masked.scene_clips.get(index)
        if scene is not None:
            caption += f"\nin front of {clips.class_names[clips.clips[scene].label]}"
        captions.append(f"{caption}\n{100 * clip.middle_hidden:.2f} % hidden")
    return masked_clips_sheet(pictures, captions, title=title)


def _write_videos(folder: Path, cell: Cell, masked: MaskedClips) -> None:
    """Write videos of a few clips, before and as the model saw them; learned noise is left out."""
    if not can_encode():
        return
    noise = cell.noise.unlearned()
    clips = masked.frames.clip_set.clips
    for number, index in enumerate(evenly(masked.evaluated, _FILMED_CLIPS), 1):
        clip = masked.clip(index)
        if len(clip.frames) < 2:
            continue  # a picture shows it
        folder.mkdir(exist_ok=True)
        name = re.sub(r"[^\w.-]+", "_", plain_name(clips[index].id))[-80:]
        before, after = (
            frames.permute(0, 2, 3, 1).numpy() for frames in (clip.whole, seen_frames(clip, noise))
        )
        write_pair(folder / f"{number}_{name}.mp4", before, after)


def _protocol(cell: Cell, found: Evaluation, device: str) -> dict[str, object]:
    """Return the protocol card: the data, model and settings behind the numbers of this cell."""
    masked, table = found.masked, found.table
    frames, clips = masked.frames, masked.frames.clip_set
    learned_from = found.noise.groups if isinstance(found.noise, LearnedNoise) else ()
    prompts = cell.prompts.texts(clips.class_names)
    return {
        "data": clips.title,
        "data_caution": cell.dataset.caution,
        "clips": len(clips.clips),
        WHOLE_SET: clips.whole or len(clips.clips),
        "clips_evaluated": len(table.clip_ids),
        "clips_failed": len(frames.failures),
        "clips_nothing_found": len(masked.empty),
        "clips_covered": len(masked.covered),
        "clips_left_out": len(frames.ok) - len(masked.evaluated),
        "classes": len(clips.class_names),
        "half_classes": {"classes": len(clips.class_names) // 2, "halves": list(HALVES)},
        "groups": len({clip.group for clip in clips.clips}),
        ALSO_LEARNED_FROM: len(shared_groups(learned_from, clips)),
        "data_digest": clips.digest,
        "frames_digest": frames.digest,
        "licence": clips.licence,
        "citation": clips.citation,
        "frames": frame_settings(cell).model_dump(mode="json"),
        "model": cell.model.model_dump(mode="json"),
        "weights_digest": cell.model.digest(),
        "input_size": cell.model.image_size(),
        "unfamiliar_classes": cell.model.unfamiliar(cell.prompts.words(clips.class_names)),
        "prompts_per_class": max(map(len, prompts)),
        "first_prompt": prompts[0][0],
        "prompts_digest": cell.prompts.digest(clips.class_names),
        "masking": cell.masking.described(),
        "scenes": len(masked.scenes),
        "backgrounds_and_pairs": cell.masking.identity(clips),
        "noise": cell.noise.described(),
        "region": _region_card(cell, masked),
        "limit": cell.limit,
        "class_table": cell.classes,
        "device": device,
        "precision": cell.precision,
        "seed": cell.seed,
        "uses_true_label_at_test_time": cell.uses_label,
        "notes": list(cell.notes()),
        "torch": torch.__version__,
    }


def _region_card(cell: Cell, masked: MaskedClips) -> dict[str, object]:
    """Return which source found the targets, and how well it found that of the mask."""
    if not cell.finds_regions:
        return NoRegion().described()
    card = {
        "kind": type(cell.region).__name__,
        "exact": cell.region.exact,
        "weights_or_maps": region_identity(cell.region, masked.frames.clip_set),
        **cell.region.model_dump(mode="json"),
    }
    maps = masked.feature or masked.subject
    if maps is not None:
        sure = np.concatenate([maps.confidence(index) for index in masked.frames.ok])
        found = np.concatenate([maps.frames_found(index) for index in masked.frames.ok])
        card |= {
            "clips_found": int(maps.found[masked.frames.ok].sum()),
            "frames_found": float(found.mean()),
            "mean_confidence": float(sure.mean()),
        }
    return card
