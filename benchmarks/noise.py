"""Rows 7 and 8: a step of learning class noise, and the protocols that use it."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.alike import LOGIT, difference
from benchmarks.compare import Check, Row, best_of, interleave, medians, ratios
from benchmarks.inputs import Inputs
from benchmarks.path import load, masked, open_frames, synchronise
from clip_har.data.frames.store import FrameStore
from clip_har.engine.score_clips import NoiseScores, score_clips
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.none import NoMask
from clip_har.models.device import pick_device
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.learned.learning import learn
from clip_har.noise.learned.learning_settings import LearningSettings
from clip_har.noise.learned.perturbation import NoPerturbation
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.protocols import Protocol, needed
from clip_har.noise.learned.settings import ClassSpecificNoise
from clip_har.noise.learned.start import make_perturbation
from clip_har.noise.learned.training_clips import TrainingClips

_CLIPS = 8
_CLASSES, _TOP_K = 6, 3
_GOAL = 1.05
_STEPS = (1, 4)  # the difference is the time of the steps alone


def rows(inputs: Inputs, rounds: int) -> list[Row]:
    """Measure rows 7 and 8 with ViT-B/32 on the CPU."""
    frames = open_frames(inputs, inputs.cache)
    classifier = load(inputs, inputs.vit, frames, device=pick_device("cpu"))
    shown = masked(inputs, frames, NoMask())
    state = inputs.folder / "noise.partial"
    passes: dict[Protocol, int] = {"candidate": 1 + _CLASSES, "topk": 1 + _TOP_K}
    return [
        *step_rows(classifier, shown, rounds, state=state),
        *protocol_rows(
            with_classes(classifier, _CLASSES),
            first_clips(shown, _CLIPS, classes=_CLASSES),
            rounds,
            passes,
        ),
    ]


def with_classes(classifier: ZeroShot, count: int) -> ZeroShot:
    """Return a classifier of some classes; if it has fewer, of random ones."""
    known = classifier.class_embeddings
    draws = torch.Generator().manual_seed(0)
    random = torch.randn(count, known.shape[1], generator=draws).to(known)
    vectors = torch.nn.functional.normalize(torch.cat([known, random])[:count], dim=-1)
    return ZeroShot(classifier.model, vectors, classifier.pooling, classifier.batch_size)


def first_clips(shown: MaskedClips, count: int, *, classes: int | None = None) -> MaskedClips:
    """Return the first clips alone; with another number of classes if it is given."""
    frames = shown.frames
    clip_set = frames.clip_set
    if classes is not None:
        labelled = tuple(replace(clip, label=clip.label % classes) for clip in clip_set.clips)
        names = tuple(f"class {number}" for number in range(classes))
        clip_set = replace(clip_set, clips=labelled, class_names=names)
    few = FrameStore(frames.path, clip_set, frames.entries, settings=frames.settings)
    few.ok = frames.ok[:count]
    return MaskedClips(masking=shown.masking, seed=0, frames=few, patch=shown.patch)


def step_rows(
    classifier: ZeroShot,
    shown: MaskedClips,
    rounds: int,
    *,
    state: Path,
    on: str = "",
    goal: float | None = _GOAL,
) -> list[Row]:
    """Compare a step with a forward and backward pass of its frames, and with all of its passes.

    Before them, a step shows some of the frames without noise, to sample wrong classes.
    """
    every = np.array(shown.frames.ok, np.int64)
    training = TrainingClips(clips=shown, learned_from=every[1:], validated_on=every[:1])
    model, batch = classifier.model, classifier.batch_size

    clean = ClassSpecificNoise(learning=LearningSettings(batch=batch)).frames_in_step(
        len(classifier.class_embeddings)
    )

    def seconds(steps: int) -> float:
        learning = LearningSettings(steps=steps, batch=batch, validate_every=1000)
        noise = ClassSpecificNoise(learning=learning)
        start = make_perturbation(
            noise, model=model, class_embeddings=classifier.class_embeddings, frames=8
        )
        state.unlink(missing_ok=True)
        started = time.perf_counter()
        learn(noise, start, classifier, training, state=state)
        synchronise(model.device)
        return time.perf_counter() - started

    def step() -> float:
        few, many = (seconds(steps) for steps in _STEPS)
        return (many - few) / (_STEPS[1] - _STEPS[0])

    size = model.image_size
    pixels = torch.randn(batch, 3, size, size, device=model.device, dtype=model.dtype)
    pixels.requires_grad_()

    def there_and_back() -> float:
        started = time.perf_counter()
        model.encode_pixels(pixels).sum().backward()  # type: ignore[no-untyped-call]
        synchronise(model.device)
        return time.perf_counter() - started

    @torch.no_grad()
    def without_noise() -> float:
        started = time.perf_counter()
        model.encode_pixels(pixels[:clean])
        synchronise(model.device)
        return time.perf_counter() - started

    there_and_back()
    measures = {
        "step": step,
        "forward and backward": there_and_back,
        "forward without noise": without_noise,
    }
    found = interleave(measures, rounds)
    assert all(weight.grad is None for weight in model.network.parameters())  # noqa: S101
    both = zip(found["forward and backward"], found["forward without noise"], strict=True)
    passes = [there + once for there, once in both]
    measured = f"a step of learning class noise, {batch} frames{on}"
    bare = "forward and backward to the input, bare"
    return [
        Row("7", measured, bare, ratios(found["step"], found["forward and backward"]), goal=goal),
        Row(
            "7",
            measured,
            f"the same, and the forward pass of {clean} frames without noise",
            ratios(found["step"], passes),
            goal=goal,
            details=medians(found),
        ),
    ]


def protocol_rows(
    classifier: ZeroShot,
    shown: MaskedClips,
    rounds: int,
    passes: dict[Protocol, int],
    *,
    on: str = "",
    goal: float | None = _GOAL,
) -> list[Row]:
    """Compare protocols with the number of bare forward passes that they need."""
    model, batch = classifier.model, classifier.batch_size
    classes = classifier.class_embeddings
    made = make_perturbation(ClassSpecificNoise(), model=model, class_embeddings=classes, frames=8)
    assert isinstance(made, PixelNoise)  # noqa: S101
    count = sum(int(shown.frames.lengths[index]) for index in shown.evaluated)
    size = model.image_size
    pixels = torch.randn(batch, 3, size, size, device=model.device, dtype=model.dtype)

    @torch.inference_mode()
    def bare() -> None:
        for start in range(0, count, batch):
            model.encode_pixels(pixels[: min(batch, count - start)])
        synchronise(model.device)

    last: dict[Protocol, NoiseScores] = {}

    def use(protocol: Protocol) -> float:
        labels = shown.frames.clip_set.labels[shown.evaluated]
        started = time.perf_counter()
        scored = score_clips(
            shown,
            classifier,
            {"none": NoPerturbation(), "learned": made},
            choose=lambda _, clean, at: needed(protocol, clean, labels=labels[at], top_k=_TOP_K),
        )
        last[protocol] = scored.by_noise["learned"]
        return time.perf_counter() - started

    measures: dict[str, Callable[[], float]] = {"bare forward": lambda: best_of(bare, 1)}
    measures |= {protocol: partial(use, protocol) for protocol in passes}
    found = interleave(measures, rounds)
    change = _noise_change(classifier, shown, made, last[next(iter(passes))])
    allowed = LOGIT if model.dtype == torch.float32 else 1.0
    return [
        Row(
            "8",
            protocol + (f" over {len(classes)} classes" if protocol == "candidate" else "") + on,
            f"{number} bare forwards",
            ratios(found[protocol], [number * seconds for seconds in found["bare forward"]]),
            goal=goal,
            details=medians(found),
            checks=[Check("logit", change, allowed)],
        )
        for protocol, number in passes.items()
    ]


@torch.inference_mode()
def _noise_change(
    classifier: ZeroShot, shown: MaskedClips, noise: PixelNoise, scored: NoiseScores
) -> float:
    """Compare the first clip's scores under each class's noise with plain sums; logits."""
    model = classifier.model
    frames = torch.from_numpy(shown.frames.clip(shown.evaluated[0]).copy()).to(model.device)
    mean, std = (
        torch.tensor(part, device=model.device).view(3, 1, 1)
        for part in (model.scale.mean, model.scale.std)
    )
    times = torch.arange(len(frames), device=model.device)
    largest = 0.0
    for column in np.flatnonzero(~np.isnan(scored.scores[0, :, 0]))[:4]:
        delta = noise.delta(torch.full_like(times, int(column)), times)
        noisy = (frames.float() + delta).clamp(0, 255).round()
        pixels = ((noisy / 255 - mean) / std).to(model.dtype)
        clip = torch.nn.functional.normalize(model.encode_pixels(pixels).mean(dim=0), dim=-1)
        plain = model.logit_scale * clip @ classifier.class_embeddings.T
        found = scored.scores[0, column]
        largest = max(largest, difference(found, plain.float().cpu().numpy()))
    return largest
