"""Rows 7 and 8: a step of learning class noise, and the protocols that use it."""

import time
from functools import partial

import numpy as np
import torch

from benchmarks.compare import Row, best_of, interleave, medians, ratios
from benchmarks.inputs import Inputs
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.folder import Folder
from clip_har.engine.score_clips import score_clips
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask
from clip_har.models.clip import CLIP
from clip_har.models.device import pick_device
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.base import LearningSettings
from clip_har.noise.learned.learning import learn
from clip_har.noise.learned.perturbation import NoPerturbation, make_perturbation
from clip_har.noise.learned.protocols import Protocol, needed
from clip_har.noise.learned.settings import ClassSpecificNoise
from clip_har.noise.learned.training_clips import TrainingClips

_BATCH = 32
_CLIPS = 8
_CLASSES, _TOP_K = 6, 3
_STEPS = (1, 5)  # the difference is the time of the steps alone


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure rows 7 and 8."""
    clips = Folder(root=inputs.clips).clips()
    frames = FrameStore.open(clips, FrameSettings(count=8, size=224), cache_dir=inputs.cache)
    source = CLIP(checkpoint=str(inputs.vit))
    model = source.load(device=pick_device("cpu"), precision="fp32")
    prompts = [[name] for name in clips.class_names]
    zero_shot = ZeroShot.build(
        model, prompts, pooling="mean", batch_size=_BATCH, cache_dir=inputs.cache
    )
    shown = MaskedClips(masking=NoMask(), seed=0, frames=frames, patch=source.patch_size())
    return [
        _step_row(inputs, zero_shot, shown, rounds),
        *_protocol_rows(zero_shot, shown, rounds),
    ]


def _step_row(inputs: Inputs, zero_shot: ZeroShot, shown: MaskedClips, rounds: int) -> Row:
    """Compare a step with forward and backward passes of the same number of frames."""
    every = np.array(shown.frames.ok, np.int64)
    training = TrainingClips(clips=shown, learned_from=every[1:], validated_on=every[:1])
    state = inputs.folder / "noise.partial"

    def seconds(steps: int) -> float:
        learning = LearningSettings(steps=steps, batch=_BATCH, validate_every=1000)
        noise = ClassSpecificNoise(learning=learning)
        start = make_perturbation(
            noise, model=zero_shot.model, class_embeddings=zero_shot.class_embeddings, frames=8
        )
        state.unlink(missing_ok=True)
        started = time.perf_counter()
        learn(noise, start, zero_shot, training, state=state)
        return time.perf_counter() - started

    def step() -> float:
        few, many = (seconds(steps) for steps in _STEPS)
        return (many - few) / (_STEPS[1] - _STEPS[0])

    size = zero_shot.model.image_size
    pixels = torch.randn(_BATCH, 3, size, size, requires_grad=True)

    def there_and_back() -> float:
        started = time.perf_counter()
        zero_shot.model.encode_pixels(pixels).sum().backward()  # type: ignore[no-untyped-call]
        return time.perf_counter() - started

    there_and_back()
    found = interleave({"step": step, "forward and backward": there_and_back}, rounds)
    assert all(weight.grad is None for weight in zero_shot.model.network.parameters())  # noqa: S101
    return Row(
        "7",
        f"a step of learning class noise, {_BATCH} frames",
        "forward and backward to the input, bare",
        ratios(found["step"], found["forward and backward"]),
        goal=1.1,
        details=medians(found),
    )


def _protocol_rows(zero_shot: ZeroShot, shown: MaskedClips, rounds: int) -> list[Row]:
    """Compare protocols with the number of bare forward passes that they need."""
    few = FrameStore(
        shown.frames.path,
        shown.frames.clip_set,
        shown.frames.entries,
        settings=shown.frames.settings,
    )
    few.ok = shown.frames.ok[:_CLIPS]
    masked = MaskedClips(masking=NoMask(), seed=0, frames=few, patch=shown.patch)
    classes = zero_shot.class_embeddings[:_CLASSES]
    classifier = ZeroShot(zero_shot.model, classes, "mean", _BATCH)
    noise = ClassSpecificNoise()
    made = make_perturbation(noise, model=classifier.model, class_embeddings=classes, frames=8)
    count = sum(int(few.lengths[index]) for index in masked.evaluated)
    size = zero_shot.model.image_size
    pixels = torch.randn(_BATCH, 3, size, size)

    @torch.inference_mode()
    def bare() -> None:
        for start in range(0, count, _BATCH):
            zero_shot.model.encode_pixels(pixels[: min(_BATCH, count - start)])

    def use(protocol: Protocol) -> float:
        labels = few.clip_set.labels[masked.evaluated] % _CLASSES
        started = time.perf_counter()
        score_clips(
            masked,
            classifier,
            {"none": NoPerturbation(), "learned": made},
            choose=lambda clean, at: needed(protocol, clean, labels=labels[at], top_k=_TOP_K),
        )
        return time.perf_counter() - started

    found = interleave(
        {
            "candidate": partial(use, "candidate"),
            "bare forward": lambda: best_of(bare, 1),
            "topk": partial(use, "topk"),
        },
        rounds,
    )
    passes = {"candidate": 1 + _CLASSES, "topk": 1 + _TOP_K}
    return [
        Row(
            "8",
            f"{protocol}" + (f" over {_CLASSES} classes" if protocol == "candidate" else ""),
            f"{count} bare forwards",
            ratios(found[protocol], [count * seconds for seconds in found["bare forward"]]),
            goal=1.1,
            details=medians(found),
        )
        for protocol, count in passes.items()
    ]
