"""Rows 5 and 6: building the frame store, and reading from it to a model that costs nothing."""

import os
import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import CLIPImageProcessor, CLIPProcessor

from benchmarks.alike import LOGIT
from benchmarks.compare import Check, Row, best_of, interleave, medians, peer, ratios
from benchmarks.inputs import Inputs
from benchmarks.path import MASKS, cell, load, mask_change, masked, open_frames, without_cost
from benchmarks.peers.plain_scores import fitted, segment_centres
from benchmarks.peers.user_script import black_square, sampled_frames
from benchmarks.scripts import script
from clip_har.data.frames.store import FrameStore
from clip_har.models.device import pick_device

_COMPARED = 4  # clips whose frames are compared to the bit
_SCRIPTED = 16  # clips that the peer decodes and preprocesses


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure rows 5 and 6."""
    return [*_build_rows(inputs, rounds), *_read_rows(inputs, rounds)]


def _build(inputs: Inputs) -> float:
    cache = inputs.folder / "cold_cache"
    shutil.rmtree(cache, ignore_errors=True)
    started = time.perf_counter()
    open_frames(inputs, cache)
    seconds = time.perf_counter() - started
    shutil.rmtree(cache)
    return seconds


def _build_rows(inputs: Inputs, rounds: int) -> list[Row]:
    def decode() -> float:
        return peer("decode", str(inputs.clips), "-")["decode"]

    # A build takes seconds, so it is measured more often.
    found = interleave({"build": partial(_build, inputs), "decode": decode}, 3 * rounds)
    return [
        Row(
            "5",
            "frame store: build",
            "FFmpeg decoding alone, all cores",
            ratios(found["build"], found["decode"]),
            goal=1.2,
            details=medians(found),
            checks=[frames_check(open_frames(inputs, inputs.cache), inputs.vit)],
        )
    ]


def frames_check(store: FrameStore, checkpoint: Path) -> Check:
    """Compare stored frames with those that a plain script decodes and fits."""
    processor = CLIPProcessor.from_pretrained(checkpoint)
    largest = 0.0
    for index in store.ok[:_COMPARED]:
        plain = fitted(processor, segment_centres(store.clip_set.clips[index].path, 8)).numpy()
        largest = max(largest, float(np.abs(store.clip(index).astype(int) - plain).max()))
    return Check("grey level", largest)


def _read_rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Compare frames per second: from the store through a model, and the peers' from the video."""
    store = open_frames(inputs, inputs.cache)
    frames = int(store.lengths.sum())
    classifier = load(inputs, inputs.zero, store, device=pick_device("cpu"))
    free = without_cost(classifier)
    cells = {name: cell(masked(inputs, store, mask), free) for name, mask in MASKS.items()}
    paths = [store.clip_set.clips[index].path for index in store.ok[:_SCRIPTED]]
    processor = CLIPImageProcessor.from_pretrained(inputs.vit)

    def processed() -> None:
        for path in paths:
            pictures = [black_square(frame, 0.3) for frame in sampled_frames(path, 8)]
            processor(images=pictures, return_tensors="pt")

    source = torch.zeros(32, 3, 224, 224)
    target = torch.empty_like(source)
    measures = {
        **{name: lambda one=one: frames / best_of(one, 3) for name, one in cells.items()},  # type: ignore[misc]
        "processor": lambda: 8 * len(paths) / best_of(processed, 1),
        "loader": lambda: 8 / script("data_loader", inputs, inputs.zero, []),
        "memory": lambda: len(source) / best_of(lambda: target.copy_(source), 20),
    }
    found = interleave(measures, rounds)
    side = round(0.25**0.5 * store.size)
    change = mask_change(masked(inputs, store, MASKS["shape"]), classifier, side)
    made = [
        Row(
            "6",
            f"store → mask ({name}) → a model of no cost, frames/s",
            "decode + CLIPImageProcessor, frames/s",
            ratios(found[name], found["processor"]),
            goal=60,
            at_least=True,
            details=medians({"frames/s": found[name], "peer frames/s": found["processor"]}),
            checks=[Check("logit", change, LOGIT)] if name == "shape" else [],
        )
        for name in cells
    ]
    workers = f"DataLoader with {os.cpu_count()} worker processes, frames/s"
    return [
        *made,
        Row("6", "the same (shape)", workers, ratios(found["shape"], found["loader"])),
        Row(
            "6",
            "the same (shape)",
            "copying as many float32 in memory",
            ratios(found["shape"], found["memory"]),
        ),
    ]
