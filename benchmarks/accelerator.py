"""All rows on an accelerator: does the model wait for the data, or for the suite?

Without an accelerator the same rows run on the CPU with a model whose forward pass costs next to
nothing, so that they show the path alone. On a card ``--only accelerator`` takes at most six
minutes: it begins nothing new after `_SECONDS`, and says what it left out.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from benchmarks.compare import Check, Row, interleave, medians, ratios
from benchmarks.inputs import Inputs, checkpoint, more_clips
from benchmarks.noise import first_clips, protocol_rows, step_rows, with_classes
from benchmarks.path import (
    MASKS,
    cell,
    has_resident,
    load,
    mask_change,
    masked,
    open_frames,
    synchronise,
)
from benchmarks.scripts import script
from clip_har.data.frames.store import FrameStore
from clip_har.masking.mask import Mask
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.models.device import Precision, pick_device
from clip_har.models.runtime import Runtime
from clip_har.models.zero_shot import ZeroShot

_SECONDS = 270  # after which no further row is begun
_BATCH = 256
_CLASSES = 101
_CELLS = 9
_COMPARED = 16  # clips whose scores are compared with plain ones
_LOGITS: dict[Precision, float] = {"fp32": 1e-3, "bf16": 1.0, "fp16": 0.1}


@dataclass(frozen=True)
class _Model:
    """A model, the share of the clips that it sees, and what a warm cell may cost."""

    name: str
    share: float = 1.0
    goal: float | None = None


_MODELS = (_Model("vit_b32", 1, 1.25), _Model("vit_b16", 0.5, 1.1), _Model("vit_l14", 0.2, 1.05))


@dataclass(frozen=True)
class _Bench:
    """What all rows have in common.

    Attributes:
        inputs: the clips.
        device: where the models run.
        rounds: of each comparison.
        stores: the frames, by how they reach the device.
    """

    inputs: Inputs
    device: torch.device
    rounds: int
    stores: dict[str, FrameStore]

    @property
    def is_real(self) -> bool:
        """Whether there is an accelerator."""
        return self.device.type != "cpu"

    @property
    def on(self) -> str:
        """Name of the device, for a row."""
        cuda = self.device.type == "cuda"
        return f" on {torch.cuda.get_device_name(self.device) if cuda else self.device.type}"


def rows(inputs: Inputs, rounds: int, runtimes: Sequence[Runtime]) -> list[Row]:
    """Measure everything on the device that there is."""
    started = time.monotonic()
    device = pick_device("auto")
    real = device.type != "cpu"
    many = more_clips(inputs, (25 if real else 1) * inputs.count)  # 50 batches of 64 x 8 frames
    ways = {", frames sent": False, ", resident frames": True} if has_resident() else {"": None}
    stores = {way: open_frames(many, many.cache, resident=value) for way, value in ways.items()}
    bench = _Bench(many, device, rounds, stores)
    models = _MODELS if real else (_Model("zero"),)
    parts: list[tuple[str, Callable[[], list[Row]]]] = [("path", lambda: _path_rows(bench))]
    for runtime in ("torch", "compile"):
        if runtime not in runtimes:
            continue
        parts += [
            (f"{model.name}, {runtime}", lambda model=model, way=runtime: _rows(bench, model, way))  # type: ignore[misc]
            for model in models
        ]
        if runtime == "torch":
            parts.append(("noise", lambda: _noise_rows(bench, models[0])))
    made: list[Row] = []
    for name, part in parts:
        if real and time.monotonic() - started > _SECONDS:
            print(f"  left out for want of time: {name}", file=sys.stderr)
            continue
        made += part()
    return made


def _path_rows(bench: _Bench) -> list[Row]:
    """Measure frames per second with a model of no cost, beside a DataLoader's."""
    zero = bench.inputs.zero
    seconds = script("data_loader", bench.inputs, zero, [], "--device", "auto")
    made = []
    for way, frames in bench.stores.items():
        total = int(frames.lengths.sum())
        classifier = load(bench.inputs, zero, frames, device=bench.device, batch_size=_BATCH)
        for name, mask in MASKS.items():
            clips = masked(bench.inputs, frames, mask)
            once = cell(clips, classifier)
            once()
            found = [total / once() for _ in range(bench.rounds)]
            made.append(
                Row(
                    "6",
                    f"path alone ({name}){way}{bench.on}, frames/s",
                    "DataLoader with worker processes, frames/s",
                    [one * seconds / 8 for one in found],
                    details={"frames/s": max(found), "peer frames/s": 8 / seconds},
                    checks=_checks(clips, classifier, "fp32") if name == "shape" else [],
                )
            )
    return made


def _rows(bench: _Bench, model: _Model, runtime: Runtime) -> list[Row]:
    """Compare a warm cell, and in eager mode a sweep of nine, with bare forward passes."""
    precision: Precision = "bf16" if bench.is_real else "fp32"
    path = checkpoint(bench.inputs.folder, model.name)
    first = next(iter(bench.stores.values()))
    classifier = load(
        bench.inputs,
        path,
        first,
        device=bench.device,
        precision=precision,
        runtime=runtime,
        batch_size=_BATCH,
    )
    made = []
    for way, frames in bench.stores.items():
        count = max(round(model.share * len(frames.ok)), 1)

        shown, *nine = (
            first_clips(masked(bench.inputs, frames, mask), count)
            for mask in (PercentMask(ratio=0.3), *_nine_masks())
        )
        total = sum(int(frames.lengths[index]) for index in shown.evaluated)
        measures = {"bare forward": bare(classifier, total), "warm cell": cell(shown, classifier)}
        if runtime == "torch":
            cells = [cell(clips, classifier) for clips in nine]
            measures["sweep"] = lambda cells=cells: sum(one() for one in cells)  # type: ignore[misc]
        for name in ("bare forward", "warm cell"):
            measures[name]()  # compiles, too: not counted
        if bench.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(bench.device)
        found = interleave(measures, bench.rounds)
        details = medians(found) | {"frames": float(total)}
        if bench.device.type == "cuda":
            details["peak MB"] = torch.cuda.max_memory_allocated(bench.device) / 1e6
        what = f"{model.name}, runtime={runtime}, {precision}{way}{bench.on}"
        square = masked(bench.inputs, frames, ShapeMask(ratio=0.25))
        made.append(
            Row(
                "1",
                f"warm cell, {what}",
                "bare forward",
                ratios(found["warm cell"], found["bare forward"]),
                goal=model.goal,
                details=details,
                checks=_checks(square, classifier, precision),
            )
        )
        if "sweep" in found:
            bare_nine = [_CELLS * one for one in found["bare forward"]]
            name, against = f"sweep of {_CELLS} warm cells, {what}", f"{_CELLS} bare forwards"
            made.append(Row("1", name, against, ratios(found["sweep"], bare_nine), goal=model.goal))
    return made


def _nine_masks() -> list[Mask]:
    masks: list[Mask] = []
    for ratio in (0.1, 0.3, 0.5):
        masks += [PercentMask(ratio=ratio), ShapeMask(ratio=ratio)]
        masks.append(ShapeMask(ratio=ratio, shape="circle"))
    return masks


def _noise_rows(bench: _Bench, model: _Model) -> list[Row]:
    """Compare steps of learned noise, and ``candidate``, with bare passes."""
    frames = next(iter(bench.stores.values()))
    classifier = load(
        bench.inputs,
        checkpoint(bench.inputs.folder, model.name),
        frames,
        device=bench.device,
        precision="bf16" if bench.is_real else "fp32",
        batch_size=_BATCH if bench.is_real else 32,
    )
    shown = masked(bench.inputs, frames, NoMask())
    classes, clips = (_CLASSES, 64) if bench.is_real else (6, 4)
    goal = 1.05 if bench.is_real else None  # beside a stand-in the suite's part is nearly all
    state = bench.inputs.folder / "noise.partial"
    return [
        *step_rows(classifier, shown, bench.rounds, state=state, on=bench.on, goal=goal),
        *protocol_rows(
            with_classes(classifier, classes),
            first_clips(shown, clips, classes=classes),
            bench.rounds,
            {"candidate": 1 + classes},
            on=bench.on,
            goal=goal,
        ),
    ]


def _checks(square: MaskedClips, classifier: ZeroShot, precision: Precision) -> list[Check]:
    side = round(0.25**0.5 * square.frames.size)
    change = mask_change(first_clips(square, _COMPARED), classifier, side)
    return [Check("logit", change, _LOGITS[precision])]


def bare(classifier: ZeroShot, total: int) -> Callable[[], float]:
    """Return the seconds of forward passes over as many frames, with full batches."""
    model, batch = classifier.model, min(classifier.batch_size, total)
    size = model.image_size
    pixels = torch.randn(batch, 3, size, size, device=model.device, dtype=model.dtype)

    @torch.inference_mode()
    def seconds() -> float:
        synchronise(model.device)
        started = time.perf_counter()
        for _ in range(0, total, batch):
            _ = model.tower(pixels) if model.tower else model.encode_pixels(pixels)
        synchronise(model.device)
        return (time.perf_counter() - started) * total / (-(-total // batch) * batch)

    return seconds
