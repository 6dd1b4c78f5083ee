"""Learned noise on disk: learned once for all that shapes it, checked when it is read."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from clip_har.atomic import whole_file
from clip_har.errors import ClipHarError
from clip_har.models.zero_shot import ZeroShot
from clip_har.noise.controls import calibrate
from clip_har.noise.learning import Course, learn
from clip_har.noise.perturbation import Perturbation, make_perturbation
from clip_har.noise.settings import Learned
from clip_har.noise.training_clips import TrainingClips

log = logging.getLogger(__name__)

FORMAT = 1
NOISE_FILE = "noise.safetensors"


@dataclass(frozen=True, eq=False)
class FittedNoise:
    """Noise that was learned.

    Attributes:
        perturbation: the noise.
        course: how learning went.
        scale: of the calibration control: what scores are multiplied by.
        biases: ``(C,)``, what is then added.
        card: what it was learned from, and how; a JSON object.
    """

    perturbation: Perturbation
    course: Course
    scale: float
    biases: NDArray[np.float64]
    card: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write it as safetensors with its card in the metadata."""
        tensors = _tensors(self.perturbation.parts)
        tensors["calibration.biases"] = torch.from_numpy(self.biases)
        metadata = {
            "card": json.dumps(self.card),
            "course": self.course.to_json(),
            "calibration.scale": repr(self.scale),
            "digest": _digest(tensors),
        }
        with whole_file(path) as temporary:
            save_file(tensors, temporary, metadata=metadata)


def learned_noise(
    noise: Learned,
    zero_shot: ZeroShot,
    training: Callable[[], TrainingClips],
    *,
    described: dict[str, Any],
    frames: int,
    cache_dir: Path,
) -> FittedNoise:
    """Return noise, learning it where no process has done so before.

    Args:
        noise: the settings.
        zero_shot: the model with its classes.
        training: gives the clips that it is learned from; asked only where it is needed.
        described: all that shapes the result, see `clip_har.noise.identity.described_fit`; it
            names the fit, and it is kept in the noise's card.
        frames: of a clip; counts for noise that is not still.
        cache_dir: fits are kept below ``noise`` in it.

    Raises:
        ClipHarError: when it cannot be kept there.
    """
    text = json.dumps([FORMAT, described], sort_keys=True)
    key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    path = cache_dir / "noise" / key / NOISE_FILE
    start = make_perturbation(
        noise, model=zero_shot.model, classifier=zero_shot.classifier, frames=frames
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if (found := _read(path, start)) is not None:
                return found
            log.info("learning %s noise (once, kept in %s)", described["kind"], path.parent)
            clips = training()
            best, course = learn(noise, start, zero_shot, clips, state=path.with_suffix(".partial"))
            scale, biases = calibrate(noise, zero_shot, clips)
            card = {
                **described,
                "class_names": clips.frames.clip_set.class_names,
                "training_clips": len(clips.learned_from),
                "validation_clips": len(clips.validated_on),
                "steps": course.steps,
                "kept_step": course.kept,
            }
            fitted = FittedNoise(best, course, scale, biases, card)
            fitted.save(path)
    except OSError as error:
        raise ClipHarError(
            f"cache_dir={cache_dir}: learned noise cannot be kept there ({error.strerror})"
        ) from error
    if course.validation[course.kept] <= course.validation[0]:
        log.warning(
            "%s noise serves the validation clips no better than none: %.3f after %d steps, %.3f"
            " at the start",
            described["kind"],
            course.validation[course.kept],
            course.kept,
            course.validation[0],
        )
    return fitted


def load_noise(
    path: Path,
    noise: Learned,
    zero_shot: ZeroShot,
    *,
    class_names: tuple[str, ...],
    frames: int,
) -> FittedNoise:
    """Read the noise of another run, and check that it is what the settings say.

    Args:
        path: a ``noise.safetensors`` that `FittedNoise.save` wrote.
        noise: the settings.
        zero_shot: the model that it is used with.
        class_names: of the clips.
        frames: of a clip; counts for noise that is not still.

    Raises:
        ClipHarError: when it is missing, damaged, of another kind, size or class set, or outside
            the budget.
    """
    if not path.is_file():
        raise ClipHarError(f"noise.file={path}: there is no such file; expected {NOISE_FILE}")
    start = make_perturbation(
        noise, model=zero_shot.model, classifier=zero_shot.classifier, frames=frames
    )
    found = _read(path, start, told=True)
    assert found is not None  # noqa: S101, otherwise it was told
    kind, names = found.card["kind"], tuple(found.card["class_names"])
    if kind != type(noise).__name__:
        raise ClipHarError(f"noise.file={path}: expected {type(noise).__name__}, got {kind}")
    if names != class_names:
        other = sorted(set(names) ^ set(class_names))[:3] or ["in another order"]
        raise ClipHarError(
            f"noise.file={path}: expected noise for the {len(class_names)} classes of the clips,"
            f" got {len(names)} classes (differing: {', '.join(other)})"
        )
    parts = found.perturbation.parts
    before = {name: part.clone() for name, part in parts.items()}
    found.perturbation.project()
    if any((part - before[name]).abs().max() > 1e-3 for name, part in parts.items()):
        raise ClipHarError(
            f"noise.file={path}: it is larger than noise.epsilon allows; it was learned with"
            f" {found.card['noise'].get('epsilon')}"
        )
    if found.card["weights"] != zero_shot.model.digest:
        log.warning("noise.file=%s was learned with other weights than the cell's", path)
    return found


def _read(path: Path, start: Perturbation, *, told: bool = False) -> FittedNoise | None:
    """Read noise shaped like ``start``; None, or an error where it is told, without one."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.get("digest") != _digest(tensors):
            raise ValueError("its values are not those that were written")
        biases = tensors.pop("calibration.biases")
        shapes = {f"part.{name}": part.shape for name, part in start.parts.items()}
        if {name: tensor.shape for name, tensor in tensors.items()} != shapes:
            raise ValueError(f"expected δ of shape {_shown(shapes)}, got {_shown(tensors)}")
        parts = {
            name: tensors[f"part.{name}"].to(part.device) for name, part in start.parts.items()
        }
        return FittedNoise(
            perturbation=start.with_parts(parts),
            course=Course.from_json(metadata["course"]),
            scale=float(metadata["calibration.scale"]),
            biases=biases.numpy(),
            card=json.loads(metadata["card"]),
        )
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        if told:
            raise ClipHarError(f"noise.file={path}: not usable here: {error}") from error
        return None  # nothing there, or damaged: made again


def _shown(shapes: Any) -> str:
    return ", ".join(
        f"{name.removeprefix('part.')} {tuple(getattr(value, 'shape', value))}"
        for name, value in sorted(shapes.items())
    )


def _tensors(parts: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"part.{name}": part.detach().cpu().contiguous() for name, part in parts.items()}


def _digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
