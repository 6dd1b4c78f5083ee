"""Rows 1 and 6 on an accelerator: does the model wait for the data?"""

import time
from functools import partial

import torch

from benchmarks.compare import Row, interleave, medians, ratios
from benchmarks.inputs import Inputs, lay_out
from clip_har.core.errors import ClipHarError
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.folder import Folder
from clip_har.engine.score_clips import THREADS, score_clips
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.percent import PercentMask
from clip_har.models.clip import CLIP
from clip_har.models.device import Precision, pick_device
from clip_har.models.runtime import Runtime
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.none import NoNoise

_WAYS: list[tuple[Runtime, Precision]] = [
    ("torch", "fp32"),
    ("torch", "bf16"),
    ("torch", "fp16"),
    ("compile", "bf16"),
]
_BATCH = 128
_CLIPS = 1600  # a hundred batches: enough to see whether the device waits


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Compare the throughput of a warm cell with that of the bare forward pass, on the device.

    Raises:
        ClipHarError: where there is no accelerator.
    """
    device = pick_device("auto")
    if device.type == "cpu":
        raise ClipHarError("accelerator: there is none here; leave it out of --only")
    return [
        row
        for runtime, precision in _WAYS
        for row in _rows(inputs, rounds, device, runtime, precision)
    ]


def _rows(
    inputs: Inputs, rounds: int, device: torch.device, runtime: Runtime, precision: Precision
) -> list[Row]:
    clips = Folder(root=lay_out(inputs.folder, inputs.clips, _CLIPS, real=inputs.real)).clips()
    frames = FrameStore.open(clips, FrameSettings(count=8, size=224), cache_dir=inputs.cache)
    source = CLIP(checkpoint=str(inputs.vit), runtime=runtime)
    model = source.load(device=device, precision=precision)
    prompts = [[name] for name in clips.class_names]
    classifier = ZeroShot.build(
        model, prompts, pooling="mean", batch_size=_BATCH, cache_dir=inputs.cache
    )
    masked = MaskedClips(
        masking=PercentMask(ratio=0.3), seed=0, frames=frames, patch=source.patch_size()
    )
    total = sum(int(frames.lengths[index]) for index in masked.evaluated)
    pixels = torch.randn(_BATCH, 3, 224, 224, device=device, dtype=model.dtype)

    @torch.inference_mode()
    def bare() -> float:
        started = time.perf_counter()
        for _ in range(0, total, _BATCH):
            features = model.tower(pixels) if model.tower else model.encode_pixels(pixels)
        features.cpu()  # waits for the device
        return (time.perf_counter() - started) * total / (-(-total // _BATCH) * _BATCH)

    def cell() -> float:
        started = time.perf_counter()
        score_clips(masked, classifier, {"none": NoNoise()}, threads=THREADS)
        return time.perf_counter() - started

    for warm_up in (bare, cell):
        warm_up()
    found = interleave({"bare forward": partial(bare), "warm cell": cell}, rounds)
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    what = f"warm cell on {name}, runtime={runtime}, {precision}: share of the bare throughput"
    values = ratios(found["bare forward"], found["warm cell"])
    details = medians(found) | {"frames": float(total)}
    return [Row("1", what, "bare forward", values, goal=0.8, at_least=True, details=details)]
