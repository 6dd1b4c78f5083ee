"""All rows on an accelerator: does the model wait for the data, or for the suite?

Without an accelerator the same rows run on the CPU with a model whose forward pass costs next to
nothing, so that they show the path alone. ``--only accelerator`` takes at most six minutes on a
card, most of it for the first compilation of three models.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from benchmarks.compare import Check, Row, interleave, medians, ratios
from benchmarks.inputs import Inputs, checkpoint, more_clips
from benchmarks.noise import first_clips, protocol_rows, step_row, with_classes
from benchmarks.path import MASKS, cell, has_resident, load, mask_change, masked, open_frames
from benchmarks.path import synchronise as wait
from benchmarks.scripts import script
from clip_har.data.frames.store import FrameStore
from clip_har.masking.none import NoMask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.models.device import Precision, pick_device
from clip_har.models.runtime import Runtime
from clip_har.models.zero_shot import ZeroShot

_BATCH = 256
_CLIPS = 25  # times as many as elsewhere: fifty batches of 64 clips show whether the device waits
_CLASSES = 101
_CELLS = 9
_GOALS = {"vit_b32": 1.25, "vit_b16": 1.1, "vit_l14": 1.05}
_LOGITS: dict[Precision, float] = {"fp32": 1e-3, "bf16": 1.0, "fp16": 0.1}


def rows(inputs: Inputs, rounds: int, runtimes: tuple[Runtime, ...]) -> list[Row]:
    """Measure everything on the device that there is."""
    device = pick_device("auto")
    real = device.type != "cpu"
    precision: Precision = "bf16" if real else "fp32"
    many = more_clips(inputs, (_CLIPS if real else 1) * inputs.count)
    names = list(_GOALS) if real else ["zero"]
    residents: Sequence[bool | None] = [False, True] if has_resident() else [None]
    plain = open_frames(many, inputs.cache)
    on = f" on {_name(device)}"
    made: list[Row] = [
        *path_rows(many, plain, checkpoint(inputs.folder, "zero"), device, rounds, residents, on)
    ]
    for name in names:
        path = checkpoint(inputs.folder, name)
        for runtime in runtimes:
            made += model_rows(many, path, device, rounds, runtime, precision, residents, on)
    path = checkpoint(inputs.folder, names[0])
    classifier = load(
        many, path, plain, device=device, precision=precision, batch_size=_BATCH if real else 32
    )
    state = inputs.folder / "noise.partial"
    shown = masked(many, plain, NoMask())
    classes = _CLASSES if real else 6
    goal = 1.05 if real else None  # of a stand-in for a model, the suite's part is nearly all
    made.append(step_row(classifier, shown, rounds, state=state, on=on, goal=goal))
    made += protocol_rows(
        with_classes(classifier, classes),
        first_clips(shown, 64 if real else 4, classes=classes),
        1,
        {"candidate": 1 + classes},
        on=on,
        goal=goal,
    )
    return made


def path_rows(
    inputs: Inputs,
    plain: FrameStore,
    zero: Path,
    device: torch.device,
    rounds: int,
    residents: Sequence[bool | None],
    on: str,
) -> list[Row]:
    """Measure frames per second with a model of no cost, beside a DataLoader's."""
    total = int(plain.lengths.sum())
    peers: list[float] = []
    made = []
    loader = 8 / script("data_loader", inputs, zero, peers, "--device", "auto")
    for resident in residents:
        frames = open_frames(inputs, inputs.cache, resident=resident)
        classifier = load(inputs, zero, frames, device=device, batch_size=_BATCH)
        for name, mask in MASKS.items():
            clips = masked(inputs, frames, mask)
            once = cell(clips, classifier)
            once()
            found = [total / once() for _ in range(rounds)]
            checks = []
            if name == "shape":
                side = round(0.25**0.5 * frames.size)
                checks.append(Check("logit", mask_change(clips, classifier, side), 1e-3))
            made.append(
                Row(
                    "6",
                    f"path alone ({name}){_resident(resident)}{on}, frames/s",
                    "DataLoader with worker processes, frames/s",
                    [one / loader for one in found],
                    details={"frames/s": max(found), "peer frames/s": loader},
                    checks=checks,
                )
            )
    return made


def model_rows(
    inputs: Inputs,
    path: Path,
    device: torch.device,
    rounds: int,
    runtime: Runtime,
    precision: Precision,
    residents: Sequence[bool | None],
    on: str,
) -> list[Row]:
    """Compare a warm cell and a sweep of nine with bare forward passes of one model."""
    real = device.type != "cpu"
    made = []
    for resident in residents:
        frames = open_frames(inputs, inputs.cache, resident=resident)
        classifier = load(
            inputs, path, frames, device=device, precision=precision, runtime=runtime,
            batch_size=_BATCH,
        )  # fmt: skip
        clips = masked(inputs, frames, PercentMask(ratio=0.3))
        nine = [
            cell(masked(inputs, frames, mask(ratio=ratio)), classifier)
            for mask in (PercentMask, ShapeMask, _circle)
            for ratio in (0.1, 0.3, 0.5)
        ]
        forward = bare(classifier, int(frames.lengths.sum()))
        once = cell(clips, classifier)
        for warm_up in (forward, once):  # compiles, too: not counted
            warm_up()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        measures: dict[str, Callable[[], float]] = {
            "bare forward": forward,
            "warm cell": once,
            "sweep": lambda nine=nine: sum(one() for one in nine),  # type: ignore[misc]
        }
        found = interleave(measures, rounds)
        details = medians(found) | {"frames": float(frames.lengths.sum())}
        if device.type == "cuda":
            details["peak MB"] = torch.cuda.max_memory_allocated(device) / 1e6
        side = round(0.25**0.5 * frames.size)
        square = masked(inputs, first_clips(clips, 16).frames, ShapeMask(ratio=0.25))
        check = Check("logit", mask_change(square, classifier, side), _LOGITS[precision])
        what = f"{path.name}, runtime={runtime}, {precision}{_resident(resident)}{on}"
        made += [
            Row(
                "1",
                f"warm cell, {what}",
                "bare forward",
                ratios(found["warm cell"], found["bare forward"]),
                goal=_GOALS.get(path.name),
                details=details,
                checks=[check],
            ),
            Row(
                "1",
                f"sweep of {_CELLS} warm cells, {what}",
                f"{_CELLS} bare forwards",
                ratios(found["sweep"], [_CELLS * one for one in found["bare forward"]]),
                goal=_GOALS.get(path.name),
                details=details,
            ),
        ]
        del classifier
        if real:
            torch.accelerator.empty_cache()
    return made


def bare(classifier: ZeroShot, total: int) -> Callable[[], float]:
    """Return the seconds of forward passes over as many frames, with full batches."""
    model, batch = classifier.model, min(classifier.batch_size, total)
    size = model.image_size
    pixels = torch.randn(batch, 3, size, size, device=model.device, dtype=model.dtype)

    @torch.inference_mode()
    def seconds() -> float:
        wait(model.device)
        started = time.perf_counter()
        for _ in range(0, total, batch):
            _ = model.tower(pixels) if model.tower else model.encode_pixels(pixels)
        wait(model.device)
        return (time.perf_counter() - started) * total / (-(-total // batch) * batch)

    return seconds


def _circle(ratio: float) -> ShapeMask:
    return ShapeMask(ratio=ratio, shape="circle")


def _resident(resident: bool | None) -> str:
    return {None: "", False: ", frames sent", True: ", resident frames"}[resident]


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device.type)
