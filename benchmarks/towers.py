"""The image tower's forward pass alone: runtimes and number formats against eager fp32."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.compare import Check, Measured, interleave
from benchmarks.inputs import Inputs
from clip_har.models.clip import CLIP
from clip_har.models.device import Precision, pick_device
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.runtime import Runtime

_BATCH = 32
_BATCHES = 6  # of each way, interleaved
_COSINES = {"fp32": 1e-5, "bf16": 1e-3}  # largest 1 - cos of an embedding to that of eager fp32


class Way(NamedTuple):
    """A way to run the tower."""

    runtime: Runtime
    precision: Precision

    def __str__(self) -> str:
        return f"runtime={self.runtime}, precision={self.precision}"


class Towers(NamedTuple):
    """What was found.

    Attributes:
        seconds: of a batch, by way.
        first: seconds of the first batch, which may compile.
        checks: the change of the embeddings.
    """

    seconds: Measured
    first: dict[str, float]
    checks: dict[str, Check]


def measure(inputs: Inputs, ways: Sequence[Way], *, batches: int = _BATCHES) -> Towers:
    """Measure batches of each way in turn, with ViT-B/32; the first way is eager fp32."""
    draws = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (_BATCH, 3, 224, 224), generator=draws, dtype=torch.uint8)
    first: dict[str, float] = {}
    checks: dict[str, Check] = {}
    measures = {}
    plain: torch.Tensor | None = None
    for way in ways:
        model = CLIP(checkpoint=str(inputs.vit), runtime=way.runtime).load(
            device=pick_device("cpu"), precision=way.precision
        )
        started = time.perf_counter()
        embedded = _embed(model, frames)
        first[str(way)] = time.perf_counter() - started
        plain = embedded if plain is None else plain
        changed = float(1 - (embedded * plain).sum(dim=1).min())
        checks[str(way)] = Check("1 - cos", changed, _COSINES[way.precision])
        measures[str(way)] = _timed(model, frames)
    return Towers(interleave(measures, batches), first, checks)


@torch.inference_mode()
def _embed(model: DualEncoder, frames: torch.Tensor) -> torch.Tensor:
    return model.encode_frames(frames)


def _timed(model: DualEncoder, frames: torch.Tensor) -> Callable[[], float]:
    def seconds() -> float:
        started = time.perf_counter()
        _embed(model, frames)
        return time.perf_counter() - started

    return seconds


def has_fast_bf16() -> bool:
    """Return whether this processor multiplies bf16 itself, by AMX or AVX512-BF16."""
    listed = Path("/proc/cpuinfo")
    words = listed.read_text(encoding="utf-8").split() if listed.is_file() else []
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(words)
