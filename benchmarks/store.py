"""Rows 5 and 6: building the frame store, and reading from it through mask and normalisation."""

import shutil
import time
from functools import partial
from pathlib import Path

import torch

from benchmarks.compare import Row, best_of, interleave, medians, peer, ratios
from benchmarks.inputs import Inputs
from benchmarks.peers.user_script import black_square, sampled_frames
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.folder import Folder
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.models.clip import CLIP
from clip_har.models.device import pick_device
from clip_har.models.preprocess import normalise

_FRAMES = FrameSettings(count=8, size=224)
_BATCH = 32


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure rows 5 and 6."""
    return [*_build_rows(inputs, rounds), *_read_rows(inputs, rounds)]


def _open(inputs: Inputs, cache: Path) -> FrameStore:
    return FrameStore.open(Folder(root=inputs.clips).clips(), _FRAMES, cache_dir=cache)


def _build(inputs: Inputs) -> float:
    cache = inputs.folder / "cold_cache"
    shutil.rmtree(cache, ignore_errors=True)
    started = time.perf_counter()
    _open(inputs, cache)
    seconds = time.perf_counter() - started
    shutil.rmtree(cache)
    return seconds


def _build_rows(inputs: Inputs, rounds: int) -> list[Row]:
    def decode() -> float:
        return peer("decode", str(inputs.clips), "-")["decode"]

    found = interleave({"build": partial(_build, inputs), "decode": decode}, rounds)
    values = ratios(found["build"], found["decode"])
    against = "FFmpeg decoding alone, all cores"
    return [Row("5", "frame store: build", against, values, goal=1.2, details=medians(found))]


def _read_rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Compare frames per second: store to batch, the peer's decoding and processor, and memory."""
    store = _open(inputs, inputs.cache)
    clips = store.ok[: 4 * _BATCH]
    frames = sum(int(store.lengths[index]) for index in clips)
    vit = CLIP(checkpoint=str(inputs.vit))
    model = vit.load(device=pick_device("cpu"), precision="fp32")
    found: dict[str, list[float]] = {}
    masks: dict[str, ShapeMask | PercentMask] = {
        "shape": ShapeMask(ratio=0.3),
        "percent": PercentMask(ratio=0.3),
        "percent, fresh in each frame": PercentMask(ratio=0.3, static=False),
    }

    def through(masking: ShapeMask | PercentMask) -> None:
        masked = MaskedClips(masking=masking, seed=0, frames=store, patch=vit.patch_size())
        for batch in store.batches(clips, _BATCH):
            seen = torch.cat([masked.clip(index).frames for index in batch])
            normalise(seen, model.scale, dtype=torch.float32)

    source = torch.zeros(_BATCH, 3, 224, 224)
    target = torch.empty_like(source)
    paths = [store.clip_set.clips[index].path for index in clips[:16]]

    def processed() -> None:
        for path in paths:
            pictures = [black_square(frame, 0.3) for frame in sampled_frames(path, 8)]
            processor(images=pictures, return_tensors="pt")

    from transformers import CLIPImageProcessor

    processor = CLIPImageProcessor.from_pretrained(inputs.vit)
    for _ in range(rounds):
        for name, masking in masks.items():
            seconds = best_of(partial(through, masking), 2)
            found.setdefault(name, []).append(frames / seconds)
        copying = best_of(lambda: target.copy_(source), 20)
        found.setdefault("memory", []).append(_BATCH / copying)
        found.setdefault("peer", []).append(8 * len(paths) / best_of(processed, 2))
    peer_text = "decode + CLIPImageProcessor, frames/s"
    made = [
        Row(
            "6",
            f"store → mask ({name}) → normalised batch, frames/s",
            peer_text,
            ratios(found[name], found["peer"]),
            goal=50,
            at_least=True,
            details=medians({"frames/s": found[name], "peer frames/s": found["peer"]}),
        )
        for name in masks
    ]
    share = ratios(found["shape"], found["memory"])
    return [*made, Row("6", "the same (shape)", "copying as many bytes in memory", share)]
